//! `assay history verify` on the files that a server left.

use std::process::{Command, Output};

use harness::Assay;
use serde_json::{Value, json};

fn verify(words: &[&str]) -> Output {
    Command::new(harness::binary().unwrap()).args(["history", "verify"]).args(words).output().unwrap()
}

#[tokio::test]
async fn an_edited_file_is_found_by_the_command_and_a_whole_one_is_not() {
    let assay = Assay::start().unwrap();
    let schema = json!({"type": "record", "name": "R", "fields": [{"name": "honest", "type": "int"}]});
    assay.rest().register("s", &schema).await.unwrap();
    let folder = assay.data.path().display().to_string();
    let beside = verify(&["--data-dir", &folder]);
    assert_eq!(beside.status.code(), Some(0), "beside a running server: {beside:?}");
    let (status, _, log, data) = assay.terminate().unwrap();
    assert!(status.success(), "{log}");

    let whole = verify(&["--data-dir", &folder, "--json"]);
    let said: Value = serde_json::from_slice(&whole.stdout).unwrap();
    assert_eq!((whole.status.code(), &said["ok"], &said["contents"]), (Some(0), &json!(true), &json!(1)));

    let path = data.path().join("registry.db");
    let mut file = std::fs::read(&path).unwrap();
    let honest: Vec<usize> = (0..file.len()).filter(|at| file[*at..].starts_with(b"honest")).collect();
    assert!(!honest.is_empty(), "the schema is in the file once the server has stopped");
    for at in honest {
        file[at..at + 6].copy_from_slice(b"edited");
    }
    std::fs::write(&path, file).unwrap();
    let edited = verify(&["--data-dir", &folder]);
    let text = String::from_utf8_lossy(&edited.stdout);
    assert_eq!(edited.status.code(), Some(3), "{text}");
    assert!(text.contains("content") && text.contains('1'), "{text}");
    let missing = verify(&["--data-dir", &format!("{folder}/elsewhere")]);
    assert_eq!(missing.status.code(), Some(1), "{missing:?}");
    assert!(String::from_utf8_lossy(&missing.stderr).starts_with("assay: there is no registry database at "));
}
