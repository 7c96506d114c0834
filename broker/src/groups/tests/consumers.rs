//! The consumer group protocol through its requests.

use super::*;
use crate::protocol::messages::consumer_group_heartbeat::TopicPartitions;
use crate::protocol::messages::leave_group::MemberIdentity;

fn request(member_id: &str, member_epoch: i32) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        group_id: "g".to_owned(),
        member_id: member_id.to_owned(),
        member_epoch,
        ..ConsumerGroupHeartbeatRequest::default()
    }
}

fn joining(member_id: &str) -> ConsumerGroupHeartbeatRequest {
    ConsumerGroupHeartbeatRequest {
        rebalance_timeout_ms: 60_000,
        subscribed_topic_names: Some(vec!["t".to_owned()]),
        topic_partitions: Some(vec![]),
        ..request(member_id, 0)
    }
}

fn owning(member_id: &str, epoch: i32, partitions: &[i32]) -> ConsumerGroupHeartbeatRequest {
    let owned = TopicPartitions { topic_id: topic_id("t"), partitions: partitions.to_vec() };
    ConsumerGroupHeartbeatRequest { topic_partitions: Some(vec![owned]), ..request(member_id, epoch) }
}

impl Bench {
    async fn beat(&self, request: ConsumerGroupHeartbeatRequest) -> ConsumerGroupHeartbeatResponse {
        self.groups.consumer_group_heartbeat(request, 1, &client()).await
    }

    async fn leave_codes(&self, request: LeaveGroupRequest) -> Vec<i16> {
        let members = self.groups.leave_group(request, 5, &client()).await.members;
        members.iter().map(|member| member.error_code).collect()
    }

    async fn beat_code(&self, request: ConsumerGroupHeartbeatRequest) -> i16 {
        self.beat(request).await.error_code
    }
}

fn partitions(response: &ConsumerGroupHeartbeatResponse) -> Option<Vec<i32>> {
    let topics = &response.assignment.as_ref()?.topic_partitions;
    Some(topics.iter().flat_map(|topic| topic.partitions.clone()).collect())
}

#[tokio::test]
async fn two_members_share_a_topic_and_survive_a_restart() {
    let bench = Bench::new().await;
    let first = bench.beat(joining("a")).await;
    assert_eq!((first.error_code, first.member_epoch, first.heartbeat_interval_ms), (0, 1, 1000));
    assert_eq!(partitions(&first), Some((0..10).collect()));
    let second = bench.beat(joining("b")).await;
    assert_eq!((second.member_epoch, partitions(&second)), (2, Some(vec![])));
    let kept = partitions(&bench.beat(owning("a", 1, &(0..10).collect::<Vec<_>>())).await).unwrap();
    assert_eq!(kept.len(), 5);
    assert_eq!(bench.beat(owning("a", 1, &kept)).await.member_epoch, 2);
    let moved = partitions(&bench.beat(request("b", 2)).await).unwrap();
    assert_eq!(moved.len(), 5);
    assert!(moved.iter().all(|partition| !kept.contains(partition)));
    let commit = |epoch| commit_request("g", "a", epoch, &[("t", 0, 5)]);
    assert_eq!(bench.commit(commit(2), 9).await[0].2, 0);
    assert_eq!(bench.commit(commit(1), 9).await[0].2, 113);
    assert_eq!(bench.commit(commit_request("g", "x", 2, &[("t", 0, 5)]), 9).await[0].2, 25);

    let bench = bench.restart().await;
    let again = bench.beat(owning("a", 2, &kept)).await;
    assert_eq!(again.error_code, 0);
    assert!(partitions(&again).is_none_or(|now| now == kept), "nothing moves");
    assert_eq!(bench.beat_code(request("b", 2)).await, 0);
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 5)]);
    assert_eq!(bench.beat(request("a", -1)).await.member_epoch, -1);
    assert_eq!(bench.beat(request("b", -1)).await.member_epoch, -1);
    let deleted = DeleteGroupsRequest { groups_names: vec!["g".to_owned()] };
    assert_eq!(bench.groups.delete_groups(deleted, 2, &client()).await.results[0].error_code, 0);
    bench.wait_for_groups(&[]).await;
    bench.groups.shutdown().await;
    assert_eq!(bench.journal.live_keys(), []);
}

#[tokio::test]
async fn heartbeats_are_checked() {
    let bench = Bench::new().await;
    let table = [
        ("no group", ConsumerGroupHeartbeatRequest { group_id: String::new(), ..joining("a") }, 42),
        ("no member", joining(""), 42),
        (
            "no instance",
            ConsumerGroupHeartbeatRequest { instance_id: Some(String::new()), ..joining("a") },
            42,
        ),
        ("no timeout", ConsumerGroupHeartbeatRequest { rebalance_timeout_ms: -1, ..joining("a") }, 42),
        ("no topics", ConsumerGroupHeartbeatRequest { subscribed_topic_names: None, ..joining("a") }, 42),
        ("owns at joining", ConsumerGroupHeartbeatRequest { topic_partitions: None, ..joining("a") }, 42),
        ("static without id", request("a", -2), 42),
        ("epoch", request("a", -3), 42),
        (
            "assignor",
            ConsumerGroupHeartbeatRequest { server_assignor: Some("x".to_owned()), ..joining("a") },
            112,
        ),
        (
            "pattern",
            ConsumerGroupHeartbeatRequest { subscribed_topic_regex: Some("t(".to_owned()), ..joining("a") },
            128,
        ),
        ("unknown group", request("a", 3), 69),
    ];
    for (name, request, code) in table {
        assert_eq!(bench.beat_code(request).await, code, "{name}");
    }
    assert!(bench.groups.ids().is_empty());
    assert_eq!(bench.beat_code(joining("a")).await, 0);
    assert_eq!(bench.beat_code(request("a", 7)).await, 110);
    assert_eq!(bench.beat_code(request("b", 1)).await, 25);
}

