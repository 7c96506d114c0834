use assay_schema_core::SchemaId;
use assay_schema_core::avro::{ParseMode, Schema};

use super::*;
use crate::plan::Plan;
use crate::wire::Part;

fn key() -> SchemaKey {
    SchemaKey::Id(SchemaId::new(7).unwrap())
}

fn response(status: u16, error_code: i32) -> Box<ErrorResponse> {
    Box::new(ErrorResponse {
        method: "GET",
        url: "http://host/x".into(),
        status,
        error_code,
        message: "because".into(),
        explanation: None,
        place: None,
    })
}

fn transport(kind: TransportKind) -> TransportError {
    TransportError {
        method: "GET",
        url: "http://host/x".into(),
        kind,
        reason: "because".into(),
        source: None,
    }
}

/// Every situation with what to do about it; the registry's answers with their status and code.
fn situations() -> Vec<(Error, Disposition)> {
    use Disposition::{DeadLetter, Fatal, Retry};
    let text = || "x".to_owned();
    let schema = Schema::parse(r#""int""#, ParseMode::Strict).unwrap();
    let plan = Plan::compile(&schema).unwrap();
    let decode = Box::new(plan.decode::<i32>(&[]).unwrap_err());
    let encode = Box::new(plan.encode_to_vec("no number").unwrap_err());
    let unreadable = Arc::new(Schema::parse("{", ParseMode::Strict).unwrap_err());
    let other = Schema::parse(r#""string""#, ParseMode::Strict).unwrap();
    let resolution = Arc::new(Plan::resolve(&other, &schema).unwrap_err());
    let last = |status| Box::new(LastFailure::Response(*response(status, 50001)));
    let wait = Some(Duration::from_secs(1));
    vec![
        (Error::NeedsSchema(key()), Retry),
        (Error::Throttled { retry_after: wait, response: response(429, 42901) }, Retry),
        (Error::RegistryUnavailable { attempts: 4, last: last(503) }, Retry),
        (Error::Timeout { attempts: 4, last: Box::new(transport(TransportKind::Timeout).into()) }, Retry),
        (Error::Token { retriable: true, reason: text() }, Retry),
        (Error::NotFramed { first_byte: Some(b'{'), len: 9 }, DeadLetter),
        (Error::UnknownMagic { first_byte: None, len: 0 }, DeadLetter),
        (Error::SchemaNotFound { key: key(), response: response(404, 40403) }, DeadLetter),
        (Error::UnreadableSchema { key: key(), source: unreadable }, DeadLetter),
        (Error::NotAvro { key: key(), schema_type: "JSON".into() }, DeadLetter),
        (Error::References { key: key(), what: "levels", limit: 3 }, DeadLetter),
        (Error::Decode { key: key(), source: decode }, DeadLetter),
        (Error::NotReadable { part: Part::Key, len: 3 }, DeadLetter),
        (Error::Encode { subject: text(), source: encode }, DeadLetter),
        (Error::Resolution { key: key(), source: resolution }, DeadLetter),
        (Error::SchemaNotRegistered { subject: text(), response: response(404, 40403) }, Fatal),
        (Error::SubjectNotFound { response: response(404, 40401) }, Fatal),
        (Error::VersionNotFound { response: response(404, 40402) }, Fatal),
        (Error::NotFound { response: response(404, 404) }, Fatal),
        (Error::Incompatible { response: response(409, 409) }, Fatal),
        (Error::InvalidSchema { response: response(422, 42201) }, Fatal),
        (Error::Unauthorized { response: response(401, 401) }, Fatal),
        (Error::Forbidden { response: response(403, 403) }, Fatal),
        (Error::Refused { response: response(422, 42202) }, Fatal),
        (Error::Protocol { source: Box::new(transport(TransportKind::Body)) }, Fatal),
        (Error::Token { retriable: false, reason: text() }, Fatal),
        (
            Error::IncompatibleSelection {
                subject: text(),
                reason: text(),
                property: "latest.compatibility.strict",
            },
            Fatal,
        ),
        (Error::UnsupportedRule { subject: text(), rule: text(), rule_type: "CEL".into() }, Fatal),
        (Error::AmbiguousAssociation { topic: text() }, Fatal),
        (Error::NoAssociation { topic: text() }, Fatal),
        (Error::Config(ConfigError::TopicNeeded), Fatal),
    ]
}

#[test]
fn every_error_says_what_to_do_and_what_the_registry_answered() {
    for (error, disposition) in situations() {
        assert_eq!(error.disposition(), disposition, "{error}");
        assert_eq!(error.is_retriable(), disposition == Disposition::Retry, "{error}");
        let answer = error.response();
        assert_eq!(error.http_status(), answer.map(|answer| answer.status), "{error}");
        assert_eq!(error.error_code(), answer.map(|answer| answer.error_code), "{error}");
        let shown = error.to_string();
        assert!(!shown.is_empty() && !shown.ends_with('.'), "{shown}");
    }
    let codes: Vec<i32> = situations().iter().filter_map(|(error, _)| error.error_code()).collect();
    assert_eq!(codes, [42901, 50001, 40403, 40403, 40401, 40402, 404, 409, 42201, 401, 403, 42202]);
}

#[test]
fn an_error_that_waits_tells_how_long_and_one_of_data_tells_where() {
    let throttled =
        Error::Throttled { retry_after: Some(Duration::from_secs(3)), response: response(429, 42901) };
    let Error::Throttled { retry_after, .. } = throttled else { panic!() };
    assert_eq!(retry_after, Some(Duration::from_secs(3)));
    let record =
        r#"{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":"string"}}]}"#;
    let plan = Plan::compile(&Schema::parse(record, ParseMode::Strict).unwrap()).unwrap();
    let source = Box::new(plan.validate(&[4, 2, b'x', 9]).unwrap_err());
    let shown = Error::Decode { key: key(), source }.to_string();
    assert!(shown.starts_with("cannot decode a record of schema 7: "), "{shown}");
    assert!(shown.contains("a[1]") && shown.contains('3'), "{shown}");
}
