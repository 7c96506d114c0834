//! Who the client says it is.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::error::Error;
use crate::properties::ConfigError;

/// Credentials for the registry.
#[derive(Clone, Default)]
pub enum Auth {
    /// Anonymous, but for credentials in an address.
    #[default]
    None,
    /// User and password, as HTTP basic authentication.
    Basic {
        /// User name.
        user: String,
        /// Password.
        password: String,
    },
    /// A fixed bearer token.
    Bearer {
        /// The token.
        token: String,
        /// Sent with every request.
        scope: BearerScope,
    },
    /// Tokens from an identity provider by the client credentials grant (RFC 6749 section 4.4).
    OAuth(OAuth),
}

/// Headers that go with a bearer token where one service hosts many registries.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BearerScope {
    /// Header `target-sr-cluster`. Spelled `bearer.auth.logical.cluster`.
    pub logical_cluster: Option<String>,
    /// Header `Confluent-Identity-Pool-Id`. Spelled `bearer.auth.identity.pool.id`.
    pub identity_pool_id: Option<String>,
}

/// Settings of the client credentials grant.
#[derive(Clone)]
pub struct OAuth {
    /// The provider's token endpoint.
    pub issuer_endpoint_url: String,
    /// Id of this client.
    pub client_id: String,
    /// Secret of this client.
    pub client_secret: String,
    /// Scope to ask for, if any.
    pub scope: Option<String>,
    /// How long before its end a token is replaced; never more than half of its life. Default 300 s.
    pub expiry_buffer: Duration,
    /// Sent with every request.
    pub bearer: BearerScope,
}

impl fmt::Debug for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Basic { user, .. } => f.debug_struct("Basic").field("user", user).finish_non_exhaustive(),
            Self::Bearer { scope, .. } => {
                f.debug_struct("Bearer").field("scope", scope).finish_non_exhaustive()
            }
            Self::OAuth(oauth) => oauth.fmt(f),
        }
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth")
            .field("issuer_endpoint_url", &self.issuer_endpoint_url)
            .field("client_id", &self.client_id)
            .finish_non_exhaustive()
    }
}

/// Longest answer of an identity provider, in bytes.
const TOKEN_ANSWER_BYTES_MAX: usize = 256 << 10;
/// Life of a token whose provider does not say how long it lives.
const TOKEN_LIFE_DEFAULT: Duration = Duration::from_mins(5);

/// Puts credentials on requests.
pub(super) struct Authenticator {
    auth: Auth,
    token: Mutex<Option<Token>>,
    /// Held while a token is fetched, so that one caller asks for all.
    fetching: tokio::sync::Mutex<()>,
}

#[derive(Clone)]
struct Token {
    value: String,
    replace_at: Instant,
}

#[derive(Deserialize)]
struct TokenBody {
    access_token: String,
    #[serde(default)]
    expires_in: Option<u64>,
}

impl Authenticator {
    pub(super) fn new(auth: Auth) -> Result<Self, ConfigError> {
        let texts: &[(&'static str, &str)] = match &auth {
            Auth::None | Auth::Basic { .. } => &[],
            Auth::Bearer { token, .. } => &[("bearer.auth.token", token)],
            Auth::OAuth(oauth) => &[
                ("bearer.auth.issuer.endpoint.url", &oauth.issuer_endpoint_url),
                ("bearer.auth.client.id", &oauth.client_id),
                ("bearer.auth.client.secret", &oauth.client_secret),
            ],
        };
        if let Some((key, _)) = texts.iter().find(|(_, text)| text.is_empty()) {
            return Err(ConfigError::Missing { key });
        }
        Ok(Self { auth, token: Mutex::new(None), fetching: tokio::sync::Mutex::new(()) })
    }

    pub(super) async fn apply(
        &self,
        request: reqwest::RequestBuilder,
        http: &reqwest::Client,
    ) -> Result<reqwest::RequestBuilder, Error> {
        Ok(match &self.auth {
            Auth::None => request,
            Auth::Basic { user, password } => request.basic_auth(user, Some(password)),
            Auth::Bearer { token, scope } => with_scope(request.bearer_auth(token), scope),
            Auth::OAuth(oauth) => {
                let token = self.access_token(oauth, http).await?;
                with_scope(request.bearer_auth(token), &oauth.bearer)
            }
        })
    }

    async fn access_token(&self, oauth: &OAuth, http: &reqwest::Client) -> Result<String, Error> {
        if let Some(token) = self.cached() {
            return Ok(token);
        }
        let _turn = self.fetching.lock().await;
        if let Some(token) = self.cached() {
            return Ok(token);
        }
        let body = fetch(oauth, http).await?;
        let life = body.expires_in.map_or(TOKEN_LIFE_DEFAULT, Duration::from_secs);
        let token = Token {
            value: body.access_token.clone(),
            replace_at: Instant::now() + life.saturating_sub(oauth.expiry_buffer.min(life / 2)),
        };
        *self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(token);
        Ok(body.access_token)
    }

    fn cached(&self) -> Option<String> {
        let token = self.token.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        token.as_ref().filter(|token| Instant::now() < token.replace_at).map(|token| token.value.clone())
    }
}

fn with_scope(mut request: reqwest::RequestBuilder, scope: &BearerScope) -> reqwest::RequestBuilder {
    if let Some(cluster) = &scope.logical_cluster {
        request = request.header("target-sr-cluster", cluster);
    }
    if let Some(pool) = &scope.identity_pool_id {
        request = request.header("Confluent-Identity-Pool-Id", pool);
    }
    request
}

async fn fetch(oauth: &OAuth, http: &reqwest::Client) -> Result<TokenBody, Error> {
    let lost = |error: reqwest::Error| Error::Token {
        retriable: true,
        reason: super::reasons(&error.without_url()),
    };
    let mut form = vec![("grant_type", "client_credentials")];
    if let Some(scope) = &oauth.scope {
        form.push(("scope", scope));
    }
    let mut response = http
        .post(&oauth.issuer_endpoint_url)
        .header("Accept", "application/json")
        .basic_auth(form_encoded(&oauth.client_id), Some(form_encoded(&oauth.client_secret)))
        .form(&form)
        .send()
        .await
        .map_err(lost)?;
    let status = response.status();
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(lost)? {
        if body.len() + chunk.len() > TOKEN_ANSWER_BYTES_MAX {
            return Err(Error::Token {
                retriable: false,
                reason: "the provider's answer is too large".into(),
            });
        }
        body.extend_from_slice(&chunk);
    }
    if !status.is_success() {
        // an error body of the provider names no secret; its success body does, and is never repeated
        let text = String::from_utf8_lossy(&body).chars().take(512).collect::<String>();
        let retriable = super::retry::is_retriable_status(status.as_u16());
        return Err(Error::Token { retriable, reason: format!("the provider answered {status}: {text}") });
    }
    serde_json::from_slice(&body).map_err(|_| Error::Token {
        retriable: false,
        reason: "the provider's answer has no access_token".into(),
    })
}

/// RFC 6749 section 2.3.1: id and secret are form-encoded before they become user and password.
fn form_encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
