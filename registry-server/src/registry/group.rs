//! Registrations that share a commit.
//!
//! Most registrations are plain: a schema without references, metadata or rules, for which the next version is to be written. Those
//! are judged outside any transaction, from the state of the subject, and then handed to a runner that writes many of them in one
//! transaction, each on the condition that its subject is still in the state it was judged in. One that is not, and everything that
//! is not plain, takes the long way: a transaction of its own that judges under the subject's lock.
//!
//! While the subjects that come are new ones, not even their state is read: a registration under a subject that is not in memory is
//! judged as if nothing had ever happened to it, and the condition on the state tells whether that was right.

use std::collections::{HashSet, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use assay_schema_core::avro::ParseMode;
use assay_schema_core::{QualifiedSubject, SchemaType, Version};
use tokio::sync::oneshot;

use super::content::Content;
use super::error::RegistryError;
use super::input::{Deleted, Registered, SchemaInput};
use super::origin::Origin;
use super::register::{Attempt, RegisterOptions};
use super::stored::StoredSchema;
use super::view::SubjectView;
use super::{Registry, mode, tags};
use crate::cache::Mark;
use crate::store::{Append, Appended, SchemaRow, Snapshot, StoreError, VersionRow};

/// Registrations in one transaction.
const GROUP_MAX: usize = 128;
/// Registrations that wait; more are refused.
const WAITING_MAX: usize = 8192;
/// Transactions at the same time on a database that can run several.
const RUNNERS_SHARED: usize = 2;

/// So many unknown subjects in a row must have been new ones before the next is taken for one.
const UNTOUCHED_RUN_MIN: u32 = 4;

/// What a registration comes to, as far as it can be told without a transaction.
pub(super) enum Judgement {
    /// The schema is a live version already: nothing is written, and the mode does not matter.
    Known(Box<Registered>),
    /// A new version may be written while the subject stays as it is.
    New(Box<NewVersion>),
    /// It must be judged in a transaction.
    Other,
}

/// A version that may be written.
pub(super) struct NewVersion {
    view: Arc<SubjectView>,
    mark: Mark,
    content: Content,
    append: Append,
}

/// The registrations that wait for a runner.
#[derive(Default)]
pub(super) struct Group {
    waiting: Mutex<Waiting>,
    runners_max: usize,
    /// How many of the last subjects that were not in memory turned out to be new, in a row.
    untouched_run: AtomicU32,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    runners: usize,
}

struct Job {
    append: Append,
    /// Gets what became of it; dropped if its transaction failed.
    done: oneshot::Sender<Appended>,
}

/// Too many registrations wait.
#[derive(Debug, thiserror::Error)]
#[error("{WAITING_MAX} registrations are waiting")]
struct TooManyWaiting;

impl Group {
    pub(super) fn new(shared: bool) -> Self {
        let runners_max = if shared { RUNNERS_SHARED } else { 1 };
        Self { runners_max, ..Self::default() }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job; `true` if a runner must be started for it.
    fn push(&self, job: Job) -> Result<bool, StoreError> {
        let mut waiting = self.lock();
        if waiting.jobs.len() >= WAITING_MAX {
            return Err(StoreError::Unavailable(Box::new(TooManyWaiting)));
        }
        waiting.jobs.push_back(job);
        let start = waiting.runners < self.runners_max;
        waiting.runners += usize::from(start);
        Ok(start)
    }

    /// The next jobs, at most one per subject, in the order they came; none ends the runner.
    fn take(&self) -> Vec<Job> {
        let mut waiting = self.lock();
        let mut subjects = HashSet::new();
        let (mut taken, mut left) = (Vec::new(), VecDeque::new());
        while taken.len() < GROUP_MAX
            && let Some(job) = waiting.jobs.pop_front()
        {
            if subjects.insert(job.append.subject.clone()) {
                taken.push(job);
            } else {
                left.push_back(job);
            }
        }
        left.append(&mut waiting.jobs);
        waiting.jobs = left;
        waiting.runners -= usize::from(taken.is_empty());
        taken
    }
}

/// Whether nothing about the request asks for more than the next version of the given text.
fn is_plain(input: &SchemaInput, options: RegisterOptions) -> bool {
    !options.dry_run
        && input.version == 0
        && input.id.is_none()
        && input.references.is_empty()
        && input.metadata.is_none()
        && input.rule_set.is_none()
}

impl Registry {
    /// Judges a registration from the committed state of its subject.
    ///
    /// # Errors
    /// 42201 and, for a plain registration, 42205 and 40901; all else is left to the transaction.
    pub(super) async fn judge(
        &self,
        subject: &QualifiedSubject,
        input: &SchemaInput,
        options: RegisterOptions,
        origin: &Origin,
    ) -> Result<Judgement, RegistryError> {
        if tags::changes_tags(input) || input.schema.trim().is_empty() {
            return Ok(Judgement::Other);
        }
        let mut snapshot = self.store().read().await?;
        let mark = self.caches().subjects().mark(subject);
        let in_memory = self.caches().subjects().view(subject).is_some();
        let attempt = self.read_attempt(&mut *snapshot, subject, options).await?;
        if !in_memory {
            self.subject_was_untouched(attempt.view.is_untouched());
        }
        let plain = is_plain(input, options) && !attempt.importing();
        if attempt.config.changes_contracts() || (attempt.view.latest_live().is_none() && !plain) {
            return Ok(Judgement::Other);
        }
        let strict = attempt.config.validate_new_schemas.unwrap_or(self.config().validate_new_schemas);
        let parse_mode = if strict && plain { ParseMode::Strict } else { ParseMode::Lax };
        let prepared = self.prepare(&mut *snapshot, subject, input, parse_mode, attempt.normalizes()).await;
        let (content, valid) = match prepared {
            Ok(content) => (content, plain),
            // The mode is judged first where there is nothing to find.
            Err(_) if attempt.view.latest_live().is_none() => return Ok(Judgement::Other),
            Err(error) if parse_mode == ParseMode::Lax => return Err(error),
            // What the strict parser refuses may still be there.
            Err(_) => {
                let normalize = attempt.normalizes();
                (self.prepare(&mut *snapshot, subject, input, ParseMode::Lax, normalize).await?, false)
            }
        };
        if let Some(known) = self.known(&mut *snapshot, &attempt, input, &content).await? {
            return Ok(Judgement::Known(Box::new(known)));
        }
        if !valid {
            return Ok(Judgement::Other);
        }
        self.judge_new(&mut *snapshot, attempt, mark, content, options, origin).await
    }

    /// Notes whether a subject that was not in memory was a new one.
    pub(super) fn subject_was_untouched(&self, untouched: bool) {
        let run = &self.inner.group.untouched_run;
        if !untouched {
            run.store(0, Ordering::Relaxed);
        } else if run.load(Ordering::Relaxed) < UNTOUCHED_RUN_MIN {
            run.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Judges a plain registration as the first that ever happens to its subject, if that is likely. What speaks against it is left to
    /// [`Self::judge`].
    pub(super) async fn judge_untouched(
        &self,
        subject: &QualifiedSubject,
        input: &SchemaInput,
        options: RegisterOptions,
        origin: &Origin,
    ) -> Option<NewVersion> {
        let subjects = self.caches().subjects();
        if self.inner.group.untouched_run.load(Ordering::Relaxed) < UNTOUCHED_RUN_MIN
            || !is_plain(input, options)
            || tags::changes_tags(input)
            || subjects.view(subject).is_some()
        {
            return None;
        }
        let mark = subjects.mark(subject);
        let mut snapshot = self.store().read().await.ok()?;
        let view = self.untouched_view(&mut *snapshot, subject).await.ok()?;
        let attempt = Attempt::new(subject, view, options);
        if attempt.importing() || attempt.config.changes_contracts() {
            return None;
        }
        let strict = attempt.config.validate_new_schemas.unwrap_or(self.config().validate_new_schemas);
        let mode = if strict { ParseMode::Strict } else { ParseMode::Lax };
        let prepared = self.prepare(&mut *snapshot, subject, input, mode, attempt.normalizes()).await;
        match self.judge_new(&mut *snapshot, attempt, mark, prepared.ok()?, options, origin).await {
            Ok(Judgement::New(new)) => Some(*new),
            _ => None,
        }
    }

    /// The live version that the request names or leaves open, if it holds this content.
    async fn known(
        &self,
        snapshot: &mut dyn Snapshot,
        attempt: &Attempt<'_>,
        input: &SchemaInput,
        content: &Content,
    ) -> Result<Option<Registered>, RegistryError> {
        let found = self.find(snapshot, &attempt.view, content, Deleted::Exclude).await?;
        let Some(row) = found.map(|found| found.row) else { return Ok(None) };
        let version_fits = match input.version {
            0 => true,
            number if number < 0 => attempt.view.latest_live() == Some(row),
            number => number == row.version.get() && input.id == Some(row.id),
        };
        if !version_fits || input.id.is_some_and(|id| id != row.id) {
            return Ok(None);
        }
        let known = self.registered(snapshot, attempt.view.subject(), row).await?;
        // What a reference means may change with another subject.
        Ok(Some(Registered { settled: input.references.is_empty(), ..known }))
    }

    async fn judge_new(
        &self,
        snapshot: &mut dyn Snapshot,
        attempt: Attempt<'_>,
        mark: Mark,
        content: Content,
        options: RegisterOptions,
        origin: &Origin,
    ) -> Result<Judgement, RegistryError> {
        let view = Arc::clone(&attempt.view);
        let subject = view.subject();
        mode::check_register(attempt.mode, false, subject)?;
        if let Some(row) = view.latest_live() {
            let latest = self.content_of(snapshot, &subject.context, row.id).await?;
            if latest.row().metadata.is_some() || latest.row().rule_set.is_some() {
                // They are inherited.
                return Ok(Judgement::Other);
            }
        }
        if view.find_by_hash(&content.guid, Deleted::Only).is_some() {
            // Older versions are to be purged.
            return Ok(Judgement::Other);
        }
        if !options.force {
            self.check_compatible(snapshot, subject, &attempt.config, &content, view.versions()).await?;
        }
        let Some(version) = Version::new(attempt.next) else { return Ok(Judgement::Other) };
        let mut event = self.event("register", subject, origin);
        event.version = Some(version);
        event.after = Some(format!("{{\"guid\":\"{}\"}}", content.guid));
        let append = Append {
            subject: subject.clone(),
            stamp: view.stamp(),
            version,
            schema: content.to_new(&subject.context, event.ts_ms),
            event,
        };
        Ok(Judgement::New(Box::new(NewVersion { view, mark, content, append })))
    }

    /// Writes a judged version together with others; `None` if it must be judged again.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] if too many wait.
    pub(super) async fn register_in_group(
        &self,
        new: NewVersion,
    ) -> Result<Option<Registered>, RegistryError> {
        let NewVersion { view, mark, content, append } = new;
        let (version, ts_ms) = (append.version, append.event.ts_ms);
        let (done, outcome) = oneshot::channel();
        if self.inner.group.push(Job { append, done })? {
            tokio::spawn(run(self.clone()));
        }
        let Ok(Appended::Written { id, revision }) = outcome.await else { return Ok(None) };
        let subject = view.subject();
        let row = VersionRow { subject: subject.clone(), version, id, ts_ms, deleted: false };
        let after = Arc::new(view.with(row, content.guid, revision));
        self.caches().subjects().remember_view(mark.next(), &after);
        self.changed(&subject.context, &[id], &[]);
        let stored = SchemaRow {
            context: subject.context.clone(),
            id,
            hash: content.guid,
            schema_type: SchemaType::Avro,
            text: content.text.clone(),
            references: Vec::new(),
            metadata: None,
            rule_set: None,
        };
        let generation = self.caches().generation();
        if self.caches().content(&subject.context, id).is_none() {
            let stored = Arc::new(StoredSchema::parsed_as(stored, content.schema.clone()));
            self.caches().remember_content(&stored, generation);
        }
        Ok(Some(Registered { id, version, content: content.into_stored(), settled: false }))
    }
}

/// A runner that may be dropped at any point, with its runtime.
struct Runner {
    registry: Registry,
    ended: bool,
}

impl Drop for Runner {
    fn drop(&mut self) {
        if !self.ended {
            let mut waiting = self.registry.inner.group.lock();
            waiting.runners -= 1;
            // Who waits is told by the closed channel and goes the long way.
            waiting.jobs.clear();
        }
    }
}

/// Writes what waits until nothing does.
async fn run(registry: Registry) {
    let mut runner = Runner { registry, ended: false };
    loop {
        let registry = &runner.registry;
        let jobs = registry.inner.group.take();
        if jobs.is_empty() {
            runner.ended = true;
            return;
        }
        let (versions, waiting): (Vec<Append>, Vec<_>) =
            jobs.into_iter().map(|job| (job.append, job.done)).unzip();
        match registry.store().append(&versions).await {
            Ok(appended) => {
                for (done, appended) in waiting.into_iter().zip(appended) {
                    // Whoever hung up does not need to know.
                    done.send(appended).ok();
                }
            }
            // Each is tried again on its own, so that one cannot fail the others.
            Err(error) => tracing::debug!(%error, "a group of registrations was not written"),
        }
    }
}
