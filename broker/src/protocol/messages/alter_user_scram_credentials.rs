//! Changes SCRAM credentials (key 51).

use bytes::Bytes;

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `AlterUserScramCredentials` request.
    AlterUserScramCredentialsRequest: key 51, versions 0..=0, flexible 0;
    deletions: Vec<ScramCredentialDeletion>;
    upsertions: Vec<ScramCredentialUpsertion>;
}

structure! {
    /// A `ScramCredentialDeletion` of [`AlterUserScramCredentialsRequest`].
    ScramCredentialDeletion;
    name: String;
    mechanism: i8;
}

structure! {
    /// A `ScramCredentialUpsertion` of [`AlterUserScramCredentialsRequest`].
    ScramCredentialUpsertion;
    name: String;
    mechanism: i8;
    iterations: i32;
    salt: Bytes;
    salted_password: Bytes;
}

message! {
    /// The `AlterUserScramCredentials` response.
    AlterUserScramCredentialsResponse: key 51, versions 0..=0, flexible 0;
    throttle_time_ms: i32;
    results: Vec<AlterUserScramCredentialsResult>;
}

structure! {
    /// An `AlterUserScramCredentialsResult` of [`AlterUserScramCredentialsResponse`].
    AlterUserScramCredentialsResult;
    user: String;
    error_code: i16;
    error_message: Option<String>;
}
