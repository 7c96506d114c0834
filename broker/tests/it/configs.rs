//! Settings made while running, on brokers and groups, and what there is to set.

use std::sync::Arc;

use assay_broker::AcceptAll;
use assay_broker::protocol::messages::alter_configs::AlterConfigsResource as Replaced;
use assay_broker::protocol::messages::describe_configs::{
    DescribeConfigsResource, DescribeConfigsResourceResult,
};
use assay_broker::protocol::messages::describe_quorum::{QuorumPartition, QuorumTopic};
use assay_broker::protocol::messages::incremental_alter_configs::{AlterConfigsResource, AlterableConfig};
use assay_broker::protocol::messages::{
    AlterConfigsRequest, AlterConfigsResponse, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse,
    DescribeConfigsRequest, DescribeConfigsResponse, DescribeQuorumRequest, DescribeQuorumResponse,
    IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse, ListConfigResourcesRequest,
    ListConfigResourcesResponse,
};

use crate::client::{Client, TestBroker};

const BROKER: i8 = 4;
const CLIENT_METRICS: i8 = 16;
const GROUP: i8 = 32;
const SET: i8 = 0;
const DELETE: i8 = 1;
const APPEND: i8 = 2;

async fn edit(client: &mut Client, kind: i8, name: &str, operation: i8, key: &str, value: &str) -> i16 {
    let config = AlterableConfig {
        name: key.to_owned(),
        config_operation: operation,
        value: Some(value.to_owned()).filter(|_| operation != DELETE),
    };
    let resources = vec![AlterConfigsResource {
        resource_type: kind,
        resource_name: name.to_owned(),
        configs: vec![config],
    }];
    let request = IncrementalAlterConfigsRequest { resources, ..Default::default() };
    let answer: IncrementalAlterConfigsResponse = client.call(&request, 1).await;
    let result = &answer.responses[0];
    assert_eq!(result.error_message.is_some(), result.error_code != 0);
    result.error_code
}

/// Value and source of a setting; none when it is not listed.
async fn shown(client: &mut Client, kind: i8, name: &str, key: &str) -> Option<(String, i8)> {
    let resource = DescribeConfigsResource {
        resource_type: kind,
        resource_name: name.to_owned(),
        configuration_keys: None,
    };
    let config = listed(client, resource, key).await?;
    Some((config.value.unwrap(), config.config_source))
}

/// A row of the listing of a resource.
async fn listed(
    client: &mut Client,
    resource: DescribeConfigsResource,
    key: &str,
) -> Option<DescribeConfigsResourceResult> {
    let request =
        DescribeConfigsRequest { resources: vec![resource], include_synonyms: true, ..Default::default() };
    let mut answer: DescribeConfigsResponse = client.call(&request, 4).await;
    let result = answer.results.remove(0);
    assert_eq!(result.error_code, 0, "{} {}", result.resource_type, result.resource_name);
    let mut found = result.configs.into_iter().filter(|config| config.name == key);
    let config = found.next()?;
    assert!(found.next().is_none(), "{key} is listed twice");
    Some(config)
}

#[tokio::test]
async fn a_broker_lists_what_topics_inherit_with_every_value_below() {
    let broker = TestBroker::with(&[("message.max.bytes", "2000")], Arc::new(AcceptAll)).await;
    let mut client = broker.client().await;
    assert_eq!(edit(&mut client, BROKER, "", SET, "message.max.bytes", "3000").await, 0);
    for (kind, name, key, value, synonyms) in [
        (BROKER, "1", "message.max.bytes", Some("3000"), vec![("3000", 3), ("2000", 4), ("1048588", 5)]),
        (BROKER, "", "message.max.bytes", Some("3000"), vec![("3000", 3)]),
        (BROKER, "1", "log.retention.hours", Some("168"), vec![("168", 5)]),
        (BROKER, "1", "log.retention.ms", None, vec![]),
        (BROKER, "1", "num.partitions", Some("1"), vec![("1", 5)]),
    ] {
        let resource = DescribeConfigsResource {
            resource_type: kind,
            resource_name: name.to_owned(),
            configuration_keys: None,
        };
        let row = listed(&mut client, resource, key).await.unwrap();
        assert_eq!(row.value.as_deref(), value, "{key}");
        let below = row.synonyms.iter().map(|one| (one.value.as_deref().unwrap(), one.source));
        assert_eq!(below.collect::<Vec<_>>(), synonyms, "{key}");
        assert_eq!(row.config_source, synonyms.first().map_or(5, |(_, source)| *source), "{key}");
        assert_eq!(row.read_only, key == "num.partitions", "{key}");
    }
}

#[tokio::test]
async fn what_topics_inherit_changes_while_the_broker_runs_and_stays() {
    let broker = TestBroker::with(&[("log.retention.hours", "1")], Arc::new(AcceptAll)).await;
    let mut client = broker.client().await;
    client.topic("before").await;
    let key = "log.retention.ms";
    assert_eq!(edit(&mut client, BROKER, "", SET, key, "7000").await, 0);
    assert_eq!(shown(&mut client, 2, "before", "retention.ms").await, Some(("7000".to_owned(), 3)));
    assert_eq!(edit(&mut client, BROKER, "1", SET, key, "8000").await, 0);
    assert_eq!(edit(&mut client, BROKER, "1", APPEND, "log.cleanup.policy", "compact").await, 0);
    client.topic("after").await;
    for topic in ["before", "after"] {
        assert_eq!(
            shown(&mut client, 2, topic, "retention.ms").await,
            Some(("8000".to_owned(), 2)),
            "{topic}"
        );
        let policy = shown(&mut client, 2, topic, "cleanup.policy").await;
        assert_eq!(policy, Some(("delete,compact".to_owned(), 2)));
    }
    assert_eq!(shown(&mut client, BROKER, "1", key).await, Some(("8000".to_owned(), 2)));
    assert_eq!(shown(&mut client, BROKER, "", key).await, Some(("7000".to_owned(), 3)));
    let broker = broker.restart().await;
    let mut client = broker.client().await;
    assert_eq!(shown(&mut client, 2, "before", "retention.ms").await, Some(("8000".to_owned(), 2)));
    assert_eq!(edit(&mut client, BROKER, "1", DELETE, key, "").await, 0);
    assert_eq!(shown(&mut client, 2, "before", "retention.ms").await, Some(("7000".to_owned(), 3)));
}

