//! A transitive check against versions that are parsed already, against parsing the new schema once.

use std::hint::black_box;
use std::time::{Duration, Instant};

use assay_schema_core::avro::{ParseMode, Schema};
use assay_schema_core::compatibility::{FieldRules, OldVersion, check_with_fields};
use assay_schema_core::{CompatibilityLevel, Version};

const FIELDS: usize = 200;
const VERSIONS: i32 = 100;
const ROUNDS: usize = 25;

/// A record of [`FIELDS`] fields, the last of which differs from version to version.
fn text(version: i32) -> String {
    let kinds = [r#""string""#, r#""long""#, r#"["null","string"]"#, r#"{"type":"array","items":"double"}"#];
    let field = |at: usize| {
        let kind = kinds.get(at % kinds.len()).copied().unwrap_or_default();
        let default = if at % kinds.len() == 2 { r#","default":null"# } else { "" };
        format!(r#"{{"name":"field{at}","type":{kind},"doc":"The field number {at}."{default}}}"#)
    };
    let mut fields: Vec<String> = (1..FIELDS).map(field).collect();
    fields.push(format!(r#"{{"name":"added{version}","type":["null","int"],"default":null}}"#));
    format!(r#"{{"type":"record","name":"bench.Wide","fields":[{}]}}"#, fields.join(","))
}

fn timed(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default().as_secs_f64() * 1e6
}

pub(crate) fn run() {
    let parse = |text: &str| Schema::parse_with_references(text, &[], ParseMode::Lax).ok();
    let texts: Vec<String> = (1..=VERSIONS).rev().map(text).collect();
    let parsed: Vec<Schema> = texts.iter().filter_map(|text| parse(text)).collect();
    let olds: Vec<OldVersion<'_>> = (1..=VERSIONS)
        .rev()
        .zip(&parsed)
        .zip(&texts)
        .filter_map(|((number, schema), text)| {
            Some(OldVersion { version: Version::new(number)?, schema, text })
        })
        .collect();
    let new_text = text(VERSIONS + 1);
    let Some(new) = parse(&new_text) else { return };
    let rules = || FieldRules { validate_fields: false, metadata: None, old_metadata: None };
    println!("\nTransitive check of a record of {FIELDS} fields against {} parsed versions\n", olds.len());
    println!("| level | check | parse of the new schema | check / parse | goal |\n|---|---|---|---|---|");
    for level in [CompatibilityLevel::BackwardTransitive, CompatibilityLevel::FullTransitive] {
        let (mut checks, mut once) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            checks.push(timed(|| {
                let verdict = check_with_fields(level, &new, &olds, rules());
                assert!(black_box(verdict).compatible, "the versions differ in optional fields only");
            }));
            once.push(timed(|| drop(black_box(parse(black_box(&new_text))))));
        }
        let (check, parse) = (median(checks), median(once));
        println!("| {} | {check:.0} µs | {parse:.0} µs | {:.1} | < 20 |", level.as_str(), check / parse);
    }
}
