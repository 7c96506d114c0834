//! What is mutable, in memory: the versions and settings of subjects, and whole answers that follow from them.
//!
//! Every subject has a mark, a counter that it shares with few others. Whoever reads a subject notes its mark first; every commit
//! that touches the subject raises it; what was remembered under an older mark is never used again. On a shared database other
//! nodes' commits raise marks as the change feed tells of them, and memory counts as true only for a short time after the feed's last
//! look.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use assay_schema_core::QualifiedSubject;
use bytes::Bytes;
use moka::sync::Cache;

use crate::registry::SubjectView;
use crate::store::Observer;

/// How long memory is true after the feed has looked. Together with the feed's pause this bounds how late a node sees what
/// another one committed.
const TRUE_FOR: Duration = Duration::from_millis(90);
/// Counters that subjects share.
const MARKS: usize = 1 << 14;
/// Longest request that an answer is kept for, bytes.
pub(crate) const QUESTION_BYTES_MAX: usize = 64 << 10;

/// The state of a subject's counter at some moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    slot: usize,
    count: u64,
}

impl Mark {
    /// The mark after exactly one more commit.
    pub(crate) fn next(self) -> Self {
        Self { count: self.count + 1, ..self }
    }
}

/// What an answer was given to: method, path with query, and body.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Question {
    /// Whether it is a POST; else it is a GET.
    pub(crate) post: bool,
    /// Path and query as sent.
    pub(crate) path: Bytes,
    /// Body as sent.
    pub(crate) body: Bytes,
}

pub(crate) struct Subjects {
    marks: Box<[AtomicU64]>,
    hasher: RandomState,
    views: Cache<QualifiedSubject, (Mark, Arc<SubjectView>)>,
    answers: Cache<Question, (Mark, Bytes)>,
    started: Instant,
    /// Microseconds after the start until which memory is true.
    true_until: AtomicU64,
}

impl std::fmt::Debug for Subjects {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subjects").finish_non_exhaustive()
    }
}

impl Subjects {
    /// Memory of about `bytes_max` bytes. Where nobody else writes it is always true; on a shared database only after
    /// [`Self::looked`].
    pub(crate) fn new(bytes_max: u64, shared: bool) -> Self {
        Self {
            marks: (0..MARKS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
            views: Cache::builder()
                .weigher(|_, (_, view): &(Mark, Arc<SubjectView>)| view.weight())
                .max_capacity(bytes_max / 3 * 2)
                .build(),
            answers: Cache::builder()
                .weigher(|question: &Question, (_, body): &(Mark, Bytes)| {
                    let bytes = question.path.len() + question.body.len() + body.len() + 256;
                    u32::try_from(bytes).unwrap_or(u32::MAX)
                })
                .max_capacity(bytes_max / 3)
                .build(),
            started: Instant::now(),
            true_until: AtomicU64::new(if shared { 0 } else { u64::MAX }),
        }
    }

    fn slot(&self, subject: &QualifiedSubject) -> usize {
        let hash = self.hasher.hash_one((subject.context.as_str(), subject.subject.as_str()));
        usize::try_from(hash % MARKS as u64).unwrap_or_default()
    }

    fn count(&self, slot: usize) -> u64 {
        self.marks.get(slot).map_or(0, |count| count.load(Ordering::SeqCst))
    }

    /// The subject's mark now. To be noted before reading what is to be remembered.
    pub(crate) fn mark(&self, subject: &QualifiedSubject) -> Mark {
        let slot = self.slot(subject);
        Mark { slot, count: self.count(slot) }
    }

    fn holds(&self, mark: Mark) -> bool {
        self.count(mark.slot) == mark.count
    }

    /// Whether what is remembered under a mark that holds may be used.
    fn is_true(&self) -> bool {
        let until = self.true_until.load(Ordering::SeqCst);
        until == u64::MAX || self.micros(Instant::now()) < until
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.started).as_micros()).unwrap_or(u64::MAX)
    }

    /// The change feed looked: everything committed before this moment has raised its marks.
    pub(crate) fn looked(&self, at: Instant) {
        self.true_until.fetch_max(self.micros(at + TRUE_FOR), Ordering::SeqCst);
    }

    pub(crate) fn view(&self, subject: &QualifiedSubject) -> Option<Arc<SubjectView>> {
        let (mark, view) = self.views.get(subject)?;
        (self.holds(mark) && self.is_true()).then_some(view)
    }

    pub(crate) fn remember_view(&self, mark: Mark, view: &Arc<SubjectView>) {
        if self.holds(mark) {
            self.views.insert(view.subject().clone(), (mark, Arc::clone(view)));
        }
    }

    pub(crate) fn answer(&self, question: &Question) -> Option<Bytes> {
        let (mark, body) = self.answers.get(question)?;
        (self.holds(mark) && self.is_true()).then_some(body)
    }

    pub(crate) fn remember_answer(&self, mark: Mark, question: Question, body: Bytes) {
        if self.holds(mark) && question.path.len() + question.body.len() + body.len() <= QUESTION_BYTES_MAX {
            self.answers.insert(question, (mark, body));
        }
    }

    /// Raises the marks of what an event touched: a subject, or all where the scope is a whole context.
    pub(crate) fn touch(&self, scope: &QualifiedSubject) {
        if scope.subject.is_empty() {
            self.touch_everything();
        } else if let Some(count) = self.marks.get(self.slot(scope)) {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// As [`Self::touch`], for an event that what is remembered may contain already.
    pub(crate) fn touch_by_event(&self, scope: &QualifiedSubject, revision: i64) {
        let known = self.views.get(scope).is_some_and(|(_, view)| view.stamp().subject >= revision);
        if scope.subject.is_empty() || !known {
            self.touch(scope);
        }
    }

    pub(crate) fn touch_everything(&self) {
        for count in &self.marks {
            count.fetch_add(1, Ordering::SeqCst);
        }
    }
}

impl Observer for Subjects {
    fn committed(&self, scopes: &[QualifiedSubject]) {
        for scope in scopes {
            self.touch(scope);
        }
    }
}