#[tokio::test]
async fn broker_settings_are_refused_or_kept_as_kafka_does() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    for (name, key, value, code) in [
        ("1", "log.retention.ms", "soon", 40),
        ("1", "num.partitions", "3", 42),
        ("1", "listener.name.x.ssl.keystore.password", "secret", 42),
        ("7", "log.retention.ms", "1000", 42),
        ("x", "log.retention.ms", "1000", 42),
        ("1", "sasl.kerberos.min.time.before.relogin", "58000", 0),
    ] {
        assert_eq!(edit(&mut client, BROKER, name, SET, key, value).await, code, "{name} {key}");
    }
    assert_eq!(edit(&mut client, CLIENT_METRICS, "m", SET, "interval.ms", "1000").await, 42);
    let kept = shown(&mut client, BROKER, "1", "sasl.kerberos.min.time.before.relogin").await;
    assert_eq!(kept, Some(("58000".to_owned(), 2)));
    // AlterConfigs replaces them all
    let resource = Replaced { resource_type: BROKER, resource_name: "1".to_owned(), ..Default::default() };
    let request = AlterConfigsRequest { resources: vec![resource], ..Default::default() };
    let answer: AlterConfigsResponse = client.call(&request, 2).await;
    assert_eq!(answer.responses[0].error_code, 0);
    assert_eq!(shown(&mut client, BROKER, "1", "sasl.kerberos.min.time.before.relogin").await, None);
}

#[tokio::test]
async fn a_group_has_settings_before_it_has_members() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let (interval, session) = ("consumer.heartbeat.interval.ms", "consumer.session.timeout.ms");
    assert_eq!(shown(&mut client, GROUP, "g", session).await, Some(("45000".to_owned(), 5)));
    for (name, key, value, code) in [
        ("g", interval, "321", 0),
        ("g", session, "6000", 0),
        ("g", session, "300", 40),
        ("g", "share.auto.offset.reset", "earliest", 40),
        ("", session, "6000", 42),
    ] {
        assert_eq!(edit(&mut client, GROUP, name, SET, key, value).await, code, "{name} {key} {value}");
    }
    assert_eq!(shown(&mut client, GROUP, "g", session).await, Some(("6000".to_owned(), 8)));
    for (group, expected) in [("g", 321), ("other", 1000)] {
        let join = ConsumerGroupHeartbeatRequest {
            group_id: group.to_owned(),
            member_id: "m".to_owned(),
            rebalance_timeout_ms: 10_000,
            subscribed_topic_names: Some(vec!["t".to_owned()]),
            topic_partitions: Some(Vec::new()),
            ..Default::default()
        };
        let joined: ConsumerGroupHeartbeatResponse = client.call(&join, 1).await;
        assert_eq!((joined.error_code, joined.heartbeat_interval_ms), (0, expected), "{group}");
    }
}

#[tokio::test]
async fn what_there_is_to_set_is_listed_by_kind() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    assert_eq!(edit(&mut client, GROUP, "g", SET, "consumer.session.timeout.ms", "6000").await, 0);
    let every: &[(&str, i8)] = &[("t", 2), ("1", BROKER), ("1", 8), ("g", GROUP)];
    for (version, wanted, code, listed) in [
        (0, vec![], 0, &[][..]),
        (1, vec![], 0, every),
        (1, vec![GROUP], 0, &[("g", GROUP)]),
        (1, vec![CLIENT_METRICS], 0, &[]),
        (1, vec![99], 35, &[]),
    ] {
        let request = ListConfigResourcesRequest { resource_types: wanted.clone() };
        let answer: ListConfigResourcesResponse = client.call(&request, version).await;
        let found: Vec<_> = answer
            .config_resources
            .iter()
            .map(|one| (one.resource_name.as_str(), one.resource_type))
            .collect();
        assert_eq!((answer.error_code, found.as_slice()), (code, listed), "version {version}, {wanted:?}");
    }
}

#[tokio::test]
async fn this_node_is_the_quorum() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let topic = |name: &str| QuorumTopic {
        topic_name: name.to_owned(),
        partitions: vec![QuorumPartition { partition_index: 0 }],
    };
    let request = DescribeQuorumRequest { topics: vec![topic("__cluster_metadata"), topic("t")] };
    for version in 0..=2 {
        let answer: DescribeQuorumResponse = client.call(&request, version).await;
        let known = &answer.topics[0].partitions[0];
        assert_eq!((known.error_code, known.leader_id, known.current_voters.len()), (0, 1, 1));
        assert_eq!(answer.topics[1].partitions[0].error_code, 3);
        assert_eq!(answer.nodes.len(), usize::from(version == 2));
    }
}
