//! The broker's check of records, joined from a registry and compiled plans.
//!
//! [`SchemaValidator`] keeps what it learnt in two bounded caches: by schema key the compiled [`Plan`], and by
//! (subject, id) whether the subject has the id. Ids never change their meaning, so what is known stays usable while the
//! registry is away; it is asked again after [`KNOWN_FOR`], and what was *not* there after [`UNKNOWN_FOR`], so that a
//! schema registered a moment ago is accepted.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use assay_broker::validator::{
    Outcome, PrepareError, RecordSide, RecordValidator, RecordView, SchemaKey, SideRules, SubjectStrategy,
    ValidationContext, ValidationLevel,
};
use assay_schema_core::{
    Context, QualifiedSubject, SchemaId,
    avro::{Kind, Schema},
    naming::{RecordPart, SubjectNameStrategy},
};
use assay_serde_avro::Plan;
use async_trait::async_trait;
use moka::{policy::EvictionPolicy, sync::Cache};

mod frame;
mod http;
mod in_process;
mod nowhere;
#[cfg(test)]
mod tests;

use frame::Framed;
pub(crate) use http::HttpLookup;
pub(crate) use in_process::InProcessLookup;
pub(crate) use nowhere::NoRegistry;

/// After this long a known schema or membership is asked for again; until then, and while the registry is away, it holds.
const KNOWN_FOR: Duration = Duration::from_secs(10);
/// After this long something that was not there is asked for again.
const UNKNOWN_FOR: Duration = Duration::from_secs(1);
/// Memory for compiled schemas, bytes, approximately.
const PLAN_BYTES_MAX: u64 = 64 << 20;
/// Approximate memory of one node of a compiled schema.
const NODE_BYTES: u32 = 256;
/// Most (subject, id) pairs that are remembered.
const MEMBERSHIPS_MAX: u64 = 100_000;

/// The registry as the validator needs it.
#[async_trait]
pub(crate) trait SchemaLookup: fmt::Debug + Send + Sync + 'static {
    /// The schema a key names, with its references resolved. `Ok(None)`: there is none.
    async fn schema(&self, context: &Context, key: SchemaKey) -> Result<Option<FoundSchema>, LookupError>;

    /// Whether the subject has a version with this id; a soft-deleted version counts.
    async fn subject_has_id(&self, subject: &QualifiedSubject, id: SchemaId) -> Result<bool, LookupError>;
}

/// What a look-up found: the id, and the schema or why it cannot be used to check records.
#[derive(Debug)]
pub(crate) struct FoundSchema {
    pub(crate) id: SchemaId,
    pub(crate) schema: Result<Schema, String>,
}

/// The registry could not be asked.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct LookupError {
    pub(crate) reason: String,
}

/// A cached answer and when it was given.
#[derive(Debug, Clone)]
struct Answer<T> {
    at: Instant,
    found: Option<T>,
}

impl<T> Answer<T> {
    fn is_fresh(&self, now: Instant) -> bool {
        let lifetime = if self.found.is_some() { KNOWN_FOR } else { UNKNOWN_FOR };
        now.saturating_duration_since(self.at) < lifetime
    }
}

/// A schema made ready for checking records.
#[derive(Debug)]
struct Compiled {
    id: SchemaId,
    body: Body,
    /// Full name of a top-level record.
    record_name: Option<String>,
    nodes: u32,
}

/// How the bytes after the frame are checked.
#[derive(Debug)]
enum Body {
    /// A top-level `bytes` schema: Confluent's serializers write the bytes as they are, without a length.
    Raw,
    Plan(Box<Plan>),
    Unusable(String),
}

type SchemaCacheKey = (Arc<str>, SchemaKey);
type MembershipKey = (QualifiedSubject, SchemaId);

/// [`RecordValidator`] over a [`SchemaLookup`].
#[derive(Debug)]
pub(crate) struct SchemaValidator<L> {
    lookup: L,
    schemas: Cache<SchemaCacheKey, Answer<Arc<Compiled>>>,
    memberships: Cache<MembershipKey, Answer<()>>,
}

