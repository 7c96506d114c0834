use super::*;
use crate::log::storage::memory::{Memory, at_every_cut};

fn settings(pairs: &[(&str, &str)]) -> Settings {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn open(memory: &Memory) -> DynamicConfigs {
    DynamicConfigs::open(Arc::new(memory.clone()), Path::new("/data")).unwrap()
}

fn memory() -> Memory {
    Memory::with_folder(Path::new("/data"))
}

#[test]
fn what_may_be_set_is_told_from_what_may_not() {
    let group = Scope::Group("g".to_owned());
    for (scope, pairs, part) in [
        (Scope::Brokers, &[("log.retention.ms", "1000"), ("num.io.threads", "3")][..], ""),
        (Scope::Broker, &[("log.retention.ms", "soon")], "retention.ms"),
        (Scope::Broker, &[("num.partitions", "3")], "dynamically: Set(num.partitions)"),
        (Scope::Broker, &[("ssl.keystore.password", "x")], "dynamically"),
        (Scope::Broker, &[("", "x")], "without a name"),
        (group.clone(), &[(SESSION_TIMEOUT, "6000"), (HEARTBEAT_INTERVAL, "500")], ""),
        (group.clone(), &[(SESSION_TIMEOUT, "500")], "greater"),
        (group.clone(), &[(SESSION_TIMEOUT, "0")], "from 1"),
        (group, &[("retention.ms", "1")], "Unknown group config name: retention.ms"),
    ] {
        let checked = check(&scope, &settings(pairs), &GroupsConfig::default());
        match checked {
            Ok(()) => assert_eq!(part, "", "{pairs:?}"),
            Err(error) => assert!(!part.is_empty() && error.to_string().contains(part), "{pairs:?}: {error}"),
        }
    }
    assert_eq!(
        without_effect(&Scope::Broker, &settings(&[("log.retention.ms", "1"), ("num.io.threads", "3")])),
        ["num.io.threads"]
    );
}

#[test]
fn this_brokers_settings_outweigh_those_of_all_and_those_of_the_start() {
    let configs = open(&memory());
    let given =
        TopicDefaults::from_broker([("log.retention.hours", "1"), ("message.max.bytes", "10")]).unwrap();
    let config = |configs: &DynamicConfigs| {
        let config =
            crate::topics::config::TopicConfig::from_map([], &configs.topic_defaults(&given)).unwrap();
        let sources = config.entries().into_iter().filter(|entry| entry.key.name == "retention.ms");
        (
            config.retention_ms,
            config.max_message_bytes,
            sources.map(|entry| entry.source.code()).next().unwrap(),
        )
    };
    assert_eq!(config(&configs), (3_600_000, 10, 4));
    configs.replace(Scope::Brokers, settings(&[("log.retention.ms", "7"), ("num.io.threads", "3")])).unwrap();
    assert_eq!(config(&configs), (7, 10, 3));
    configs.replace(Scope::Broker, settings(&[("log.retention.ms", "8")])).unwrap();
    assert_eq!(config(&configs), (8, 10, 2));
    configs.replace(Scope::Broker, Settings::new()).unwrap();
    assert_eq!(config(&configs), (7, 10, 3));
}

#[test]
fn settings_are_whole_and_acknowledged_ones_there_whenever_the_power_goes() {
    let group = || Scope::Group("g".to_owned());
    let script = |memory: &Memory| {
        let configs = open(memory);
        let changes = [
            (Scope::Broker, settings(&[("log.retention.ms", "1")])),
            (group(), settings(&[(SESSION_TIMEOUT, "6000")])),
        ];
        changes
            .into_iter()
            .take_while(|(scope, values)| configs.replace(scope.clone(), values.clone()).is_ok())
            .count()
    };
    let whole = memory();
    assert_eq!(script(&whole), 2);
    at_every_cut(memory, script, |after, acknowledged, place| {
        let after = open(after);
        let found = [!after.settings(&Scope::Broker).is_empty(), after.groups() == ["g"]];
        let done = found.iter().filter(|there| **there).count();
        assert!(done >= acknowledged && (found[0] || !found[1]), "{place}: {found:?}");
    });
    assert_eq!(open(&whole).group_settings()["g"].session_timeout_ms, Some(6000));
}

#[test]
fn damage_is_told() {
    let dir = tempfile::tempdir().unwrap();
    for (text, part) in [("", "damaged"), ("{\"version\":0}", "damaged"), ("{\"version\":9}", "newer")] {
        std::fs::write(dir.path().join(FILE), text).unwrap();
        let error =
            DynamicConfigs::open(Arc::new(crate::log::storage::Fs), dir.path()).unwrap_err().to_string();
        assert!(error.contains(part), "{text}: {error}");
    }
}
