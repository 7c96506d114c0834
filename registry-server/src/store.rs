//! Storage of the registry: SQL and transactions, no rules.
//!
//! Two backends, [`SqliteStore`](sqlite::SqliteStore) for one node and [`PostgresStore`](postgres::PostgresStore) for many, answer
//! the same three traits and pass the same contract suite. The queries are written once, over the columns both migrations share.
//!
//! # Isolation
//!
//! A change is *read, check, write* in one [`StoreTx`]. `SQLite` has a single writer: transactions run one after the other.
//! On Postgres a transaction takes the advisory locks it names in [`Store::begin`] first, in one global order: exclusive on the
//! subjects it changes, shared on the subjects it references, so the versions of a subject are chosen and checked by one
//! transaction at a time. What crosses subjects (the id of a content used by several) is arbitrated by unique and foreign keys;
//! a loser gets [`StoreError::Conflict`] and the whole change runs again.
//!
//! Plain registrations take a shorter way: [`Store::append`] writes many judged versions in one transaction, each on the condition that
//! the [`Stamp`] of its subject is still the one it was judged at. Every change writes an event under the lock of its scope, so a
//! scope's highest revision only grows, and equal stamps mean that nothing happened.
//!
//! # Durability
//!
//! [`StoreTx::commit`] returns after the commit is on disk (`SQLite`: WAL with `synchronous=FULL`; Postgres: the server's
//! `synchronous_commit`, which must not be off). A transaction that is dropped without a commit leaves no trace, except a gap in
//! the ids of Postgres.

pub mod associations;
mod connection;
pub mod error;
pub mod history;
mod lock;
mod migrations;
pub mod model;
mod observers;
pub mod postgres;
mod session;
pub mod sqlite;

use std::sync::Weak;
use std::time::{Duration, Instant};

use assay_schema_core::{Context, Guid, Mode, QualifiedSubject, SchemaId, Version};
use async_trait::async_trait;

pub use associations::{AssociationReads, AssociationRow, AssociationWrites};
pub use error::StoreError;
pub use history::{
    ArchivedCursor, Census, ChainEnd, EventCursor, HistoryReads, ReferenceRow, StoredContentRow,
};
pub use lock::Lock;
pub use model::{
    Append, Appended, Event, EventFilter, NewEvent, NewSchema, Referrer, SchemaRow, ScopeSettings, Stamp,
    SubjectRow, SubjectRows, VersionCursor, VersionRow,
};
pub use observers::Observer;

/// Reads. Outside a transaction each method sees what was committed before it started; inside one it also sees the
/// transaction's own writes. What does not exist is `None` or empty, never an error.
#[async_trait]
pub trait Snapshot: HistoryReads + AssociationReads + Send {
    /// Whether all that is seen is committed. Inside a change it is not: what is read there must not be remembered.
    fn sees_only_committed(&self) -> bool;
    /// The versions, their hashes and the settings of a subject, in one look.
    async fn subject_rows(&mut self, subject: &QualifiedSubject) -> Result<SubjectRows, StoreError>;
    /// The content with this id.
    async fn schema(&mut self, context: &Context, id: SchemaId) -> Result<Option<SchemaRow>, StoreError>;
    /// The id that registrations of this content get.
    async fn preferred_id(&mut self, context: &Context, hash: &Guid) -> Result<Option<SchemaId>, StoreError>;
    /// Every id of this content, by context then id.
    async fn ids_of_hash(&mut self, hash: &Guid) -> Result<Vec<(Context, SchemaId)>, StoreError>;
    /// All stored versions of a subject, soft-deleted ones included, ascending.
    async fn versions(&mut self, subject: &QualifiedSubject) -> Result<Vec<VersionRow>, StoreError>;
    /// All stored versions with this id, by subject then version.
    async fn versions_of_id(
        &mut self,
        context: &Context,
        id: SchemaId,
    ) -> Result<Vec<VersionRow>, StoreError>;
    /// Stored versions whose content references the given subject (all its versions, or one), by context, id, subject, version.
    async fn referrers(
        &mut self,
        target: &QualifiedSubject,
        version: Option<Version>,
    ) -> Result<Vec<Referrer>, StoreError>;
    /// Settings that can apply to a subject: its own, its context's, the global ones and those of all contexts; unset scopes are left out.
    async fn settings(&mut self, subject: &QualifiedSubject) -> Result<Vec<ScopeSettings>, StoreError>;
    /// Every stored scope of one context, or of all, by context then subject.
    async fn settings_in(&mut self, context: Option<&Context>) -> Result<Vec<ScopeSettings>, StoreError>;
    /// Subjects with at least one stored version, by context then name; `context` limits to one, `prefix` to names that start with it.
    async fn subjects(
        &mut self,
        context: Option<&Context>,
        prefix: &str,
    ) -> Result<Vec<SubjectRow>, StoreError>;
    /// At most `limit` stored versions after the cursor, by context, subject, version.
    async fn versions_after(
        &mut self,
        context: Option<&Context>,
        prefix: &str,
        after: Option<&VersionCursor>,
        limit: u32,
    ) -> Result<Vec<VersionRow>, StoreError>;
    /// Known contexts, sorted; the default context is not stored before its first registration.
    async fn contexts(&mut self) -> Result<Vec<Context>, StoreError>;
    /// The highest id ever issued or imported in the context.
    async fn max_id(&mut self, context: &Context) -> Result<Option<SchemaId>, StoreError>;
    /// Events that match, ascending by revision.
    async fn events(&mut self, filter: &EventFilter) -> Result<Vec<Event>, StoreError>;
    /// At most `limit` events of the hash chain after a seal, in chain order.
    async fn sealed_after(&mut self, seal: i64, limit: u32) -> Result<Vec<Event>, StoreError>;
}

