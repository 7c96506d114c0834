//! Trust and identity for `https` addresses.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::properties::ConfigError;

/// The property that names the client's key.
const KEY: &str = "schema.registry.ssl.key.location";
/// The property with the password of that key.
const PASSWORD: &str = "schema.registry.ssl.key.password";
/// First line of an encrypted PKCS #8 key.
const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
/// A line of an encrypted key in the older form.
const ENCRYPTED_OLD: &str = "Proc-Type: 4,ENCRYPTED";

/// Trust and identity for `https` addresses. The host name of the certificate is always checked.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Tls {
    /// PEM file of certificate authorities to trust; the system's when absent.
    pub ca: Option<PathBuf>,
    /// PEM file with this client's certificate chain.
    pub certificate: Option<PathBuf>,
    /// PEM file with the key of that certificate; may be the same file.
    pub key: Option<PathBuf>,
    /// Password of the key, where it is an encrypted PKCS #8 key. Needs the feature `encrypted-keys`.
    pub key_password: Option<String>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("ca", &self.ca)
            .field("certificate", &self.certificate)
            .field("key", &self.key)
            .field("key_password", &self.key_password.as_ref().map(|_| ".."))
            .finish()
    }
}

impl Tls {
    /// Reads the files.
    pub(super) fn apply(
        &self,
        mut http: reqwest::ClientBuilder,
    ) -> Result<reqwest::ClientBuilder, ConfigError> {
        if let Some(path) = &self.ca {
            let key = "schema.registry.ssl.ca.location";
            let pem = read(key, path)?;
            let certificates = reqwest::Certificate::from_pem_bundle(pem.as_bytes())
                .map_err(|error| invalid(key, super::reasons(&error)))?;
            if certificates.is_empty() {
                return Err(invalid(key, "no certificate in the file".into()));
            }
            http = http.tls_certs_only(certificates);
        }
        match (&self.certificate, &self.key) {
            (None, None) => Ok(http),
            (Some(certificate), key) => {
                let name = "schema.registry.ssl.certificate.location";
                let mut pem = read(name, certificate)?;
                if let Some(path) = key {
                    pem.push('\n');
                    pem.push_str(&read(KEY, path)?);
                }
                let pem = self.decrypted(pem)?;
                let identity = reqwest::Identity::from_pem(pem.as_bytes())
                    .map_err(|error| invalid(name, super::reasons(&error)))?;
                Ok(http.identity(identity))
            }
            (None, Some(_)) => Err(ConfigError::Missing { key: "schema.registry.ssl.certificate.location" }),
        }
    }

    /// Puts the decrypted key in the place of an encrypted one.
    fn decrypted(&self, pem: String) -> Result<String, ConfigError> {
        if pem.contains(ENCRYPTED_OLD) {
            let reason =
                "the key is encrypted in a form older than PKCS #8; convert it with `openssl pkcs8 -topk8`";
            return Err(invalid(KEY, reason.into()));
        }
        if !pem.contains(ENCRYPTED) {
            return Ok(pem);
        }
        match &self.key_password {
            None => Err(ConfigError::Missing { key: PASSWORD }),
            Some(password) => decrypt(&pem, password),
        }
    }
}

#[cfg(feature = "encrypted-keys")]
fn decrypt(pem: &str, password: &str) -> Result<String, ConfigError> {
    use pkcs8::der::Decode;
    const END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
    let cut = || invalid(KEY, "the encrypted key has no end line".into());
    let start = pem.find(ENCRYPTED).ok_or_else(cut)?;
    let end = pem.get(start..).and_then(|rest| rest.find(END)).ok_or_else(cut)? + start + END.len();
    let block = pem.get(start..end).ok_or_else(cut)?;
    let failed = |error: pkcs8::Error| invalid(KEY, format!("{error}"));
    let (_, document) =
        pkcs8::SecretDocument::from_pem(block).map_err(|error| failed(pkcs8::Error::from(error)))?;
    let info = pkcs8::EncryptedPrivateKeyInfo::from_der(document.as_bytes())
        .map_err(|error| failed(pkcs8::Error::from(error)))?;
    let wrong = |_| invalid(PASSWORD, "the key cannot be decrypted with it".into());
    let key = info.decrypt(password).map_err(wrong)?;
    let key = key
        .to_pem("PRIVATE KEY", pkcs8::LineEnding::LF)
        .map_err(|error| failed(pkcs8::Error::from(error)))?;
    Ok(pem.replacen(block, &key, 1))
}

#[cfg(not(feature = "encrypted-keys"))]
fn decrypt(_: &str, _: &str) -> Result<String, ConfigError> {
    Err(ConfigError::Unsupported {
        key: PASSWORD.into(),
        reason: "encrypted keys need the feature encrypted-keys of this crate; or give an unencrypted key",
    })
}

fn invalid(key: &str, reason: String) -> ConfigError {
    ConfigError::Invalid { key: key.into(), reason }
}

fn read(key: &'static str, path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| invalid(key, format!("{}: {error}", path.display())))
}
