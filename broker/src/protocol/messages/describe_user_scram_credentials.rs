//! Lists SCRAM credentials (key 50).

use crate::protocol::declare::{bound_or, default_value, message, structure};

message! {
    /// The `DescribeUserScramCredentials` request.
    DescribeUserScramCredentialsRequest: key 50, versions 0..=0, flexible 0;
    users: Option<Vec<UserName>>;
}

structure! {
    /// An `UserName` of [`DescribeUserScramCredentialsRequest`].
    UserName;
    name: String;
}

message! {
    /// The `DescribeUserScramCredentials` response.
    DescribeUserScramCredentialsResponse: key 50, versions 0..=0, flexible 0;
    throttle_time_ms: i32;
    error_code: i16;
    error_message: Option<String>;
    results: Vec<DescribeUserScramCredentialsResult>;
}

structure! {
    /// A `DescribeUserScramCredentialsResult` of [`DescribeUserScramCredentialsResponse`].
    DescribeUserScramCredentialsResult;
    user: String;
    error_code: i16;
    error_message: Option<String>;
    credential_infos: Vec<CredentialInfo>;
}

structure! {
    /// A `CredentialInfo` of [`DescribeUserScramCredentialsResponse`].
    CredentialInfo;
    mechanism: i8;
    iterations: i32;
}
