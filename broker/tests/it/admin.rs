//! Topics, their settings, and the cluster.

use std::sync::Arc;

use assay_broker::protocol::messages::create_partitions::CreatePartitionsTopic;
use assay_broker::protocol::messages::create_topics::{CreatableTopic, CreatableTopicConfig};
use assay_broker::protocol::messages::delete_records::{DeleteRecordsPartition, DeleteRecordsTopic};
use assay_broker::protocol::messages::delete_topics::DeleteTopicState;
use assay_broker::protocol::messages::describe_configs::DescribeConfigsResource;
use assay_broker::protocol::messages::describe_topic_partitions::TopicRequest;
use assay_broker::protocol::messages::incremental_alter_configs::{AlterConfigsResource, AlterableConfig};
use assay_broker::protocol::messages::{
    CreatePartitionsRequest, CreatePartitionsResponse, CreateTopicsRequest, CreateTopicsResponse,
    DeleteRecordsRequest, DeleteRecordsResponse, DeleteTopicsRequest, DeleteTopicsResponse,
    DescribeClusterRequest, DescribeClusterResponse, DescribeConfigsRequest, DescribeConfigsResponse,
    DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, IncrementalAlterConfigsRequest,
    IncrementalAlterConfigsResponse, MetadataRequest, MetadataResponse, ProduceResponse,
};
use assay_broker::{AcceptAll, Broker, BrokerConfig, Endpoint, Listener, ListenerConfig, serve};

use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::batches::{batch, produce};
use crate::client::{Client, TestBroker};

async fn create(client: &mut Client, name: &str, partitions: i32, replicas: i16) -> CreateTopicsResponse {
    let topic = CreatableTopic {
        name: name.to_owned(),
        num_partitions: partitions,
        replication_factor: replicas,
        ..Default::default()
    };
    client.call(&CreateTopicsRequest { topics: vec![topic], ..Default::default() }, 7).await
}

#[tokio::test]
async fn topics_are_created_and_refused_with_kafkas_codes() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let long = "x".repeat(250);
    for (name, partitions, replicas, code) in [
        ("t", 3, 1, 0),
        ("t", 3, 1, 36),
        ("u", -1, -1, 0),
        ("v", 0, 1, 37),
        ("v", 1, 3, 38),
        ("v", 1, 0, 38),
        ("a b", 1, 1, 17),
        ("..", 1, 1, 17),
        (long.as_str(), 1, 1, 17),
        ("__consumer_offsets", 1, 1, 17),
    ] {
        let response = create(&mut client, name, partitions, replicas).await;
        let result = &response.topics[0];
        assert_eq!(result.error_code, code, "{name} {partitions} {replicas}");
        assert_eq!(result.error_message.is_some(), code != 0);
        assert_eq!(result.topic_id.is_nil(), code != 0);
    }
    // once it is there, it is as there as any other
    client.topic("__consumer_offsets").await;
    assert_eq!(create(&mut client, "__consumer_offsets", 1, 1).await.topics[0].error_code, 36);
    broker.broker.topics().delete("__consumer_offsets").await.unwrap();
    let all: MetadataResponse =
        client.call(&MetadataRequest { topics: None, ..Default::default() }, 12).await;
    let named: Vec<_> =
        all.topics.iter().map(|topic| (topic.name.as_deref().unwrap(), topic.partitions.len())).collect();
    assert_eq!(named, [("t", 3), ("u", 1)]);
}

#[tokio::test]
async fn a_replication_factor_above_1_can_be_taken_as_1() {
    let settings = [("assay.replication.factor.clamp", "true")];
    let broker = TestBroker::with(&settings, Arc::new(AcceptAll)).await;
    let response = create(&mut broker.client().await, "t", 1, 3).await;
    assert_eq!((response.topics[0].error_code, response.topics[0].replication_factor), (0, 1));
}

