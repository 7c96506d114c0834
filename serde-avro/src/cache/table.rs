//! A map that is read without locks and seldom written.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};

use crate::wire::SchemaKey;

/// Hashes schema keys.
pub(crate) type SchemaKeyHasher = BuildHasherDefault<KeyHasher>;

/// Entries that are read on every record. A reader borrows the current entries; a writer replaces all of them, which costs
/// a copy of the map, so this suits what is written once per schema or topic. When full, an arbitrary entry makes room.
#[derive(Debug)]
pub(crate) struct Table<V, K = SchemaKey, S = SchemaKeyHasher> {
    entries: ArcSwap<HashMap<K, V, S>>,
    capacity: usize,
}

impl<V, K, S> Table<V, K, S>
where
    V: Clone,
    K: Clone + Eq + Hash,
    S: BuildHasher + Clone + Default,
{
    pub(crate) fn new(capacity: usize) -> Self {
        Self { entries: ArcSwap::from_pointee(HashMap::default()), capacity: capacity.max(1) }
    }

    /// The current entries. Cheap, and to be dropped soon.
    #[inline]
    pub(crate) fn read(&self) -> Guard<Arc<HashMap<K, V, S>>> {
        self.entries.load()
    }

    pub(crate) fn insert(&self, key: &K, value: &V) {
        self.entries.rcu(|entries| {
            let mut entries = HashMap::clone(entries);
            if entries.len() >= self.capacity && !entries.contains_key(key) {
                let victim = entries.keys().next().cloned();
                if let Some(victim) = victim {
                    entries.remove(&victim);
                }
            }
            entries.insert(key.clone(), value.clone());
            entries
        });
    }
}

/// Multiplies and folds: ids are small numbers that the registry gave out, and GUIDs are hashes already.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct KeyHasher(u64);

impl KeyHasher {
    #[inline]
    fn mix(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word) * 0x9E37_79B9_7F4A_7C15;
        #[expect(clippy::cast_possible_truncation, reason = "both halves are folded together")]
        {
            self.0 = (product as u64) ^ ((product >> 64) as u64);
        }
    }
}

impl Hasher for KeyHasher {
    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            for (to, from) in word.iter_mut().zip(chunk) {
                *to = *from;
            }
            self.mix(u64::from_le_bytes(word));
        }
    }

    #[inline]
    fn write_i32(&mut self, value: i32) {
        self.mix(u64::from(value.cast_unsigned()));
    }

    #[inline]
    fn write_isize(&mut self, value: isize) {
        // the discriminant of the key: id or GUID
        self.0 ^= value.cast_unsigned() as u64;
    }

    #[inline]
    fn write_usize(&mut self, value: usize) {
        self.0 ^= value as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use assay_schema_core::{Guid, SchemaId};

    fn id(id: i32) -> SchemaKey {
        SchemaKey::Id(SchemaId::new(id).unwrap())
    }

    #[test]
    fn a_full_table_makes_room_for_the_newest_entry() {
        let table: Table<i32> = Table::new(3);
        for n in 0..10 {
            table.insert(&id(n), &n);
            assert_eq!(table.read().get(&id(n)), Some(&n));
        }
        table.insert(&id(9), &90);
        let entries = table.read();
        assert_eq!(entries.len(), 3);
        assert_eq!(entries.get(&id(9)), Some(&90));
    }

    #[test]
    fn ids_and_guids_do_not_collide() {
        let table: Table<i32> = Table::new(10);
        table.insert(&id(0), &1);
        table.insert(&SchemaKey::Guid(Guid::from_bytes([0; 16])), &2);
        table.insert(&SchemaKey::Guid(Guid::from_bytes([1; 16])), &3);
        let entries = table.read();
        assert_eq!(entries.get(&id(0)), Some(&1));
        assert_eq!(entries.get(&SchemaKey::Guid(Guid::from_bytes([0; 16]))), Some(&2));
        assert_eq!(entries.get(&SchemaKey::Guid(Guid::from_bytes([2; 16]))), None);
    }
}
