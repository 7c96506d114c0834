//! Key stores and trust stores: files of Java's JKS, of PKCS #12, or of PEM.
//!
//! As in Java since version 9, a file that is said to be JKS may be PKCS #12 and the other way round: `keytool` writes
//! PKCS #12 unless told otherwise, and there are many such files under `ssl.keystore.type=JKS`.

use std::fmt;
use std::path::PathBuf;

use tokio_rustls::rustls::pki_types::CertificateDer;

use super::{jks, pkcs12};

/// `ssl.keystore.type` and `ssl.truststore.type`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreKind {
    /// Blocks of text.
    Pem,
    /// RFC 7292.
    Pkcs12,
    /// The Java key store.
    Jks,
}

impl StoreKind {
    /// From Kafka's name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Pem, Self::Pkcs12, Self::Jks].into_iter().find(|one| one.name().eq_ignore_ascii_case(name))
    }

    /// Kafka's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pem => "PEM",
            Self::Pkcs12 => "PKCS12",
            Self::Jks => "JKS",
        }
    }

    /// What a file is by its first bytes.
    fn of_content(bytes: &[u8]) -> Self {
        match bytes {
            [0xfe, 0xed, 0xfe, 0xed, ..] => Self::Jks,
            // a sequence that is too long for a length of one byte; "0" with text after it is none
            [0x30, 0x80..=0xff, ..] => Self::Pkcs12,
            _ => Self::Pem,
        }
    }
}

/// A file with keys or certificates, read again when it changes.
#[derive(Clone, PartialEq, Eq)]
pub struct Store {
    /// Where it is.
    pub path: PathBuf,
    /// What it is said to be; without that its content tells.
    pub kind: Option<StoreKind>,
    /// Its password.
    pub password: Option<String>,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("path", &self.path).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// Why a store cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// The content is of another kind.
    #[error("{type_key} says {stated}, and the file is none", stated = stated.name())]
    Kind {
        /// The setting.
        type_key: &'static str,
        /// Its value.
        stated: StoreKind,
    },
    /// There is no password, and nothing to read without one.
    #[error("{password_key} is not set")]
    NoPassword {
        /// The setting.
        password_key: &'static str,
    },
    /// The check over the whole file does not come out.
    #[error("{password_key} is wrong, or the file is damaged")]
    WrongPassword {
        /// The setting.
        password_key: &'static str,
    },
    /// The store opens and its key does not.
    #[error("the private key does not open with {password_key}")]
    WrongKeyPassword {
        /// The setting that the password came from.
        password_key: &'static str,
    },
    /// A key store without a key.
    #[error("there is no private key entry in it")]
    NoPrivateKey,
    /// A private key without its certificate.
    #[error("there is no certificate for the private key in it")]
    NoCertificate,
    /// A trust store without trust.
    #[error("there is no trusted certificate entry in it (keytool -importcert makes one)")]
    NoTrusted,
    /// The bytes break the rules of the format, or end early.
    #[error("not a {kind} store, or a damaged one: {what}", kind = kind.name())]
    Damaged {
        /// The format.
        kind: StoreKind,
        /// What was being read.
        what: &'static str,
    },
    /// Something in it that is not known here.
    #[error("{what} is not supported")]
    Unsupported {
        /// What it is.
        what: &'static str,
    },
}

/// The settings that a store's errors name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Names {
    pub(super) location: &'static str,
    pub(super) kind: &'static str,
    pub(super) password: &'static str,
}

pub(super) const KEY_STORE: Names =
    Names { location: "ssl.keystore.location", kind: "ssl.keystore.type", password: "ssl.keystore.password" };

pub(super) const TRUST_STORE: Names = Names {
    location: "ssl.truststore.location",
    kind: "ssl.truststore.type",
    password: "ssl.truststore.password",
};

/// A password and the setting that it came from.
#[derive(Clone, Copy)]
pub(super) struct Password<'a> {
    pub(super) text: &'a str,
    pub(super) key: &'static str,
}

/// A private key (PKCS #8) and its certificates, its own first.
pub(super) struct KeyEntry {
    pub(super) key: Vec<u8>,
    pub(super) chain: Vec<CertificateDer<'static>>,
}

impl Store {
    /// What the file is, by its content; an error when it was said to be something else.
    pub(super) fn kind(&self, bytes: &[u8], names: Names) -> Result<StoreKind, StoreError> {
        let found = StoreKind::of_content(bytes);
        if bytes.starts_with(&[0xce, 0xce, 0xce, 0xce]) {
            return Err(StoreError::Unsupported { what: "a JCEKS store" });
        }
        match self.kind {
            Some(stated) if (stated == StoreKind::Pem) != (found == StoreKind::Pem) => {
                Err(StoreError::Kind { type_key: names.kind, stated })
            }
            _ => Ok(found),
        }
    }

    /// The first private key of a JKS or PKCS #12 store. Without a password of its own the key opens with the store's.
    pub(super) fn key_entry(
        &self,
        kind: StoreKind,
        bytes: &[u8],
        key_password: Option<&str>,
    ) -> Result<KeyEntry, StoreError> {
        let password = self.password(KEY_STORE);
        let password = password.ok_or(StoreError::NoPassword { password_key: KEY_STORE.password })?;
        let key_password = key_password.map_or(password, |text| Password { text, key: "ssl.key.password" });
        let entry = match kind {
            StoreKind::Jks => jks::key_entry(bytes, password, key_password),
            StoreKind::Pkcs12 | StoreKind::Pem => pkcs12::key_entry(bytes, password, key_password),
        }?;
        if entry.chain.is_empty() { Err(StoreError::NoCertificate) } else { Ok(entry) }
    }

    /// The trusted certificates of a JKS or PKCS #12 store; never none. Without a password nothing checks that the file is
    /// whole, and what is encrypted cannot be read.
    pub(super) fn trusted(
        &self,
        kind: StoreKind,
        bytes: &[u8],
    ) -> Result<Vec<CertificateDer<'static>>, StoreError> {
        let password = self.password(TRUST_STORE);
        let found = match kind {
            StoreKind::Jks => jks::trusted(bytes, password),
            StoreKind::Pkcs12 | StoreKind::Pem => pkcs12::trusted(bytes, password),
        }?;
        if found.is_empty() { Err(StoreError::NoTrusted) } else { Ok(found) }
    }

    fn password(&self, names: Names) -> Option<Password<'_>> {
        self.password.as_deref().map(|text| Password { text, key: names.password })
    }
}