#[tokio::test]
async fn a_group_changes_its_protocol_only_while_empty() {
    let bench = Bench::new().await;
    let me = bench.one_member().await;
    assert_eq!(bench.beat_code(joining("a")).await, 69, "a classic group with members");
    let request_leave = LeaveGroupRequest { group_id: "g".to_owned(), member_id: me, ..Default::default() };
    assert_eq!(bench.groups.leave_group(request_leave, 1, &client()).await.error_code, 0);
    assert_eq!(bench.beat_code(joining("a")).await, 0);
    assert_eq!(bench.join(join_request(""), 5).await.error_code, 23, "a consumer group with members");
    assert_eq!(bench.heartbeat("a", 1).await, 25);
    assert_eq!(bench.state("g").await, "Dead", "not for DescribeGroups");
    let bench = bench.restart().await;
    assert_eq!(bench.beat_code(request("a", 1)).await, 0);
    assert_eq!(bench.beat_code(request("a", -1)).await, 0);
    assert_eq!(bench.join(join_request(""), 3).await.error_code, 0);
    let bench = bench.restart().await;
    assert_eq!(bench.beat_code(request("a", 1)).await, 69, "no trace of either is left");
}

#[tokio::test]
async fn an_administrator_takes_members_out() {
    let bench = Bench::new().await;
    let desk = || Some("desk".to_owned());
    bench.beat(joining("a")).await;
    bench.beat(ConsumerGroupHeartbeatRequest { instance_id: desk(), ..joining("b") }).await;
    let leave = |members: &[(&str, Option<&str>)]| {
        let members = members.iter().map(|(id, instance)| MemberIdentity {
            member_id: (*id).to_owned(),
            group_instance_id: instance.map(ToOwned::to_owned),
            ..Default::default()
        });
        LeaveGroupRequest { group_id: "g".to_owned(), members: members.collect(), ..Default::default() }
    };
    let wrong = leave(&[("c", None), ("", Some("chair")), ("a", Some("desk")), ("", None)]);
    let codes = bench.leave_codes(wrong).await;
    assert_eq!(codes, [25, 25, 82, 25]);
    assert_eq!(bench.leave_codes(leave(&[("", Some("desk"))])).await, [0]);
    let bench = bench.restart().await;
    assert_eq!(bench.beat_code(request("b", 2)).await, 25, "gone, and durably");
    bench.journal.fail_sync(true);
    let failed = bench.groups.leave_group(leave(&[("a", None)]), 5, &client()).await;
    assert_ne!(failed.error_code, 0, "not acknowledged before it is durable");
    bench.journal.fail_sync(false);
    assert_eq!(bench.beat_code(request("a", 1)).await, 25);
}

#[tokio::test]
async fn consumer_groups_are_listed_and_described() {
    let bench = Bench::new().await;
    bench.beat(joining("a")).await;
    let listed = bench.groups.list_groups(ListGroupsRequest::default(), 5, &client()).await.groups.remove(0);
    assert_eq!(
        (listed.group_state.as_str(), listed.group_type.as_str(), listed.protocol_type.as_str()),
        ("Stable", "consumer", "consumer")
    );
    let request = ConsumerGroupDescribeRequest {
        group_ids: vec!["g".to_owned(), "x".to_owned()],
        include_authorized_operations: true,
    };
    let groups = bench.groups.consumer_group_describe(request, 1, &client()).await.groups;
    assert_eq!((groups[1].error_code, groups[1].group_id.as_str()), (69, "x"));
    assert_eq!((groups[0].group_state.as_str(), groups[0].assignor_name.as_str()), ("Stable", "uniform"));
    assert_eq!((groups[0].group_epoch, groups[0].assignment_epoch), (1, 1));
    let member = &groups[0].members[0];
    assert_eq!((member.member_id.as_str(), member.member_epoch, member.member_type), ("a", 1, 1));
    assert_eq!(member.assignment, member.target_assignment);
    assert_eq!(member.assignment.topic_partitions[0].topic_name, "t");
}

#[tokio::test]
async fn answers_wait_for_their_records() {
    let bench = Bench::new().await;
    bench.journal.hold();
    let groups = bench.groups.clone();
    let waiting =
        tokio::spawn(async move { groups.consumer_group_heartbeat(joining("a"), 1, &client()).await });
    bench.wait_for_appends(1).await;
    assert!(!waiting.is_finished());
    bench.journal.release();
    assert_eq!(waiting.await.unwrap().error_code, 0);

    bench.journal.fail_sync(true);
    assert_eq!(bench.beat_code(joining("b")).await, 16);
    bench.journal.fail_sync(false);
    assert_eq!(bench.beat_code(request("a", 1)).await, 0);
    let bench = bench.restart().await;
    assert_eq!(bench.beat_code(joining("b")).await, 0, "what failed was written with the next change");
}

#[tokio::test]
async fn a_silent_member_is_removed() {
    let config = GroupsConfig { consumer_session_timeout_ms: 30, ..config() };
    let bench = Bench::with(config).await;
    bench.beat(joining("a")).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while bench.beat_code(request("a", 1)).await == 0 {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(60)).await;
    }
    assert_eq!(bench.beat_code(request("a", 1)).await, 25);
}