impl<L: SchemaLookup> SchemaValidator<L> {
    pub(crate) fn new(lookup: L) -> Self {
        // least recently used, because an admission policy might refuse what `prepare` has just put in
        let schemas = Cache::builder()
            .max_capacity(PLAN_BYTES_MAX)
            .weigher(|_key, answer: &Answer<Arc<Compiled>>| {
                answer.found.as_ref().map_or(NODE_BYTES, |one| one.nodes.saturating_mul(NODE_BYTES))
            })
            .eviction_policy(EvictionPolicy::lru())
            .build();
        let memberships =
            Cache::builder().max_capacity(MEMBERSHIPS_MAX).eviction_policy(EvictionPolicy::lru()).build();
        Self { lookup, schemas, memberships }
    }

    /// The compiled schema of a key: from memory while fresh, else from the registry, else the older answer.
    async fn compiled(
        &self,
        context: &ValidationContext,
        key: SchemaKey,
    ) -> Result<Option<Arc<Compiled>>, LookupError> {
        let cache_key = (Arc::clone(&context.schema_context), key);
        let known = self.schemas.get(&cache_key);
        if let Some(answer) = known.as_ref().filter(|answer| answer.is_fresh(Instant::now())) {
            return Ok(answer.found.clone());
        }
        let known = known.and_then(|answer| answer.found);
        let found = match self.lookup.schema(&schema_context(context), key).await {
            // the same id is the same schema: keep the plan
            Ok(Some(found)) => match known {
                Some(compiled) if compiled.id == found.id && !matches!(compiled.body, Body::Unusable(_)) => {
                    Some(compiled)
                }
                _ => Some(Arc::new(Compiled::from(found))),
            },
            Ok(None) => None,
            Err(_away) if known.is_some() => return Ok(known),
            Err(away) => return Err(away),
        };
        self.schemas.insert(cache_key, Answer { at: Instant::now(), found: found.clone() });
        Ok(found)
    }

    /// Learns whether the subject has the id. A known membership holds while the registry is away.
    async fn learn_membership(&self, subject: QualifiedSubject, id: SchemaId) -> Result<(), LookupError> {
        let cache_key = (subject, id);
        let known = self.memberships.get(&cache_key);
        if known.as_ref().is_some_and(|answer| answer.is_fresh(Instant::now())) {
            return Ok(());
        }
        let found = match self.lookup.subject_has_id(&cache_key.0, id).await {
            Ok(belongs) => belongs.then_some(()),
            Err(_away) if known.is_some_and(|answer| answer.found.is_some()) => return Ok(()),
            Err(away) => return Err(away),
        };
        self.memberships.insert(cache_key, Answer { at: Instant::now(), found });
        Ok(())
    }

    async fn prepare_key(&self, context: &ValidationContext, key: SchemaKey) -> Result<(), LookupError> {
        let Some(compiled) = self.compiled(context, key).await? else { return Ok(()) };
        for side in [RecordSide::Key, RecordSide::Value] {
            let rules = context.rules.side(side);
            if rules.level >= ValidationLevel::Id
                && let Ok(subject) = subject_of(context, side, rules.strategy, &compiled)
            {
                self.learn_membership(subject, compiled.id).await?;
            }
        }
        Ok(())
    }

    /// Judges one half of a record.
    fn check_side(&self, context: &ValidationContext, side: RecordSide, record: &RecordView<'_>) -> Verdict {
        let rules = context.rules.side(side);
        let payload = match side {
            RecordSide::Key => record.key,
            RecordSide::Value => record.value,
        };
        let Some(payload) = payload.filter(|_| rules.level > ValidationLevel::Off) else {
            return Verdict::Accept;
        };
        let framed = match frame::read(side, payload, record.headers.clone()) {
            Ok(framed) => framed,
            Err(problem) => return Verdict::Reject(problem.to_string()),
        };
        self.check_framed(context, side, rules, &framed)
    }

    fn check_framed(
        &self,
        context: &ValidationContext,
        side: RecordSide,
        rules: SideRules,
        framed: &Framed<'_>,
    ) -> Verdict {
        let name = frame::name_of(framed.key);
        let Some(answer) = self.schemas.get(&(Arc::clone(&context.schema_context), framed.key)) else {
            return Verdict::Retriable(format!("{name}: not looked up yet"));
        };
        let Some(compiled) = answer.found else { return Verdict::Reject(format!("{name}: not registered")) };
        if rules.level >= ValidationLevel::Id {
            let subject = match subject_of(context, side, rules.strategy, &compiled) {
                Ok(subject) => subject,
                Err(reason) => return Verdict::Reject(format!("{name}: {reason}")),
            };
            let member = self.memberships.get(&(subject.clone(), compiled.id));
            match member {
                None => return Verdict::Retriable(format!("{name}: subject {subject} not looked up yet")),
                Some(Answer { found: None, .. }) => {
                    return Verdict::Reject(format!("{name}: not a schema of subject {subject}"));
                }
                Some(_belongs) => {}
            }
        }
        if rules.level < ValidationLevel::Decode {
            return Verdict::Accept;
        }
        match compiled.check(framed.body) {
            Ok(()) => Verdict::Accept,
            Err(reason) => Verdict::Reject(format!("{name}: {reason}")),
        }
    }
}

