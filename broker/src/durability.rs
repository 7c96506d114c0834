//! The threads that touch files: writers, syncers, readers and one housekeeper.
//!
//! A partition always writes on the same writer thread, and syncs on any of the sync pool with at most one sync under
//! way. Whatever is appended while a sync runs joins the next one: commits group by themselves, without a timer, and
//! as many files sync at the same time as the pool has threads.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot};

use crate::buffers::Buffers;
use crate::clock::Clock;
use crate::log::lock;
use crate::log::storage::Storage;
use crate::partition::Partition;
use crate::topics::config::{Durability, TopicDefaults};

/// Appends that may wait for one writer thread; further ones wait before they are queued.
const QUEUED_APPENDS_MAX: usize = 4096;
/// Reads and administrative jobs that may wait for their pool.
const QUEUED_JOBS_MAX: usize = 4096;

/// How the log half of a broker runs.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The node's number.
    pub node_id: i32,
    /// Identity for a new data folder; a random one by default. An existing folder must match it.
    pub cluster_id: Option<String>,
    /// When appends become durable, unless a topic says otherwise.
    pub durability: Durability,
    /// Topic settings taken from the broker's configuration.
    pub topic_defaults: TopicDefaults,
    /// Threads that write.
    pub writer_threads: usize,
    /// Threads that sync: how many files sync at the same time.
    pub sync_threads: usize,
    /// Threads that read what is not in the tail cache.
    pub read_threads: usize,
    /// Threads that open logs at start (`num.recovery.threads.per.data.dir`).
    pub recovery_threads: usize,
    /// Longest time without a recovery-point checkpoint while something is written.
    pub checkpoint_interval: Duration,
    /// Time between looks for expired segments (`log.retention.check.interval.ms`).
    pub retention_check_interval: Duration,
    /// Time between looks for logs to compact (`log.cleaner.backoff.ms`).
    pub cleaner_interval: Duration,
    /// Idle time after which a producer is forgotten (`producer.id.expiration.ms`).
    pub producer_id_expiration_ms: i64,
    /// Bytes of recent batches held for consumers at the tail, all partitions together.
    pub tail_cache_bytes: usize,
}

impl Default for LogConfig {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            node_id: 1,
            cluster_id: None,
            durability: Durability::Fsync,
            topic_defaults: TopicDefaults::default(),
            writer_threads: cores.min(4),
            sync_threads: 8,
            read_threads: 4,
            // Mostly waiting for syncs.
            recovery_threads: cores.max(8),
            checkpoint_interval: Duration::from_secs(1),
            retention_check_interval: Duration::from_mins(5),
            cleaner_interval: Duration::from_secs(15),
            producer_id_expiration_ms: 86_400_000,
            tail_cache_bytes: 64 << 20,
        }
    }
}

type Job = Box<dyn FnOnce() + Send>;

/// Threads that take jobs from one queue, in order.
pub(crate) struct Pool {
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// Room for jobs that somebody waits for.
    pub(crate) permits: Arc<Semaphore>,
}

