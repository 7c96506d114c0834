//! Kafka clients of other people, each with a broker of its own.

use harness::{Assay, foreign};

#[test]
fn javascript_kafkajs() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::javascript("kafka.js", &[&assay.broker]).unwrap() else { return };
    assert_eq!(answer["records"], 800);
}

#[test]
fn go_franz() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::go("kafka", &[&assay.broker]).unwrap() else { return };
    assert_eq!(answer["records"], 1000);
}

#[test]
fn java_clients() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::java("Clients", &[&assay.broker]).unwrap() else { return };
    assert!(answer["done"].as_u64().unwrap() > 50, "{answer}");
}

#[test]
fn java_console_tools() {
    let assay = Assay::start().unwrap();
    let data = assay.data.path().join("broker");
    let arguments = [assay.broker.as_str(), data.to_str().unwrap()];
    let Some(answer) = foreign::java("ConsoleTools", &arguments).unwrap() else { return };
    assert!(answer["done"].as_u64().unwrap() > 25, "{answer}");
}

#[test]
fn java_web_consoles() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::java("Consoles", &[&assay.broker]).unwrap() else { return };
    assert!(answer["done"].as_u64().unwrap() > 150, "{answer}");
}

#[test]
fn python_confluent() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::python("confluent_client.py", &[&assay.broker]).unwrap() else { return };
    assert_eq!(answer["groups"], serde_json::json!(["range", "sticky", "kip848"]));
}

#[test]
fn python_old_confluent() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::python_old("confluent_client.py", &[&assay.broker]).unwrap() else { return };
    assert_eq!(answer["records"], 1000, "{answer}");
}

#[test]
fn python_kafka_python() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::python("kafka_python_client.py", &[&assay.broker]).unwrap() else { return };
    assert_eq!(answer["records"], 1000);
}

#[test]
fn python_aiokafka() {
    let assay = Assay::start().unwrap();
    let Some(answer) = foreign::python("aiokafka_client.py", &[&assay.broker]).unwrap() else { return };
    assert_eq!(answer["records"], 1000);
}
