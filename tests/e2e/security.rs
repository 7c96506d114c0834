//! Listeners with TLS, passwords and access rules, used by clients that people have.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use harness::{Assay, Launch, binary, python};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tempfile::TempDir;

const SCRIPT: &str = "security_clients.py";
const AUTHORIZER: &str = "authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer";

/// An authority, a server's certificate and a client's, as files of a folder.
struct Certificates {
    dir: TempDir,
    authority: Issuer<'static, KeyPair>,
}

impl Certificates {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::<String>::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "authority");
        let key = KeyPair::generate().unwrap();
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), params.self_signed(&key).unwrap().pem()).unwrap();
        let made = Self { dir, authority: Issuer::new(params, key) };
        made.issue("server", "broker");
        made.issue("client", "ann");
        made
    }

    /// Writes `FILE.pem`, `FILE.key` and both together as `FILE.store`.
    fn issue(&self, file: &str, name: &str) {
        let mut params =
            CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap().pem();
        let key = key.serialize_pem();
        let write =
            |end: &str, text: &str| std::fs::write(self.path(&format!("{file}.{end}")), text).unwrap();
        write("pem", &certificate);
        write("key", &key);
        write("store", &format!("{key}{certificate}"));
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

/// Runs `assay user` on a data folder.
fn user(data: &Path, words: &[&str], input: &str) -> String {
    let mut child = Command::new(binary().unwrap())
        .arg("user")
        .args(words)
        .arg("--data-dir")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `HOST:PORT` of a listener, from the screen.
fn address(assay: &Assay, listener: &str) -> String {
    let scheme = format!(" {listener}://");
    let log = assay.logged(&scheme).unwrap();
    let rest = log.split(&scheme).nth(1).unwrap();
    rest.split_whitespace().next().unwrap().to_owned()
}

fn launch(data: &Arc<TempDir>, listeners: &[&str], settings: &[&str]) -> Launch {
    let mut launch = Launch::default().on(Arc::clone(data));
    for name in listeners {
        launch = launch.arg("--broker-listen").arg(format!("{name}://127.0.0.1:0"));
    }
    settings.iter().fold(launch, |launch, setting| launch.arg("--broker-config").arg(*setting))
}

fn script(step: &str, arguments: &[Value]) -> Option<String> {
    let texts: Vec<String> = arguments.iter().map(Value::to_string).collect();
    let words: Vec<&str> = [step].into_iter().chain(texts.iter().map(String::as_str)).collect();
    python::run(SCRIPT, &words).unwrap()
}

fn sasl(assay: &Assay, listener: &str, mechanism: &str, user: &str, password: &str) -> Value {
    json!({
        "address": address(assay, listener), "protocol": listener,
        "mechanism": mechanism, "user": user, "password": password,
    })
}

#[test]
fn clients_come_in_over_tls_with_certificates_and_with_passwords() {
    let (certificates, data) = (Certificates::new(), Arc::new(tempfile::tempdir().unwrap()));
    // before the first start
    assert_eq!(user(data.path(), &["add", "ann"], "correct horse\n"), "user ann can log in\n");
    let settings = [
        format!("ssl.keystore.location={}", certificates.path("server.store")),
        format!("ssl.truststore.location={}", certificates.path("ca.pem")),
        "ssl.client.auth=required".to_owned(),
        "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512".to_owned(),
        "connections.max.reauth.ms=60000".to_owned(),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let assay = launch(&data, &["SSL", "SASL_PLAINTEXT", "SASL_SSL"], &settings).start().unwrap();
    // while it runs
    user(data.path(), &["add", "bob"], "battery\n");
    let mut ways = vec![json!({
        "address": address(&assay, "SSL"), "protocol": "SSL", "ca": certificates.path("ca.pem"),
        "certificate": certificates.path("client.pem"), "key": certificates.path("client.key"),
    })];
    ways.push(sasl(&assay, "SASL_PLAINTEXT", "PLAIN", "bob", "battery"));
    ways.push(sasl(&assay, "SASL_PLAINTEXT", "SCRAM-SHA-256", "ann", "correct horse"));
    let mut encrypted = sasl(&assay, "SASL_SSL", "SCRAM-SHA-512", "ann", "correct horse");
    encrypted["ca"] = certificates.path("ca.pem").into();
    ways.push(encrypted);
    let Some(output) = script("round_trips", &[ways.into()]) else { return };
    assert_eq!(output.matches(" ok").count(), 12, "{output}");

    let wrong = sasl(&assay, "SASL_PLAINTEXT", "PLAIN", "ann", "wrong");
    let output = script("wrong_password", &[wrong]).unwrap();
    assert!(output.contains("Invalid username or password"), "{output}");
    let log = assay.logged("authentication failed").unwrap();
    assert!(!log.contains("correct horse") && !log.contains("battery"), "{log}");

    let listed = user(data.path(), &["list"], "");
    assert_eq!(listed, "ann SCRAM-SHA-256,SCRAM-SHA-512\nbob SCRAM-SHA-256,SCRAM-SHA-512\n");
    user(data.path(), &["remove", "bob"], "");
    let gone = sasl(&assay, "SASL_PLAINTEXT", "SCRAM-SHA-256", "bob", "battery");
    let output = script("wrong_password", &[gone]).unwrap();
    assert!(output.contains("invalid credentials"), "{output}");
}

#[test]
fn rules_and_users_are_managed_by_kafkas_requests_and_survive_a_kill() {
    let data = Arc::new(tempfile::tempdir().unwrap());
    for name in ["root", "ann"] {
        user(data.path(), &["add", name], "secret\n");
    }
    let settings = [AUTHORIZER, "super.users=User:root"];
    let assay = launch(&data, &["SASL_PLAINTEXT"], &settings).start().unwrap();
    let way = |assay: &Assay, name: &str| sasl(assay, "SASL_PLAINTEXT", "SCRAM-SHA-256", name, "secret");
    let Some(output) = script("rules", &[way(&assay, "root"), way(&assay, "ann")]) else { return };
    assert_eq!(
        output.lines().filter(|line| *line == "write: TOPIC_AUTHORIZATION_FAILED").count(),
        2,
        "{output}"
    );
    let data = assay.kill().unwrap();
    let assay = launch(&data, &["SASL_PLAINTEXT"], &settings).start().unwrap();
    assert_eq!(script("still_ruled", &[way(&assay, "ann")]).unwrap(), "['orders']\n");
    let carl = sasl(&assay, "SASL_PLAINTEXT", "SCRAM-SHA-512", "carl", "new");
    assert_eq!(script("manage_users", &[way(&assay, "root"), carl]).unwrap(), "users ok\n");
}

#[test]
fn a_new_certificate_is_shown_without_a_restart() {
    let (certificates, data) = (Certificates::new(), Arc::new(tempfile::tempdir().unwrap()));
    let settings = [
        format!("ssl.keystore.certificate.chain={}", certificates.path("server.pem")),
        format!("ssl.keystore.key={}", certificates.path("server.key")),
    ];
    let settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    let assay = launch(&data, &["SSL"], &settings).start().unwrap();
    let address = json!(address(&assay, "SSL"));
    let Some(before) = script("certificate", std::slice::from_ref(&address)) else { return };
    certificates.issue("server", "broker of tomorrow");
    let new = std::fs::read_to_string(certificates.path("server.pem")).unwrap();
    let body = |pem: &str| pem.lines().filter(|line| !line.starts_with('-')).collect::<String>();
    assert_ne!(body(&before), body(&new));
    let deadline = Instant::now() + Duration::from_mins(1);
    while body(&script("certificate", std::slice::from_ref(&address)).unwrap()) != body(&new) {
        assert!(Instant::now() < deadline, "the new certificate is not shown; log:\n{}", assay.log());
    }
}
