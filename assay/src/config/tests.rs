//! Precedence, defaults and refusals of the whole configuration.

use super::*;

fn arguments(pairs: &[(&str, &str)]) -> ServeArgs {
    use clap::Parser;
    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        serve: ServeArgs,
    }
    let mut words = vec!["assay".to_owned()];
    words.extend(pairs.iter().map(|(flag, value)| format!("{flag}={value}")));
    Only::try_parse_from(words).unwrap().serve
}

fn load(flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
    Config::load(&arguments(flags), &variables)
}

fn shown(listener: &ListenerConfig) -> String {
    format!("{}://{}", listener.name, listener.bind)
}

fn refusal(flags: &[(&str, &str)]) -> String {
    load(flags, &[]).unwrap_err().to_string()
}

#[test]
fn nothing_said_means_the_defaults() {
    let config = load(&[], &[]).unwrap();
    assert_eq!(config.roles, Roles::Both);
    assert_eq!(config.data_dir, Path::new("assay-data"));
    assert_eq!(config.registry_listen.to_string(), "127.0.0.1:8081");
    assert_eq!(config.broker_listeners.len(), 1);
    assert_eq!(shown(&config.broker_listeners[0]), "PLAINTEXT://127.0.0.1:9092");
    assert_eq!(config.shutdown_timeout, SHUTDOWN_TIMEOUT_DEFAULT);
    assert!(config.exposed().is_empty());
    assert!(config.needs_data_dir());
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("assay.toml");
    std::fs::write(
        &path,
        "data_dir = 'from-file'\nshutdown_timeout = 3\n[registry]\nlisten = '127.0.0.1:1'\ncompatibility = 'NONE'\n\
         [broker]\nlisten = ['A://127.0.0.1:1', 'B://127.0.0.1:2']\n[broker.config]\n'num.partitions' = 6\n'x' = 'file'\n",
    )
    .unwrap();
    let path = path.to_str().unwrap();
    let config = load(
        &[("--config", path), ("--registry-listen", "127.0.0.1:3"), ("--broker-config", "x=flag")],
        &[("ASSAY_REGISTRY_LISTEN", "127.0.0.1:2"), ("ASSAY_DATA_DIR", "from-environment")],
    )
    .unwrap();
    assert_eq!(config.registry_listen.port, 3);
    assert_eq!(config.data_dir, Path::new("from-environment"));
    assert_eq!(config.compatibility, Some(CompatibilityLevel::None));
    assert_eq!(config.shutdown_timeout, Duration::from_secs(3));
    assert_eq!(config.broker_listeners.len(), 2);
    assert_eq!(config.broker_settings["num.partitions"], "6");
    assert_eq!(config.broker_settings["x"], "flag");
    let by_variable = load(&[], &[("ASSAY_CONFIG", path)]).unwrap();
    assert_eq!(by_variable.data_dir, Path::new("from-file"));
}

#[test]
fn what_is_advertised_belongs_to_the_listener_of_that_name() {
    let config = load(
        &[
            ("--broker-listen", "IN://0.0.0.0:9092"),
            ("--broker-listen", "OUT://0.0.0.0:9093"),
            ("--broker-advertise", "out://kafka.example.com:0"),
        ],
        &[],
    )
    .unwrap();
    assert_eq!(config.broker_listeners[0].advertise, None);
    assert_eq!(config.broker_listeners[1].advertise.as_ref().unwrap().to_string(), "kafka.example.com:0");
    assert_eq!(
        config.exposed(),
        ["broker listener IN on 0.0.0.0:9092", "broker listener OUT on 0.0.0.0:9093"]
    );
    assert_eq!(
        refusal(&[("--broker-advertise", "OUT://h:1")]),
        "--broker-advertise: there is no listener called OUT; --broker-listen names them"
    );
    assert_eq!(
        refusal(&[("--broker-listen", "h:1"), ("--broker-listen", "h:2")]),
        "--broker-listen: the listener name PLAINTEXT is given twice"
    );
}

