//! Chooses a SASL mechanism (key 17).

use crate::protocol::declare::{NEVER, bound_or, default_value, message, structure};

message! {
    /// The `SaslHandshake` request.
    SaslHandshakeRequest: key 17, versions 0..=1, flexible NEVER;
    mechanism: String;
}

message! {
    /// The `SaslHandshake` response.
    SaslHandshakeResponse: key 17, versions 0..=1, flexible NEVER;
    error_code: i16;
    mechanisms: Vec<String>;
}
