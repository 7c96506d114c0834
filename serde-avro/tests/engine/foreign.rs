//! The same data as Apache Avro for Java and fastavro, asked live: both read what we write, we read what they write, and
//! all see the same through a reader's schema.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use apache_avro::types::Value;
use assay_serde_avro::JsonForm;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};

use super::generate::{Type, evolve, typed_value};
use super::{pair, plan};

const CASES: usize = 400;

struct Case {
    writer: String,
    reader: String,
    bytes: Vec<u8>,
    json: Json,
}

impl Case {
    fn question(&self) -> Json {
        json!({"writer": self.writer, "reader": self.reader, "hex": hex(&self.bytes), "json": self.json.to_string()})
    }

    /// What our reader makes of the datum.
    fn seen(&self) -> Value {
        pair(&self.writer, &self.reader).decode_value(&self.bytes).unwrap_or_else(|e| panic!("{self}: {e}"))
    }
}

impl std::fmt::Display for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} -> {}: {}", self.writer, self.reader, self.json)
    }
}

/// The same cases in every run: half with the writer's own schema, half with an evolved one.
fn cases(usable: fn(&Type) -> bool) -> Vec<Case> {
    let mut runner = TestRunner::deterministic();
    let dice = prop::collection::vec(any::<usize>(), 64);
    let strategy =
        (typed_value().prop_filter("a type that the peer tells apart", move |(of, _)| usable(of)), dice);
    let case = |index: usize| {
        let ((of, value), dice) = strategy.new_tree(&mut runner).unwrap().current();
        let mut rolls = dice.iter().cycle();
        let writer = of.json().to_string();
        let reader = if index.is_multiple_of(2) {
            writer.clone()
        } else {
            evolve(&of, &mut |sides| rolls.next().unwrap() % sides).0.json().to_string()
        };
        let plan = plan(&writer);
        let mut bytes = Vec::new();
        plan.encode_value(&value, &mut bytes).unwrap();
        let json = plan.decode_json(&bytes, JsonForm::Avro).unwrap();
        Case { writer, reader, bytes, json }
    };
    (0..CASES).map(case).collect()
}

#[test]
fn java_reads_and_writes_the_same_data() {
    let cases = cases(|_| true);
    let Some(answers) = ask_java(&cases) else { return };
    let mut refused = 0;
    for (case, answer) in cases.iter().zip(answers) {
        let seen = case.seen();
        // 1.12.2 compares the count of a writer's array of floats with the size of the reader's doubles
        if case.writer != case.reader
            && answer["error"].as_str().is_some_and(|e| e.contains("Collection claims"))
        {
            refused += 1;
            continue;
        }
        let theirs = plan(&case.reader).decode_value(&unhex(&answer, "resolved", case));
        assert_eq!(theirs.as_ref(), Ok(&seen), "{case}");
        // Java's encoder writes no text at all for a null or an empty record that stands alone
        let text = answer["json"].as_str().unwrap();
        if !text.is_empty() {
            let json: Json = serde_json::from_str(text).unwrap();
            let (reader, mut bytes) = (plan(&case.reader), Vec::new());
            reader.encode_json(&json, JsonForm::Avro, &mut bytes).unwrap_or_else(|e| panic!("{case}: {e}"));
            assert_eq!(reader.decode_value(&bytes).as_ref(), Ok(&seen), "{case}");
        }
        let own = plan(&case.writer).decode_value(&case.bytes);
        assert_eq!(plan(&case.writer).decode_value(&unhex(&answer, "from_json", case)), own, "{case}");
    }
    assert!(refused < CASES / 20, "{refused}");
}

#[test]
fn fastavro_reads_and_writes_the_same_data() {
    let cases = cases(python_tells_apart);
    let Some(answers) = ask_python(&cases) else { return };
    for (case, answer) in cases.iter().zip(answers) {
        let theirs = plan(&case.reader).decode_value(&unhex(&answer, "resolved", case));
        assert_eq!(theirs.as_ref(), Ok(&case.seen()), "{case}");
    }
}

/// Python values do not carry their branch: a union must not hold two types of one Python type.
fn python_tells_apart(of: &Type) -> bool {
    match of {
        Type::Array(inner) | Type::Map(inner) => python_tells_apart(inner),
        Type::Record(_, fields) => fields.iter().all(|f| python_tells_apart(&f.of)),
        Type::Union(branches) => {
            let of_kind = |kind: fn(&Type) -> bool| branches.iter().filter(|b| kind(b)).count() < 2;
            branches.iter().all(python_tells_apart)
                && of_kind(|t| {
                    matches!(t, Type::Boolean | Type::Int | Type::Long | Type::Float | Type::Double)
                })
                && of_kind(|t| matches!(t, Type::Bytes | Type::Fixed(..)))
                && of_kind(|t| matches!(t, Type::String | Type::Enum(..)))
                && of_kind(|t| matches!(t, Type::Map(_) | Type::Record(..)))
        }
        _ => true,
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|b| [b >> 4, b & 15]).map(|d| char::from(DIGITS[usize::from(d)])).collect()
}

fn unhex(answer: &Json, key: &str, case: &Case) -> Vec<u8> {
    let text = answer[key].as_str().unwrap_or_else(|| panic!("{case}: {answer}"));
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

fn ask_java(cases: &[Case]) -> Option<Vec<Json>> {
    let jars = workspace().join(".cache/java/lib");
    if !std::fs::read_dir(&jars).is_ok_and(|mut entries| entries.next().is_some()) {
        return missing("the Java library of Apache Avro (scripts/setup java)");
    }
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp"])
        .arg(jars.join("*"))
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/java/AvroData.java"));
    ask(java, cases)
}

fn ask_python(cases: &[Case]) -> Option<Vec<Json>> {
    let python = workspace().join(".cache/venv/bin/python");
    let has_fastavro = Command::new(&python)
        .args(["-c", "import fastavro"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_fastavro {
        return missing("fastavro (scripts/setup python)");
    }
    let mut command = Command::new(python);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/avro_data.py"));
    ask(command, cases)
}

/// Runs a program that answers every line with a line.
fn ask(mut command: Command, cases: &[Case]) -> Option<Vec<Json>> {
    let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() else {
        return missing(&command.get_program().to_string_lossy());
    };
    let mut input = child.stdin.take().unwrap();
    let mut text = Vec::new();
    for case in cases {
        writeln!(text, "{}", case.question()).unwrap();
    }
    let writer = std::thread::spawn(move || input.write_all(&text));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let answers: Vec<Json> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(answers.len(), cases.len());
    Some(answers)
}

fn missing(what: &str) -> Option<Vec<Json>> {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is missing, and CI=true");
    eprintln!("skipped: {what} is missing");
    None
}
