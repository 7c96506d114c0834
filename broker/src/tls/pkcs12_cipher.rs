//! Key derivation and ciphers of PKCS #12: PBES2 (RFC 8018) and the older schemes of RFC 7292, appendices B and C.

use aws_lc_rs::{digest, hmac};
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockCipher, BlockDecryptMut, KeyInit, KeyIvInit};
use pkcs8::der::Decode;
use pkcs8::pkcs5::{pbes2, pbes2::Kdf};

use super::der::{Der, OBJECT_ID, OCTETS, SEQUENCE};
use super::pkcs12::within_bounds;
use super::store::{StoreError, StoreKind};

/// 1.2.840.113549.1.5.13
const PBES2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 5, 13];
/// 1.2.840.113549.1.12.1, the older schemes.
const OLDER: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 12, 1];
/// Triple DES with three keys.
const DES3: u8 = 3;
/// RC2 with a key of 128 bits.
const RC2_128: u8 = 5;
/// RC2 with a key of 40 bits.
const RC2_40: u8 = 6;

/// A hash of key derivations and MACs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Digest {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    pub(super) fn from_object_id(id: &[u8]) -> Option<Self> {
        match id {
            [0x2b, 0x0e, 3, 2, 0x1a] => Some(Self::Sha1),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1] => Some(Self::Sha256),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2] => Some(Self::Sha384),
            [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3] => Some(Self::Sha512),
            _ => None,
        }
    }

    /// Length of what comes out.
    pub(super) fn bytes(self) -> usize {
        self.algorithm().output_len()
    }

    pub(super) fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha384 => hmac::HMAC_SHA384,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn algorithm(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// What a derived key is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Key = 1,
    Iv = 2,
    Mac = 3,
}

/// Key derivation of RFC 7292, appendix B.2, for `length` bytes.
pub(super) fn derive(
    hash: Digest,
    purpose: Purpose,
    password: &str,
    salt: &[u8],
    rounds: u32,
    length: usize,
) -> Vec<u8> {
    let algorithm = hash.algorithm();
    let block = algorithm.block_len();
    let password: Vec<u8> = password.encode_utf16().chain([0]).flat_map(u16::to_be_bytes).collect();
    let filled = |bytes: &[u8]| -> Vec<u8> {
        let whole = bytes.len().div_ceil(block) * block;
        bytes.iter().copied().cycle().take(whole).collect()
    };
    let mut input = filled(salt);
    input.extend(filled(&password));
    let mut out = Vec::with_capacity(length);
    while out.len() < length {
        let mut context = digest::Context::new(algorithm);
        context.update(&vec![purpose as u8; block]);
        context.update(&input);
        let mut hashed = context.finish();
        for _ in 1..rounds {
            hashed = digest::digest(algorithm, hashed.as_ref());
        }
        out.extend_from_slice(hashed.as_ref());
        // each block of the input grows by the hash, repeated, and one
        for part in input.chunks_mut(block) {
            let mut carry = 1;
            let addend: Vec<u8> = hashed.as_ref().iter().copied().cycle().take(block).collect();
            for (byte, add) in part.iter_mut().zip(addend).rev() {
                carry += u16::from(*byte) + u16::from(add);
                let [high, low] = carry.to_be_bytes();
                *byte = low;
                carry = u16::from(high);
            }
        }
    }
    out.truncate(length);
    out
}

/// Decrypts by an `AlgorithmIdentifier`; `wrong` when the end shows that the password is not the right one.
pub(super) fn open(
    algorithm: &[u8],
    sealed: &[u8],
    password: &str,
    wrong: &StoreError,
) -> Result<Vec<u8>, StoreError> {
    let unknown = StoreError::Unsupported { what: "the cipher of a safe or key" };
    let damaged = || StoreError::Damaged { kind: StoreKind::Pkcs12, what: "the parameters of a cipher" };
    let mut parts = Der(algorithm).enter(SEQUENCE).ok_or_else(damaged)?;
    let id = parts.enter(OBJECT_ID).ok_or_else(damaged)?.0;
    if id == PBES2 {
        let scheme = pbes2::Parameters::from_der(parts.0).map_err(|_| unknown.clone())?;
        let Kdf::Pbkdf2(derivation) = &scheme.kdf else { return Err(unknown) };
        within_bounds(derivation.iteration_count)?;
        return scheme.decrypt(password, sealed).map_err(|error| match error {
            pkcs8::pkcs5::Error::DecryptFailed | pkcs8::pkcs5::Error::EncryptFailed => wrong.clone(),
            _ => unknown,
        });
    }
    let Some([cipher]) = id.strip_prefix(OLDER) else { return Err(unknown) };
    let mut older = parts.enter(SEQUENCE).ok_or_else(damaged)?;
    let salt = older.enter(OCTETS).ok_or_else(damaged)?.0;
    let rounds = within_bounds(older.number().ok_or_else(damaged)?)?;
    let derived = |purpose, length| derive(Digest::Sha1, purpose, password, salt, rounds, length);
    let iv = derived(Purpose::Iv, 8);
    let plain = match *cipher {
        DES3 => decrypt::<des::TdesEde3>(&derived(Purpose::Key, 24), &iv, sealed),
        RC2_128 => decrypt::<rc2::Rc2>(&derived(Purpose::Key, 16), &iv, sealed),
        RC2_40 => decrypt::<rc2::Rc2>(&derived(Purpose::Key, 5), &iv, sealed),
        _ => return Err(unknown),
    };
    plain.ok_or_else(|| wrong.clone())
}

/// `None` when the padding at the end is broken.
fn decrypt<C: BlockCipher + BlockDecryptMut + KeyInit>(
    key: &[u8],
    iv: &[u8],
    sealed: &[u8],
) -> Option<Vec<u8>> {
    let mut bytes = sealed.to_vec();
    let plain =
        Decryptor::<C>::new_from_slices(key, iv).ok()?.decrypt_padded_mut::<Pkcs7>(&mut bytes).ok()?;
    Some(plain.to_vec())
}