#[tokio::test]
async fn unknown_settings_and_dry_runs_create_nothing() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let config = |name: &str, value: &str| CreatableTopicConfig {
        name: name.to_owned(),
        value: Some(value.to_owned()),
    };
    let topic = |configs| CreatableTopic {
        name: "t".to_owned(),
        num_partitions: 1,
        replication_factor: 1,
        configs,
        ..Default::default()
    };
    for (configs, code) in [
        (vec![config("no.such.key", "1")], 40),
        (vec![config("retention.ms", "soon")], 40),
        (vec![config("retention.ms", "1000")], 0),
    ] {
        let topics = vec![topic(configs)];
        let request = CreateTopicsRequest { topics, validate_only: true, ..Default::default() };
        let response: CreateTopicsResponse = client.call(&request, 7).await;
        assert_eq!(response.topics[0].error_code, code);
    }
    let twice = vec![topic(Vec::new()), topic(Vec::new())];
    let response: CreateTopicsResponse =
        client.call(&CreateTopicsRequest { topics: twice, ..Default::default() }, 7).await;
    assert!(response.topics.iter().all(|topic| topic.error_code == 42));
    assert!(broker.broker.topics().get("t").is_none());
}

#[tokio::test]
async fn metadata_creates_topics_only_when_it_may() {
    let broker = TestBroker::with(&[("num.partitions", "2")], Arc::new(AcceptAll)).await;
    let mut client = broker.client().await;
    let asked = |name: &str, allow| MetadataRequest {
        topics: Some(vec![assay_broker::protocol::messages::metadata::MetadataRequestTopic {
            name: Some(name.to_owned()),
            ..Default::default()
        }]),
        allow_auto_topic_creation: allow,
        ..Default::default()
    };
    for (name, allow, code) in [("t", false, 3), ("a b", false, 17), ("a b", true, 17), ("t", true, 0)] {
        let response: MetadataResponse = client.call(&asked(name, allow), 9).await;
        assert_eq!(response.topics[0].error_code, code, "{name} {allow}");
    }
    assert_eq!(broker.broker.topics().get("t").unwrap().partition_count(), 2);
    for (name, code, partitions) in [("__consumer_offsets", 0, 50), ("__transaction_state", 3, 0)] {
        let response: MetadataResponse = client.call(&asked(name, true), 9).await;
        let topic = &response.topics[0];
        assert_eq!((topic.error_code, topic.partitions.len()), (code, partitions), "{name}");
    }
    let response: MetadataResponse = client.call(&asked("t", false), 12).await;
    let (node, address) = (&response.brokers[0], broker.address);
    assert_eq!((node.node_id, node.host.as_str(), node.port), (1, "127.0.0.1", i32::from(address.port())));
    let cluster: DescribeClusterResponse =
        client.call(&DescribeClusterRequest { endpoint_type: 1, ..Default::default() }, 2).await;
    assert_eq!((Some(cluster.cluster_id), cluster.brokers[0].port), (response.cluster_id, node.port));
}

#[tokio::test]
async fn settings_are_described_and_changed() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    create(&mut client, "t", 1, 1).await;
    let change = |name: &str, operation: i8, value: Option<&str>| IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: 2,
            resource_name: "t".to_owned(),
            configs: vec![AlterableConfig {
                name: name.to_owned(),
                config_operation: operation,
                value: value.map(str::to_owned),
            }],
        }],
        ..Default::default()
    };
    for (name, operation, value, code) in [
        ("retention.ms", 0, Some("1234"), 0),
        ("cleanup.policy", 2, Some("compact"), 0),
        ("retention.ms", 2, Some("1"), 40),
        ("retention.ms", 0, None, 42),
        ("no.such.key", 0, Some("1"), 40),
    ] {
        let response: IncrementalAlterConfigsResponse = client.call(&change(name, operation, value), 1).await;
        assert_eq!(response.responses[0].error_code, code, "{name} {operation}");
    }
    let describe = |resource_type, name: &str, keys: &[&str]| DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type,
            resource_name: name.to_owned(),
            configuration_keys: Some(keys.iter().map(|key| (*key).to_owned()).collect()),
        }],
        include_synonyms: true,
        ..Default::default()
    };
    let request = describe(2, "t", &["retention.ms", "cleanup.policy", "segment.bytes"]);
    let response: DescribeConfigsResponse = client.call(&request, 4).await;
    let shown: Vec<_> = response.results[0]
        .configs
        .iter()
        .map(|config| (config.name.as_str(), config.value.as_deref().unwrap(), config.config_source))
        .collect();
    assert_eq!(
        shown,
        [
            ("cleanup.policy", "delete,compact", 1),
            ("retention.ms", "1234", 1),
            ("segment.bytes", "1073741824", 5)
        ]
    );
    let response: DescribeConfigsResponse = client.call(&describe(4, "1", &["num.partitions"]), 4).await;
    assert_eq!(response.results[0].configs[0].value.as_deref(), Some("1"));
    let response: DescribeConfigsResponse = client.call(&describe(4, "2", &[]), 4).await;
    assert_eq!(response.results[0].error_code, 42);
    let response: DescribeConfigsResponse = client.call(&describe(2, "nowhere", &[]), 4).await;
    assert_eq!(response.results[0].error_code, 3);
}

