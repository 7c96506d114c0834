//! The validator over a registry that the test holds in its hand.

use std::sync::{
    Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use assay_broker::{
    connection::Principal,
    record_batch::{BatchBuilder, RecordLimits, records},
    validator::ValidationRules,
};
use assay_schema_core::avro::ParseMode;
use uuid::Uuid;

use super::*;

#[derive(Debug, Default)]
struct Inner {
    /// (id, schema text, subjects)
    schemas: Mutex<Vec<(i32, String, Vec<String>)>>,
    away: AtomicBool,
    asked: AtomicUsize,
}

#[derive(Debug, Default, Clone)]
struct Fake(Arc<Inner>);

impl Fake {
    fn register(&self, id: i32, text: &str, subject: &str) {
        self.0.schemas.lock().unwrap().push((id, text.to_owned(), vec![subject.to_owned()]));
    }

    fn ask(&self) -> Result<(), LookupError> {
        self.0.asked.fetch_add(1, Ordering::Relaxed);
        if self.0.away.load(Ordering::Relaxed) {
            Err(LookupError { reason: "away".to_owned() })
        } else {
            Ok(())
        }
    }
}

#[async_trait]
impl SchemaLookup for Fake {
    async fn schema(&self, _: &Context, key: SchemaKey) -> Result<Option<FoundSchema>, LookupError> {
        self.ask()?;
        let schemas = self.0.schemas.lock().unwrap();
        Ok(schemas.iter().find(|(id, ..)| SchemaKey::Id(*id) == key).map(|(id, text, _)| FoundSchema {
            id: SchemaId::new(*id).unwrap(),
            schema: Schema::parse(text, ParseMode::Lax).map_err(|error| error.to_string()),
        }))
    }

    async fn subject_has_id(&self, subject: &QualifiedSubject, id: SchemaId) -> Result<bool, LookupError> {
        self.ask()?;
        let schemas = self.0.schemas.lock().unwrap();
        Ok(schemas.iter().any(|(of, _, subjects)| *of == id.get() && subjects.contains(&subject.subject)))
    }
}

const RECORD: &str = r#"{"type":"record","name":"a.R","fields":[{"name":"a","type":
    {"type":"record","name":"In","fields":[{"name":"b","type":{"type":"array","items":"int"}}]}}]}"#;

fn context(level: ValidationLevel, strategy: SubjectStrategy) -> ValidationContext {
    let rules = SideRules { level, strategy };
    ValidationContext {
        topic_id: Uuid::nil(),
        topic: "t".into(),
        rules: ValidationRules { key: SideRules { level: ValidationLevel::Off, ..rules }, value: rules },
        principal: Principal::Anonymous,
        client_id: "c".into(),
        schema_context: ".".into(),
        prepare_timeout: Duration::from_secs(1),
    }
}

fn framed(id: i32, body: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], body].concat()
}

/// Prepares for the id in the payload, then checks it.
async fn judge(
    validator: &SchemaValidator<Fake>,
    context: &ValidationContext,
    value: Option<&[u8]>,
) -> Outcome {
    if let Some([0, a, b, c, d, ..]) = value {
        let id = i32::from_be_bytes([*a, *b, *c, *d]);
        if let Err(PrepareError::Retriable { reason }) =
            validator.prepare(context, &[SchemaKey::Id(id)]).await
        {
            return Outcome::Retriable(reason);
        }
    }
    let batch = BatchBuilder::new().record(0, None, value).build();
    let walked = records(&batch, &RecordLimits { payload_bytes_max: 1 << 20 }).unwrap();
    let record = walked.iter().next().unwrap().unwrap();
    let view = RecordView { index: 0, key: record.key, value: record.value, headers: record.headers };
    validator.check(context, view)
}

