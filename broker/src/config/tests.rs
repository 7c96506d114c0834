use super::*;

fn set(key: &str, value: &str) -> Result<(BrokerConfig, Unused), ConfigError> {
    BrokerConfig::from_settings("data", [(key.to_owned(), value.to_owned())])
}

#[test]
fn the_defaults_are_valid_and_the_table_is_in_order() {
    assert_eq!(BrokerConfig::new("data").node_id, 1);
    assert!(KEYS.is_sorted_by_key(|key| key.name));
    assert_eq!(BrokerConfig::new("data").groups, GroupsConfig::default());
}

#[test]
fn settings_are_read_under_kafkas_names() {
    assert_eq!(set("num.partitions", "6").unwrap().0.num_partitions, 6);
    assert_eq!(set("broker.id", "7").unwrap().0.node_id, 7);
    assert_eq!(set("offsets.retention.minutes", "2").unwrap().0.groups.offsets_retention_ms, 120_000);
    assert!(set("log.retention.hours", "1").unwrap().1.is_empty());
}

#[test]
fn settings_without_effect_are_named_with_the_reason() {
    assert_eq!(set("num.partitons", "6").unwrap().1.to_string(), "num.partitons (not known)");
    let unused = |key: &str| set(key, "x").unwrap().1.to_string();
    assert_eq!(unused("zookeeper.connect"), "zookeeper.connect (one node has no use for it)");
    assert_eq!(unused("log.dirs"), "log.dirs (the folder is --data-dir)");
    assert!(unused("listener.name.a.plain.sasl.jaas.config").contains("assay user add"));
    assert_eq!(unused("listener.name.a.ssl.keystore.location"), "");
    assert_eq!(unused("listener.name.a.nonsense"), "listener.name.a.nonsense (not known)");
}

#[test]
fn an_authorizer_is_asked_for_by_its_class() {
    assert_eq!(set("num.partitions", "1").unwrap().0.authorizer, None);
    let settings = [
        ("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer"),
        ("super.users", "User:root; User:CN=ann,O=x"),
    ];
    let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let authorizer = BrokerConfig::from_settings("data", settings).unwrap().0.authorizer.unwrap();
    assert!(authorizer.super_users.contains("User:CN=ann,O=x") && authorizer.super_users.len() == 2);
    assert!(!authorizer.allow_everyone_if_no_acl_found);
    assert!(set("authorizer.class.name", "com.example.Mine").is_err());
}

#[test]
fn connections_are_bounded_per_address() {
    let config = set("max.connections.per.ip.overrides", "10.0.0.1:5,[::1]:7").unwrap().0;
    for (address, most) in
        [("10.0.0.1", 5), ("::ffff:10.0.0.1", 5), ("::1", 7), ("10.0.0.2", i32::MAX as usize)]
    {
        assert_eq!(config.max_connections_per_ip.of(address.parse().unwrap()), most);
    }
    assert!(set("max.connections.per.ip.overrides", "nonsense").is_err());
}

#[test]
fn wrong_values_are_named() {
    for (key, value) in [
        ("num.partitions", "0"),
        ("num.partitions", "many"),
        ("num.partitions", "99999999999"),
        ("auto.create.topics.enable", "maybe"),
    ] {
        let error = set(key, value).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{key}={value}: ")), "{error}");
    }
}

#[test]
fn listeners_have_names_and_endpoints() {
    let endpoint = |host: &str, port| Endpoint { host: host.to_owned(), port };
    let parse = ListenerConfig::parse_endpoint;
    assert_eq!(parse("127.0.0.1:9092").unwrap(), ("PLAINTEXT".to_owned(), endpoint("127.0.0.1", 9092)));
    assert_eq!(parse("inside://broker:0").unwrap(), ("INSIDE".to_owned(), endpoint("broker", 0)));
    assert_eq!(parse("[::1]:9092").unwrap().1, endpoint("::1", 9092));
    assert_eq!(parse("[::1]:9092").unwrap().1.to_string(), "[::1]:9092");
    for text in ["9092", ":9092", "host:", "host:99999", "://host:1"] {
        assert!(parse(text).is_err(), "{text}");
    }
}
