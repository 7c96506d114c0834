//! How generations come about.

use super::*;

fn members_of(answer: &JoinAnswer) -> Vec<&str> {
    answer.members.iter().map(|member| member.member_id.as_str()).collect()
}

#[test]
fn the_first_member_leads_generation_one() {
    let mut bench = Bench::new();
    let ticket = bench.send_join(newcomer("a"));
    let answer = bench.join_answer(ticket);
    assert_eq!((answer.error, answer.generation), (ErrorCode::None, 1));
    assert_eq!((answer.leader.as_str(), answer.member_id.as_str()), ("a", "a"));
    assert_eq!(answer.protocol_type.as_deref(), Some("consumer"));
    assert_eq!(answer.protocol_name.as_deref(), Some("range"));
    assert_eq!(members_of(answer), ["a"]);
    assert_eq!(answer.members[0].metadata, Bytes::from_static(b"range"));
}

#[test]
fn an_id_is_required_first_and_then_accepted() {
    let mut bench = Bench::new();
    let ticket = bench.send_join(Join { member_id_required: true, ..newcomer("a") });
    let answer = bench.join_answer(ticket);
    assert_eq!((answer.error, answer.member_id.as_str()), (ErrorCode::MemberIdRequired, "a"));
    let ticket = bench.send_join(Join { member_id_required: true, ..returning("a") });
    assert_eq!(bench.join_answer(ticket).error, ErrorCode::None);
}

#[test]
fn a_rebalance_waits_for_pending_ids() {
    let mut bench = Bench::stable(&["a"]);
    let first = bench.send_join(Join { member_id_required: true, ..newcomer("b") });
    assert_eq!(bench.join_answer(first).error, ErrorCode::MemberIdRequired);
    let rejoin = bench.send_join(returning("a"));
    assert!(bench.is_parked(rejoin), "b is expected");
    bench.send_join(Join { member_id_required: true, ..returning("b") });
    assert_eq!(members_of(bench.join_answer(rejoin)), ["a", "b"]);
}

#[test]
fn an_expired_pending_id_is_not_waited_for() {
    let mut bench = Bench::stable(&["a"]);
    bench.send_join(Join { member_id_required: true, ..newcomer("b") });
    let rejoin = bench.send_join(returning("a"));
    bench.pass(u64::try_from(SESSION_MS).unwrap());
    assert_eq!(members_of(bench.join_answer(rejoin)), ["a"]);
}

#[test]
fn the_initial_delay_collects_members_and_is_bounded() {
    let limits = Limits {
        members_max: 100,
        initial_rebalance_delay_ms: 100,
        new_member_join_timeout_ms: NEW_MEMBER_MS,
    };
    let mut bench = Bench::with(limits);
    let first = bench.send_join(newcomer("a"));
    bench.pass(60);
    let second = bench.send_join(newcomer("b"));
    bench.pass(60);
    assert!(bench.is_parked(first), "b extended the delay");
    bench.pass(79);
    assert!(bench.is_parked(first));
    bench.pass(1);
    assert_eq!(members_of(bench.join_answer(first)), ["a", "b"]);
    assert_eq!(bench.join_answer(second).generation, 1);

    let mut bench = Bench::with(limits);
    let hasty = |id: &str| Join { rebalance_timeout_ms: 250, ..newcomer(id) };
    let first = bench.send_join(hasty("a"));
    for count in 0..10 {
        bench.send_join(hasty(&format!("b{count}")));
        bench.pass(30);
    }
    assert_eq!(bench.join_answer(first).generation, 1, "answered at the rebalance timeout");
}

#[test]
fn only_the_leader_sees_the_members_and_it_stays_leader() {
    let mut bench = Bench::stable(&["b", "a"]);
    let follower = bench.send_join(newcomer("0"));
    let kept = bench.send_join(returning("b"));
    bench.send_join(returning("a"));
    assert_eq!(bench.join_answer(kept).leader, "b");
    assert_eq!(members_of(bench.join_answer(kept)), ["0", "a", "b"]);
    assert_eq!(bench.join_answer(follower).leader, "b");
    assert!(bench.join_answer(follower).members.is_empty());
}

#[test]
fn a_leader_that_does_not_rejoin_is_replaced() {
    let mut bench = Bench::stable(&["a", "b"]);
    bench.send_join(newcomer("c"));
    let rejoin = bench.send_join(returning("b"));
    bench.pass(u64::try_from(REBALANCE_MS).unwrap());
    let answer = bench.join_answer(rejoin);
    assert_eq!(answer.leader, "b");
    assert_eq!(members_of(answer), ["b", "c"]);
}