#[derive(Default)]
struct Queue {
    jobs: Mutex<(VecDeque<Job>, bool)>,
    ready: Condvar,
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &lock(&self.threads).len()).finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new(name: &str, threads: usize, permits: usize) -> io::Result<Self> {
        let queue = Arc::new(Queue::default());
        let pool = Self {
            queue: Arc::clone(&queue),
            threads: Mutex::default(),
            permits: Arc::new(Semaphore::new(permits)),
        };
        for at in 0..threads.max(1) {
            let queue = Arc::clone(&queue);
            let thread =
                std::thread::Builder::new().name(format!("{name}-{at}")).spawn(move || queue.work())?;
            lock(&pool.threads).push(thread);
        }
        Ok(pool)
    }

    /// Queues a job. Jobs of which there is at most one per partition need no permit.
    pub(crate) fn submit(&self, job: impl FnOnce() + Send + 'static) {
        let mut jobs = lock(&self.queue.jobs);
        if !jobs.1 {
            jobs.0.push_back(Box::new(job));
            drop(jobs);
            self.queue.ready.notify_one();
        }
    }

    /// Runs a job and waits for its answer; `None` once the pool is closed. The job runs even if the caller goes away.
    pub(crate) async fn run<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.ok()?;
        let (reply, answer) = oneshot::channel();
        self.submit(move || {
            let _permit = permit;
            let _ = reply.send(job());
        });
        answer.await.ok()
    }

    /// Lets queued jobs finish and ends the threads.
    pub(crate) fn close(&self) {
        self.stop();
        let me = std::thread::current().id();
        for thread in lock(&self.threads).drain(..).filter(|thread| thread.thread().id() != me) {
            let _ = thread.join();
        }
    }

    fn stop(&self) {
        self.permits.close();
        lock(&self.queue.jobs).1 = true;
        self.queue.ready.notify_all();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Queue {
    fn work(&self) {
        let mut jobs = lock(&self.jobs);
        loop {
            if let Some(job) = jobs.0.pop_front() {
                drop(jobs);
                if catch_unwind(AssertUnwindSafe(job)).is_err() {
                    tracing::error!("a file job panicked");
                }
                jobs = lock(&self.jobs);
            } else if jobs.1 {
                return;
            } else {
                jobs = self.ready.wait(jobs).unwrap_or_else(std::sync::PoisonError::into_inner);
            }
        }
    }
}

/// What all partitions of a data folder share.
#[derive(Debug)]
pub(crate) struct Engine {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: LogConfig,
    pub(crate) writers: Vec<Pool>,
    pub(crate) syncers: Pool,
    pub(crate) readers: Pool,
    /// One thread: changes of topics, checkpoints and retention exclude each other.
    pub(crate) admin: Pool,
    /// One thread that compacts.
    pub(crate) cleaner: Pool,
    pub(crate) timer: Timer,
    /// Whether a start can tell that only the process had ended.
    pub(crate) boot_known: bool,
    /// Bytes in all tail caches.
    pub(crate) tail_bytes: AtomicUsize,
    /// Where the batches in them come from and go to.
    pub(crate) buffers: Arc<Buffers>,
}

impl Engine {
    pub(crate) fn new(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        config: LogConfig,
    ) -> io::Result<Self> {
        let writers = (0..config.writer_threads.max(1))
            .map(|at| Pool::new(&format!("assay-write{at}"), 1, QUEUED_APPENDS_MAX))
            .collect::<io::Result<_>>()?;
        Ok(Self {
            writers,
            syncers: Pool::new("assay-sync", config.sync_threads, QUEUED_JOBS_MAX)?,
            readers: Pool::new("assay-read", config.read_threads, QUEUED_JOBS_MAX)?,
            admin: Pool::new("assay-log-admin", 1, QUEUED_JOBS_MAX)?,
            cleaner: Pool::new("assay-cleaner", 1, QUEUED_JOBS_MAX)?,
            timer: Timer::default(),
            boot_known: storage.boot_id().is_some(),
            tail_bytes: AtomicUsize::new(0),
            buffers: Arc::default(),
            storage,
            clock,
            config,
        })
    }

    /// The writer thread of a partition.
    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length, which is not 0")]
    pub(crate) fn writer(&self, hash: usize) -> &Pool {
        &self.writers[hash % self.writers.len()]
    }

    /// Ends the housekeeper.
    pub(crate) fn stop_timer(&self) {
        self.timer.close();
    }

    /// Ends all threads after their queued work, writers first: their last appends are synced.
    pub(crate) fn close(&self) {
        self.timer.close();
        self.cleaner.close();
        self.writers.iter().for_each(Pool::close);
        self.syncers.close();
        self.readers.close();
    }
}

/// Partitions that must sync at some time though nobody waits for it.
#[derive(Debug, Default)]
pub(crate) struct Timer {
    due: Mutex<Due>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Due {
    partitions: Vec<(Instant, Weak<Partition>)>,
    closed: bool,
}

impl Timer {
    pub(crate) fn add(&self, at: Instant, partition: &Arc<Partition>) {
        lock(&self.due).partitions.push((at, Arc::downgrade(partition)));
        self.changed.notify_one();
    }

    fn close(&self) {
        lock(&self.due).closed = true;
        self.changed.notify_all();
    }

    /// Waits until `until` or an earlier due time and returns the partitions due; `None` when closed.
    pub(crate) fn wait(&self, until: Instant) -> Option<Vec<Arc<Partition>>> {
        let mut due = lock(&self.due);
        loop {
            if due.closed {
                return None;
            }
            let now = Instant::now();
            let ready: Vec<_> = due.partitions.extract_if(.., |(at, _)| *at <= now).collect();
            if !ready.is_empty() || now >= until {
                return Some(ready.into_iter().filter_map(|(_, partition)| partition.upgrade()).collect());
            }
            let next = due.partitions.iter().map(|(at, _)| *at).min().map_or(until, |at| at.min(until));
            let waited = self.changed.wait_timeout(due, next.saturating_duration_since(now));
            due = waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
        }
    }
}
