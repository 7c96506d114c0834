//! What the crate does, as numbers. Set an observer once, with
//! [`RegistryClientBuilder::metrics`](crate::client::RegistryClientBuilder::metrics); caches, serializers and
//! deserializers over that client report to it too.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = assay_registry_server::testing::Registry::start().await?;
//! # let registry_url = server.url();
//! use std::sync::Arc;
//! use assay_serde_avro::{CachedClient, Counters, RegistryClient, Serializer};
//!
//! let counters = Arc::new(Counters::default());
//! let client = RegistryClient::builder(&registry_url).metrics(counters.clone()).build()?;
//! let serializer = Serializer::<i64>::builder(&CachedClient::new(client)).schema(r#""long""#).build()?;
//! serializer.encode("counts", &7).await?;
//! assert_eq!(counters.counts().encoded, 1);
//! assert!(counters.counts().to_string().contains("serde_encode_total 1"));
//! # Ok(()) }
//! ```

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::error::{Disposition, Error};
use crate::wire::{Part, SchemaKey};

/// One exchange with one address of the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestDone<'a> {
    /// HTTP method.
    pub method: &'static str,
    /// First segment of the path, such as `subjects`; empty for the root.
    pub resource: &'a str,
    /// Status of the answer; nothing when there was none.
    pub status: Option<u16>,
    /// From sending to the last byte of the answer.
    pub elapsed: Duration,
    /// 1 for the first exchange of a call, more for its repetitions.
    pub attempt: u32,
}

/// How a question to the caches was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheLookup {
    /// It was known.
    Hit,
    /// The registry was asked.
    Miss,
    /// Another caller had asked the registry, and its answer served here too.
    Coalesced,
    /// It was known that there is no such thing.
    Missing,
    /// The registry was away, and an answer served that was due for renewal.
    Stale,
}

/// What was done to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// A value became bytes.
    Encode,
    /// Bytes became a value.
    Decode,
}

/// Is told what the crate does. Every method does nothing unless it is implemented. Calls come from the threads that do the
/// work, some for every record: they have to be quick and must not block.
pub trait Metrics: Send + Sync + 'static {
    /// An exchange with the registry ended.
    fn request(&self, request: &RequestDone<'_>) {
        let _ = request;
    }

    /// The caches were asked. Encoding and decoding with a schema in use ask nothing.
    fn cache(&self, lookup: CacheLookup) {
        let _ = lookup;
    }

    /// A schema, or a pair of them, was compiled.
    fn compiled(&self, schema: SchemaKey) {
        let _ = schema;
    }

    /// A value was encoded or decoded; `bytes` counts its payload, frame included.
    fn record(&self, operation: Operation, topic: &str, part: Part, bytes: usize) {
        let _ = (operation, topic, part, bytes);
    }

    /// A value could not be encoded or decoded.
    fn failed(&self, operation: Operation, topic: &str, part: Part, error: &Error) {
        let _ = (operation, topic, part, error);
    }

    /// A record was put into a dead-letter topic.
    fn dead_letter(&self, topic: &str) {
        let _ = topic;
    }
}

macro_rules! counters {
    ($($field:ident, $name:literal, $doc:literal;)+) => {
        /// Counts everything, in all.
        #[derive(Debug, Default)]
        pub struct Counters { $($field: AtomicU64,)+ }

        /// What [`Counters`] counted up to a moment. Displays in the text format of Prometheus.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
        #[non_exhaustive]
        pub struct Counts { $(#[doc = $doc] pub $field: u64,)+ }

        impl Counters {
            /// The counts of now.
            pub fn counts(&self) -> Counts {
                Counts { $($field: self.$field.load(Ordering::Relaxed),)+ }
            }
        }

        impl fmt::Display for Counts {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                $(writeln!(f, concat!("# HELP ", $name, " ", $doc, "\n# TYPE ", $name, " counter\n", $name, " {}"), self.$field)?;)+
                Ok(())
            }
        }
    };
}

counters! {
    requests, "registry_requests_total", "Exchanges with the registry.";
    retries, "registry_retries_total", "Exchanges that repeated one that failed.";
    failed_requests, "registry_failed_requests_total", "Exchanges without an answer, or with status 400 and above.";
    request_microseconds, "registry_request_microseconds_total", "Time spent in exchanges, in microseconds.";
    hits, "schema_cache_hits_total", "Questions to the caches that needed no request.";
    misses, "schema_cache_misses_total", "Questions to the caches that needed a request.";
    coalesced, "registry_coalesced_total", "Questions that another caller's request answered.";
    missing, "schema_cache_missing_total", "Questions for what is known to be missing.";
    stale, "schema_cache_stale_total", "Questions answered by an old answer, because the registry was away.";
    compiled, "serde_compiled_total", "Schemas compiled.";
    encoded, "serde_encode_total", "Values encoded.";
    decoded, "serde_decode_total", "Values decoded.";
    bytes, "serde_bytes_total", "Bytes of payloads encoded and decoded.";
    retriable_errors, "serde_retriable_errors_total", "Values that can pass at another attempt.";
    poison, "serde_poison_total", "Values that will never pass.";
    fatal_errors, "serde_fatal_errors_total", "Values that pass once configuration, rights or schemas change.";
    dead_letters, "dlq_records_total", "Records put into dead-letter topics.";
}

fn add(counter: &AtomicU64, number: u64) {
    counter.fetch_add(number, Ordering::Relaxed);
}

impl Metrics for Counters {
    fn request(&self, request: &RequestDone<'_>) {
        add(&self.requests, 1);
        add(&self.retries, u64::from(request.attempt > 1));
        add(&self.failed_requests, u64::from(request.status.is_none_or(|status| status >= 400)));
        add(&self.request_microseconds, u64::try_from(request.elapsed.as_micros()).unwrap_or(u64::MAX));
    }

    fn cache(&self, lookup: CacheLookup) {
        let counter = match lookup {
            CacheLookup::Hit => &self.hits,
            CacheLookup::Miss => &self.misses,
            CacheLookup::Coalesced => &self.coalesced,
            CacheLookup::Missing => &self.missing,
            CacheLookup::Stale => &self.stale,
        };
        add(counter, 1);
    }

    fn compiled(&self, _: SchemaKey) {
        add(&self.compiled, 1);
    }

    fn record(&self, operation: Operation, _: &str, _: Part, bytes: usize) {
        let counter = match operation {
            Operation::Encode => &self.encoded,
            Operation::Decode => &self.decoded,
        };
        add(counter, 1);
        add(&self.bytes, bytes as u64);
    }

    fn failed(&self, _: Operation, _: &str, _: Part, error: &Error) {
        let counter = match error.disposition() {
            Disposition::Retry => &self.retriable_errors,
            Disposition::DeadLetter => &self.poison,
            Disposition::Fatal => &self.fatal_errors,
        };
        add(counter, 1);
    }

    fn dead_letter(&self, _: &str) {
        add(&self.dead_letters, 1);
    }
}