/// One change. Ends with [`StoreTx::commit`] or [`StoreTx::rollback`]; dropping it rolls back.
#[async_trait]
pub trait StoreTx: Snapshot + AssociationWrites {
    /// Issues an id that was never issued before in this context, also after hard deletes and restarts.
    async fn allocate_id(&mut self, context: &Context) -> Result<SchemaId, StoreError>;
    /// Stores a content under the id. If the content has no preferred id yet, this becomes it and `true` is returned. If another
    /// transaction won the content in the meantime, nothing is stored and [`StoreError::Conflict`] is returned, unless `import`
    /// allows a second id for it (then `false`).
    async fn insert_schema(
        &mut self,
        id: SchemaId,
        schema: &NewSchema,
        import: bool,
    ) -> Result<bool, StoreError>;
    /// Makes the allocator continue above an imported id.
    async fn raise_allocator(&mut self, context: &Context, id: SchemaId) -> Result<(), StoreError>;
    /// Stores a live version.
    async fn insert_version(&mut self, version: &VersionRow) -> Result<(), StoreError>;
    /// Soft-deletes versions of a subject.
    async fn mark_deleted(
        &mut self,
        subject: &QualifiedSubject,
        versions: &[Version],
        now_ms: i64,
    ) -> Result<(), StoreError>;
    /// Hard-deletes versions of a subject, and the contents that no version uses any more. Returns the ids that are gone.
    async fn remove_versions(
        &mut self,
        subject: &QualifiedSubject,
        versions: &[Version],
    ) -> Result<Vec<SchemaId>, StoreError>;
    /// Sets or clears the config of a scope.
    async fn put_config(&mut self, scope: &QualifiedSubject, config: Option<&str>) -> Result<(), StoreError>;
    /// Sets or clears the mode of a scope.
    async fn put_mode(&mut self, scope: &QualifiedSubject, mode: Option<Mode>) -> Result<(), StoreError>;
    /// Makes the context known; nothing happens if it is.
    async fn create_context(&mut self, context: &Context, now_ms: i64) -> Result<(), StoreError>;
    /// Forgets a context with its settings. Its id allocator stays.
    async fn remove_context(&mut self, context: &Context) -> Result<(), StoreError>;
    /// Writes the event of this change and returns its revision.
    async fn append_event(&mut self, event: &NewEvent) -> Result<i64, StoreError>;
    /// Makes the change durable and visible.
    async fn commit(self: Box<Self>) -> Result<(), StoreError>;
    /// Undoes everything since [`Store::begin`].
    async fn rollback(self: Box<Self>) -> Result<(), StoreError>;
}

/// What was committed since the last look.
#[derive(Debug)]
pub struct News {
    /// Everything committed before this moment is told, now or before.
    pub as_of: Instant,
    /// The events, ascending by revision.
    pub events: Vec<Event>,
    /// Whether the list is complete; if not, anything may have happened.
    pub complete: bool,
}

/// The change feed of a shared database.
#[async_trait]
pub trait Changes: Send {
    /// Looks what was committed since the last look: when a commit is announced, else after `pause`. It misses nothing, also where
    /// transactions commit in another order than that of their revisions. After an error the feed is over.
    async fn next(&mut self, pause: Duration) -> Result<News, StoreError>;
}

/// A database with the registry's tables.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Reads. The first of them takes a connection: it waits at most the pool's acquire timeout, then [`StoreError::Unavailable`].
    async fn read(&self) -> Result<Box<dyn Snapshot>, StoreError>;
    /// As [`Store::read`], but all reads see the database as it was at the first one. Ends when dropped.
    async fn read_at_once(&self) -> Result<Box<dyn Snapshot>, StoreError>;
    /// Starts a change that holds these locks until it ends.
    async fn begin(&self, locks: &[Lock]) -> Result<Box<dyn StoreTx>, StoreError>;
    /// Appends versions in one transaction with one commit, each only if its stamp still holds; the others are not affected. Answers
    /// in the same order, after the commit. An error means that none was written, or that the outcome is unknown
    /// ([`StoreError::Unavailable`]). No two may have the same subject.
    async fn append(&self, versions: &[Append]) -> Result<Vec<Appended>, StoreError>;
    /// Tells the observer the scopes of every change from now on, after the commit and before it is acknowledged.
    fn observe(&self, observer: Weak<dyn Observer>);
    /// Whether other processes may write the same database.
    fn is_shared(&self) -> bool;
    /// Identifies the installation; the same on every node of one database.
    fn cluster_id(&self) -> &str;
    /// Succeeds when the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
    /// Adds up to `limit` committed events to the hash chain, in commit order, and returns how many.
    async fn seal_events(&self, limit: u32) -> Result<u32, StoreError>;
    /// What is committed from now on, by whomever; `None` if nobody else writes.
    async fn changes(&self) -> Result<Option<Box<dyn Changes>>, StoreError>;
    /// `sqlite` or `postgres`.
    fn backend(&self) -> &'static str;
    /// Closes all connections; transactions under way end first.
    async fn close(&self);
}
