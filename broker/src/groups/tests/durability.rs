//! What is on record before an answer, and what a restart finds.

use super::*;
use crate::groups::records::Key;

#[tokio::test]
async fn answers_wait_for_the_disk() {
    let bench = Bench::new().await;
    let joined = bench.join(join_request(""), 3).await;
    bench.journal.hold();
    let groups = bench.groups.clone();
    let request = sync_request(&joined.member_id, 1, &[&joined.member_id]);
    let sync = tokio::spawn(async move { groups.sync_group(request, 5, &client()).await });
    bench.wait_for_appends(1).await;
    assert_eq!(bench.heartbeat(&joined.member_id, 1).await, 0, "the group goes on meanwhile");
    assert!(!sync.is_finished());
    bench.journal.release();
    assert_eq!(sync.await.unwrap().error_code, 0);

    bench.journal.hold();
    let groups = bench.groups.clone();
    let request = commit_request("g", &joined.member_id, 1, &[("t", 0, 5)]);
    let commit = tokio::spawn(async move { groups.offset_commit(request, 8, &client()).await });
    bench.wait_for_appends(2).await;
    assert_eq!(bench.offsets("g").await, [], "what is not durable is not shown");
    assert!(!commit.is_finished());
    bench.journal.release();
    assert_eq!(commit.await.unwrap().topics[0].partitions[0].error_code, 0);
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 5)]);
}

#[tokio::test]
async fn commits_overlap_and_the_last_one_wins() {
    let bench = Bench::new().await;
    assert_eq!(bench.commit_simply("g", 0).await, 0);
    bench.journal.hold();
    let mut commits = Vec::new();
    for offset in 1..=20 {
        let groups = bench.groups.clone();
        let request = commit_request("g", "", -1, &[("t", 0, offset)]);
        commits.push(tokio::spawn(async move { groups.offset_commit(request, 8, &client()).await }));
        bench.wait_for_appends(u64::try_from(offset).unwrap() + 1).await;
    }
    bench.journal.release();
    for commit in commits {
        assert_eq!(commit.await.unwrap().topics[0].partitions[0].error_code, 0);
    }
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 20)]);
}

#[tokio::test]
async fn failures_are_answered_and_leave_nothing_behind() {
    let bench = Bench::new().await;
    bench.journal.fail_sync(true);
    assert_eq!(bench.commit_simply("g", 1).await, 16);
    assert_eq!(bench.offsets("g").await, []);
    let joined = bench.join(JoinGroupRequest { group_id: "h".to_owned(), ..join_request("") }, 3).await;
    let request = SyncGroupRequest {
        group_id: "h".to_owned(),
        ..sync_request(&joined.member_id, 1, &[&joined.member_id])
    };
    assert_eq!(bench.sync(request.clone()).await.error_code, 16);
    assert_eq!(bench.sync(request).await.error_code, 27, "the members have to rejoin");
    bench.journal.fail_sync(false);
    let request = JoinGroupRequest { group_id: "h".to_owned(), ..join_request(&joined.member_id) };
    assert_eq!(bench.join(request, 3).await.generation_id, 2);
    assert_eq!(bench.commit_simply("g", 2).await, 0);
}

#[tokio::test]
async fn a_restart_is_not_noticed() {
    let bench = Bench::new().await;
    let me = bench.one_member().await;
    bench.commit(commit_request("g", &me, 1, &[("t", 0, 5)]), 8).await;
    bench.commit_simply("simple", 3).await;
    let bench = bench.restart().await;
    assert_eq!(bench.heartbeat(&me, 1).await, 0);
    let synced = bench.sync(sync_request(&me, 1, &[])).await;
    assert_eq!(&synced.assignment[..], me.as_bytes());
    assert_eq!(bench.offsets("g").await, [("t".to_owned(), 0, 5)]);
    assert_eq!(bench.offsets("simple").await, [("t".to_owned(), 0, 3)]);
    assert_eq!(bench.commit(commit_request("g", &me, 1, &[("t", 0, 6)]), 8).await[0].2, 0);
    assert_eq!(bench.join(join_request(&me), 3).await.generation_id, 2);
}

