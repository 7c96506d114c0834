//! Stores of PKCS #12 (RFC 7292), as `keytool` and `openssl pkcs12` write them.
//!
//! A file is a list of safes, each plain or encrypted; a safe is a list of bags, each a private key or a certificate; and
//! a MAC over all safes. A certificate is trusted when it carries the attribute that Java gives to trusted entries.

use aws_lc_rs::hmac;
use tokio_rustls::rustls::pki_types::CertificateDer;

use super::der::{CONTEXT_0, CONTEXT_0_PRIMITIVE, Der, OBJECT_ID, OCTETS, SEQUENCE, SET};
use super::pkcs12_cipher::{self, Purpose};
use super::store::{KeyEntry, Password, StoreError, StoreKind};
use super::subject;

/// Most rounds of key derivation that a file may ask for; Java's own bound.
pub(super) const ROUNDS_MAX: u32 = 5_000_000;
/// Most certificates in one chain.
const CHAIN_MAX: usize = 32;

/// 1.2.840.113549.1.7, the contents of PKCS #7: 1 plain, 6 encrypted.
const CONTENTS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7];
const PLAIN: u8 = 1;
const ENCRYPTED: u8 = 6;
/// 1.2.840.113549.1.12.10.1, the bags.
const BAGS: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 10, 1];
const KEY_BAG: u8 = 1;
const ENCRYPTED_KEY_BAG: u8 = 2;
const CERTIFICATE_BAG: u8 = 3;
/// 1.2.840.113549.1.9.22.1
const X509: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 22, 1];
/// 1.2.840.113549.1.9.21, what ties a certificate to its key.
const LOCAL_KEY_ID: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 21];
/// 2.16.840.1.113894.746875.1.1, Java's mark of trust.
const TRUSTED: &[u8] = &[0x60, 0x86, 0x48, 1, 0x86, 0xf9, 0x66, 0xad, 0xca, 0x7b, 1, 1];

/// What is in the bags, in their order.
#[derive(Default)]
struct Content {
    keys: Vec<KeyBag>,
    certificates: Vec<CertificateBag>,
}

struct KeyBag {
    /// A private key, or one encrypted.
    der: Vec<u8>,
    is_encrypted: bool,
    id: Option<Vec<u8>>,
}

struct CertificateBag {
    der: Vec<u8>,
    id: Option<Vec<u8>>,
    is_trusted: bool,
}

/// The first private key with the certificates that lead up from its own.
pub(super) fn key_entry(
    bytes: &[u8],
    password: Password<'_>,
    key_password: Password<'_>,
) -> Result<KeyEntry, StoreError> {
    let content = content(bytes, Some(password))?;
    let first = content.keys.first().ok_or(StoreError::NoPrivateKey)?;
    let key = if first.is_encrypted { open_key(&first.der, key_password)? } else { first.der.clone() };
    Ok(KeyEntry { key, chain: chain(&content, first.id.as_deref()) })
}

/// All certificates with Java's mark of trust. Without a password the MAC is not looked at.
pub(super) fn trusted(
    bytes: &[u8],
    password: Option<Password<'_>>,
) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let certificates = content(bytes, password)?.certificates.into_iter();
    let trusted = certificates.filter(|one| one.is_trusted && one.id.is_none());
    Ok(trusted.map(|one| CertificateDer::from(one.der)).collect())
}

