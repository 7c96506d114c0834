//! Errors on the wire: one mapping from situations to HTTP status, numeric code and text.

use axum::response::{IntoResponse, Response};
use http::StatusCode;

use super::reply::{self, More};
use crate::registry::RegistryError;
use crate::store::StoreError;

/// A refused request. Answers the contract's error body.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The rules refused it or the store failed.
    #[error("{0}")]
    Registry(#[from] RegistryError),
    /// No such path, or a number in it that is none.
    #[error("HTTP 404 Not Found")]
    NotFound,
    #[error("HTTP 405 Method Not Allowed")]
    MethodNotAllowed,
    #[error("HTTP 406 Not Acceptable")]
    NotAcceptable,
    #[error("HTTP 415 Unsupported Media Type")]
    UnsupportedMediaType,
    /// A path the HTTP layer refuses: empty or dot segments, parameters.
    #[error("Ambiguous URI path")]
    AmbiguousPath,
    #[error("{message}")]
    BadRequest { message: String },
    /// No body where one is needed; the text names the original's method and argument.
    #[error("{argument} must not be null (was null)")]
    NullBody { argument: &'static str },
    #[error("Request body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("Timeout while reading from inputStream")]
    BodyTimeout,
    /// The original answers 500 here; a caller's mistake is not a failure of the server.
    #[error("offset must not be negative")]
    NegativeOffset,
    /// A refused registration, explained as the caller asked.
    #[error("{error}")]
    Explained { error: RegistryError, refusal: Box<reply::Refused> },
    /// The answer could not be rendered.
    #[error("Internal Server Error")]
    Render(#[source] serde_json::Error),
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        Self::Registry(error.into())
    }
}

impl ApiError {
    /// HTTP status and numeric code.
    pub(crate) fn codes(&self) -> (StatusCode, u32) {
        match self {
            Self::Registry(error) | Self::Explained { error, .. } => registry_codes(error),
            Self::NotFound => plain(StatusCode::NOT_FOUND),
            Self::MethodNotAllowed => plain(StatusCode::METHOD_NOT_ALLOWED),
            Self::NotAcceptable => plain(StatusCode::NOT_ACCEPTABLE),
            Self::UnsupportedMediaType => plain(StatusCode::UNSUPPORTED_MEDIA_TYPE),
            Self::AmbiguousPath | Self::BadRequest { .. } | Self::NegativeOffset => {
                plain(StatusCode::BAD_REQUEST)
            }
            Self::NullBody { .. } => plain(StatusCode::UNPROCESSABLE_ENTITY),
            Self::BodyTooLarge { .. } => plain(StatusCode::PAYLOAD_TOO_LARGE),
            Self::BodyTimeout => plain(StatusCode::REQUEST_TIMEOUT),
            Self::Render(_) => plain(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }
}

fn plain(status: StatusCode) -> (StatusCode, u32) {
    (status, status.as_u16().into())
}

fn registry_codes(error: &RegistryError) -> (StatusCode, u32) {
    use RegistryError as E;
    let code = match error {
        E::SubjectNotFound { .. } => 40401,
        E::VersionNotFound { .. } => 40402,
        E::SchemaKeyNotFound { .. } | E::SchemaNotFound => 40403,
        E::SubjectSoftDeleted { .. } => 40404,
        E::SubjectNotSoftDeleted { .. } => 40405,
        E::VersionSoftDeleted { .. } => 40406,
        E::VersionNotSoftDeleted { .. } => 40407,
        E::ConfigNotSet { .. } => 40408,
        E::ModeNotSet { .. } => 40409,
        E::AssociationNotFound { .. } => 40410,
        E::Incompatible { .. } => 40901,
        E::AssociationExists { .. } => 40903,
        E::SubjectAssociated { .. } => 40904,
        E::SubjectOwned { .. } => 40905,
        E::NoLiveVersion { .. } => 40907,
        E::AssociationFrozen { .. } => 40908,
        E::InvalidSchema(_) => 42201,
        E::InvalidVersion { .. } => 42202,
        E::InvalidCompatibilityLevel => 42203,
        E::InvalidMode | E::ForwardModeNotGlobal => 42204,
        E::NotPermitted(_) => 42205,
        E::ReferenceExists { .. } | E::SubjectReferenced { .. } => 42206,
        E::InvalidSubject { .. } => 42208,
        E::SchemaTooLarge => 42209,
        E::InvalidRuleSet { .. } => 42210,
        E::ContextNotEmpty { .. } => 42211,
        E::InvalidAssociation { .. } => 42212,
        E::InvalidBody { .. } => return plain(StatusCode::BAD_REQUEST),
        E::Contended { .. } => 50002,
        E::Store(store) => return store_codes(store),
    };
    let status = u16::try_from(code / 100).ok().and_then(|status| StatusCode::from_u16(status).ok());
    (status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR), code)
}

fn store_codes(error: &StoreError) -> (StatusCode, u32) {
    match error {
        StoreError::Unavailable(_) => plain(StatusCode::SERVICE_UNAVAILABLE),
        StoreError::Conflict(_) => (StatusCode::INTERNAL_SERVER_ERROR, 50002),
        StoreError::Failed(_) | StoreError::CorruptRow { .. } | StoreError::IdsExhausted { .. } => {
            (StatusCode::INTERNAL_SERVER_ERROR, 50001)
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, code) = self.codes();
        let message = match &self {
            Self::Registry(RegistryError::Store(error)) => {
                tracing::error!(error = error as &dyn std::error::Error, "the store failed");
                // Which backend error it was stays in the log; that the database is away is the cause a caller can act on.
                match error {
                    StoreError::Unavailable(_) => error.to_string(),
                    _ => self.to_string(),
                }
            }
            _ => self.to_string(),
        };
        let more = match &self {
            Self::Registry(RegistryError::InvalidSchema(invalid)) => {
                More { place: invalid.place(), ..More::default() }
            }
            Self::Explained { refusal, .. } => More { refusal: Some(refusal), ..More::default() },
            _ => More::default(),
        };
        reply::error(status, code, &message, &more)
    }
}