#[tokio::test]
async fn deleted_things_stay_deleted() {
    let bench = Bench::new().await;
    bench.commit_simply("g", 3).await;
    bench.commit_simply("h", 4).await;
    let request = DeleteGroupsRequest { groups_names: vec!["g".to_owned()] };
    let response = bench.groups.delete_groups(request, 2, &client()).await;
    assert_eq!(response.results[0].error_code, 0);
    bench.groups.topic_deleted("t").await;
    assert_eq!(bench.journal.live_keys(), []);
    let bench = bench.restart().await;
    assert!(bench.groups.ids().is_empty());
    assert_eq!(bench.offsets("g").await, []);
}

#[tokio::test]
async fn everything_waits_for_the_replay() {
    let journal = Arc::new(MemoryJournal::new(50));
    journal.block_reading(true);
    let bench = Bench::on(Arc::clone(&journal), config());
    assert_eq!(bench.heartbeat("m", 1).await, 14);
    assert_eq!(bench.join(join_request(""), 5).await.error_code, 14);
    assert_eq!(bench.sync(sync_request("m", 1, &[])).await.error_code, 14);
    assert_eq!(bench.commit_simply("g", 1).await, 14);
    let request = OffsetFetchRequest { group_id: "g".to_owned(), ..Default::default() };
    assert_eq!(bench.groups.offset_fetch(request, 7, &client()).await.error_code, 14);
    assert_eq!(bench.groups.list_groups(ListGroupsRequest::default(), 5, &client()).await.error_code, 14);
    journal.block_reading(false);
    bench.groups.loaded().await;
    assert_eq!(bench.commit_simply("g", 1).await, 0);
}

#[tokio::test]
async fn an_unreadable_partition_takes_only_its_groups_away() {
    let journal = Arc::new(MemoryJournal::new(50));
    journal.break_partition(partition_for("orders", 50));
    let bench = Bench::on(journal, config());
    bench.groups.loaded().await;
    assert_eq!(bench.commit_simply("orders", 1).await, 15);
    assert_eq!(bench.commit_simply("test", 1).await, 0);
}

#[tokio::test]
async fn offsets_expire_after_their_group() {
    let bench = Bench::new().await;
    let retention_ms = config().offsets_retention_ms;
    let me = bench.one_member().await;
    bench.commit(commit_request("g", &me, 1, &[("t", 0, 5), ("other", 0, 1)]), 8).await;
    bench.commit_simply("simple", 3).await;
    bench.clock.advance(retention_ms - 1);
    bench.groups.expire_offsets().await;
    assert_eq!(bench.offsets("simple").await.len(), 1);
    bench.clock.advance(1);
    bench.groups.expire_offsets().await;
    bench.wait_for_groups(&["g"]).await;
    let deadline = Instant::now() + Duration::from_secs(20);
    while bench.offsets("g").await != [("t".to_owned(), 0, 5)] {
        assert!(Instant::now() < deadline, "a topic nobody subscribes to expires, the others stay");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let request = LeaveGroupRequest { group_id: "g".to_owned(), member_id: me, ..Default::default() };
    assert_eq!(bench.groups.leave_group(request, 1, &client()).await.error_code, 0);
    bench.groups.expire_offsets().await;
    assert_eq!(bench.offsets("g").await.len(), 1, "counted from when the group became empty");
    bench.clock.advance(retention_ms);
    bench.groups.expire_offsets().await;
    bench.wait_for_groups(&[]).await;
    bench.groups.shutdown().await;
    assert_eq!(bench.journal.live_keys(), Vec::<Key>::new());
}

#[tokio::test]
async fn shutdown_answers_what_is_parked() {
    let bench = Bench::new().await;
    let me = bench.one_member().await;
    let groups = bench.groups.clone();
    let parked = tokio::spawn(async move { groups.join_group(join_request(""), 3, &client()).await });
    while bench.heartbeat(&me, 1).await != 27 {
        tokio::task::yield_now().await;
    }
    bench.groups.shutdown().await;
    assert_eq!(parked.await.unwrap().error_code, 15);
    assert_eq!(bench.heartbeat(&me, 1).await, 15);
}
