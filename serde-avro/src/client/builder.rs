//! Settings of a client, checked before the first request.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

use super::auth::{Auth, Authenticator};
use super::retry::{self, RetryPolicy};
use super::{Address, Inner, RegistryClient, Tls};
use crate::error::Error;
use crate::metrics::Metrics;
use crate::properties::ConfigError;

/// Idle connections that are kept per address.
const IDLE_CONNECTIONS_MAX: usize = 16;
/// Redirects that are followed.
const REDIRECTS_MAX: usize = 3;

/// Settings of a [`RegistryClient`].
///
/// ```
/// use std::time::Duration;
/// use assay_serde_avro::{Auth, BearerScope, OAuth, RegistryClient, RetryPolicy};
///
/// let tokens = OAuth {
///     issuer_endpoint_url: "https://id.example.com/token".into(),
///     client_id: "billing".into(),
///     client_secret: "…".into(),
///     scope: None,
///     expiry_buffer: Duration::from_secs(300),
///     bearer: BearerScope::default(),
/// };
/// let client = RegistryClient::builder("http://registry-1:8081,http://registry-2:8081")
///     .auth(Auth::OAuth(tokens))
///     .header("X-Team", "billing")
///     .read_timeout(Duration::from_secs(3))
///     .retry(RetryPolicy { retries_max: 5, ..RetryPolicy::default() })
///     .build()?;
/// # Ok::<(), assay_serde_avro::Error>(())
/// ```
///
/// `https` addresses trust the system's authorities unless [`tls`](Self::tls) names others; it also takes a certificate of
/// the client's own.
#[derive(Clone)]
#[must_use]
pub struct RegistryClientBuilder {
    urls: String,
    randomize: bool,
    retry: RetryPolicy,
    connect_timeout: Duration,
    read_timeout: Duration,
    auth: Auth,
    tls: Tls,
    proxy: Option<String>,
    headers: Vec<(String, String)>,
    metrics: Option<Arc<dyn Metrics>>,
}

impl std::fmt::Debug for RegistryClientBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegistryClientBuilder")
            .field("retry", &self.retry)
            .field("auth", &self.auth)
            .field("tls", &self.tls)
            .finish_non_exhaustive()
    }
}

impl RegistryClientBuilder {
    pub(super) fn new(urls: &str) -> Self {
        Self {
            urls: urls.to_owned(),
            randomize: false,
            retry: RetryPolicy::default(),
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(10),
            auth: Auth::None,
            tls: Tls::default(),
            proxy: None,
            headers: Vec::new(),
            metrics: None,
        }
    }

    /// Starts with a random address of the list instead of the first.
    pub fn randomize(mut self, randomize: bool) -> Self {
        self.randomize = randomize;
        self
    }

