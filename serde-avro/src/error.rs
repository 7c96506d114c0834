//! The one error of this crate: a situation each, with what a caller needs in order to act on it.

use std::sync::Arc;
use std::time::Duration;

use crate::client::{CompatibilityExplanation, TextPlace};
use crate::plan::{DecodeError, EncodeError, PlanError};
use crate::properties::ConfigError;
use crate::wire::{FrameError, SchemaKey};

/// Code that stands for an error answer whose body is not the registry's JSON; never sent by a registry.
pub const UNREADABLE_BODY_CODE: i32 = 50005;

/// An error answer of the registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} {url}: {message}; error code: {error_code}")]
pub struct ErrorResponse {
    /// HTTP method of the request.
    pub method: &'static str,
    /// Address of the request, without credentials.
    pub url: String,
    /// HTTP status.
    pub status: u16,
    /// The registry's own code, such as 40403; [`UNREADABLE_BODY_CODE`] when the body was not its JSON.
    pub error_code: i32,
    /// The registry's text, shortened when it is very long.
    pub message: String,
    /// What keeps a refused schema from following, where it was asked for
    /// ([`RegisterOptions::explain`](crate::client::RegisterOptions::explain)). Only Assay's registry says so.
    pub explanation: Option<Box<CompatibilityExplanation>>,
    /// Where the text of an invalid schema is wrong. Only Assay's registry says so.
    pub place: Option<TextPlace>,
}

/// Which step of an exchange with the registry broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransportKind {
    /// No connection: refused, unreachable, unknown host, or a failed TLS handshake.
    Connect,
    /// The connect or read timeout passed.
    Timeout,
    /// The connection broke after the request was sent.
    Interrupted,
    /// The answer had status 2xx and a body that is not what the endpoint documents.
    Body,
    /// The answer was larger than the client accepts.
    TooLarge,
}

