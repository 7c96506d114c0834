//! Static membership (KIP-345, KIP-814).

use super::*;

/// Static "i" leads as "a", static "j" follows as "b"; generation 2.
fn pair() -> Bench {
    let mut bench = Bench::new();
    bench.send_join(static_join("i", "a"));
    bench.send_join(static_join("j", "b"));
    bench.send_join(Join { identity: identity("a", Some("i")), ..newcomer("unused") });
    bench.send_sync("a", 2, &[("a", b"left"), ("b", b"right")]);
    bench.send_sync("b", 2, &[]);
    assert_eq!(bench.group.state(), State::Stable);
    bench
}

#[test]
fn a_restarted_follower_takes_its_place_without_a_rebalance() {
    let mut bench = pair();
    let writes = bench.writes.len();
    let ticket = bench.send_join(static_join("j", "b2"));
    let answer = bench.join_answer(ticket).clone();
    assert_eq!((answer.error, answer.generation), (ErrorCode::None, 2));
    assert_eq!((answer.member_id.as_str(), answer.leader.as_str()), ("b2", "a"));
    assert_eq!(bench.group.state(), State::Stable);
    assert_eq!(bench.writes.len(), writes + 1, "the new member id is on record");
    let ticket = bench.send_sync("b2", 2, &[]);
    assert_eq!(bench.sync_answer(ticket).assignment, Bytes::from_static(b"right"));
    assert_eq!(bench.heartbeat_as(identity("b", Some("j")), 2), ErrorCode::FencedInstanceId);
    assert_eq!(bench.heartbeat("b", 2), ErrorCode::UnknownMemberId);
    assert_eq!(bench.commit("b", Some("j"), 2), ErrorCode::FencedInstanceId);
}

#[test]
fn the_answer_waits_for_the_write() {
    let mut bench = pair();
    bench.writes_succeed = false;
    let ticket = bench.send_join(static_join("j", "b2"));
    assert!(bench.is_parked(ticket));
    let sequence = bench.writes.last().unwrap().0;
    bench.feed(Event::Stored { sequence, error: Some(ErrorCode::CoordinatorNotAvailable) });
    assert_eq!(bench.join_answer(ticket).error, ErrorCode::CoordinatorNotAvailable);
    bench.writes_succeed = true;
    let ticket = bench.send_join(static_join("j", "b3"));
    assert_eq!(bench.join_answer(ticket).error, ErrorCode::None);
}

#[test]
fn a_restarted_leader_keeps_the_assignment() {
    let mut bench = pair();
    let ticket = bench.send_join(static_join("i", "a2"));
    let answer = bench.join_answer(ticket);
    assert_eq!((answer.leader.as_str(), answer.skip_assignment), ("a", false), "it must act as a follower");
    assert!(answer.members.is_empty());

    let ticket = bench.send_join(Join { skip_assignment: true, ..static_join("i", "a3") });
    let answer = bench.join_answer(ticket);
    assert_eq!((answer.leader.as_str(), answer.skip_assignment), ("a3", true));
    assert_eq!(answer.members.len(), 2);
    assert_eq!(answer.members[0].instance_id.as_deref(), Some("i"));
    let ticket = bench.send_sync("a3", 2, &[]);
    assert_eq!(bench.sync_answer(ticket).assignment, Bytes::from_static(b"left"));
}

#[test]
fn a_changed_protocol_rebalances() {
    let mut bench = Bench::new();
    let both = |join: Join| Join { protocols: vec![protocol("range"), protocol("sticky")], ..join };
    bench.send_join(both(static_join("i", "a")));
    bench.send_sync("a", 1, &[("a", b"all")]);
    let ticket = bench.send_join(Join { protocols: vec![protocol("sticky")], ..static_join("i", "a2") });
    let answer = bench.join_answer(ticket);
    assert_eq!((answer.generation, answer.protocol_name.as_deref()), (2, Some("sticky")));
}

#[test]
fn a_replacement_during_a_rebalance_fences_the_parked_predecessor() {
    let mut bench = pair();
    let parked = bench.send_join(Join { identity: identity("a", Some("i")), ..newcomer("unused") });
    assert!(bench.is_parked(parked));
    let next = bench.send_join(static_join("i", "a2"));
    assert_eq!(bench.join_answer(parked).error, ErrorCode::FencedInstanceId);
    bench.send_join(Join { identity: identity("b", Some("j")), ..newcomer("unused") });
    let answer = bench.join_answer(next);
    assert_eq!((answer.generation, answer.leader.as_str()), (3, "a2"));
}

#[test]
fn a_replacement_while_completing_rebalances_anew() {
    let mut bench = pair();
    bench.send_join(Join { identity: identity("a", Some("i")), ..newcomer("unused") });
    bench.send_join(Join { identity: identity("b", Some("j")), ..newcomer("unused") });
    assert_eq!(bench.group.state(), State::CompletingRebalance);
    let parked = bench.sync_with(Sync { identity: identity("b", Some("j")), ..sync("", 3) });
    let next = bench.send_join(static_join("j", "b2"));
    assert_eq!(bench.sync_answer(parked).error, ErrorCode::FencedInstanceId);
    assert!(bench.is_parked(next));
    bench.send_join(Join { identity: identity("a", Some("i")), ..newcomer("unused") });
    assert_eq!(bench.join_answer(next).generation, 4);
}

#[test]
fn an_absent_static_member_stays_through_a_rebalance_until_its_session_ends() {
    let mut bench = Bench::new();
    let long = |join: Join| Join { session_timeout_ms: 100_000, ..join };
    bench.send_join(long(static_join("i", "a")));
    bench.send_join(long(newcomer("b")));
    bench.send_join(long(Join { identity: identity("a", Some("i")), ..newcomer("unused") }));
    bench.send_sync("a", 2, &[("a", b"left"), ("b", b"right")]);
    bench.send_sync("b", 2, &[]);
    bench.send_join(newcomer("c"));
    let rejoin = bench.send_join(returning("b"));
    bench.pass(30_000);
    let answer = bench.join_answer(rejoin);
    assert_eq!((answer.generation, answer.leader.as_str()), (3, "b"));
    let seen: Vec<_> = answer.members.iter().map(|member| member.member_id.as_str()).collect();
    assert_eq!(seen, ["a", "b", "c"]);
    bench.send_sync("b", 3, &[("a", b"1"), ("b", b"2"), ("c", b"3")]);
    bench.send_sync("c", 3, &[]);
    assert_eq!(bench.group.state(), State::Stable);
    for _ in 0..8 {
        bench.pass(9_000);
        bench.heartbeat("b", 3);
        bench.heartbeat("c", 3);
    }
    assert_eq!(bench.heartbeat("b", 3), ErrorCode::RebalanceInProgress);
    assert_eq!(bench.group.members().count(), 2);
}

#[test]
fn an_administrator_removes_a_static_member_by_instance() {
    let mut bench = pair();
    assert_eq!(bench.leave(vec![identity("", Some("j"))]), Ok(vec![ErrorCode::None]));
    assert_eq!(bench.heartbeat_as(identity("b", Some("j")), 2), ErrorCode::UnknownMemberId);
    let rejoin = bench.send_join(Join { identity: identity("a", Some("i")), ..newcomer("unused") });
    assert_eq!(bench.join_answer(rejoin).members.len(), 1);
}
