//! Listing, describing and deleting.

use super::*;
use crate::protocol::messages::offset_delete::{OffsetDeleteRequestPartition, OffsetDeleteRequestTopic};

async fn list(bench: &Bench, states: &[&str], types: &[&str]) -> Vec<(String, String, String)> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let request = ListGroupsRequest { states_filter: owned(states), types_filter: owned(types) };
    let response = bench.groups.list_groups(request, 5, &client()).await;
    assert!(response.groups.iter().all(|group| group.group_type == "classic"));
    response
        .groups
        .into_iter()
        .map(|group| (group.group_id, group.protocol_type, group.group_state))
        .collect()
}

#[tokio::test]
async fn groups_are_listed_and_filtered() {
    let bench = Bench::new().await;
    bench.one_member().await;
    bench.commit_simply("a", 1).await;
    let simple = ("a".to_owned(), String::new(), "Empty".to_owned());
    let stable = ("g".to_owned(), "consumer".to_owned(), "Stable".to_owned());
    assert_eq!(list(&bench, &[], &[]).await, [simple.clone(), stable.clone()]);
    assert_eq!(list(&bench, &["stable"], &["Classic"]).await, std::slice::from_ref(&stable));
    assert_eq!(list(&bench, &["Empty", "Stable"], &[]).await, [simple, stable]);
    assert_eq!(list(&bench, &["Dead"], &[]).await, []);
    assert_eq!(list(&bench, &[], &["consumer"]).await, []);
}

#[tokio::test]
async fn an_unknown_group_is_described_by_version() {
    let bench = Bench::new().await;
    let request = || DescribeGroupsRequest { groups: vec!["x".to_owned()], ..Default::default() };
    let old = bench.groups.describe_groups(request(), 5, &client()).await.groups.remove(0);
    assert_eq!((old.error_code, old.group_state.as_str()), (0, "Dead"));
    let new = bench.groups.describe_groups(request(), 6, &client()).await.groups.remove(0);
    assert_eq!((new.error_code, new.error_message.as_deref()), (69, Some("Group x not found.")));
}

#[tokio::test]
async fn only_groups_without_members_are_deleted() {
    let bench = Bench::new().await;
    let me = bench.one_member().await;
    bench.commit_simply("a", 1).await;
    let request = || DeleteGroupsRequest { groups_names: ["a", "g", "x", "a"].map(str::to_owned).to_vec() };
    let codes = |response: DeleteGroupsResponse| {
        response.results.iter().map(|result| result.error_code).collect::<Vec<_>>()
    };
    let first = codes(bench.groups.delete_groups(request(), 2, &client()).await);
    assert_eq!(first[..3], [0, 68, 69]);
    bench.wait_for_groups(&["g"]).await;
    let request_leave = LeaveGroupRequest { group_id: "g".to_owned(), member_id: me, ..Default::default() };
    bench.groups.leave_group(request_leave, 1, &client()).await;
    assert_eq!(codes(bench.groups.delete_groups(request(), 2, &client()).await)[..3], [69, 0, 69]);
    bench.wait_for_groups(&[]).await;
    assert_eq!(bench.commit_simply("a", 2).await, 0, "a deleted group can come again");
    assert_eq!(bench.offsets("a").await, [("t".to_owned(), 0, 2)]);
}

#[tokio::test]
async fn offsets_are_deleted_unless_subscribed_to() {
    let bench = Bench::new().await;
    let me = bench.one_member().await;
    bench.commit(commit_request("g", &me, 1, &[("t", 0, 5), ("other", 0, 1)]), 8).await;
    let topic = |name: &str, partitions: &[i32]| OffsetDeleteRequestTopic {
        name: name.to_owned(),
        partitions: partitions
            .iter()
            .map(|index| OffsetDeleteRequestPartition { partition_index: *index })
            .collect(),
    };
    let request = |group: &str| OffsetDeleteRequest {
        group_id: group.to_owned(),
        topics: vec![topic("t", &[0, 99]), topic("missing", &[0]), topic("other", &[0, 1])],
    };
    let response = bench.groups.offset_delete(request("g"), 0, &client()).await;
    let codes: Vec<i16> = response
        .topics
        .iter()
        .flat_map(|topic| topic.partitions.iter().map(|partition| partition.error_code))
        .collect();
    assert_eq!((response.error_code, codes), (0, vec![86, 3, 3, 0, 0]));
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 5)]);
    assert_eq!(bench.groups.offset_delete(request("x"), 0, &client()).await.error_code, 69);

    let connect = JoinGroupRequest {
        group_id: "c".to_owned(),
        protocol_type: "connect".to_owned(),
        ..join_request("")
    };
    bench.join(connect, 3).await;
    assert_eq!(bench.groups.offset_delete(request("c"), 0, &client()).await.error_code, 68);
}