/// An exchange with the registry that brought no usable answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{method} {url}: {reason}")]
pub struct TransportError {
    /// HTTP method of the request.
    pub method: &'static str,
    /// Address of the request, without credentials.
    pub url: String,
    /// Which step broke.
    pub kind: TransportKind,
    /// The cause in words, from the outermost to the innermost.
    pub reason: String,
    /// The cause.
    #[source]
    pub source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// The last thing that went wrong before the client gave up.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum LastFailure {
    /// The registry answered with an error.
    #[error(transparent)]
    Response(#[from] ErrorResponse),
    /// There was no usable answer.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// What to do with the record, or the program, that met an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// The same call can succeed later: keep the record and try again.
    Retry,
    /// This record will never pass: put it aside and go on.
    DeadLetter,
    /// No record will pass until configuration, rights or schemas change: stop.
    Fatal,
}

/// Everything that can go wrong between a value and its framed bytes.
///
/// Cheap to clone, because callers that wait for the same look-up share its outcome.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The payload cannot carry a schema id: it is too short, or its first byte is no magic byte.
    #[error("the payload of {len} bytes does not start with a schema id (first byte {first_byte:?})")]
    NotFramed {
        /// First byte, if there is one.
        first_byte: Option<u8>,
        /// Length of the payload in bytes.
        len: usize,
    },
    /// The schema header is malformed: unknown magic byte or a wrong length.
    #[error("schema header of {len} bytes is malformed (first byte {first_byte:?})")]
    UnknownMagic {
        /// First byte of the header, if there is one.
        first_byte: Option<u8>,
        /// Length of the header in bytes.
        len: usize,
    },
    /// A synchronous call met a schema that is not loaded yet; `load` it, or use the asynchronous call.
    #[error("schema {0} is not loaded yet")]
    NeedsSchema(SchemaKey),
    /// The registry does not know the schema (40403).
    #[error("schema {key} not found")]
    SchemaNotFound {
        /// The id or GUID that was asked for.
        key: SchemaKey,
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The registry knows the subject, but not this schema under it (40403 on a look-up).
    #[error("the schema is not registered under subject {subject}")]
    SchemaNotRegistered {
        /// The subject.
        subject: String,
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The subject does not exist, or has no live version (40401).
    #[error("subject not found: {response}")]
    SubjectNotFound {
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The version does not exist (40402).
    #[error("version not found: {response}")]
    VersionNotFound {
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// Another thing that was asked for does not exist (404 with any other code).
    #[error("not found: {response}")]
    NotFound {
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The registry refused a schema that is incompatible with its predecessors (409).
    #[error("incompatible schema: {response}")]
    Incompatible {
        /// The registry's answer, which lists the reasons.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The registry refused the schema as invalid (42201).
    #[error("invalid schema: {response}")]
    InvalidSchema {
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The registry does not know who is calling (401).
    #[error("not authenticated: {response}")]
    Unauthorized {
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The caller lacks the right (403).
    #[error("not allowed: {response}")]
    Forbidden {
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The registry asks for fewer requests (429), and the retries are used up.
    #[error("throttled by the registry: {response}")]
    Throttled {
        /// How long the registry asked to wait, if it said so.
        retry_after: Option<Duration>,
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// The registry refused the request for another reason (any other 4xx).
    #[error("the registry refused: {response}")]
    Refused {
        /// The registry's answer.
        #[source]
        response: Box<ErrorResponse>,
    },
    /// No registry address gave a usable answer, and the retries are used up.
    #[error("the registry is unavailable after {attempts} attempts: {last}")]
    RegistryUnavailable {
        /// How many requests were sent.
        attempts: u32,
        /// The last failure.
        #[source]
        last: Box<LastFailure>,
    },
    /// The last attempt ended in a timeout, and the retries are used up.
    #[error("the registry did not answer in time after {attempts} attempts: {last}")]
    Timeout {
        /// How many requests were sent.
        attempts: u32,
        /// The last failure.
        #[source]
        last: Box<LastFailure>,
    },
    /// The registry answered with success and a body that cannot be understood.
    #[error("unusable answer: {source}")]
    Protocol {
        /// What was wrong.
        #[source]
        source: Box<TransportError>,
    },
    /// The identity provider did not issue an access token.
    #[error("no access token: {reason}")]
    Token {
        /// Whether asking again can help.
        retriable: bool,
        /// What the provider said, or why it could not be reached.
        reason: String,
    },
    /// A schema that the registry handed out cannot be parsed here.
    #[error("schema {key} from the registry cannot be parsed: {source}")]
    UnreadableSchema {
        /// Which schema.
        key: SchemaKey,
        /// What the parser found.
        #[source]
        source: Arc<assay_schema_core::SchemaError>,
    },
    /// A schema of the registry has another type than Avro.
    #[error("schema {key} is of type {schema_type}, not AVRO")]
    NotAvro {
        /// Which schema.
        key: SchemaKey,
        /// Its type, as the registry spells it.
        schema_type: String,
    },
    /// References of a schema are circular, too deep or too many.
    #[error("the references of schema {key} exceed {limit} {what}")]
    References {
        /// Which schema.
        key: SchemaKey,
        /// What there is too much of.
        what: &'static str,
        /// The most that is allowed.
        limit: usize,
    },
    /// The bytes do not hold a value of their schema, or not one of the asked type.
    #[error("cannot decode a record of schema {key}: {source}")]
    Decode {
        /// Schema the record was written with.
        key: SchemaKey,
        /// Path, offset and kind of the first fault.
        #[source]
        source: Box<DecodeError>,
    },
    /// The bytes of a part that carries no schema are not of the asked type.
    #[error("the {} of {len} bytes is not of the asked type", part.as_str())]
    NotReadable {
        /// Key or value.
        part: crate::wire::Part,
        /// Length in bytes.
        len: usize,
    },
    /// The value does not fit the schema it is to be written with.
    #[error("cannot encode a record for subject {subject}: {source}")]
    Encode {
        /// Subject of the schema; empty when only its id is known.
        subject: String,
        /// Path and kind of the fault.
        #[source]
        source: Box<EncodeError>,
    },
    /// The writer's schema cannot be compiled, or can never be read with the reader's.
    #[error("schema {key} cannot be used: {source}")]
    Resolution {
        /// The writer's schema.
        key: SchemaKey,
        /// Why not.
        #[source]
        source: Arc<PlanError>,
    },
    /// The schema that the configuration selects cannot read what this program writes.
    #[error(
        "the schema selected for subject {subject} cannot read this program's schema: {reason}; \
         set {property}=false to disable this check"
    )]
    IncompatibleSelection {
        /// The subject, or the id in words.
        subject: String,
        /// The first incompatibility.
        reason: String,
        /// The property that turns the check off.
        property: &'static str,
    },
    /// The schema carries rules of a type that this crate cannot run, so going on could write unprotected data.
    #[error("schema of subject {subject} has rule {rule} of type {rule_type}, which cannot be run here")]
    UnsupportedRule {
        /// The subject; empty when only an id is known.
        subject: String,
        /// Name of the rule.
        rule: String,
        /// Type of the rule.
        rule_type: String,
    },
    /// A topic has several subjects associated with it.
    #[error("multiple associated subjects found for topic {topic}")]
    AmbiguousAssociation {
        /// The topic.
        topic: String,
    },
    /// A topic has no subject associated with it, and no fallback is configured.
    #[error("no associated subject found for topic {topic}")]
    NoAssociation {
        /// The topic.
        topic: String,
    },
    /// The configuration, or the use of the crate, is wrong.
    #[error(transparent)]
    Config(#[from] ConfigError),
}

impl Error {
    /// What to do about it. Total: every situation has exactly one answer.
    ///
    /// ```
    /// use assay_serde_avro::{Disposition, Error};
    ///
    /// let error = Error::NotFramed { first_byte: Some(b'{'), len: 10 };
    /// assert_eq!(error.disposition(), Disposition::DeadLetter);
    /// ```
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::NeedsSchema(_)
            | Self::Throttled { .. }
            | Self::RegistryUnavailable { .. }
            | Self::Timeout { .. }
            | Self::Token { retriable: true, .. } => Disposition::Retry,
            Self::NotFramed { .. }
            | Self::UnknownMagic { .. }
            | Self::SchemaNotFound { .. }
            | Self::UnreadableSchema { .. }
            | Self::NotAvro { .. }
            | Self::References { .. }
            | Self::Decode { .. }
            | Self::NotReadable { .. }
            | Self::Encode { .. }
            | Self::Resolution { .. } => Disposition::DeadLetter,
            Self::SchemaNotRegistered { .. }
            | Self::SubjectNotFound { .. }
            | Self::VersionNotFound { .. }
            | Self::NotFound { .. }
            | Self::Incompatible { .. }
            | Self::InvalidSchema { .. }
            | Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::Refused { .. }
            | Self::Protocol { .. }
            | Self::Token { retriable: false, .. }
            | Self::IncompatibleSelection { .. }
            | Self::UnsupportedRule { .. }
            | Self::AmbiguousAssociation { .. }
            | Self::NoAssociation { .. }
            | Self::Config(_) => Disposition::Fatal,
        }
    }

    /// Whether the same call can succeed later without any change.
    pub fn is_retriable(&self) -> bool {
        self.disposition() == Disposition::Retry
    }

    /// HTTP status of the registry's answer, if there was one.
    pub fn http_status(&self) -> Option<u16> {
        self.response().map(|response| response.status)
    }

    /// The registry's numeric code, such as 40403, if there was an answer.
    pub fn error_code(&self) -> Option<i32> {
        self.response().map(|response| response.error_code)
    }

    /// The registry's error answer, if there was one.
    pub fn response(&self) -> Option<&ErrorResponse> {
        match self {
            Self::SchemaNotFound { response, .. }
            | Self::SchemaNotRegistered { response, .. }
            | Self::SubjectNotFound { response }
            | Self::VersionNotFound { response }
            | Self::NotFound { response }
            | Self::Incompatible { response }
            | Self::InvalidSchema { response }
            | Self::Unauthorized { response }
            | Self::Forbidden { response }
            | Self::Throttled { response, .. }
            | Self::Refused { response } => Some(response),
            Self::RegistryUnavailable { last, .. } | Self::Timeout { last, .. } => match &**last {
                LastFailure::Response(response) => Some(response),
                LastFailure::Transport(_) => None,
            },
            _ => None,
        }
    }

    /// A 404 on a look-up by id or GUID is about that schema.
    pub(crate) fn about_schema(self, key: SchemaKey) -> Self {
        match self {
            Self::NotFound { response } if response.error_code == 40403 => {
                Self::SchemaNotFound { key, response }
            }
            other => other,
        }
    }

    /// A 40403 on a look-up by content is about a subject's versions.
    pub(crate) fn about_registration(self, subject: &str) -> Self {
        match self {
            Self::NotFound { response } if response.error_code == 40403 => {
                Self::SchemaNotRegistered { subject: subject.to_owned(), response }
            }
            other => other,
        }
    }

    /// The schema the record was written with, where that is known.
    pub fn schema_key(&self) -> Option<SchemaKey> {
        match self {
            Self::NeedsSchema(key)
            | Self::SchemaNotFound { key, .. }
            | Self::UnreadableSchema { key, .. }
            | Self::NotAvro { key, .. }
            | Self::References { key, .. }
            | Self::Decode { key, .. }
            | Self::Resolution { key, .. } => Some(*key),
            _ => None,
        }
    }
}

impl From<FrameError> for Error {
    fn from(error: FrameError) -> Self {
        match error {
            FrameError::Payload { first_byte, len } => Self::NotFramed { first_byte, len },
            FrameError::Header { first_byte, len } => Self::UnknownMagic { first_byte, len },
        }
    }
}

#[cfg(test)]
mod tests;
