//! Listeners and what protects them, from Kafka's settings.
//!
//! `listeners` names them, `listener.security.protocol.map` says what each speaks, `advertised.listeners` what clients are
//! told. A setting of one listener is written `listener.name.NAME.KEY`, NAME in lower case, and goes before plain KEY.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::{ConfigError, Endpoint, ListenerConfig};
use crate::sasl::{Mechanism, SaslSettings};
use crate::tls::{
    ClientAuth, Identity, Pem, PrincipalRules, Store, StoreKind, TlsSettings, TlsVersions, Trusted,
};

#[cfg(test)]
mod tests;

/// Name of a listener that was given none.
pub const DEFAULT_NAME: &str = "PLAINTEXT";

/// `security.protocol` of a listener.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SecurityProtocol {
    /// Nobody is asked who he is.
    #[default]
    Plaintext,
    /// TLS; a client's certificate says who it is.
    Ssl,
    /// SASL without TLS.
    SaslPlaintext,
    /// SASL inside of TLS.
    SaslSsl,
}

impl SecurityProtocol {
    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Plaintext => "PLAINTEXT",
            Self::Ssl => "SSL",
            Self::SaslPlaintext => "SASL_PLAINTEXT",
            Self::SaslSsl => "SASL_SSL",
        }
    }

    /// From Kafka's name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Plaintext, Self::Ssl, Self::SaslPlaintext, Self::SaslSsl]
            .into_iter()
            .find(|one| one.name().eq_ignore_ascii_case(name))
    }

    /// Whether bytes are encrypted.
    pub const fn has_tls(self) -> bool {
        matches!(self, Self::Ssl | Self::SaslSsl)
    }

    /// Whether clients authenticate by SASL.
    pub const fn has_sasl(self) -> bool {
        matches!(self, Self::SaslPlaintext | Self::SaslSsl)
    }
}

/// What protects a listener.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListenerSecurity {
    /// What is spoken.
    pub protocol: SecurityProtocol,
    /// Present when the protocol has TLS.
    pub tls: Option<TlsSettings>,
    /// Present when the protocol has SASL.
    pub sasl: Option<SaslSettings>,
}

/// Settings by name.
pub(crate) type Given = BTreeMap<String, String>;

/// The listeners of `listeners` and `advertised.listeners`; `None` when the former is not given. Those that
/// `controller.listener.names` names are left out: there is no controller beside this node.
pub(crate) fn listeners(given: &Given) -> Result<Option<Vec<ListenerConfig>>, ConfigError> {
    let Some(listed) = given.get("listeners") else { return Ok(None) };
    let controllers: Vec<String> =
        list(given.get("controller.listener.names")).map(str::to_ascii_uppercase).collect();
    let mut advertised = BTreeMap::new();
    for text in list(given.get("advertised.listeners")) {
        let (name, endpoint) = ListenerConfig::parse_endpoint(text)?;
        advertised.insert(name, endpoint);
    }
    let mut found: Vec<ListenerConfig> = Vec::new();
    for text in list(Some(listed)) {
        let (name, mut bind) = ListenerConfig::parse_endpoint(&with_host(text))?;
        if controllers.contains(&name) {
            advertised.remove(&name);
            continue;
        }
        if found.iter().any(|one| one.name == name) {
            return Err(invalid("listeners", listed, "a listener name is given twice"));
        }
        if bind.host == ANY_HOST {
            bind = Endpoint { host: "0.0.0.0".to_owned(), ..bind };
        }
        let security = security(given, &name)?;
        found.push(ListenerConfig { advertise: advertised.remove(&name), name, bind, security });
    }
    if found.is_empty() {
        return Err(invalid("listeners", listed, "no listener for clients is left"));
    }
    if !advertised.is_empty() {
        let value = given.get("advertised.listeners").map_or("", String::as_str);
        return Err(invalid("advertised.listeners", value, "a name in it is none of listeners"));
    }
    Ok(Some(found))
}

/// Stands for an empty host, which in Kafka is every address.
const ANY_HOST: &str = "*";

fn with_host(text: &str) -> String {
    text.replacen("://:", &format!("://{ANY_HOST}:"), 1)
}

