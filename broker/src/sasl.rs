//! Authentication of connections (SASL): PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512.
//!
//! A connection chooses a mechanism with `SaslHandshake` and exchanges tokens, wrapped in `SaslAuthenticate` after a
//! handshake of version 1 and bare after one of version 0. Until that has succeeded nothing but `ApiVersions` is served.
//! A connection may authenticate again as the same user (KIP-368), and has to when its session has a limited lifetime.

use std::time::{Duration, Instant};

use crate::credentials::{Credentials, ScramMechanism};

mod scram;
#[cfg(test)]
mod tests;

/// A way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mechanism {
    /// User and password as they are (RFC 4616); for listeners with TLS.
    Plain,
    /// A proof that the password is known (RFC 5802).
    Scram(ScramMechanism),
}

impl Mechanism {
    /// Its name in SASL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(scram) => scram.name(),
        }
    }

    /// By its name in SASL.
    pub fn from_name(name: &str) -> Option<Self> {
        if name == "PLAIN" { Some(Self::Plain) } else { ScramMechanism::from_name(name).map(Self::Scram) }
    }
}

/// What a listener offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaslSettings {
    /// `sasl.enabled.mechanisms`.
    pub mechanisms: Vec<Mechanism>,
    /// `connections.max.reauth.ms`; `None` for sessions without end.
    pub session_lifetime: Option<Duration>,
}

/// How far an exchange of tokens has come.
#[derive(Debug)]
pub(crate) enum Exchange {
    /// Nothing was said yet.
    Begun(Mechanism),
    /// SCRAM: the proof is awaited.
    Challenged(Box<scram::Challenge>),
}

/// What a token led to.
#[derive(Debug)]
pub(crate) enum Step {
    /// Send this and wait for the next token.
    Continue(Exchange, Vec<u8>),
    /// The peer is this user. Send this last.
    Authenticated(String, Vec<u8>),
    /// The peer is not who it says, or makes no sense.
    Failed(String),
}

impl Exchange {
    /// Takes the peer's next token. Blocks: passwords are hashed and users may be read again.
    pub(crate) fn step(self, token: &[u8], users: &Credentials) -> Step {
        match self {
            Self::Begun(Mechanism::Plain) => plain(token, users),
            Self::Begun(Mechanism::Scram(mechanism)) => match scram::begin(mechanism, token, users) {
                Ok((challenge, reply)) => Step::Continue(Self::Challenged(Box::new(challenge)), reply),
                Err(reason) => Step::Failed(reason),
            },
            Self::Challenged(challenge) => match challenge.finish(token) {
                Ok((user, reply)) => Step::Authenticated(user, reply),
                Err(reason) => Step::Failed(reason),
            },
        }
    }
}

/// `[authzid] NUL authcid NUL password`.
fn plain(token: &[u8], users: &Credentials) -> Step {
    let failed = |reason: &str| Step::Failed(format!("Authentication failed: {reason}"));
    let Ok(text) = std::str::from_utf8(token) else { return failed("the PLAIN token is not UTF-8") };
    let mut parts = text.split('\0');
    let (Some(acting), Some(user), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return failed("the PLAIN token does not have three parts");
    };
    if user.is_empty() || password.is_empty() {
        return failed("username or password not specified");
    }
    if !users.verify(user, password) {
        return failed("Invalid username or password");
    }
    if !acting.is_empty() && acting != user {
        return failed("Client requested an authorization id that is different from username");
    }
    Step::Authenticated(user.to_owned(), Vec::new())
}

/// Where a connection stands.
#[derive(Debug)]
pub(crate) enum State {
    /// The listener asks for no password.
    Open,
    /// A mechanism has to be chosen.
    Unauthenticated,
    /// Tokens go back and forth.
    Exchanging {
        /// What was chosen.
        mechanism: Mechanism,
        /// Tokens come bare.
        bare: bool,
        /// How far it has come; `None` while a token is being judged.
        exchange: Option<Exchange>,
        /// When it began, unless it is the connection's first.
        again: Option<Instant>,
    },
    /// The peer is known.
    Authenticated {
        /// How.
        mechanism: Mechanism,
        /// Until when; then only authenticating again is served.
        until: Option<Instant>,
        /// When authenticating began, unless it was the first time.
        again: Option<Instant>,
    },
}

impl State {
    /// Whether anything but authentication may be served at `now`.
    pub(crate) fn is_settled(&self, now: Instant) -> bool {
        match self {
            Self::Open => true,
            Self::Unauthenticated | Self::Exchanging { .. } => false,
            Self::Authenticated { until, .. } => until.is_none_or(|until| now < until),
        }
    }
}
