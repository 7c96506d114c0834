use serde_json::Value;

use super::*;
use crate::avro::ParseMode;

const CASES: &str = include_str!("../../../../tests/data/avro-compat-cases.jsonl");

fn schema(text: &str) -> Schema {
    Schema::parse(text, ParseMode::Lax).unwrap()
}

#[test]
fn every_recorded_case_gives_javas_verdict_types_places_and_messages() {
    let mut cases = 0;
    for line in CASES.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        let name = case["name"].as_str().unwrap();
        let (reader, writer) = (schema(&case["reader"].to_string()), schema(&case["writer"].to_string()));
        let outcome = check(&reader, &writer);
        if let Some(exception) = case.get("exception").and_then(Value::as_str) {
            let error = outcome.unwrap_err();
            assert_eq!(format!("AvroRuntimeException: {error}"), exception, "{name}");
        } else {
            let found = outcome.unwrap();
            let expected: Vec<(&str, &str, &str)> = case["incompatibility"]
                .as_array()
                .unwrap()
                .iter()
                .map(|entry| {
                    let text = |key: &str| entry[key].as_str().unwrap();
                    (text("type"), text("location"), text("message"))
                })
                .collect();
            let actual: Vec<(&str, &str, &str)> = found
                .iter()
                .map(|entry| (entry.kind.as_str(), entry.location.as_str(), entry.message.as_str()))
                .collect();
            assert_eq!(actual, expected, "{name}");
            assert_eq!(case["compatible"].as_bool().unwrap(), found.is_empty(), "{name}");
        }
        cases += 1;
    }
    assert_eq!(cases, 281);
}

/// Two rings of records whose lengths share no factor: the pairs of the walk number the product of the lengths.
#[test]
fn rings_of_coprime_lengths_do_not_use_the_stack() {
    let ring = |length: usize| {
        let records: Vec<String> = (0..length)
            .map(|index| {
                let next = (index + 1) % length;
                format!(
                    r#"{{"type":"record","name":"n{index}.R","fields":[{{"name":"f","type":["null","n{next}.R"]}}]}}"#
                )
            })
            .collect();
        let nested = records.iter().rev().fold(String::new(), |inner, record| {
            if inner.is_empty() {
                record.clone()
            } else {
                let next = record.rfind("\"n").unwrap();
                let end = record[next + 1..].find('"').unwrap() + next + 2;
                format!("{}{inner}{}", &record[..next], &record[end..])
            }
        });
        schema(&nested)
    };
    let (reader, writer) = (ring(101), ring(97));
    let worker = std::thread::Builder::new().stack_size(256 << 10);
    let checked = worker.spawn(move || check(&reader, &writer)).unwrap().join().unwrap();
    assert_eq!(checked, Ok(Vec::new()));
}

/// Every level uses the next twice, so a problem at the bottom would be listed two to the fortieth times.
#[test]
fn repeated_problems_of_shared_types_are_bounded() {
    let doubling = |leaf: &str| {
        let inner = format!(r#"{{"type":"record","name":"L40","fields":[{{"name":"v","type":"{leaf}"}}]}}"#);
        let text = (0..40).rev().fold(inner, |inner, level| {
            let next = level + 1;
            format!(
                r#"{{"type":"record","name":"L{level}","fields":[{{"name":"a","type":{inner}}},{{"name":"b","type":"L{next}"}}]}}"#
            )
        });
        schema(&text)
    };
    assert_eq!(check(&doubling("string"), &doubling("int")), Err(CheckError::TooComplex));
    assert_eq!(check(&doubling("long"), &doubling("int")), Ok(Vec::new()));
}