    /// Bounds on repeating requests.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.retry = retry;
        self
    }

    /// Longest wait for a connection, TLS included. Default 5 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Longest wait for the next bytes of an answer. Default 10 s.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// How the client says who it is. Credentials in an address (`http://user:password@host`) win for that address.
    pub fn auth(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// Trust and identity for `https` addresses.
    pub fn tls(mut self, tls: Tls) -> Self {
        self.tls = tls;
        self
    }

    /// Address of an HTTP proxy. Proxies of the environment are not used.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.proxy = Some(url.into());
        self
    }

    /// Adds a header to every request.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Tells `metrics` of every exchange, and of what caches, serializers and deserializers over this client do.
    pub fn metrics(mut self, metrics: Arc<dyn Metrics>) -> Self {
        self.metrics = Some(metrics);
        self
    }

    /// Checks the settings and reads the PEM files. Sends nothing.
    pub fn build(self) -> Result<RegistryClient, Error> {
        let addresses = self.addresses()?;
        let start = if self.randomize {
            usize::try_from(retry::random() % addresses.len() as u64).unwrap_or(0)
        } else {
            0
        };
        let mut http = reqwest::Client::builder()
            .connect_timeout(self.connect_timeout)
            .read_timeout(self.read_timeout)
            .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
            .redirect(reqwest::redirect::Policy::limited(REDIRECTS_MAX))
            .default_headers(self.default_headers()?);
        http = match &self.proxy {
            Some(url) => http.proxy(reqwest::Proxy::all(url).map_err(|error| ConfigError::Invalid {
                key: "proxy.host".into(),
                reason: super::reasons(&error),
            })?),
            None => http.no_proxy(),
        };
        let http = self
            .tls
            .apply(http)?
            .build()
            .map_err(|error| ConfigError::Invalid { key: "client".into(), reason: super::reasons(&error) })?;
        Ok(RegistryClient {
            inner: Arc::new(Inner {
                http,
                addresses,
                current: AtomicUsize::new(start),
                retry: self.retry,
                authenticator: Authenticator::new(self.auth)?,
                random: retry::random,
                metrics: self.metrics,
            }),
        })
    }

    fn addresses(&self) -> Result<Vec<Address>, ConfigError> {
        let addresses: Vec<Address> = self
            .urls
            .split(',')
            .map(str::trim)
            .filter(|url| !url.is_empty())
            .map(address)
            .collect::<Result<_, _>>()?;
        if addresses.is_empty() {
            return Err(ConfigError::Missing { key: "schema.registry.url" });
        }
        Ok(addresses)
    }

    fn default_headers(&self) -> Result<HeaderMap, ConfigError> {
        let mut headers = HeaderMap::new();
        headers.insert("Confluent-Accept-Unknown-Properties", HeaderValue::from_static("true"));
        headers.insert(
            "Confluent-Client-Version",
            HeaderValue::from_static(concat!("assay-rust/", env!("CARGO_PKG_VERSION"))),
        );
        for (name, value) in &self.headers {
            let invalid = || ConfigError::Invalid {
                key: format!("request.header.{name}"),
                reason: "not a valid HTTP header".into(),
            };
            let name = HeaderName::try_from(name.as_str()).map_err(|_| invalid())?;
            headers.append(name, HeaderValue::try_from(value.as_str()).map_err(|_| invalid())?);
        }
        Ok(headers)
    }
}

/// Takes the credentials out of an address and puts a slash at its end.
fn address(text: &str) -> Result<Address, ConfigError> {
    let invalid = |reason: String| ConfigError::Invalid { key: "schema.registry.url".into(), reason };
    // the text is not repeated: it can hold a password
    let expected = || invalid("expected addresses such as http://localhost:8081, separated by commas".into());
    let mut url = reqwest::Url::parse(text).map_err(|_| expected())?;
    if url.scheme() == "mock" {
        let real = "the real one in a test: assay_registry_server::testing::Registry::start(), and its url()";
        return Err(invalid(format!("there is no mock registry; start {real}")));
    }
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none_or(str::is_empty) {
        return Err(expected());
    }
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let user_info = (!url.username().is_empty() || url.password().is_some())
        .then(|| (decode(url.username()), decode(url.password().unwrap_or_default())));
    // both only fail on addresses without a host, which are refused above
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_query(None);
    url.set_fragment(None);
    let mut url = url.to_string();
    if !url.ends_with('/') {
        url.push('/');
    }
    Ok(Address { url, user_info })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_leave_the_address() {
        let found = address("https://us%40er:p%3Aw@host:8081/base?x=1").unwrap();
        assert_eq!(found.url, "https://host:8081/base/");
        assert_eq!(found.user_info, Some(("us@er".into(), "p:w".into())));
        assert_eq!(address("http://host").unwrap().url, "http://host/");
        assert!(address("http://host").unwrap().user_info.is_none());
    }

    #[test]
    fn unusable_settings_are_refused_before_the_first_request() {
        for urls in ["", " , ", "host:8081", "mock://scope", "ftp://host", "http://"] {
            assert!(matches!(RegistryClient::new(urls), Err(Error::Config(_))), "{urls}");
        }
        let said = |urls: &str| RegistryClient::new(urls).unwrap_err().to_string();
        assert!(
            said("alice:secret@host")
                .ends_with("expected addresses such as http://localhost:8081, separated by commas")
        );
        assert!(!said("alice:secret@host").contains("secret"));
        assert!(said("mock://scope").contains("testing::Registry::start()"));
        let builder = || RegistryClient::builder("http://host");
        assert!(builder().header("bad name", "x").build().is_err());
        assert!(builder().header("name", "a\nb").build().is_err());
        let missing = Tls { ca: Some("/nonexistent/ca.pem".into()), ..Tls::default() };
        let error = builder().tls(missing).build().unwrap_err();
        assert!(error.to_string().contains("schema.registry.ssl.ca.location"), "{error}");
        let half = Tls { key: Some("/nonexistent/key.pem".into()), ..Tls::default() };
        assert!(builder().tls(half).build().is_err());
    }
}