#[tokio::test]
async fn partitions_grow_records_go_and_topics_disappear() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let id = create(&mut client, "t", 1, 1).await.topics[0].topic_id;
    for (count, code) in [(1, 37), (0, 37), (4, 0)] {
        let topic = CreatePartitionsTopic { name: "t".to_owned(), count, assignments: None };
        let request = CreatePartitionsRequest { topics: vec![topic], ..Default::default() };
        let response: CreatePartitionsResponse = client.call(&request, 3).await;
        assert_eq!(response.results[0].error_code, code, "to {count}");
    }
    let request = DescribeTopicPartitionsRequest {
        topics: vec![TopicRequest { name: "t".to_owned() }],
        response_partition_limit: 3,
        cursor: None,
    };
    let response: DescribeTopicPartitionsResponse = client.call(&request, 0).await;
    assert_eq!(response.topics[0].partitions.len(), 3);
    let request = DescribeTopicPartitionsRequest { cursor: response.next_cursor, ..request };
    let response: DescribeTopicPartitionsResponse = client.call(&request, 0).await;
    assert_eq!((response.topics[0].partitions[0].partition_index, response.next_cursor), (3, None));

    let _: ProduceResponse = client.call(&produce("t", -1, Some(batch(&[b"a", b"b", b"c"]))), 9).await;
    for (offset, code, low_watermark) in [(2, 0, 2), (9, 1, -1), (-1, 0, 3)] {
        let partitions = vec![DeleteRecordsPartition { partition_index: 0, offset }];
        let topics = vec![DeleteRecordsTopic { name: "t".to_owned(), partitions }];
        let request = DeleteRecordsRequest { topics, ..Default::default() };
        let response: DeleteRecordsResponse = client.call(&request, 2).await;
        let part = &response.topics[0].partitions[0];
        assert_eq!((part.error_code, part.low_watermark), (code, low_watermark), "{offset}");
    }

    let by_id = DeleteTopicState { name: None, topic_id: id };
    for (topic, code) in [
        (by_id.clone(), 0),
        (by_id, 100),
        (DeleteTopicState { name: Some("t".to_owned()), ..Default::default() }, 3),
    ] {
        let request = DeleteTopicsRequest { topics: vec![topic], ..Default::default() };
        let response: DeleteTopicsResponse = client.call(&request, 6).await;
        assert_eq!(response.responses[0].error_code, code);
    }
}

#[tokio::test]
async fn each_listener_tells_its_clients_its_own_address() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::open(BrokerConfig::new(dir.path()), Arc::new(AcceptAll)).await.unwrap();
    let mut listeners = Vec::new();
    for advertise in [None, Some(Endpoint { host: "broker.inside".to_owned(), port: 0 })] {
        let (name, bind) = ListenerConfig::parse_endpoint("127.0.0.1:0").unwrap();
        listeners.push(
            Listener::bind(&ListenerConfig { advertise, ..ListenerConfig::plain(name, bind) }).await.unwrap(),
        );
    }
    let addresses: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap()).collect();
    let stop = CancellationToken::new();
    let served = tokio::spawn(serve(listeners, broker.clone(), stop.clone().cancelled_owned()));
    for (address, host) in addresses.into_iter().zip(["127.0.0.1", "broker.inside"]) {
        let mut client = Client { stream: TcpStream::connect(address).await.unwrap(), correlation_id: 0 };
        let response: MetadataResponse = client.call(&MetadataRequest::default(), 12).await;
        let node = &response.brokers[0];
        assert_eq!((node.host.as_str(), node.port), (host, i32::from(address.port())));
    }
    stop.cancel();
    served.await.unwrap();
    broker.close().await;
}
