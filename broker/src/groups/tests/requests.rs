//! What is refused before a group is asked, and the shapes of answers.

use super::*;
use crate::handlers::find_coordinator::Endpoint;
use crate::protocol::messages::offset_fetch::{
    OffsetFetchRequestGroup, OffsetFetchRequestTopic, OffsetFetchRequestTopics,
};

#[tokio::test]
async fn joins_are_checked_before_the_group() {
    let bench =
        Bench::with(GroupsConfig { member_metadata_bytes_max: 100, protocols_max: 2, ..config() }).await;
    let protocol = |bytes: usize| JoinGroupRequestProtocol {
        name: "range".to_owned(),
        metadata: Bytes::from(vec![0; bytes]),
    };
    let long = "x".repeat(NAME_BYTES_MAX + 1);
    let table: Vec<(&str, JoinGroupRequest, i16)> = vec![
        ("no group", JoinGroupRequest { group_id: String::new(), ..join_request("") }, 24),
        (
            "no group, bad timeout",
            JoinGroupRequest { group_id: String::new(), session_timeout_ms: 0, ..join_request("") },
            24,
        ),
        ("long group", JoinGroupRequest { group_id: long.clone(), ..join_request("") }, 24),
        ("short session", JoinGroupRequest { session_timeout_ms: 5_999, ..join_request("") }, 26),
        ("long session", JoinGroupRequest { session_timeout_ms: 1_800_001, ..join_request("") }, 26),
        ("session before member", JoinGroupRequest { session_timeout_ms: 0, ..join_request("stranger") }, 26),
        ("long type", JoinGroupRequest { protocol_type: long.clone(), ..join_request("") }, 23),
        ("many protocols", JoinGroupRequest { protocols: vec![protocol(1); 3], ..join_request("") }, 23),
        (
            "large metadata",
            JoinGroupRequest { protocols: vec![protocol(60), protocol(60)], ..join_request("") },
            10,
        ),
        ("long instance", JoinGroupRequest { group_instance_id: Some(long), ..join_request("") }, 42),
        ("no type", JoinGroupRequest { protocol_type: String::new(), ..join_request("") }, 23),
        ("stranger", join_request("stranger"), 25),
    ];
    for (name, request, code) in table {
        let member_id = request.member_id.clone();
        let response = bench.join(request, 5).await;
        assert_eq!((response.error_code, response.generation_id), (code, -1), "{name}");
        assert_eq!(response.member_id, member_id, "{name}");
    }
}

#[tokio::test]
async fn an_empty_group_id_is_refused_but_for_offsets() {
    let bench = Bench::new().await;
    let sync = SyncGroupRequest::default();
    assert_eq!(bench.sync(sync).await.error_code, 24);
    assert_eq!(bench.groups.heartbeat(HeartbeatRequest::default(), 4, &client()).await.error_code, 24);
    assert_eq!(bench.groups.leave_group(LeaveGroupRequest::default(), 5, &client()).await.error_code, 24);
    assert_eq!(bench.commit_simply("", 5).await, 0);
    assert_eq!(bench.offsets("").await, [("t".to_owned(), 0, 5)]);
}

#[tokio::test]
async fn unknown_groups_have_their_codes() {
    let bench = Bench::new().await;
    assert_eq!(bench.heartbeat("m", 1).await, 25);
    assert_eq!(bench.sync(sync_request("m", 1, &[])).await.error_code, 25);
    let commit = || commit_request("g", "m", 1, &[("t", 0, 1)]);
    assert_eq!(bench.commit(commit(), 8).await[0].2, 22);
    assert_eq!(bench.commit(commit(), 9).await[0].2, 69);
    assert!(bench.groups.ids().is_empty());
}

#[tokio::test]
async fn each_offset_is_judged_by_itself() {
    let bench = Bench::new().await;
    let mut request = commit_request(
        "g",
        "",
        -1,
        &[("t", 0, 1), ("missing", 0, 2), ("t", 99, 3), ("t", 1, 4), ("t", 2, 5)],
    );
    request.topics[3].partitions[0].committed_metadata = Some("m".repeat(4097));
    request.topics[4].partitions[0].committed_metadata = None;
    let codes: Vec<i16> = bench.commit(request, 8).await.into_iter().map(|(_, _, code)| code).collect();
    assert_eq!(codes, [0, 3, 3, 12, 0]);
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 1), ("t".to_owned(), 2, 5)]);
}

