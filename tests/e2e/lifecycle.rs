//! Starting, refusing to start, and stopping.

use std::{
    net::TcpListener,
    sync::Arc,
    time::{Duration, Instant},
};

use harness::{Assay, Launch};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rustix::process::Signal;

use crate::kafka::{producer, send};

/// Runs a process that must not start: gives its one line on standard error.
fn refusal(launch: Launch) -> String {
    let (status, out, log) = launch.run_to_end().unwrap();
    assert!(!status.success(), "{log}");
    assert_eq!(out, "", "standard output is for the ready line");
    let errors: Vec<_> = log.lines().filter(|line| line.starts_with("assay: ")).collect();
    assert_eq!(errors.len(), 1, "one clear line: {log}");
    errors[0].to_owned()
}

#[test]
fn the_ready_line_says_where_and_the_banner_what_to_try() {
    let assay = Assay::start().unwrap();
    let expected = format!("assay ready registry={} broker={}", assay.registry, assay.broker);
    assert_eq!(assay.ready, expected);
    assert!(assay.registry.starts_with("http://127.0.0.1:") && assay.broker.starts_with("127.0.0.1:"));
    assert!(
        !assay.broker.ends_with(":0") && !assay.registry.ends_with(":0"),
        "the bound port is what is told"
    );
    assay.logged("curl ").unwrap();
    assay.logged(&assay.data.path().display().to_string()).unwrap();
    let (status, rest, log, _) = assay.terminate().unwrap();
    assert!(status.success(), "{log}");
    assert_eq!(rest, "", "nothing else goes to standard output");
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (flag, what) in [("--registry-listen", "registry"), ("--broker-listen", "broker")] {
        let data = tempfile::tempdir().unwrap();
        let mut launch = Launch::default().exactly().arg("--data-dir").arg(data.path().display().to_string());
        for other in ["--registry-listen", "--broker-listen"] {
            launch = launch.arg(other).arg(if other == flag { &address } else { "127.0.0.1:0" });
        }
        let line = refusal(launch);
        assert!(line.contains(&address) && line.contains(what) && line.contains("in use"), "{line}");
    }
}

#[test]
fn an_unusable_data_folder_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = file.path().join("data").display().to_string();
    for path in [file.path().display().to_string(), below, "/proc/assay".to_owned()] {
        let arguments =
            ["--registry-listen", "127.0.0.1:0", "--broker-listen", "127.0.0.1:0", "--data-dir", &path];
        let line = refusal(arguments.into_iter().fold(Launch::default().exactly(), Launch::arg));
        assert!(line.contains(&path) && line.contains("data folder"), "{line}");
    }
}

#[test]
fn a_second_instance_on_the_same_folder_is_refused() {
    let first = Assay::start().unwrap();
    let line = refusal(Launch::default().on(Arc::clone(&first.data)));
    assert!(line.contains("in use by another assay") && line.contains(&first.pid().to_string()), "{line}");
    let data = first.kill().unwrap();
    Launch::default().on(data).start().expect("the folder is free after a kill");
}

#[test]
fn bad_settings_are_one_line() {
    for (flag, value) in
        [("--registry-listen", "nonsense"), ("--roles", "leader"), ("--broker-config", "num.partitions=many")]
    {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().display().to_string();
        let launch = Launch::default()
            .exactly()
            .arg("--data-dir")
            .arg(folder)
            .arg("--broker-listen")
            .arg("127.0.0.1:0");
        let launch = if flag == "--registry-listen" {
            launch
        } else {
            launch.arg("--registry-listen").arg("127.0.0.1:0")
        };
        let line = refusal(launch.arg(flag).arg(value));
        assert!(line.contains(value.split('=').next_back().unwrap()), "{line}");
    }
    let line = refusal(Launch::default().arg("--no-such-flag"));
    assert!(line.contains("--no-such-flag"), "{line}");
    let line = refusal(Launch::default().env("ASSAY_ROLES", "leader"));
    assert!(line.contains("ASSAY_ROLES"), "{line}");
}

#[test]
fn variables_injected_by_an_orchestrator_and_old_names_do_not_stop_it() {
    let assay = Launch::default()
        .env("SCHEMA_REGISTRY_PORT", "tcp://10.0.0.1:8081")
        .env("SCHEMA_REGISTRY_SERVICE_HOST", "10.0.0.1")
        .env("SCHEMA_REGISTRY_KAFKASTORE_BOOTSTRAP_SERVERS", "kafka:9092")
        .env("ASSAY_PORT", "tcp://10.0.0.2:9092")
        .start()
        .unwrap();
    let log = assay.logged("ignored environment variables").unwrap();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("ignored environment variables")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    for name in ["SCHEMA_REGISTRY_PORT", "KAFKASTORE_BOOTSTRAP_SERVERS", "ASSAY_PORT"] {
        assert!(lines[0].contains(name), "{log}");
    }
}

#[test]
fn listening_beyond_the_machine_is_warned_about() {
    let loopback = Assay::start().unwrap();
    assert!(!loopback.log().contains("authentication"), "{}", loopback.log());
    let launch = ["--registry-listen", "0.0.0.0:0", "--broker-listen", "127.0.0.1:0"].into_iter();
    let data = tempfile::tempdir().unwrap();
    let launch = launch.fold(Launch::default().exactly(), Launch::arg);
    let exposed = launch.arg("--data-dir").arg(data.path().display().to_string()).start().unwrap();
    exposed.logged("authentication is off").unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_and_ctrl_c_drain_and_stop() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut assay = Assay::start().unwrap();
        let producer = producer(&assay.broker, &[]);
        send(&producer, "t", None, Some(b"x")).await.unwrap();
        let began = Instant::now();
        assay.signal(signal).unwrap();
        let (status, _, log, data) = assay.wait_for_end().unwrap();
        assert!(status.success(), "{status}: {log}");
        assert!(began.elapsed() < Duration::from_secs(15), "an open client does not hold it up: {log}");
        let again = Launch::default().on(data).start().unwrap();
        assert_eq!(crate::kafka::watermarks(&again.broker, "t", 0), (0, 1));
    }
}

#[test]
fn several_named_listeners_are_served_and_advertised() {
    let data = tempfile::tempdir().unwrap();
    let path = data.path().display().to_string();
    let arguments = [
        "--data-dir",
        &path,
        "--registry-listen",
        "127.0.0.1:0",
        "--broker-listen",
        "IN://127.0.0.1:0",
        "--broker-listen",
        "OUT://127.0.0.1:0",
        "--broker-advertise",
        "OUT://localhost:0",
    ];
    let assay = arguments.into_iter().fold(Launch::default().exactly(), Launch::arg).start().unwrap();
    let log = assay.logged("OUT://").unwrap();
    let out =
        log.split_whitespace().find_map(|word| word.strip_prefix("OUT://")).expect("OUT is on the screen");
    assert!(out.starts_with("localhost:") && !out.ends_with(":0"), "{log}");
    let consumer: BaseConsumer = crate::kafka::client(out).create().unwrap();
    let metadata = consumer.fetch_metadata(None, Duration::from_secs(30)).unwrap();
    let broker = &metadata.brokers()[0];
    assert_eq!(
        format!("{}:{}", broker.host(), broker.port()),
        out,
        "each listener advertises its own address"
    );
}

#[test]
fn help_reads_well() {
    let output = std::process::Command::new(harness::binary().unwrap()).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for word in [
        "--data-dir",
        "--registry-listen",
        "--broker-advertise",
        "ASSAY_DATA_DIR",
        "[default: 127.0.0.1:8081]",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
}
