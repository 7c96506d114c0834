//! kcat as people use it in scripts.

use std::{fmt::Write as _, fs, process::Command};

use harness::{Assay, foreign, missing};
use serde_json::Value;

use crate::kafka::LIMIT;

const RECORDS: usize = 100;

/// Runs kcat with the words of a line and gives its standard output.
fn kcat(broker: &str, line: &str) -> anyhow::Result<String> {
    let mut command = Command::new("kcat");
    command.args(["-b", broker]).args(line.split_whitespace());
    Ok(foreign::run(&mut command, &format!("kcat {line}"), LIMIT)?.0)
}

fn numbers(read: &str) -> Vec<usize> {
    let mut numbers: Vec<usize> = read.lines().map(|line| line.parse().unwrap()).collect();
    numbers.sort_unstable();
    numbers
}

#[test]
fn kcat_produces_lists_queries_and_consumes() {
    if Command::new("kcat").arg("-V").output().is_err() {
        missing("kcat");
        return;
    }
    let assay = Assay::start().unwrap();
    let at = assay.broker.as_str();
    let folder = tempfile::tempdir().unwrap();
    for (codec, from) in [("none", 0), ("gzip", 20), ("snappy", 40), ("lz4", 60), ("zstd", 80)] {
        let mut lines = String::new();
        for number in from..from + RECORDS / 5 {
            writeln!(lines, "k{}:{number}", number % 7).unwrap();
        }
        let file = folder.path().join(codec);
        fs::write(&file, lines).unwrap();
        kcat(
            at,
            &format!(
                "-P -t kcat -K : -z {codec} -H h=1 -H empty -X enable.idempotence=true -l {}",
                file.display()
            ),
        )
        .unwrap();
    }
    let listed: Value = serde_json::from_str(&kcat(at, "-L -J").unwrap()).unwrap();
    let topics = listed["topics"].as_array().unwrap();
    assert_eq!((topics.len(), &topics[0]["topic"]), (1, &Value::from("kcat")), "{listed}");
    assert_eq!(listed["brokers"][0]["name"], at);
    assert!(kcat(at, "-L -t kcat").unwrap().contains("topic \"kcat\" with 1 partitions"));

    assert_eq!(kcat(at, "-Q -t kcat:0:-1").unwrap().trim(), "kcat [0] offset 100");
    assert_eq!(kcat(at, "-Q -t kcat:0:-2").unwrap().trim(), "kcat [0] offset 0");
    let one = kcat(at, "-C -t kcat -p 0 -o 42 -c 1 -f %k:%s:%o:%h\\n").unwrap();
    assert_eq!(one.trim(), "k0:42:42:h=1,empty=NULL");
    assert_eq!(
        numbers(&kcat(at, "-C -t kcat -o beginning -e -q").unwrap()),
        (0..RECORDS).collect::<Vec<_>>()
    );
    assert_eq!(kcat(at, "-C -t kcat -o -3 -e -q").unwrap().lines().count(), 3);
    let json = kcat(at, "-C -t kcat -o end -o 7 -c 1 -J").unwrap();
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["payload"], "7", "{json}");

    let group = "-X auto.offset.reset=earliest -q -e -G kcats kcat";
    assert_eq!(numbers(&kcat(at, group).unwrap()), (0..RECORDS).collect::<Vec<_>>());
    assert_eq!(kcat(at, group).unwrap(), "", "what was committed comes again");
    let unknown = kcat(at, "-C -t nobody -e -X allow.auto.create.topics=false").unwrap_err().to_string();
    assert!(unknown.contains("Unknown topic or partition"), "{unknown}");
}