#[tokio::test]
async fn a_commit_of_unknown_topics_makes_no_group() {
    let bench = Bench::new().await;
    assert_eq!(bench.commit(commit_request("g", "", -1, &[("missing", 0, 1)]), 8).await[0].2, 3);
    assert!(bench.groups.ids().is_empty());
}

#[tokio::test]
async fn offsets_are_read_in_every_shape() {
    let bench = Bench::new().await;
    bench.commit(commit_request("g", "", -1, &[("t", 0, 7), ("u", 3, 9)]), 8).await;
    let request = OffsetFetchRequest {
        group_id: "g".to_owned(),
        topics: Some(vec![OffsetFetchRequestTopic { name: "t".to_owned(), partition_indexes: vec![0, 1] }]),
        ..OffsetFetchRequest::default()
    };
    let response = bench.groups.offset_fetch(request, 5, &client()).await;
    let partitions = &response.topics[0].partitions;
    assert_eq!(
        (
            partitions[0].committed_offset,
            partitions[0].committed_leader_epoch,
            partitions[0].metadata.as_deref()
        ),
        (7, 3, Some("note"))
    );
    assert_eq!(
        (
            partitions[1].committed_offset,
            partitions[1].committed_leader_epoch,
            partitions[1].metadata.as_deref()
        ),
        (-1, -1, Some(""))
    );
    assert_eq!(partitions[1].error_code, 0);

    let none = OffsetFetchRequest { group_id: "g".to_owned(), topics: Some(vec![]), ..Default::default() };
    assert!(bench.groups.offset_fetch(none, 5, &client()).await.topics.is_empty());

    let topics = vec![OffsetFetchRequestTopics {
        name: "u".to_owned(),
        partition_indexes: vec![3],
        ..Default::default()
    }];
    let group = |group_id: &str, topics| OffsetFetchRequestGroup {
        group_id: group_id.to_owned(),
        topics,
        ..OffsetFetchRequestGroup::default()
    };
    let request = OffsetFetchRequest {
        groups: vec![group("g", None), group("nowhere", Some(topics.clone())), group("g", Some(topics))],
        ..OffsetFetchRequest::default()
    };
    let response = bench.groups.offset_fetch(request, 8, &client()).await;
    let seen: Vec<(&str, usize, i64)> = response
        .groups
        .iter()
        .map(|group| {
            (group.group_id.as_str(), group.topics.len(), group.topics[0].partitions[0].committed_offset)
        })
        .collect();
    assert_eq!(seen, [("g", 2, 7), ("nowhere", 1, -1), ("g", 1, 9)]);
}

#[tokio::test]
async fn this_node_coordinates_everything() {
    let bench = Bench::new().await;
    let here = Endpoint { node_id: 1, host: "broker".to_owned(), port: 9092 };
    let ask = |key_type: i8| FindCoordinatorRequest { key: "g".to_owned(), key_type, ..Default::default() };
    for (key_type, code) in [(0, 0), (1, 0), (2, 42)] {
        let response =
            bench.groups.find_coordinator(ask(key_type), 1, &client(), async { Ok(()) }, &here).await;
        assert_eq!(response.error_code, code);
        assert_eq!(response.host, if code == 0 { "broker" } else { "" });
    }
    let request = FindCoordinatorRequest {
        coordinator_keys: vec!["a".to_owned(), "b".to_owned()],
        ..FindCoordinatorRequest::default()
    };
    let response =
        bench.groups.find_coordinator(request.clone(), 4, &client(), async { Ok(()) }, &here).await;
    let seen: Vec<_> = response.coordinators.iter().map(|found| (found.key.as_str(), found.port)).collect();
    assert_eq!(seen, [("a", 9092), ("b", 9092)]);
    bench.journal.refuse(true);
    let response = bench.groups.find_coordinator(request, 4, &client(), async { Ok(()) }, &here).await;
    assert_eq!((response.coordinators[0].error_code, response.coordinators[0].node_id), (15, -1));
}

#[tokio::test]
async fn there_is_a_bound_on_groups() {
    let bench = Bench::with(GroupsConfig { groups_max: 2, ..config() }).await;
    let codes = [
        bench.commit_simply("a", 1).await,
        bench.commit_simply("b", 1).await,
        bench.commit_simply("c", 1).await,
        bench.commit_simply("a", 2).await,
    ];
    assert_eq!(codes, [0, 0, 15, 0]);
}
