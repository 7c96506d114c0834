//! Verdicts, messages, places and texts against Java's, on generated schemas.

use assay_schema_core::avro::{ParseMode, Schema, check};
use serde_json::{Value, json};

use crate::generate::{Random, damaged, evolved, schema};
use crate::java;

/// Pairs that are compared.
const PAIRS: u64 = 3_000;
/// Texts that are parsed, each in both modes.
const TEXTS: u64 = 4_000;

fn ours(reader: &str, writer: &str) -> Value {
    let parse = |text: &str| Schema::parse(text, ParseMode::Lax);
    let (Ok(reader), Ok(writer)) = (parse(reader), parse(writer)) else { return json!({ "error": null }) };
    match check(&reader, &writer) {
        Ok(found) => {
            let one = |found: &assay_schema_core::avro::Incompatibility| json!({ "type": found.kind.as_str(), "location": found.location, "message": found.message });
            json!({ "found": found.iter().map(one).collect::<Vec<_>>() })
        }
        Err(error) => json!({ "exception": error.to_string() }),
    }
}

#[test]
fn verdicts_messages_and_places_are_javas() {
    let pairs: Vec<(String, String)> = (0..PAIRS)
        .map(|seed| {
            let mut random = Random::new(seed + 5_000_000);
            let old = schema(&mut random);
            let new = if random.chance(85) { evolved(&mut random, &old) } else { schema(&mut random) };
            (new.to_string(), old.to_string())
        })
        .collect();
    let questions: Vec<Value> =
        pairs.iter().map(|(reader, writer)| json!({ "reader": reader, "writer": writer })).collect();
    let Some(answers) = java::ask(&questions) else { return };
    let mut compared = 0;
    for ((reader, writer), mut java) in pairs.iter().zip(answers) {
        let parsed = java.get("error").is_none();
        compared += u64::from(parsed);
        if !parsed {
            java["error"] = Value::Null;
        }
        assert_eq!(ours(reader, writer), java, "\nreader {reader}\nwriter {writer}");
    }
    println!("{compared} pairs compared");
    assert!(compared > 2_000, "{compared} of {PAIRS} pairs parse");
}

#[test]
fn texts_are_accepted_and_printed_as_java_does() {
    let texts: Vec<String> = (0..TEXTS)
        .map(|seed| {
            let mut random = Random::new(seed + 9_000_000);
            let mut value = schema(&mut random);
            if random.chance(30) {
                value = evolved(&mut random, &value);
            }
            if random.chance(70) { damaged(&mut random, &value) } else { value.to_string() }
        })
        .collect();
    let modes = [(true, ParseMode::Strict), (false, ParseMode::Lax)];
    let asked: Vec<(&String, bool, ParseMode)> =
        texts.iter().flat_map(|text| modes.map(|(strict, mode)| (text, strict, mode))).collect();
    let questions: Vec<Value> =
        asked.iter().map(|(text, strict, _)| json!({ "parse": text, "strict": strict })).collect();
    let Some(answers) = java::ask(&questions) else { return };
    let (mut accepted, mut refused) = (0, 0);
    let mut differences = Vec::new();
    for ((text, strict, mode), java) in asked.into_iter().zip(answers) {
        let own = match Schema::parse(text, mode) {
            Ok(schema) => {
                accepted += 1;
                let rabin = i64::from_ne_bytes(schema.fingerprint_rabin().to_ne_bytes());
                json!({ "text": schema.canonical(), "form": schema.parsing_canonical_form(), "rabin": rabin })
            }
            Err(error) => {
                refused += 1;
                json!({ "error": error.to_string() })
            }
        };
        // 1.12.2 refuses a name in an object, such as {"type": "n.R"}, which earlier releases and stored schemas have
        if java["error"].as_str().is_some_and(|error| error.starts_with("A schema \"type\" MUST be")) {
            continue;
        }
        if own.get("error").is_some() != java.get("error").is_some()
            || (own.get("error").is_none() && own != java)
        {
            differences.push(format!("strict {strict}: {text}\n  ours {own}\n  java {java}"));
        }
    }
    println!("{accepted} accepted, {refused} refused");
    assert!(differences.is_empty(), "{} differ\n{}", differences.len(), differences.join("\n"));
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} {refused}");
}