fn content(bytes: &[u8], password: Option<Password<'_>>) -> Result<Content, StoreError> {
    let (safes, mac) = outside(bytes).ok_or_else(|| damaged("its outer frame"))?;
    if let (Some(password), Some(mac)) = (password, mac) {
        check_mac(safes, mac, password)?;
    }
    let mut safes = Der(safes).enter(SEQUENCE).ok_or_else(|| damaged("the list of safes"))?;
    let mut content = Content::default();
    while !safes.0.is_empty() {
        let (kind, inside) = info(&mut safes).ok_or_else(|| damaged("a safe"))?;
        match kind.strip_prefix(CONTENTS) {
            Some([PLAIN]) => {
                let plain = Der(inside).enter(OCTETS).ok_or_else(|| damaged("a safe"))?;
                bags(plain.0, &mut content)?;
            }
            Some([ENCRYPTED]) => {
                let (algorithm, sealed) = encrypted_safe(inside).ok_or_else(|| damaged("a safe"))?;
                let Some(password) = password else {
                    return Err(StoreError::NoPassword { password_key: "ssl.truststore.password" });
                };
                let wrong = StoreError::WrongPassword { password_key: password.key };
                let plain = pkcs12_cipher::open(algorithm, sealed, password.text, &wrong)?;
                bags(&plain, &mut content)?;
            }
            _ => return Err(StoreError::Unsupported { what: "a safe that is encrypted with a public key" }),
        }
    }
    Ok(content)
}

/// The bytes of all safes, and the MAC over them when there is one.
fn outside(bytes: &[u8]) -> Option<(&[u8], Option<&[u8]>)> {
    let mut outer = Der(bytes).enter(SEQUENCE)?;
    if outer.number()? != 3 {
        return None;
    }
    let (kind, inside) = info(&mut outer)?;
    if kind.strip_prefix(CONTENTS)? != [PLAIN] {
        return None;
    }
    let safes = Der(inside).enter(OCTETS)?.0;
    let mac = if outer.0.is_empty() { None } else { Some(outer.enter(SEQUENCE)?.0) };
    Some((safes, mac))
}

/// Object id and content of a `ContentInfo`.
fn info<'a>(input: &mut Der<'a>) -> Option<(&'a [u8], &'a [u8])> {
    let mut info = input.enter(SEQUENCE)?;
    Some((info.enter(OBJECT_ID)?.0, info.enter(CONTEXT_0)?.0))
}

/// Algorithm and bytes of an `EncryptedData`.
fn encrypted_safe(inside: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut data = Der(inside).enter(SEQUENCE)?;
    data.number()?;
    let mut info = data.enter(SEQUENCE)?;
    info.enter(OBJECT_ID)?;
    let (tag, algorithm, _) = info.next()?;
    (tag == SEQUENCE).then_some(())?;
    Some((algorithm, info.enter(CONTEXT_0_PRIMITIVE)?.0))
}

fn check_mac(safes: &[u8], mac: &[u8], password: Password<'_>) -> Result<(), StoreError> {
    let parsed = mac_data(mac).ok_or_else(|| damaged("its MAC"))?;
    let digest = pkcs12_cipher::Digest::from_object_id(parsed.algorithm)
        .ok_or(StoreError::Unsupported { what: "the algorithm of the MAC" })?;
    let rounds = within_bounds(parsed.rounds)?;
    let key = pkcs12_cipher::derive(digest, Purpose::Mac, password.text, parsed.salt, rounds, digest.bytes());
    let key = hmac::Key::new(digest.hmac(), &key);
    hmac::verify(&key, safes, parsed.value)
        .map_err(|_| StoreError::WrongPassword { password_key: password.key })
}

struct MacData<'a> {
    algorithm: &'a [u8],
    value: &'a [u8],
    salt: &'a [u8],
    rounds: u32,
}

fn mac_data(mac: &[u8]) -> Option<MacData<'_>> {
    let mut mac = Der(mac);
    let mut digest = mac.enter(SEQUENCE)?;
    let algorithm = digest.enter(SEQUENCE)?.enter(OBJECT_ID)?.0;
    let value = digest.enter(OCTETS)?.0;
    let salt = mac.enter(OCTETS)?.0;
    let rounds = if mac.0.is_empty() { 1 } else { mac.number()? };
    Some(MacData { algorithm, value, salt, rounds })
}

/// The rounds of a key derivation, when there are not too many.
pub(super) fn within_bounds(rounds: u32) -> Result<u32, StoreError> {
    match rounds {
        1..=ROUNDS_MAX => Ok(rounds),
        _ => Err(damaged("the rounds of a key derivation")),
    }
}

