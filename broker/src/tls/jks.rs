//! Java's key store of type JKS.
//!
//! A file is, all numbers in big-endian: the magic number `FEEDFEED`, a version (1 or 2), a count of entries, the entries,
//! and a SHA-1 over password, a phrase and all bytes before. An entry is a tag (1 a private key, 2 a trusted certificate),
//! an alias, a time, and either an encrypted key and a chain of certificates, or one certificate; from version 2 on a
//! certificate has the name of its type in front. Counts and lengths are believed only as far as the bytes reach.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::der::{Der, OBJECT_ID, OCTETS, SEQUENCE};
use super::store::{KeyEntry, Password, StoreError, StoreKind};

const MAGIC: u32 = 0xfeed_feed;
const PRIVATE_KEY: u32 = 1;
const TRUSTED_CERTIFICATE: u32 = 2;
/// What the digest over the file takes in after the password.
const PHRASE: &[u8] = b"Mighty Aphrodite";
const DIGEST_BYTES: usize = 20;
/// 1.3.6.1.4.1.42.2.17.1.1, the one cipher of keys.
const KEY_PROTECTOR: &[u8] = &[0x2b, 6, 1, 4, 1, 0x2a, 2, 0x11, 1, 1];

enum Entry<'a> {
    PrivateKey { encrypted: &'a [u8], chain: Vec<&'a [u8]> },
    Trusted(&'a [u8]),
}

/// The first private key with its chain.
pub(super) fn key_entry(
    bytes: &[u8],
    password: Password<'_>,
    key_password: Password<'_>,
) -> Result<KeyEntry, StoreError> {
    let entries = entries(bytes, Some(password))?;
    let mut keys = entries.into_iter().filter_map(|entry| match entry {
        Entry::PrivateKey { encrypted, chain } => Some((encrypted, chain)),
        Entry::Trusted(_) => None,
    });
    let (encrypted, chain) = keys.next().ok_or(StoreError::NoPrivateKey)?;
    let key = open_key(encrypted, key_password)?;
    let chain = chain.into_iter().map(|der| CertificateDer::from(der.to_vec())).collect();
    Ok(KeyEntry { key, chain })
}

/// All trusted certificates. Without a password the digest is not looked at.
pub(super) fn trusted(
    bytes: &[u8],
    password: Option<Password<'_>>,
) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let certificates = entries(bytes, password)?.into_iter().filter_map(|entry| match entry {
        Entry::Trusted(der) => Some(CertificateDer::from(der.to_vec())),
        Entry::PrivateKey { .. } => None,
    });
    Ok(certificates.collect())
}

fn entries<'a>(bytes: &'a [u8], password: Option<Password<'_>>) -> Result<Vec<Entry<'a>>, StoreError> {
    let mut input = Input(bytes);
    if input.number("its first bytes")? != MAGIC {
        return Err(damaged("its first bytes"));
    }
    let version = input.number("its version")?;
    if !(1..=2).contains(&version) {
        return Err(damaged("its version"));
    }
    let count = input.number("the number of entries")?;
    let mut found = Vec::new();
    // every turn takes bytes, so a count that is too high ends with the file
    for _ in 0..count {
        found.push(entry(&mut input, version)?);
    }
    if input.0.len() != DIGEST_BYTES {
        return Err(damaged("the digest at its end"));
    }
    if let Some(password) = password {
        let signed = bytes.get(..bytes.len() - DIGEST_BYTES).unwrap_or_default();
        let digest = sha1(&[&utf16(password.text), PHRASE, signed]);
        verify_slices_are_equal(&digest, input.0)
            .map_err(|_| StoreError::WrongPassword { password_key: password.key })?;
    }
    Ok(found)
}

fn entry<'a>(input: &mut Input<'a>, version: u32) -> Result<Entry<'a>, StoreError> {
    let tag = input.number("an entry")?;
    input.text("an alias")?;
    input.take(8, "the time of an entry")?;
    match tag {
        PRIVATE_KEY => {
            let encrypted = input.sized("a private key")?;
            let count = input.number("the length of a chain")?;
            let mut chain = Vec::new();
            for _ in 0..count {
                chain.push(certificate(input, version)?);
            }
            Ok(Entry::PrivateKey { encrypted, chain })
        }
        TRUSTED_CERTIFICATE => certificate(input, version).map(Entry::Trusted),
        _ => Err(damaged("the kind of an entry")),
    }
}

fn certificate<'a>(input: &mut Input<'a>, version: u32) -> Result<&'a [u8], StoreError> {
    if version > 1 && input.text("the type of a certificate")? != b"X.509" {
        return Err(StoreError::Unsupported { what: "a certificate that is not X.509" });
    }
    input.sized("a certificate")
}

/// Takes the protection off a key: salt, the key under a stream of SHA-1 blocks that the password and the salt begin, and
/// a SHA-1 of password and key.
fn open_key(encrypted: &[u8], password: Password<'_>) -> Result<Vec<u8>, StoreError> {
    let (protector, sealed) = protected(encrypted).ok_or_else(|| damaged("a private key"))?;
    if protector != KEY_PROTECTOR {
        return Err(StoreError::Unsupported { what: "the cipher of the private key" });
    }
    let parts = sealed.split_at_checked(DIGEST_BYTES).and_then(|(salt, rest)| {
        let (key, check) = rest.split_at_checked(rest.len().checked_sub(DIGEST_BYTES)?)?;
        Some((salt, key, check))
    });
    let (salt, key, check) = parts.ok_or_else(|| damaged("a private key"))?;
    let secret = utf16(password.text);
    let mut plain = Vec::with_capacity(key.len());
    let mut block = salt.to_vec();
    for part in key.chunks(DIGEST_BYTES) {
        block = sha1(&[&secret, &block]);
        plain.extend(part.iter().zip(&block).map(|(byte, mask)| byte ^ mask));
    }
    verify_slices_are_equal(&sha1(&[&secret, &plain]), check)
        .map_err(|_| StoreError::WrongKeyPassword { password_key: password.key })?;
    Ok(plain)
}

/// The cipher's object id and the encrypted bytes of an `EncryptedPrivateKeyInfo`.
fn protected(encrypted: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut info = Der(encrypted).enter(SEQUENCE)?;
    let protector = info.enter(SEQUENCE)?.enter(OBJECT_ID)?.0;
    Some((protector, info.enter(OCTETS)?.0))
}

fn sha1(parts: &[&[u8]]) -> Vec<u8> {
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    for part in parts {
        context.update(part);
    }
    context.finish().as_ref().to_vec()
}

/// A password as Java hashes it.
fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_be_bytes).collect()
}

fn damaged(what: &'static str) -> StoreError {
    StoreError::Damaged { kind: StoreKind::Jks, what }
}

/// What is left of the file.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], StoreError> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(|| damaged(what))?;
        self.0 = rest;
        Ok(taken)
    }

    fn number(&mut self, what: &'static str) -> Result<u32, StoreError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(|| damaged(what))?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    /// Bytes after a length of four bytes.
    fn sized(&mut self, what: &'static str) -> Result<&'a [u8], StoreError> {
        let length = usize::try_from(self.number(what)?).map_err(|_| damaged(what))?;
        self.take(length, what)
    }

    /// Text after a length of two bytes.
    fn text(&mut self, what: &'static str) -> Result<&'a [u8], StoreError> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or_else(|| damaged(what))?;
        self.0 = rest;
        self.take(usize::from(u16::from_be_bytes(*bytes)), what)
    }
}