fn rejected(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Reject(text) => text,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn each_level_looks_further() {
    let registry = Fake::default();
    registry.register(3, RECORD, "t-value");
    registry.register(4, "\"bytes\"", "elsewhere");
    let validator = SchemaValidator::new(registry);
    let good = framed(3, &[2, 6, 0]);
    let cut = framed(3, &[4, 6]);
    for (level, value, expected) in [
        (ValidationLevel::Off, &b"nonsense"[..], ""),
        (
            ValidationLevel::Framing,
            b"nonsense",
            "names no schema: the first byte is 110, not the magic byte 0",
        ),
        (ValidationLevel::Framing, &framed(9, b""), "schema id 9: not registered"),
        (ValidationLevel::Framing, &framed(4, b""), ""),
        (ValidationLevel::Id, &framed(4, b""), "schema id 4: not a schema of subject t-value"),
        (ValidationLevel::Id, &cut, ""),
        (ValidationLevel::Decode, &good, ""),
    ] {
        let outcome = judge(&validator, &context(level, SubjectStrategy::TopicName), Some(value)).await;
        if expected.is_empty() {
            assert_eq!(outcome, Outcome::Accept, "{level:?} {value:?}");
        } else {
            assert_eq!(rejected(&outcome), expected);
        }
    }
    let whole = context(ValidationLevel::Decode, SubjectStrategy::TopicName);
    let outcome = judge(&validator, &whole, Some(&cut)).await;
    assert!(rejected(&outcome).starts_with("schema id 3: field a.b"), "{outcome:?}");
    assert_eq!(judge(&validator, &whole, None).await, Outcome::Accept, "a tombstone passes");
}

#[tokio::test]
async fn top_level_bytes_are_not_decoded() {
    let registry = Fake::default();
    registry.register(1, "\"bytes\"", "t-value");
    registry.register(2, r#"{"type":"bytes","logicalType":"decimal","precision":4}"#, "t-value");
    let validator = SchemaValidator::new(registry);
    let whole = context(ValidationLevel::Decode, SubjectStrategy::TopicName);
    for id in [1, 2] {
        assert_eq!(judge(&validator, &whole, Some(&framed(id, b"\xff\xff"))).await, Outcome::Accept);
    }
}

#[tokio::test]
async fn the_record_strategies_need_a_record() {
    let registry = Fake::default();
    registry.register(3, RECORD, "a.R");
    registry.register(5, "\"int\"", "t-value");
    let validator = SchemaValidator::new(registry);
    let by_record = context(ValidationLevel::Decode, SubjectStrategy::RecordName);
    assert_eq!(judge(&validator, &by_record, Some(&framed(3, &[0]))).await, Outcome::Accept);
    let nameless = judge(&validator, &by_record, Some(&framed(5, &[0]))).await;
    assert!(rejected(&nameless).contains("must only be a record schema"), "{nameless:?}");
    let both = context(ValidationLevel::Decode, SubjectStrategy::TopicRecordName);
    let outcome = judge(&validator, &both, Some(&framed(3, &[0]))).await;
    assert_eq!(rejected(&outcome), "schema id 3: not a schema of subject t-a.R");
}

#[tokio::test]
async fn what_is_known_is_not_asked_again_and_holds_while_the_registry_is_away() {
    let registry = Fake::default();
    registry.register(3, RECORD, "t-value");
    let validator = SchemaValidator::new(registry.clone());
    let whole = context(ValidationLevel::Decode, SubjectStrategy::TopicName);
    let good = framed(3, &[0]);
    for _ in 0..5 {
        assert_eq!(judge(&validator, &whole, Some(&good)).await, Outcome::Accept);
    }
    assert_eq!(registry.0.asked.load(Ordering::Relaxed), 2, "once for the schema, once for the subject");
    registry.0.away.store(true, Ordering::Relaxed);
    assert_eq!(judge(&validator, &whole, Some(&good)).await, Outcome::Accept);
    let unknown = judge(&validator, &whole, Some(&framed(8, &[0]))).await;
    assert_eq!(unknown, Outcome::Retriable("away".to_owned()));
    // an answer that has aged is kept when asking again fails
    let key = (Arc::from("."), SchemaKey::Id(3));
    let aged =
        Answer { at: Instant::now().checked_sub(KNOWN_FOR).unwrap(), ..validator.schemas.get(&key).unwrap() };
    validator.schemas.insert(key, aged);
    assert_eq!(judge(&validator, &whole, Some(&good)).await, Outcome::Accept);
}

#[tokio::test]
async fn what_was_not_there_is_asked_for_again() {
    let registry = Fake::default();
    let validator = SchemaValidator::new(registry.clone());
    let whole = context(ValidationLevel::Decode, SubjectStrategy::TopicName);
    let good = framed(3, &[0]);
    assert!(matches!(judge(&validator, &whole, Some(&good)).await, Outcome::Reject(_)));
    registry.register(3, RECORD, "t-value");
    assert!(matches!(judge(&validator, &whole, Some(&good)).await, Outcome::Reject(_)), "known for a second");
    let key = (Arc::from("."), SchemaKey::Id(3));
    validator
        .schemas
        .insert(key, Answer { at: Instant::now().checked_sub(UNKNOWN_FOR).unwrap(), found: None });
    assert_eq!(judge(&validator, &whole, Some(&good)).await, Outcome::Accept);
}

#[tokio::test]
async fn a_schema_that_was_not_prepared_is_no_verdict() {
    let validator = SchemaValidator::new(Fake::default());
    let batch = BatchBuilder::new().record(0, None, Some(&framed(3, b""))).build();
    let walked = records(&batch, &RecordLimits { payload_bytes_max: 1 << 20 }).unwrap();
    let record = walked.iter().next().unwrap().unwrap();
    let view = RecordView { index: 0, key: record.key, value: record.value, headers: record.headers };
    let outcome = validator.check(&context(ValidationLevel::Framing, SubjectStrategy::TopicName), view);
    assert!(matches!(outcome, Outcome::Retriable(_)), "{outcome:?}");
}
