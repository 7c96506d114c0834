//! What is remembered. Here what is immutable: stored contents (parsed on demand) and rendered by-id answers; in [`subjects`] what
//! follows from the state of a subject.
//!
//! A change invalidates the ids it touches after its commit. A reader may have read the old rows before that and come to insert
//! them after it; so readers note the generation before they read, every invalidation raises it first, and an insert that finds it
//! raised takes its entry out again.

mod subjects;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use assay_schema_core::{Context, SchemaId};
use bytes::Bytes;
use moka::sync::Cache;

pub(crate) use subjects::{Mark, QUESTION_BYTES_MAX, Question, Subjects};

use crate::registry::StoredSchema;

/// Rendered answers kept per id; further variants are rendered again each time.
const VARIANTS_MAX: usize = 16;

type Key = (Context, SchemaId);

/// One way to render a content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Variant {
    /// The `subject` parameter as sent.
    pub(crate) subject: String,
    /// References inlined.
    pub(crate) resolved: bool,
    /// Reference subjects qualified.
    pub(crate) qualified: bool,
    /// The schema's text alone.
    pub(crate) raw: bool,
}

#[derive(Debug, Default)]
struct Bodies(Mutex<Vec<(Variant, Bytes)>>);

#[derive(Debug)]
pub(crate) struct Caches {
    generation: AtomicU64,
    contents: Cache<Key, Arc<StoredSchema>>,
    bodies: Cache<Key, Arc<Bodies>>,
    subjects: Arc<Subjects>,
}

impl Caches {
    /// Caches that take about `bytes_max` bytes together: half for contents, an eighth for by-id answers, the rest for subjects.
    pub(crate) fn new(bytes_max: u64, shared: bool) -> Self {
        Self {
            generation: AtomicU64::new(0),
            contents: Cache::builder()
                .weigher(|_, stored: &Arc<StoredSchema>| stored.weight())
                .max_capacity(bytes_max / 2)
                .build(),
            bodies: Cache::builder().weigher(|_, _| 4096).max_capacity(bytes_max / 8).build(),
            subjects: Arc::new(Subjects::new(bytes_max / 8 * 3, shared)),
        }
    }

    pub(crate) fn subjects(&self) -> &Arc<Subjects> {
        &self.subjects
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation.load(Ordering::SeqCst)
    }

    pub(crate) fn content(&self, context: &Context, id: SchemaId) -> Option<Arc<StoredSchema>> {
        self.contents.get(&(context.clone(), id))
    }

    pub(crate) fn remember_content(&self, stored: &Arc<StoredSchema>, generation: u64) {
        let key = (stored.row().context.clone(), stored.id());
        self.contents.insert(key.clone(), Arc::clone(stored));
        if self.generation() != generation {
            self.contents.invalidate(&key);
        }
    }

    pub(crate) fn body(&self, key: &Key, variant: &Variant) -> Option<Bytes> {
        let bodies = self.bodies.get(key)?;
        let bodies = bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
        bodies.iter().find(|(known, _)| known == variant).map(|(_, body)| body.clone())
    }

    pub(crate) fn remember_body(&self, key: &Key, variant: Variant, body: Bytes, generation: u64) {
        let bodies = self.bodies.get_with_by_ref(key, Arc::default);
        {
            let mut bodies = bodies.0.lock().unwrap_or_else(PoisonError::into_inner);
            if bodies.len() < VARIANTS_MAX && !bodies.iter().any(|(known, _)| *known == variant) {
                bodies.push((variant, body));
            }
        }
        if self.generation() != generation {
            self.bodies.invalidate(key);
        }
    }

    /// Forgets the rendered answers of ids whose versions changed, and the contents of ids that are gone.
    pub(crate) fn forget(&self, context: &Context, touched: &[SchemaId], gone: &[SchemaId]) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        for &id in touched {
            self.bodies.invalidate(&(context.clone(), id));
        }
        for &id in gone {
            let key = (context.clone(), id);
            self.contents.invalidate(&key);
            self.bodies.invalidate(&key);
        }
    }

    /// Forgets all that is remembered.
    pub(crate) fn forget_everything(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.contents.invalidate_all();
        self.bodies.invalidate_all();
        self.subjects.touch_everything();
    }

    /// Entries in the two caches, contents first.
    pub(crate) fn sizes(&self) -> (u64, u64) {
        (self.contents.entry_count(), self.bodies.entry_count())
    }
}
