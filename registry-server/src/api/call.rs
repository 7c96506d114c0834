//! A request as handlers see it: path parameters, query, body, and who asks.

use std::net::IpAddr;
use std::time::Duration;

use assay_schema_core::{QualifiedSubject, SchemaId, VersionRef};
use axum::extract::{FromRequest, FromRequestParts, RawPathParams, Request};
use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::Api;
use super::error::ApiError;
use super::query::Query;
use crate::registry::{Origin, Registry, RegistryError};

/// Address of the peer and name of the user, attached to a request by the server.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Address, if the transport has one.
    pub(crate) address: Option<IpAddr>,
    /// Who it is; `anonymous` while authentication is off.
    pub(crate) principal: String,
}

/// The request id, attached by the front.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// One request.
pub(crate) struct Call {
    pub(crate) api: Api,
    pub(crate) query: Query,
    pub(crate) origin: Origin,
    pub(crate) body: Bytes,
    parameters: Vec<(String, String)>,
}

impl FromRequest<Api> for Call {
    type Rejection = ApiError;

    async fn from_request(request: Request, api: &Api) -> Result<Self, ApiError> {
        let (mut parts, body) = request.into_parts();
        let parameters =
            RawPathParams::from_request_parts(&mut parts, api).await.map_err(|_| ApiError::NotFound)?;
        let parameters = parameters.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let query = parts.extensions.remove::<Query>().unwrap_or_default();
        let request_id = parts.extensions.remove::<RequestId>().map(|id| id.0);
        let peer = parts.extensions.remove::<Peer>();
        let origin = Origin {
            principal: peer.as_ref().map_or_else(|| "anonymous".to_owned(), |peer| peer.principal.clone()),
            address: peer.and_then(|peer| peer.address).map(|address| address.to_string()),
            request_id,
        };
        let needs_body = parts.method == Method::POST || parts.method == Method::PUT;
        let body = if needs_body { read_body(body, api).await? } else { Bytes::new() };
        Ok(Self { api: api.clone(), query, origin, body, parameters })
    }
}

/// The body within the limits on its size and on the time it takes.
pub(super) async fn read_body(body: axum::body::Body, api: &Api) -> Result<Bytes, ApiError> {
    let limit = api.options().body_bytes_max;
    let deadline: Duration = api.options().body_timeout;
    let collected = tokio::time::timeout(deadline, Limited::new(body, limit).collect()).await;
    match collected.map_err(|_| ApiError::BodyTimeout)? {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ApiError::BodyTooLarge { limit }),
        Err(error) => Err(ApiError::BadRequest { message: error.to_string() }),
    }
}

impl Call {
    pub(crate) fn registry(&self) -> &Registry {
        self.api.registry()
    }

    /// A path parameter, percent-decoded once.
    pub(crate) fn parameter(&self, name: &str) -> &str {
        self.parameters.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    /// `{subject}`. A NUL cannot be part of any name, nor be stored.
    pub(crate) fn subject(&self) -> Result<QualifiedSubject, ApiError> {
        let text = self.parameter("subject");
        if text.contains('\0') {
            return Err(RegistryError::InvalidSubject { subject: text.to_owned() }.into());
        }
        Ok(QualifiedSubject::parse(text))
    }

    /// `{version}`.
    pub(crate) fn version(&self) -> Result<VersionRef, ApiError> {
        let text = self.parameter("version");
        VersionRef::parse(text).map_err(|_| RegistryError::InvalidVersion { text: text.to_owned() }.into())
    }

    /// `{id}`; what is no integer is no path, and a negative integer is an id nobody has.
    pub(crate) fn id(&self) -> Result<SchemaId, ApiError> {
        let id: i32 = self.parameter("id").parse().map_err(|_| ApiError::NotFound)?;
        SchemaId::new(id).ok_or_else(|| RegistryError::SchemaKeyNotFound { key: id.to_string() }.into())
    }
}
