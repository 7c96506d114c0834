//! The hashes of SCRAM (RFC 5802, RFC 7677).

use std::io;
use std::num::NonZeroU32;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, pbkdf2, rand};

/// Fewest rounds of hashing, as in Kafka.
pub const ITERATIONS_MIN: u32 = 4096;
/// Most rounds, as in Kafka: more would let one login keep a core busy.
pub const ITERATIONS_MAX: u32 = 16_384;
/// Rounds for users added on the command line.
pub const ITERATIONS_DEFAULT: u32 = 8192;
/// Bytes of salt for users added on the command line.
const SALT_BYTES: usize = 24;

/// A hash that SCRAM is spoken with; the stronger one is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ScramMechanism {
    /// SCRAM-SHA-256.
    Sha256,
    /// SCRAM-SHA-512.
    Sha512,
}

impl ScramMechanism {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// The name in SASL.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "SCRAM-SHA-256",
            Self::Sha512 => "SCRAM-SHA-512",
        }
    }

    /// By its name in SASL.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    /// The number in Kafka's requests (KIP-554).
    pub const fn code(self) -> i8 {
        match self {
            Self::Sha256 => 1,
            Self::Sha512 => 2,
        }
    }

    /// By the number in Kafka's requests.
    pub fn from_code(code: i8) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.code() == code)
    }

    /// Bytes of a hash.
    pub const fn hash_bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }

    fn hmac_algorithm(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn hash(self, bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        };
        digest::digest(algorithm, bytes).as_ref().to_vec()
    }

    pub(super) fn hmac(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        hmac::sign(&hmac::Key::new(self.hmac_algorithm(), key), bytes).as_ref().to_vec()
    }

    fn salted(self, password: &str, salt: &[u8], iterations: u32) -> Vec<u8> {
        let algorithm = match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        };
        let mut out = vec![0; self.hash_bytes()];
        let iterations = NonZeroU32::new(iterations).unwrap_or(NonZeroU32::MIN);
        pbkdf2::derive(algorithm, iterations, salt, password.as_bytes(), &mut out);
        out
    }
}

/// What is kept of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    /// Salt.
    pub salt: Vec<u8>,
    /// Hash of the client's key.
    pub stored_key: Vec<u8>,
    /// Key that the server proves itself with.
    pub server_key: Vec<u8>,
    /// Rounds of hashing.
    pub iterations: u32,
}

impl std::fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScramCredential").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl ScramCredential {
    /// Hashes a password with a fresh salt. Fails only when the system has no randomness.
    pub fn from_password(mechanism: ScramMechanism, password: &str, iterations: u32) -> io::Result<Self> {
        let mut salt = vec![0; SALT_BYTES];
        fill_random(&mut salt)?;
        let salted = mechanism.salted(password, &salt, iterations);
        Ok(Self::from_salted(mechanism, &salted, salt, iterations))
    }

    /// From the salted password that an administrator's client computed (KIP-554).
    pub fn from_salted(mechanism: ScramMechanism, salted: &[u8], salt: Vec<u8>, iterations: u32) -> Self {
        let client_key = mechanism.hmac(salted, b"Client Key");
        let server_key = mechanism.hmac(salted, b"Server Key");
        Self { salt, stored_key: mechanism.hash(&client_key), server_key, iterations }
    }

    /// One that no password proves, with a salt that depends on the user alone.
    pub(super) fn decoy(mechanism: ScramMechanism, user: &str, secret: &[u8]) -> Self {
        let mut salt = mechanism.hmac(secret, user.as_bytes());
        salt.truncate(SALT_BYTES);
        let stored_key = mechanism.hmac(secret, b"no key has this hash");
        Self { salt, server_key: stored_key.clone(), stored_key, iterations: ITERATIONS_DEFAULT }
    }

    /// Whether this is the credential of `password`.
    pub fn is_proved_by(&self, mechanism: ScramMechanism, password: &str) -> bool {
        let salted = mechanism.salted(password, &self.salt, self.iterations);
        let client_key = mechanism.hmac(&salted, b"Client Key");
        verify_slices_are_equal(&mechanism.hash(&client_key), &self.stored_key).is_ok()
    }

    /// Whether `proof` over `auth_message` comes from somebody who knows the password; then the server's own signature.
    pub(crate) fn check_proof(
        &self,
        mechanism: ScramMechanism,
        auth_message: &[u8],
        proof: &[u8],
    ) -> Option<Vec<u8>> {
        let signature = mechanism.hmac(&self.stored_key, auth_message);
        if proof.len() != signature.len() {
            return None;
        }
        let client_key: Vec<u8> = proof.iter().zip(&signature).map(|(a, b)| a ^ b).collect();
        verify_slices_are_equal(&mechanism.hash(&client_key), &self.stored_key).ok()?;
        Some(mechanism.hmac(&self.server_key, auth_message))
    }
}

/// Fills with randomness of the system.
pub(crate) fn fill_random(bytes: &mut [u8]) -> io::Result<()> {
    rand::fill(bytes).map_err(|_| io::Error::other("the system gives no random bytes"))
}

/// What a client proves itself with.
#[cfg(test)]
pub(crate) fn client_proof(
    mechanism: ScramMechanism,
    password: &str,
    salt: &[u8],
    iterations: u32,
    auth_message: &str,
) -> Vec<u8> {
    let client_key = mechanism.hmac(&mechanism.salted(password, salt, iterations), b"Client Key");
    let signature = mechanism.hmac(&mechanism.hash(&client_key), auth_message.as_bytes());
    client_key.iter().zip(&signature).map(|(a, b)| a ^ b).collect()
}
