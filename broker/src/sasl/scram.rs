//! The server's side of SCRAM (RFC 5802), without channel binding.
//!
//! ```text
//! client   n,,n=ann,r=<client nonce>
//! server   r=<client nonce><server nonce>,s=<salt>,i=<iterations>
//! client   c=biws,r=<both nonces>,p=<proof>
//! server   v=<signature>
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::credentials::{Credentials, ScramCredential, ScramMechanism, fill_random};

/// Longest message of a client.
const MESSAGE_BYTES_MAX: usize = 4096;
const NONCE_BYTES: usize = 24;

/// A challenge that was sent and not answered yet.
#[derive(Debug)]
pub(crate) struct Challenge {
    mechanism: ScramMechanism,
    user: String,
    /// The user's, or a made-up one.
    credential: ScramCredential,
    /// Whether there is such a user.
    known: bool,
    client_first_bare: String,
    server_first: String,
    /// The header of the first message, which the last one repeats.
    header: String,
    nonce: String,
}

/// Reads the client's first message and makes the challenge. Users that do not exist are challenged as the others.
pub(super) fn begin(
    mechanism: ScramMechanism,
    token: &[u8],
    users: &Credentials,
) -> Result<(Challenge, Vec<u8>), String> {
    let malformed = || format!("Invalid {} message", mechanism.name());
    if token.len() > MESSAGE_BYTES_MAX {
        return Err(malformed());
    }
    let text = std::str::from_utf8(token).map_err(|_| malformed())?;
    let (binding, rest) = text.split_once(',').ok_or_else(malformed)?;
    let (acting, bare) = rest.split_once(',').ok_or_else(malformed)?;
    if !matches!(binding, "n" | "y") {
        return Err("Channel binding is not supported".to_owned());
    }
    let mut fields = bare.split(',');
    let user = fields.next().and_then(|field| field.strip_prefix("n=")).ok_or_else(malformed)?;
    let client_nonce = fields.next().and_then(|field| field.strip_prefix("r=")).ok_or_else(malformed)?;
    let printable = client_nonce.bytes().all(|byte| (0x21..=0x7e).contains(&byte));
    if client_nonce.is_empty() || !printable {
        return Err(malformed());
    }
    if fields.any(|extension| extension == "tokenauth=true") {
        return Err("Delegation tokens are not supported".to_owned());
    }
    let user = unescape(user).ok_or_else(malformed)?;
    let acting = match acting.strip_prefix("a=") {
        Some(acting) => unescape(acting).ok_or_else(malformed)?,
        None if acting.is_empty() => String::new(),
        None => return Err(malformed()),
    };
    if !acting.is_empty() && acting != user {
        return Err("Client requested an authorization id that is different from username".to_owned());
    }
    let mut random = [0; NONCE_BYTES];
    fill_random(&mut random).map_err(|_| "The server has no random bytes".to_owned())?;
    let nonce = format!("{client_nonce}{}", STANDARD_NO_PAD.encode(random));
    let (credential, known) = users.find(&user, mechanism);
    let server_first =
        format!("r={nonce},s={},i={}", STANDARD.encode(&credential.salt), credential.iterations);
    let reply = server_first.clone().into_bytes();
    let header_end = text.len() - bare.len();
    let header = text.get(..header_end).unwrap_or_default().to_owned();
    let challenge = Challenge {
        mechanism,
        user,
        credential,
        known,
        client_first_bare: bare.to_owned(),
        server_first,
        header,
        nonce,
    };
    Ok((challenge, reply))
}

impl Challenge {
    /// Judges the client's proof: the user and the server's signature.
    pub(super) fn finish(self, token: &[u8]) -> Result<(String, Vec<u8>), String> {
        let name = self.mechanism.name();
        let malformed = || format!("Invalid {name} message");
        if token.len() > MESSAGE_BYTES_MAX {
            return Err(malformed());
        }
        let text = std::str::from_utf8(token).map_err(|_| malformed())?;
        let (without_proof, proof) = text.rsplit_once(",p=").ok_or_else(malformed)?;
        let proof = STANDARD.decode(proof).map_err(|_| malformed())?;
        let mut fields = without_proof.split(',');
        let header = fields.next().and_then(|field| field.strip_prefix("c=")).ok_or_else(malformed)?;
        let nonce = fields.next().and_then(|field| field.strip_prefix("r=")).ok_or_else(malformed)?;
        if STANDARD.decode(header).map_err(|_| malformed())? != self.header.as_bytes() || nonce != self.nonce
        {
            return Err(malformed());
        }
        let auth_message = format!("{},{},{without_proof}", self.client_first_bare, self.server_first);
        match self.credential.check_proof(self.mechanism, auth_message.as_bytes(), &proof) {
            Some(signature) if self.known => {
                Ok((self.user, format!("v={}", STANDARD.encode(signature)).into_bytes()))
            }
            _ => Err(format!(
                "Authentication failed during authentication due to invalid credentials with SASL mechanism {name}"
            )),
        }
    }
}

/// `=2C` is a comma and `=3D` an equals sign; no other escape exists.
fn unescape(name: &str) -> Option<String> {
    let mut out = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('=') {
        out.push_str(before);
        out.push(if after.starts_with("2C") {
            ','
        } else if after.starts_with("3D") {
            '='
        } else {
            return None;
        });
        rest = after.get(2..)?;
    }
    out.push_str(rest);
    (!out.is_empty()).then_some(out)
}
