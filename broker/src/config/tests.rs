use super::*;

fn set(key: &str, value: &str) -> Result<(BrokerConfig, Vec<String>), ConfigError> {
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
    assert_eq!(set("zookeeper.connect", "x").unwrap().1, ["zookeeper.connect"]);
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
