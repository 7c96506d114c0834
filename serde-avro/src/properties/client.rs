//! From properties to a client.

use std::time::Duration;

use assay_schema_core::Context;

use super::{ConfigError, Properties, invalid, keys};
use crate::cache::{CacheSettings, CachedClient};
use crate::client::{Auth, BearerScope, OAuth, RegistryClient, RegistryClientBuilder, RetryPolicy, Tls};
use crate::error::Error;

impl Properties {
    /// A client and its caches as the keys say. Sends nothing.
    pub fn registry(&self) -> Result<CachedClient, Error> {
        self.check_keys()?;
        let client = self.client_builder()?.build()?;
        Ok(CachedClient::with_settings(client, self.cache_settings()?))
    }

    fn client_builder(&self) -> Result<RegistryClientBuilder, ConfigError> {
        let urls =
            self.get("schema.registry.url").ok_or(ConfigError::Missing { key: "schema.registry.url" })?;
        let retry = RetryPolicy::default();
        let mut builder = RegistryClient::builder(urls)
            .randomize(self.flag("url.randomize", false)?)
            .connect_timeout(self.milliseconds("http.connect.timeout.ms", Duration::from_secs(5))?)
            .read_timeout(self.milliseconds("http.read.timeout.ms", Duration::from_secs(10))?)
            .retry(RetryPolicy {
                retries_max: u32::try_from(self.number("max.retries", retry.retries_max.into(), 0)?)
                    .map_err(|_| invalid("max.retries", "too large"))?,
                wait: self.milliseconds("retries.wait.ms", retry.wait)?,
                wait_max: self.milliseconds("retries.max.wait.ms", retry.wait_max)?,
            })
            .auth(self.auth()?)
            .tls(self.tls());
        if let Some(host) = self.get("proxy.host") {
            let port = self.number("proxy.port", -1, -1)?;
            builder = builder.proxy(if port < 0 {
                format!("http://{host}")
            } else {
                format!("http://{host}:{port}")
            });
        }
        for (key, value) in &self.values {
            let key = key.strip_prefix(keys::PREFIX).unwrap_or(key);
            if let Some(name) = key.strip_prefix(keys::HEADER_PREFIX) {
                builder = builder.header(name, value);
            }
        }
        Ok(builder)
    }

    fn auth(&self) -> Result<Auth, ConfigError> {
        const BASIC: &str = "basic.auth.credentials.source";
        const BEARER: &str = "bearer.auth.credentials.source";
        match (self.get(BASIC), self.get(BEARER)) {
            (Some(_), Some(_)) => Err(ConfigError::Conflict {
                first: BASIC,
                second: BEARER,
                reason: "only one of them may be specified",
            }),
            (None, None) if self.get("basic.auth.user.info").is_some() => self.user_info(),
            (None, None) if self.get("bearer.auth.token").is_some() => self.bearer_token(),
            (None | Some("URL"), None) => Ok(Auth::None),
            (Some("USER_INFO"), None) => self.user_info(),
            (Some(_), None) => Err(invalid(BASIC, "expected URL or USER_INFO")),
            (None, Some("STATIC_TOKEN")) => self.bearer_token(),
            (None, Some("OAUTHBEARER")) => {
                let text = |key| self.get(key).map(str::to_owned).ok_or(ConfigError::Missing { key });
                Ok(Auth::OAuth(OAuth {
                    issuer_endpoint_url: text("bearer.auth.issuer.endpoint.url")?,
                    client_id: text("bearer.auth.client.id")?,
                    client_secret: text("bearer.auth.client.secret")?,
                    scope: self.get("bearer.auth.scope").map(str::to_owned),
                    expiry_buffer: self
                        .seconds("bearer.auth.cache.expiry.buffer.seconds", Duration::from_mins(5))?,
                    bearer: self.bearer_scope(),
                }))
            }
            (None, Some(_)) => Err(invalid(BEARER, "expected STATIC_TOKEN or OAUTHBEARER")),
        }
    }

    fn user_info(&self) -> Result<Auth, ConfigError> {
        const KEY: &str = "basic.auth.user.info";
        let info = self.get(KEY).ok_or(ConfigError::Missing { key: KEY })?;
        let (user, password) = info.split_once(':').ok_or_else(|| invalid(KEY, "expected user:password"))?;
        Ok(Auth::Basic { user: user.to_owned(), password: password.to_owned() })
    }

    fn bearer_token(&self) -> Result<Auth, ConfigError> {
        const KEY: &str = "bearer.auth.token";
        let token = self.get(KEY).ok_or(ConfigError::Missing { key: KEY })?.to_owned();
        Ok(Auth::Bearer { token, scope: self.bearer_scope() })
    }

    fn bearer_scope(&self) -> BearerScope {
        BearerScope {
            logical_cluster: self.get("bearer.auth.logical.cluster").map(str::to_owned),
            identity_pool_id: self.get("bearer.auth.identity.pool.id").map(str::to_owned),
        }
    }

    fn tls(&self) -> Tls {
        let path = |key| self.get(key).map(Into::into);
        Tls {
            ca: path("schema.registry.ssl.ca.location"),
            certificate: path("schema.registry.ssl.certificate.location"),
            key: path("schema.registry.ssl.key.location"),
            key_password: self.get("schema.registry.ssl.key.password").map(str::to_owned),
        }
    }

    fn cache_settings(&self) -> Result<CacheSettings, ConfigError> {
        let default = CacheSettings::default();
        Ok(CacheSettings {
            entries_max: self.size("max.schemas.per.subject", default.entries_max)?,
            latest_entries_max: self.size("latest.cache.size", default.latest_entries_max)?,
            latest_ttl: self.seconds_or_ever("latest.cache.ttl.sec", default.latest_ttl)?,
            missing_id_ttl: self.seconds("missing.id.cache.ttl.sec", default.missing_id_ttl)?,
            missing_version_ttl: self
                .seconds("missing.version.cache.ttl.sec", default.missing_version_ttl)?,
            missing_schema_ttl: self.seconds("missing.schema.cache.ttl.sec", default.missing_schema_ttl)?,
            missing_entries_max: self.size("missing.cache.size", default.missing_entries_max)?,
            association_entries_max: self
                .size("subject.name.strategy.cache.size", default.association_entries_max)?,
            association_ttl: self
                .seconds_or_ever("subject.name.strategy.cache.expiry.secs", default.association_ttl)?,
            context: self.context(default.context)?,
        })
    }

    /// Java names a class that computes the context; here it is the context itself, or nothing.
    fn context(&self, default: Context) -> Result<Context, ConfigError> {
        const KEY: &str = "context.name.strategy";
        let Some(strategy) = self.get(KEY) else { return Ok(default) };
        let class = strategy.rsplit('.').next().unwrap_or(strategy);
        if class == "NullContextNameStrategy" || class.eq_ignore_ascii_case("null") {
            return Ok(default);
        }
        let name = strategy.strip_prefix(':').unwrap_or(strategy);
        let name = name.strip_suffix(':').unwrap_or(name);
        match Context::parse(name) {
            Ok(context) if name.starts_with('.') => Ok(context),
            _ => Err(ConfigError::Unsupported {
                key: KEY.into(),
                reason: "expected NullContextNameStrategy, or a context such as .staging; no class is loaded",
            }),
        }
    }
}
