//! The costs of a registration: parsing the new schema, and holding it against a long history.
//!
//! Every case is timed in turn, in many rounds; what is printed are medians over the rounds of the calling thread's CPU time.
//! Run with `cargo bench -p assay-schema-core`, with the number of rounds as argument (25 unless given).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark stops at the first fault, and prints"
)]

#[path = "../../serde-avro/benches/rounds/rounds.rs"]
mod rounds;

use std::fmt::Write as _;
use std::hint::black_box;

use assay_schema_core::avro::{ParseMode, Schema};
use assay_schema_core::compatibility::{OldVersion, check_against};
use assay_schema_core::{CompatibilityLevel, Version};

use rounds::{Case, rounds};

const FIELDS: usize = 200;
const VERSIONS: usize = 100;

/// A record of 200 fields of every kind; each version has its own documentation and one field of its own with a default.
fn text(version: usize) -> String {
    let mut text = String::from(r#"{"type":"record","name":"Wide","namespace":"bench.records","fields":["#);
    for index in 0..FIELDS - 1 {
        let schema = match index % 10 {
            0 | 1 => r#""long""#.to_owned(),
            2 | 3 => r#""string""#.to_owned(),
            4 => r#"["null","string"],"default":null"#.to_owned(),
            5 => r#"["null","double"],"default":null"#.to_owned(),
            6 => r#"{"type":"long","logicalType":"timestamp-millis"}"#.to_owned(),
            7 => r#"{"type":"array","items":"int"},"default":[]"#.to_owned(),
            8 => format!(r#"{{"type":"enum","name":"Kind{index}","symbols":["A","B","C"]}}"#),
            _ => format!(
                r#"["null",{{"type":"record","name":"Part{index}","fields":[{{"name":"x","type":"int"}},{{"name":"y","type":"string"}}]}}]"#
            ),
        };
        write!(text, r#"{{"name":"field_{index}","doc":"version {version}","type":{schema}}},"#).unwrap();
    }
    write!(text, r#"{{"name":"own_{version}","type":"int","default":0}}]}}"#).unwrap();
    text
}

fn main() {
    let new_text = text(VERSIONS);
    let new = Schema::parse(&new_text, ParseMode::Strict).unwrap();
    let olds: Vec<Schema> =
        (0..VERSIONS).map(|version| Schema::parse(&text(version), ParseMode::Strict).unwrap()).collect();
    let mut versions: Vec<OldVersion<'_>> = (1..)
        .zip(&olds)
        .map(|(number, schema)| OldVersion {
            version: Version::new(number).unwrap(),
            schema,
            text: schema.canonical(),
        })
        .collect();
    versions.reverse();
    let against = |level| {
        let verdict = check_against(level, &new, &versions);
        assert!(verdict.compatible, "{:?}", verdict.messages);
    };
    let mut cases = vec![
        Case::new("parse", 1, || drop(black_box(Schema::parse(&new_text, ParseMode::Strict).unwrap()))),
        Case::new("parse and print", 1, || {
            black_box(Schema::parse(&new_text, ParseMode::Strict).unwrap().canonical().len());
        }),
        Case::new("apache-avro's parse", 1, || {
            drop(black_box(apache_avro_direct::Schema::parse_str(&new_text).unwrap()));
        }),
        Case::new("backward, 100 versions", 1, || against(CompatibilityLevel::BackwardTransitive)),
        Case::new("full, 100 versions", 1, || against(CompatibilityLevel::FullTransitive)),
    ];
    rounds::run(&mut cases, rounds());
    println!(
        "a record of {FIELDS} fields, {} bytes; microseconds of CPU, median (quartiles)",
        new_text.len()
    );
    for case in &cases {
        let (low, high) = case.quartiles();
        println!("{:26} {:9.1} ({:.1}-{:.1})", case.name, case.median() / 1e3, low / 1e3, high / 1e3);
    }
    if let [parse, _, peer, backward, full] = cases.as_slice() {
        let of = |case: &Case<'_>| case.median() / parse.median();
        println!("100 versions backward, in parses of the new schema: {:.1} (goal: under 20)", of(backward));
        println!("100 versions full, in parses of the new schema:     {:.1}", of(full));
        println!("apache-avro's parse, in ours:                       {:.2} (goal: at least 1)", of(peer));
    }
}