/// What protects the listener called `name`.
pub(crate) fn security(given: &Given, name: &str) -> Result<ListenerSecurity, ConfigError> {
    let protocol = protocol(given, name)?;
    let values = OfListener { given, prefix: format!("listener.name.{}.", name.to_ascii_lowercase()) };
    let tls = protocol.has_tls().then(|| values.tls(protocol)).transpose()?;
    let sasl = protocol.has_sasl().then(|| values.sasl()).transpose()?;
    Ok(ListenerSecurity { protocol, tls, sasl })
}

fn protocol(given: &Given, name: &str) -> Result<SecurityProtocol, ConfigError> {
    const MAP: &str = "listener.security.protocol.map";
    let Some(map) = given.get(MAP) else {
        // a name that is no protocol is a plain listener
        return Ok(SecurityProtocol::from_name(name).unwrap_or_default());
    };
    for pair in list(Some(map)) {
        let (listener, protocol) =
            pair.split_once(':').ok_or_else(|| invalid(MAP, map, "NAME:PROTOCOL is expected"))?;
        let protocol = SecurityProtocol::from_name(protocol.trim())
            .ok_or_else(|| invalid(MAP, map, "a protocol is PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL"))?;
        if listener.trim().eq_ignore_ascii_case(name) {
            return Ok(protocol);
        }
    }
    Err(ConfigError::NoProtocol { listener: name.to_owned() })
}

/// The settings of one listener over those of all.
struct OfListener<'a> {
    given: &'a Given,
    prefix: String,
}

