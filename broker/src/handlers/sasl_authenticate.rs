//! `SaslAuthenticate` (key 36), and the bare tokens that follow a `SaslHandshake` of version 0.
//!
//! A failure is answered with 58 and a text after a delay, then the connection is closed; a bare one is closed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::broker::Broker;
use crate::connection::{Connection, Principal, Reply};
use crate::dispatch::Context;
use crate::protocol::messages::{SaslAuthenticateRequest, SaslAuthenticateResponse};
use crate::protocol::{ErrorCode, Frame, Writer};
use crate::sasl::{State, Step};

pub(crate) async fn handle(context: &Context, request: SaslAuthenticateRequest) -> Reply {
    let refused = |code: ErrorCode, message: String| SaslAuthenticateResponse {
        error_code: code.code(),
        error_message: Some(message),
        ..Default::default()
    };
    match judge(&context.broker, &context.connection, request.auth_bytes).await {
        Judged::Untimely => {
            let message = "SaslAuthenticate request received after successful authentication".to_owned();
            Reply::Ready(context.respond(&refused(ErrorCode::IllegalSaslState, message)))
        }
        Judged::Continue(token) => {
            let response = SaslAuthenticateResponse { auth_bytes: token.into(), ..Default::default() };
            Reply::Ready(context.respond(&response))
        }
        Judged::Authenticated(token, lifetime) => {
            let response = SaslAuthenticateResponse {
                auth_bytes: token.into(),
                session_lifetime_ms: i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX),
                ..Default::default()
            };
            Reply::Ready(context.respond(&response))
        }
        Judged::Failed(reason) => {
            Reply::Last(context.respond(&refused(ErrorCode::SaslAuthenticationFailed, reason)))
        }
    }
}

/// Takes a token that came without a header. The answer has none either.
pub(crate) async fn bare(broker: &Broker, connection: &Arc<Connection>, token: Bytes) -> Reply {
    match judge(broker, connection, token).await {
        Judged::Continue(token) | Judged::Authenticated(token, _) => Reply::Ready(bare_frame(&token)),
        Judged::Failed(_) | Judged::Untimely => Reply::Close,
    }
}

fn bare_frame(token: &[u8]) -> Frame {
    let mut writer = Writer::new();
    writer.raw(token);
    writer.finish()
}

/// What a token came to.
enum Judged {
    /// No token was expected.
    Untimely,
    Continue(Vec<u8>),
    /// Lifetime zero is without end.
    Authenticated(Vec<u8>, Duration),
    /// After the delay.
    Failed(String),
}

async fn judge(broker: &Broker, connection: &Arc<Connection>, token: Bytes) -> Judged {
    let (chosen, exchange, begun_again) = match &mut *connection.sasl() {
        State::Exchanging { mechanism, exchange, again, .. } => match exchange.take() {
            Some(exchange) => (*mechanism, exchange, *again),
            None => return Judged::Untimely,
        },
        State::Open | State::Unauthenticated | State::Authenticated { .. } => return Judged::Untimely,
    };
    let step = {
        let _turn = broker.logins().acquire().await;
        let broker = broker.clone();
        let hashing = tokio::task::spawn_blocking(move || exchange.step(&token, broker.credentials()));
        hashing
            .await
            .unwrap_or_else(|_| Step::Failed("Authentication failed inside of the broker".to_owned()))
    };
    let reason = match step {
        Step::Continue(next, reply) => {
            if let State::Exchanging { exchange, .. } = &mut *connection.sasl() {
                *exchange = Some(next);
            }
            return Judged::Continue(reply);
        }
        Step::Authenticated(user, reply) => {
            let principal = Principal::user(&user);
            if connection.set_principal(&principal) {
                let lifetime = connection.listener.sasl.as_ref().and_then(|sasl| sasl.session_lifetime);
                let until = lifetime.map(|lifetime| Instant::now() + lifetime);
                *connection.sasl() = State::Authenticated { mechanism: chosen, until, again: begun_again };
                tracing::debug!(peer = %connection.peer, principal = principal.name(), "authenticated");
                return Judged::Authenticated(reply, lifetime.unwrap_or_default());
            }
            let before = connection.principal().name();
            format!("Cannot change principals during re-authentication from {before}: {}", principal.name())
        }
        Step::Failed(reason) => reason,
    };
    tracing::warn!(
        peer = %connection.peer, listener = %connection.listener.name, mechanism = chosen.name(),
        software = %connection.software(), reason, "authentication failed"
    );
    tokio::select! {
        () = tokio::time::sleep(broker.config().failed_authentication_delay) => {}
        () = connection.closed.cancelled() => {}
    }
    Judged::Failed(reason)
}
