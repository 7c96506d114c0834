//! Apache Avro for Java, asked live. Its jars come from `scripts/setup java`.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

/// The answers to all questions, in order; `None`, with a line that says so, on a machine without Java or the jars.
pub(crate) fn ask(questions: &[Value]) -> Option<Vec<Value>> {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let jars = crate_folder.parent().unwrap().join(".cache/java/lib");
    let found = std::fs::read_dir(&jars).is_ok_and(|mut entries| entries.next().is_some());
    if !found {
        return missing("the Java library of Apache Avro (scripts/setup java)");
    }
    let child = Command::new("java")
        .args(["-XX:TieredStopAtLevel=1", "-Xmx512m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp"])
        .arg(jars.join("*"))
        .arg(crate_folder.join("tests/java/AvroOracle.java"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else { return missing("java") };
    let mut input = child.stdin.take().unwrap();
    let mut text = Vec::new();
    for question in questions {
        writeln!(text, "{question}").unwrap();
    }
    let writer = std::thread::spawn(move || input.write_all(&text));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let answers: Vec<Value> = lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    writer.join().unwrap().unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(answers.len(), questions.len());
    Some(answers)
}

fn missing(what: &str) -> Option<Vec<Value>> {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is missing, and CI=true");
    eprintln!("skipped: {what} is missing");
    None
}