impl OfListener<'_> {
    fn own(&self, key: &str) -> Option<&str> {
        self.given.get(&format!("{}{key}", self.prefix)).map(|value| value.trim())
    }

    fn get(&self, key: &str) -> Option<&str> {
        let shared = self.given.get(key).map(|value| value.trim());
        self.own(key).or(shared).filter(|value| !value.is_empty())
    }

    fn invalid(&self, key: &'static str, reason: &'static str) -> ConfigError {
        invalid(key, self.get(key).unwrap_or_default(), reason)
    }

    fn tls(&self, protocol: SecurityProtocol) -> Result<TlsSettings, ConfigError> {
        let client_auth = if protocol.has_sasl() {
            // as in Kafka: clients that have a password are asked for a certificate only where that is said of the listener
            self.own("ssl.client.auth")
        } else {
            self.get("ssl.client.auth")
        };
        let client_auth = match client_auth {
            None | Some("none" | "") => ClientAuth::None,
            Some("requested") => ClientAuth::Requested,
            Some("required") => ClientAuth::Required,
            Some(_) => return Err(self.invalid("ssl.client.auth", "none, requested or required is expected")),
        };
        Ok(TlsSettings {
            identity: self.identity(protocol)?,
            key_password: self.text("ssl.key.password"),
            trusted: self.trusted()?,
            client_auth,
            versions: self.tls_versions()?,
            cipher_suites: self.get("ssl.cipher.suites").map(|names| {
                names.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect()
            }),
            principal_rules: self.principal_rules()?,
        })
    }

    fn text(&self, key: &str) -> Option<String> {
        self.get(key).map(str::to_owned)
    }

    fn identity(&self, protocol: SecurityProtocol) -> Result<Identity, ConfigError> {
        const CHAIN: &str = "ssl.keystore.certificate.chain";
        const KEY: &str = "ssl.keystore.key";
        const KIND: &str = "ssl.keystore.type";
        let location = self.get("ssl.keystore.location");
        let kind = self.store_kind(KIND)?;
        let (chain, key) = (self.get(CHAIN), self.get(KEY));
        if chain.is_some() || key.is_some() {
            if kind.is_some_and(|kind| kind != StoreKind::Pem) {
                return Err(self.invalid(KIND, "PEM is expected beside a chain and a key in PEM"));
            }
            // one of the two may be in the file of the location
            let file = || location.map(|path| Pem::File(path.into()));
            let part = |text: Option<&str>, key| {
                let part = text.map(Pem::from_setting).or_else(file);
                part.ok_or_else(|| ConfigError::Missing { key, for_what: format!("{CHAIN} or {KEY}") })
            };
            return Ok(Identity::Pem { chain: part(chain, CHAIN)?, key: part(key, KEY)? });
        }
        let path = location.ok_or_else(|| ConfigError::Missing {
            key: "ssl.keystore.location",
            for_what: format!("a listener with {} (or {CHAIN} and {KEY})", protocol.name()),
        })?;
        let password = self.text("ssl.keystore.password");
        Ok(Identity::Store(Store { path: path.into(), kind, password }))
    }

    fn trusted(&self) -> Result<Option<Trusted>, ConfigError> {
        const KIND: &str = "ssl.truststore.type";
        let kind = self.store_kind(KIND)?;
        if let Some(text) = self.get("ssl.truststore.certificates") {
            if kind.is_some_and(|kind| kind != StoreKind::Pem) {
                return Err(self.invalid(KIND, "PEM is expected beside certificates in PEM"));
            }
            return Ok(Some(Trusted::Pem(Pem::from_setting(text))));
        }
        let password = self.text("ssl.truststore.password");
        let store =
            self.get("ssl.truststore.location").map(|path| Store { path: path.into(), kind, password });
        Ok(store.map(Trusted::Store))
    }

    fn store_kind(&self, key: &'static str) -> Result<Option<StoreKind>, ConfigError> {
        self.get(key)
            .map(|name| {
                StoreKind::from_name(name).ok_or_else(|| self.invalid(key, "JKS, PKCS12 or PEM is expected"))
            })
            .transpose()
    }

    fn principal_rules(&self) -> Result<PrincipalRules, ConfigError> {
        let rules = self.get("ssl.principal.mapping.rules").map(PrincipalRules::parse).transpose();
        Ok(rules.map_err(ConfigError::PrincipalRules)?.unwrap_or_default())
    }

    fn tls_versions(&self) -> Result<TlsVersions, ConfigError> {
        const KEY: &str = "ssl.enabled.protocols";
        let Some(text) = self.get(KEY) else { return Ok(TlsVersions::default()) };
        let versions = TlsVersions::from_names(text.split(',').map(str::trim));
        versions.ok_or_else(|| self.invalid(KEY, "TLSv1.2 and TLSv1.3 are spoken, nothing older"))
    }

    fn sasl(&self) -> Result<SaslSettings, ConfigError> {
        const MECHANISMS: &str = "sasl.enabled.mechanisms";
        const LIFETIME: &str = "connections.max.reauth.ms";
        let names = self.get(MECHANISMS).unwrap_or(DEFAULT_MECHANISMS);
        let mechanisms: Option<Vec<Mechanism>> =
            names.split(',').map(|name| Mechanism::from_name(name.trim())).collect();
        let mechanisms = mechanisms.ok_or_else(|| {
            invalid(MECHANISMS, names, "PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512 are the mechanisms")
        })?;
        let lifetime_ms: u64 = match self.get(LIFETIME) {
            None => 0,
            Some(text) => {
                text.parse().map_err(|_| self.invalid(LIFETIME, "a number of milliseconds is expected"))?
            }
        };
        let session_lifetime = (lifetime_ms > 0).then(|| Duration::from_millis(lifetime_ms));
        Ok(SaslSettings { mechanisms, session_lifetime })
    }
}

/// Mechanisms of a SASL listener where nobody says so.
pub(crate) const DEFAULT_MECHANISMS: &str = "SCRAM-SHA-256,SCRAM-SHA-512";

/// Keys that may be written with the prefix of a listener.
pub(crate) const LISTENER_KEYS: &[&str] = &[
    "connections.max.reauth.ms",
    "sasl.enabled.mechanisms",
    "ssl.cipher.suites",
    "ssl.client.auth",
    "ssl.enabled.protocols",
    "ssl.key.password",
    "ssl.keystore.certificate.chain",
    "ssl.keystore.key",
    "ssl.keystore.location",
    "ssl.keystore.password",
    "ssl.keystore.type",
    "ssl.principal.mapping.rules",
    "ssl.truststore.certificates",
    "ssl.truststore.location",
    "ssl.truststore.password",
    "ssl.truststore.type",
];

fn list(text: Option<&String>) -> impl Iterator<Item = &str> {
    text.map_or("", String::as_str).split(',').map(str::trim).filter(|part| !part.is_empty())
}

fn invalid(key: &str, value: &str, reason: &'static str) -> ConfigError {
    ConfigError::Invalid { key: key.to_owned(), value: value.to_owned(), reason }
}
