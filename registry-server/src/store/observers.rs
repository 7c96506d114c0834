//! Who is told about commits of this process.

use std::sync::{Arc, PoisonError, RwLock, Weak};

use assay_schema_core::QualifiedSubject;

/// Is told what a commit touched.
pub trait Observer: Send + Sync {
    /// The scopes of the committed events: subjects, or whole contexts where the subject is empty. Called after the commit and before
    /// it is acknowledged, also when the outcome of the commit is unknown.
    fn committed(&self, scopes: &[QualifiedSubject]);
}

/// The observers of one store.
#[derive(Clone, Default)]
pub(super) struct Observers(Arc<RwLock<Vec<Weak<dyn Observer>>>>);

impl Observers {
    pub(super) fn add(&self, observer: Weak<dyn Observer>) {
        let mut observers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        observers.retain(|known| known.strong_count() > 0);
        observers.push(observer);
    }

    pub(super) fn tell(&self, scopes: &[QualifiedSubject]) {
        if scopes.is_empty() {
            return;
        }
        for observer in self.0.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(observer) = observer.upgrade() {
                observer.committed(scopes);
            }
        }
    }
}

/// Tells the observers when it is dropped: a commit whose answer nobody waits for may have happened.
pub(super) struct Told<'a>(pub(super) &'a Observers, pub(super) Vec<QualifiedSubject>);

impl Drop for Told<'_> {
    fn drop(&mut self) {
        self.0.tell(&self.1);
    }
}