#[test]
fn the_protocol_is_voted_for() {
    let with = |id: &str, names: &[&str]| Join {
        protocols: names.iter().map(|name| protocol(name)).collect(),
        ..newcomer(id)
    };
    let mut bench = Bench::with(Limits {
        members_max: 10,
        initial_rebalance_delay_ms: 10,
        new_member_join_timeout_ms: NEW_MEMBER_MS,
    });
    let first = bench.send_join(with("a", &["range", "sticky", "own"]));
    bench.send_join(with("b", &["sticky", "range"]));
    bench.send_join(with("c", &["sticky", "range"]));
    bench.pass(100);
    assert_eq!(bench.join_answer(first).protocol_name.as_deref(), Some("sticky"));
    assert_eq!(bench.join_answer(first).members[0].metadata, Bytes::from_static(b"sticky"));
}

#[test]
fn a_known_member_rejoining_unchanged_disturbs_nobody() {
    let mut bench = Bench::stable(&["a", "b"]);
    let ticket = bench.send_join(returning("b"));
    let answer = bench.join_answer(ticket);
    assert_eq!((answer.generation, answer.leader.as_str()), (2, "a"));
    assert_eq!(bench.group.state(), State::Stable);
    let changed = Join { protocols: vec![protocol("range"), protocol("sticky")], ..returning("b") };
    let ticket = bench.send_join(changed);
    assert!(bench.is_parked(ticket), "changed metadata rebalances");
}

#[test]
fn the_leader_rejoining_rebalances() {
    let mut bench = Bench::stable(&["a", "b"]);
    let ticket = bench.send_join(returning("a"));
    assert!(bench.is_parked(ticket));
    assert_eq!(bench.heartbeat("b", 2), ErrorCode::RebalanceInProgress);
}

#[test]
fn followers_wait_until_the_assignment_is_stored() {
    let mut bench = Bench::new();
    bench.send_join(newcomer("a"));
    bench.send_join(newcomer("b"));
    bench.send_join(returning("a"));
    bench.writes_succeed = false;
    let follower = bench.send_sync("b", 2, &[]);
    let leader = bench.send_sync("a", 2, &[("a", b"1"), ("ghost", b"3")]);
    assert!(bench.is_parked(follower) && bench.is_parked(leader), "nothing is answered before the write");
    let (sequence, value) = bench.writes.last().unwrap().clone();
    assert_eq!((value.generation, value.leader.as_deref()), (2, Some("a")));
    let stored: Vec<_> = value.members.iter().map(|m| (m.member_id.as_str(), m.assignment.clone())).collect();
    assert_eq!(stored, [("a", Bytes::from_static(b"1")), ("b", Bytes::new())]);
    bench.feed(Event::Stored { sequence, error: None });
    assert_eq!(bench.sync_answer(leader).assignment, Bytes::from_static(b"1"));
    assert_eq!(bench.sync_answer(follower).assignment, Bytes::new());
    assert_eq!(bench.group.state(), State::Stable);
}

#[test]
fn a_failed_write_answers_the_error_and_rebalances() {
    let mut bench = Bench::new();
    bench.send_join(newcomer("a"));
    bench.writes_succeed = false;
    let leader = bench.send_sync("a", 1, &[("a", b"1")]);
    let sequence = bench.writes.last().unwrap().0;
    bench.feed(Event::Stored { sequence, error: Some(ErrorCode::CoordinatorNotAvailable) });
    assert_eq!(bench.sync_answer(leader).error, ErrorCode::CoordinatorNotAvailable);
    assert_eq!(bench.group.state(), State::PreparingRebalance);
    bench.send_join(returning("a"));
    assert_eq!(bench.group.generation(), 2);
}

#[test]
fn a_write_that_ends_after_its_generation_changes_nothing() {
    let mut bench = Bench::new();
    bench.send_join(newcomer("a"));
    bench.writes_succeed = false;
    let old = bench.send_sync("a", 1, &[("a", b"old")]);
    let sequence = bench.writes.last().unwrap().0;
    bench.send_join(newcomer("b"));
    assert_eq!(bench.sync_answer(old).error, ErrorCode::RebalanceInProgress);
    bench.send_join(returning("a"));
    bench.feed(Event::Stored { sequence, error: None });
    assert_eq!(bench.group.state(), State::CompletingRebalance);
    assert_eq!(bench.group.generation(), 2);
}

#[test]
fn a_repeated_request_answers_the_one_it_replaces() {
    let mut bench = Bench::stable(&["a", "b"]);
    let first = bench.send_join(returning("a"));
    let second = bench.send_join(returning("a"));
    assert_eq!(bench.join_answer(first).error, ErrorCode::RebalanceInProgress);
    bench.send_join(returning("b"));
    assert_eq!(bench.join_answer(second).error, ErrorCode::None);
    let first = bench.send_sync("b", 3, &[]);
    let second = bench.send_sync("b", 3, &[]);
    assert_eq!(bench.sync_answer(first).error, ErrorCode::RebalanceInProgress);
    assert!(bench.is_parked(second));
}