#[test]
fn listeners_may_come_from_kafkas_own_settings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.properties");
    let text = "listeners=PLAINTEXT://127.0.0.1:1,SASL_PLAINTEXT://:2\nadvertised.listeners=PLAINTEXT://h:3\n\
                num.partitions=4\nnode.id=5\n";
    std::fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap();
    let config =
        load(&[("--server-properties", path), ("--broker-config", "num.partitions=6")], &[]).unwrap();
    assert_eq!(shown(&config.broker_listeners[0]), "PLAINTEXT://127.0.0.1:1");
    assert_eq!(config.broker_listeners[0].advertise.as_ref().unwrap().to_string(), "h:3");
    assert_eq!(shown(&config.broker_listeners[1]), "SASL_PLAINTEXT://0.0.0.0:2");
    assert!(config.exposed().is_empty(), "clients of the open one say who they are");
    assert_eq!(config.broker_settings["num.partitions"], "6");
    assert_eq!(config.broker_settings["node.id"], "5");
    let flags = [("--server-properties", path), ("--broker-listen", "127.0.0.1:9")];
    let config = load(&flags, &[]).unwrap();
    assert_eq!(config.broker_listeners.iter().map(shown).collect::<Vec<_>>(), ["PLAINTEXT://127.0.0.1:9"]);
    let many = "super.users=User:CN=ann,O=x,num.partitions=2";
    let config = load(&[], &[("ASSAY_BROKER_CONFIG", many)]).unwrap();
    assert_eq!(config.broker_settings["super.users"], "User:CN=ann,O=x");
    assert_eq!(config.broker_settings["num.partitions"], "2");
    let wrong = refusal(&[("--broker-config", "num.partitions=none")]);
    assert!(wrong.starts_with("broker setting num.partitions=none: "), "{wrong}");
    let tls = refusal(&[("--broker-listen", "SSL://127.0.0.1:0")]);
    assert!(tls.contains("ssl.keystore.location"), "{tls}");
}

#[test]
fn a_bad_value_is_one_line_that_names_its_source() {
    for (flag, value, expected) in [
        ("--registry-listen", "8081", "--registry-listen: `8081` is not HOST:PORT"),
        ("--roles", "leader", "--roles: `leader` is no role; the roles are registry and broker"),
        ("--broker-config", "nonsense", "--broker-config: `nonsense` is not KEY=VALUE"),
        ("--database-url", "mysql://x", "--database-url: the URL must begin with sqlite: or postgres://"),
        ("--log-format", "xml", "--log-format: `xml` is neither text nor json"),
        ("--mode-mutability", "maybe", "--mode-mutability: `maybe` is neither true nor false"),
        ("--shutdown-timeout", "-1", "--shutdown-timeout: `-1` is not a number of seconds from 0 to 3600"),
        (
            "--shutdown-timeout",
            "1e300",
            "--shutdown-timeout: `1e300` is not a number of seconds from 0 to 3600",
        ),
        ("--data-dir", "", "--data-dir: the value is empty"),
    ] {
        assert_eq!(refusal(&[(flag, value)]), expected);
    }
    let level = refusal(&[("--compatibility", "SIDEWAYS")]);
    assert!(level.starts_with("--compatibility: ") && !level.contains('\n'), "{level}");
}

#[test]
fn roles_decide_what_is_needed() {
    let stateless = load(&[("--roles", "registry"), ("--database-url", "postgres://h/db")], &[]).unwrap();
    assert!(!stateless.needs_data_dir());
    let broker = load(&[("--roles", "broker"), ("--registry-url", "http://h:8081/")], &[]).unwrap();
    assert_eq!(broker.registry_url.as_deref(), Some("http://h:8081"));
    assert!(broker.needs_data_dir());
    assert!(refusal(&[("--roles", "broker"), ("--database-url", "sqlite:x")]).contains("--registry-url"));
    assert!(refusal(&[("--registry-url", "http://h:1")]).contains("--roles broker"));
}

#[test]
fn the_file_is_checked() {
    for (text, expected) in [
        ("datadir = 'x'", "assay.toml: datadir: there is no such setting"),
        ("[registry]\nport = 1", "assay.toml: registry.port: there is no such setting"),
        ("roles = [1979-05-27]", "assay.toml: roles: a text, number, boolean or list is expected"),
        ("registry.listen = 'x'", "assay.toml: registry.listen: `x` is not HOST:PORT"),
    ] {
        assert_eq!(file::parse(text, "assay.toml").unwrap_err().to_string(), expected);
    }
    let syntax = file::parse("data_dir = 'a'\nroles = [", "assay.toml").unwrap_err().to_string();
    assert!(syntax.starts_with("line 2: "), "{syntax}");
    let missing = load(&[("--config", "/nowhere/assay.toml")], &[]).unwrap_err().to_string();
    assert!(missing.starts_with("cannot use /nowhere/assay.toml: "), "{missing}");
}
