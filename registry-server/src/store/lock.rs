//! Names of the locks a change can hold.

use assay_schema_core::QualifiedSubject;
use sha2::{Digest, Sha256};

/// A lock held until the transaction ends. `SQLite` has one writer and ignores them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lock {
    /// No other transaction changes this subject's versions or settings.
    Change(QualifiedSubject),
    /// No other transaction deletes this subject's versions; several may hold it.
    Reference(QualifiedSubject),
    /// No other transaction changes anything.
    Everything,
}

/// An advisory lock: key and whether it is exclusive.
pub(super) type AdvisoryLock = (i64, bool);

/// The advisory locks for a set of locks, in the one order in which every transaction takes them: first the lock on everything
/// (shared unless asked for), then the subjects by key, each key once and exclusive if any use is.
pub(super) fn advisory(locks: &[Lock]) -> Vec<AdvisoryLock> {
    let everything = locks.contains(&Lock::Everything);
    let mut keys: Vec<AdvisoryLock> = locks
        .iter()
        .filter_map(|lock| match lock {
            Lock::Change(subject) => Some((key(subject), true)),
            Lock::Reference(subject) => Some((key(subject), false)),
            Lock::Everything => None,
        })
        .collect();
    keys.sort_unstable_by_key(|&(key, exclusive)| (key, !exclusive));
    keys.dedup_by_key(|&mut (key, _)| key);
    keys.insert(0, (EVERYTHING_KEY, everything));
    keys
}

/// "assay" in ASCII, below every hashed key in practice; a collision only costs waiting.
const EVERYTHING_KEY: i64 = 0x61_73_73_61_79;

fn key(subject: &QualifiedSubject) -> i64 {
    let digest = Sha256::new()
        .chain_update(subject.context.as_str())
        .chain_update([0])
        .chain_update(&subject.subject)
        .finalize();
    let mut bytes = [0; 8];
    bytes.copy_from_slice(digest.get(..8).unwrap_or(&[0; 8]));
    i64::from_be_bytes(bytes)
}