#[test]
fn sessions_expire_unless_heard_of() {
    let mut bench = Bench::stable(&["a", "b"]);
    for _ in 0..4 {
        bench.pass(4_000);
        bench.heartbeat("a", 2);
    }
    assert_eq!(bench.heartbeat("a", 2), ErrorCode::RebalanceInProgress);
    let rejoin = bench.send_join(returning("a"));
    assert_eq!(bench.join_answer(rejoin).generation, 3);
    assert_eq!(bench.heartbeat("b", 3), ErrorCode::UnknownMemberId);
}

#[test]
fn a_commit_keeps_the_session() {
    let mut bench = Bench::stable(&["a"]);
    for _ in 0..4 {
        bench.pass(9_000);
        assert_eq!(bench.commit("a", None, 1), ErrorCode::None);
    }
    bench.pass(10_000);
    assert_eq!(bench.group.state(), State::Empty);
}

#[test]
fn members_that_never_sync_are_removed() {
    let mut bench = Bench::new();
    bench.send_join(newcomer("a"));
    bench.send_join(newcomer("b"));
    bench.send_join(returning("a"));
    let follower = bench.send_sync("b", 2, &[]);
    for _ in 0..10 {
        bench.pass(3_000);
        bench.heartbeat("a", 2);
    }
    assert_eq!(bench.sync_answer(follower).error, ErrorCode::RebalanceInProgress);
    let rejoin = bench.send_join(returning("b"));
    assert_eq!(members_of(bench.join_answer(rejoin)), ["b"]);
}

#[test]
fn the_last_one_out_leaves_an_empty_group_on_record() {
    let mut bench = Bench::stable(&["a"]);
    assert_eq!(bench.leave(vec![identity("a", None)]), Ok(vec![ErrorCode::None]));
    assert_eq!((bench.group.state(), bench.group.generation()), (State::Empty, 2));
    let (_, value) = bench.writes.last().unwrap();
    assert_eq!((value.generation, value.members.len()), (2, 0));
    assert_eq!((value.protocol.as_deref(), value.leader.as_deref()), (None, None));
    assert_eq!(value.protocol_type, "consumer");
    let ticket = bench.send_join(newcomer("b"));
    assert_eq!(bench.join_answer(ticket).generation, 3);
}

#[test]
fn an_empty_group_may_change_its_protocol_type() {
    let mut bench = Bench::stable(&["a"]);
    bench.leave(vec![identity("a", None)]).unwrap();
    let ticket = bench.send_join(Join { protocol_type: "connect".into(), ..newcomer("w") });
    assert_eq!(bench.join_answer(ticket).protocol_type.as_deref(), Some("connect"));
}

#[test]
fn a_new_member_whose_join_is_never_answered_is_dropped() {
    let mut bench = Bench::stable(&["a"]);
    let patient = Join { rebalance_timeout_ms: 1_000_000, ..newcomer("b") };
    let ticket = bench.send_join(patient);
    let mut waited = 0;
    while bench.is_parked(ticket) && waited < 400_000 {
        bench.pass(5_000);
        waited += 5_000;
        bench.heartbeat("a", 1);
    }
    assert_eq!(bench.join_answer(ticket).error, ErrorCode::UnknownMemberId);
    assert_eq!(waited, 300_000);
}

#[test]
fn closing_answers_everybody() {
    let mut bench = Bench::stable(&["a", "b"]);
    let parked = bench.send_join(returning("a"));
    bench.feed(Event::Close);
    assert_eq!(bench.join_answer(parked).error, ErrorCode::CoordinatorNotAvailable);
    assert_eq!(bench.group.deadline(), None);
}

#[test]
fn a_stored_group_goes_on_without_a_rebalance() {
    let bench = Bench::stable(&["a", "b"]);
    let value = bench.writes.last().unwrap().1.clone();
    let mut restarted = Bench::new();
    restarted.now_ms = 5_000_000;
    let limits = restarted.group.limits;
    restarted.group = Group::restore(value, limits, moment(restarted.now_ms));
    restarted.pass(9_000);
    assert_eq!(restarted.heartbeat("a", 2), ErrorCode::None);
    let ticket = restarted.send_sync("b", 2, &[]);
    assert_eq!(restarted.sync_answer(ticket).assignment, Bytes::from_static(b"b"));
    let ticket = restarted.send_join(returning("b"));
    assert_eq!(restarted.join_answer(ticket).generation, 2);
    assert_eq!(restarted.join_answer(ticket).leader, "a");
    restarted.pass(9_999);
    assert_eq!(restarted.heartbeat("b", 2), ErrorCode::None);
    restarted.pass(9_999);
    assert_eq!(restarted.heartbeat("b", 2), ErrorCode::RebalanceInProgress, "a was not heard of");
}