fn bags(safe: &[u8], content: &mut Content) -> Result<(), StoreError> {
    let mut bags = Der(safe).enter(SEQUENCE).ok_or_else(|| damaged("the bags of a safe"))?;
    while !bags.0.is_empty() {
        bag(&mut bags, content).ok_or_else(|| damaged("a bag"))?;
    }
    Ok(())
}

/// Takes up one bag; those of other kinds are left out.
fn bag(bags: &mut Der<'_>, content: &mut Content) -> Option<()> {
    let mut bag = bags.enter(SEQUENCE)?;
    let kind = bag.enter(OBJECT_ID)?.0;
    let value = bag.enter(CONTEXT_0)?.0;
    let (id, is_trusted) = attributes(bag)?;
    match kind.strip_prefix(BAGS) {
        Some([kind @ (KEY_BAG | ENCRYPTED_KEY_BAG)]) => {
            let is_encrypted = *kind == ENCRYPTED_KEY_BAG;
            content.keys.push(KeyBag { der: value.to_vec(), is_encrypted, id });
        }
        Some([CERTIFICATE_BAG]) => {
            let mut inside = Der(value).enter(SEQUENCE)?;
            if inside.enter(OBJECT_ID)?.0 == X509 {
                let der = inside.enter(CONTEXT_0)?.enter(OCTETS)?.0.to_vec();
                content.certificates.push(CertificateBag { der, id, is_trusted });
            }
        }
        _ => {}
    }
    Some(())
}

/// The local key id of a bag, and whether it carries the mark of trust.
fn attributes(mut bag: Der<'_>) -> Option<(Option<Vec<u8>>, bool)> {
    let (mut id, mut is_trusted) = (None, false);
    if bag.0.is_empty() {
        return Some((id, is_trusted));
    }
    let mut attributes = bag.enter(SET)?;
    while !attributes.0.is_empty() {
        let mut attribute = attributes.enter(SEQUENCE)?;
        let name = attribute.enter(OBJECT_ID)?.0;
        let mut values = attribute.enter(SET)?;
        if name == LOCAL_KEY_ID {
            id = Some(values.enter(OCTETS)?.0.to_vec());
        }
        is_trusted |= name == TRUSTED;
    }
    Some((id, is_trusted))
}

fn open_key(der: &[u8], password: Password<'_>) -> Result<Vec<u8>, StoreError> {
    let parts = || {
        let mut info = Der(der).enter(SEQUENCE)?;
        let (tag, algorithm, _) = info.next()?;
        (tag == SEQUENCE).then_some(())?;
        Some((algorithm, info.enter(OCTETS)?.0))
    };
    let (algorithm, sealed) = parts().ok_or_else(|| damaged("a private key"))?;
    let wrong = StoreError::WrongKeyPassword { password_key: password.key };
    let plain = pkcs12_cipher::open(algorithm, sealed, password.text, &wrong)?;
    // a wrong password may leave an end that looks right
    if Der(&plain).enter(SEQUENCE).is_some() { Ok(plain) } else { Err(wrong) }
}

/// The certificate of the key with this id, who signed that, and so on as far as the store knows.
fn chain(content: &Content, id: Option<&[u8]>) -> Vec<CertificateDer<'static>> {
    let of_key = |one: &&CertificateBag| match id {
        Some(id) => one.id.as_deref() == Some(id),
        None => !one.is_trusted,
    };
    let mut next = content.certificates.iter().find(of_key);
    let mut chain: Vec<CertificateDer<'static>> = Vec::new();
    while let Some(one) = next
        && chain.len() < CHAIN_MAX
        && !chain.iter().any(|before| before.as_ref() == one.der)
    {
        chain.push(CertificateDer::from(one.der.clone()));
        let issuer = subject::names(&one.der).map(|names| names.issuer);
        next = content.certificates.iter().find(|other| {
            issuer.is_some() && subject::names(&other.der).map(|names| names.subject) == issuer
        });
    }
    chain
}

fn damaged(what: &'static str) -> StoreError {
    StoreError::Damaged { kind: StoreKind::Pkcs12, what }
}