/// The verdict on one half of a record, its text without the record's index.
enum Verdict {
    Accept,
    Reject(String),
    Retriable(String),
}

impl Compiled {
    fn check(&self, body: &[u8]) -> Result<(), String> {
        match &self.body {
            Body::Raw => Ok(()),
            Body::Unusable(reason) => Err(format!("cannot be used to check records: {reason}")),
            Body::Plan(plan) => plan.validate(body).map_err(|error| {
                let path = error.path();
                let place = if path.is_empty() { String::new() } else { format!("field {path}: ") };
                let offset =
                    error.offset().map(|at| format!(" at byte {at} of the body")).unwrap_or_default();
                format!("{place}{}{offset}", error.kind())
            }),
        }
    }
}

impl From<FoundSchema> for Compiled {
    fn from(found: FoundSchema) -> Self {
        let id = found.id;
        let unusable = |reason| Self { id, body: Body::Unusable(reason), record_name: None, nodes: 1 };
        let schema = match found.schema {
            Ok(schema) => schema,
            Err(reason) => return unusable(reason),
        };
        let kind = schema.node(schema.root()).kind();
        let body = if kind == Kind::Bytes {
            Body::Raw
        } else {
            match Plan::compile(&schema) {
                Ok(plan) => Body::Plan(Box::new(plan)),
                Err(error) => return unusable(error.to_string()),
            }
        };
        let record_name = (kind == Kind::Record).then(|| schema.full_name().map(str::to_owned)).flatten();
        Self { id, body, record_name, nodes: u32::try_from(schema.node_count()).unwrap_or(u32::MAX) }
    }
}

/// The subject that a half of a record belongs to. The error is for the producer.
fn subject_of(
    context: &ValidationContext,
    side: RecordSide,
    strategy: SubjectStrategy,
    compiled: &Compiled,
) -> Result<QualifiedSubject, String> {
    let part = match side {
        RecordSide::Key => RecordPart::Key,
        RecordSide::Value => RecordPart::Value,
    };
    let strategy = match strategy {
        SubjectStrategy::TopicName => SubjectNameStrategy::TopicName,
        SubjectStrategy::RecordName => SubjectNameStrategy::RecordName,
        SubjectStrategy::TopicRecordName => SubjectNameStrategy::TopicRecordName,
    };
    let subject = strategy
        .subject(&context.topic, part, compiled.record_name.as_deref())
        .map_err(|error| error.to_string())?;
    Ok(QualifiedSubject::new(schema_context(context), subject))
}

fn schema_context(context: &ValidationContext) -> Context {
    Context::parse(&context.schema_context).unwrap_or_else(|_invalid| Context::default_context())
}

#[async_trait]
impl<L: SchemaLookup> RecordValidator for SchemaValidator<L> {
    async fn prepare(&self, context: &ValidationContext, keys: &[SchemaKey]) -> Result<(), PrepareError> {
        for key in keys {
            self.prepare_key(context, *key)
                .await
                .map_err(|away| PrepareError::Retriable { reason: away.reason })?;
        }
        Ok(())
    }

    fn check(&self, context: &ValidationContext, record: RecordView<'_>) -> Outcome {
        for side in [RecordSide::Key, RecordSide::Value] {
            // the broker puts the record's index in front
            let place = match side {
                RecordSide::Key => "key: ",
                RecordSide::Value => "",
            };
            match self.check_side(context, side, &record) {
                Verdict::Accept => {}
                Verdict::Reject(reason) => return Outcome::Reject(format!("{place}{reason}")),
                Verdict::Retriable(reason) => return Outcome::Retriable(format!("{place}{reason}")),
            }
        }
        Outcome::Accept
    }
}
