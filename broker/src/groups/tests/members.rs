//! The life of members.

use super::*;
use crate::protocol::messages::leave_group::MemberIdentity;

#[tokio::test]
async fn a_consumer_lives_through_all_requests() {
    let bench = Bench::new().await;
    let refused = bench.join(join_request(""), 5).await;
    assert_eq!(refused.error_code, 79);
    assert!(refused.member_id.starts_with("tester-"), "{}", refused.member_id);
    let joined = bench.join(join_request(&refused.member_id), 5).await;
    assert_eq!((joined.error_code, joined.generation_id), (0, 1));
    assert_eq!((&joined.leader, &joined.member_id), (&refused.member_id, &refused.member_id));
    assert_eq!(joined.members[0].metadata, subscription(&["t"]));
    let me = joined.member_id;
    assert_eq!(bench.heartbeat(&me, 1).await, 0);
    let synced = bench.sync(sync_request(&me, 1, &[&me])).await;
    assert_eq!((synced.error_code, &synced.assignment[..]), (0, me.as_bytes()));
    assert_eq!(synced.protocol_name.as_deref(), Some("range"));
    let codes = bench.commit(commit_request("g", &me, 1, &[("t", 1, 17), ("u", 2, 4)]), 8).await;
    assert_eq!(codes, [("t".to_owned(), 1, 0), ("u".to_owned(), 2, 0)]);
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 1, 17), ("u".to_owned(), 2, 4)]);

    let request = DescribeGroupsRequest { groups: vec!["g".to_owned()], include_authorized_operations: true };
    let described = bench.groups.describe_groups(request, 5, &client()).await.groups.remove(0);
    assert_eq!((described.group_state.as_str(), described.protocol_data.as_str()), ("Stable", "range"));
    // read, delete, describe, describe and alter its configuration
    assert_eq!(described.authorized_operations, 0b1101_0100_1000);
    let member = &described.members[0];
    assert_eq!((member.client_id.as_str(), member.client_host.as_str()), ("tester", "/127.0.0.1"));
    assert_eq!(member.member_metadata, subscription(&["t"]));
    assert_eq!(&member.member_assignment[..], me.as_bytes());

    let request =
        LeaveGroupRequest { group_id: "g".to_owned(), member_id: me.clone(), ..LeaveGroupRequest::default() };
    assert_eq!(bench.groups.leave_group(request.clone(), 1, &client()).await.error_code, 0);
    assert_eq!(bench.groups.leave_group(request, 1, &client()).await.error_code, 25);
    assert_eq!(bench.state("g").await, "Empty");
}

#[tokio::test]
async fn two_members_share_a_generation() {
    let bench = Bench::new().await;
    let first = bench.one_member().await;
    let groups = bench.groups.clone();
    let newcomer = tokio::spawn(async move { groups.join_group(join_request(""), 3, &client()).await });
    while bench.heartbeat(&first, 1).await != 27 {
        tokio::task::yield_now().await;
    }
    let rejoined = bench.join(join_request(&first), 3).await;
    let second = newcomer.await.unwrap();
    assert_eq!((rejoined.generation_id, second.generation_id), (2, 2));
    assert_eq!((rejoined.members.len(), second.members.len()), (2, 0));
    let groups = bench.groups.clone();
    let waiting = sync_request(&second.member_id, 2, &[]);
    let follower = tokio::spawn(async move { groups.sync_group(waiting, 5, &client()).await });
    let leader = bench.sync(sync_request(&first, 2, &[&first, &second.member_id])).await;
    assert_eq!(&leader.assignment[..], first.as_bytes());
    assert_eq!(&follower.await.unwrap().assignment[..], second.member_id.as_bytes());
}

#[tokio::test]
async fn a_batch_leaves_and_unknown_groups_know_nobody() {
    let bench = Bench::new().await;
    let me = bench.one_member().await;
    let leaver = |id: &str| MemberIdentity { member_id: id.to_owned(), ..MemberIdentity::default() };
    let request = |group: &str| LeaveGroupRequest {
        group_id: group.to_owned(),
        members: vec![leaver("stranger"), leaver(&me)],
        ..LeaveGroupRequest::default()
    };
    let codes = |response: LeaveGroupResponse| {
        response.members.iter().map(|member| member.error_code).collect::<Vec<_>>()
    };
    assert_eq!(codes(bench.groups.leave_group(request("nowhere"), 5, &client()).await), [25, 25]);
    assert_eq!(codes(bench.groups.leave_group(request("g"), 5, &client()).await), [25, 0]);
}

#[tokio::test]
async fn a_session_that_ends_empties_the_group() {
    let config = GroupsConfig { session_timeout_ms_min: 1, ..config() };
    let bench = Bench::with(config).await;
    let request = JoinGroupRequest { session_timeout_ms: 40, ..join_request("") };
    let joined = bench.join(request, 3).await;
    let synced = bench.sync(sync_request(&joined.member_id, 1, &[&joined.member_id])).await;
    assert_eq!(synced.error_code, 0);
    let deadline = Instant::now() + Duration::from_secs(20);
    while bench.state("g").await != "Empty" {
        assert!(Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(bench.heartbeat(&joined.member_id, 1).await, 25);
}

#[tokio::test]
async fn groups_from_joins_that_went_nowhere_are_forgotten() {
    let config = GroupsConfig { session_timeout_ms_min: 1, ..config() };
    let bench = Bench::with(config).await;
    for count in 0..50 {
        let group_id = format!("g{count}");
        let request = JoinGroupRequest { group_id, session_timeout_ms: 5, ..join_request("") };
        assert_eq!(bench.join(request, 5).await.error_code, 79);
    }
    bench.wait_for_groups(&[]).await;
    assert_eq!(bench.journal.appends(), 0);
}
