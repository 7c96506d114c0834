//! Carries one SASL token (key 36).

use bytes::Bytes;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `SaslAuthenticate` request.
    SaslAuthenticateRequest: key 36, versions 0..=2, flexible 2;
    auth_bytes: Bytes;
}

message! {
    /// The `SaslAuthenticate` response.
    SaslAuthenticateResponse: key 36, versions 0..=2, flexible 2;
    error_code: i16;
    error_message: Option<String>;
    auth_bytes: Bytes;
    session_lifetime_ms: i64, since 1;
}
