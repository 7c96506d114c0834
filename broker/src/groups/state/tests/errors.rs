//! Every error a member can get, in the order in which Kafka looks for it.

use super::*;

fn empty() -> Bench {
    Bench::new()
}

/// "a" waits for "b", which has not rejoined.
fn preparing() -> Bench {
    let mut bench = Bench::stable(&["a", "b"]);
    bench.send_join(returning("a"));
    assert_eq!(bench.group.state(), State::PreparingRebalance);
    bench
}

/// "a" leads generation 1 and has not assigned yet.
fn completing() -> Bench {
    let mut bench = Bench::new();
    bench.send_join(newcomer("a"));
    assert_eq!(bench.group.state(), State::CompletingRebalance);
    bench
}

fn stable() -> Bench {
    Bench::stable(&["a"])
}

fn stable_static() -> Bench {
    let mut bench = Bench::new();
    bench.send_join(static_join("i", "a"));
    bench.send_sync("a", 1, &[("a", b"a")]);
    bench.send_join(Join { identity: identity("", None), ..newcomer("b") });
    bench.send_join(Join { identity: identity("a", Some("i")), ..newcomer("unused") });
    bench.send_sync("a", 2, &[("a", b"a"), ("b", b"b")]);
    assert_eq!(bench.group.state(), State::Stable);
    bench
}

fn dead() -> Bench {
    let mut bench = stable();
    bench.feed(Event::Close);
    bench
}

type Setup = fn() -> Bench;
/// Name, setup, member id, instance id, generation, code.
type CommitRow = (&'static str, Setup, &'static str, Option<&'static str>, i32, ErrorCode);

#[test]
fn join_refusals() {
    let other_type = |join: Join| Join { protocol_type: "connect".into(), ..join };
    let other_protocol = |join: Join| Join { protocols: vec![protocol("sticky")], ..join };
    let with_instance =
        |id: &str, instance: &str| Join { identity: identity(id, Some(instance)), ..newcomer("n") };
    let table: Vec<(&str, Setup, Join, ErrorCode)> = vec![
        ("closed", dead, newcomer("n"), ErrorCode::CoordinatorNotAvailable),
        ("closed, known", dead, returning("a"), ErrorCode::CoordinatorNotAvailable),
        (
            "empty type",
            empty,
            Join { protocol_type: String::new(), ..newcomer("n") },
            ErrorCode::InconsistentGroupProtocol,
        ),
        (
            "no protocols",
            empty,
            Join { protocols: vec![], ..newcomer("n") },
            ErrorCode::InconsistentGroupProtocol,
        ),
        ("another type", stable, other_type(newcomer("n")), ErrorCode::InconsistentGroupProtocol),
        ("another type, known", stable, other_type(returning("a")), ErrorCode::InconsistentGroupProtocol),
        ("no common protocol", stable, other_protocol(newcomer("n")), ErrorCode::InconsistentGroupProtocol),
        (
            "no protocols, stable",
            stable,
            Join { protocols: vec![], ..newcomer("n") },
            ErrorCode::InconsistentGroupProtocol,
        ),
        ("unknown member, empty group", empty, returning("x"), ErrorCode::UnknownMemberId),
        ("unknown member", stable, returning("x"), ErrorCode::UnknownMemberId),
        ("unknown member, preparing", preparing, returning("x"), ErrorCode::UnknownMemberId),
        ("unknown member, completing", completing, returning("x"), ErrorCode::UnknownMemberId),
        ("unknown instance", stable_static, with_instance("a", "j"), ErrorCode::UnknownMemberId),
        ("instance of another", stable_static, with_instance("b", "i"), ErrorCode::FencedInstanceId),
        ("fenced before unknown", stable_static, with_instance("x", "i"), ErrorCode::FencedInstanceId),
        ("id first", empty, Join { member_id_required: true, ..newcomer("n") }, ErrorCode::MemberIdRequired),
    ];
    for (name, setup, join, expected) in table {
        let mut bench = setup();
        let (state, generation) = (bench.group.state(), bench.group.generation());
        let ticket = bench.send_join(join);
        let answer = bench.join_answer(ticket);
        assert_eq!(answer.error, expected, "{name}");
        assert_eq!(answer.generation, -1, "{name}");
        assert_eq!((bench.group.state(), bench.group.generation()), (state, generation), "{name}");
    }
}

#[test]
fn sync_refusals() {
    let typed = |member: &str, kind: Option<&str>, name: Option<&str>| Sync {
        protocol_type: kind.map(str::to_owned),
        protocol_name: name.map(str::to_owned),
        ..sync(member, 1)
    };
    let as_instance =
        |id: &str, instance: &str| Sync { identity: identity(id, Some(instance)), ..sync("", 2) };
    let table: Vec<(&str, Setup, Sync, ErrorCode)> = vec![
        ("closed", dead, sync("a", 1), ErrorCode::CoordinatorNotAvailable),
        ("empty group", empty, sync("a", 0), ErrorCode::UnknownMemberId),
        ("unknown member", stable, sync("x", 1), ErrorCode::UnknownMemberId),
        ("unknown member before generation", stable, sync("x", 7), ErrorCode::UnknownMemberId),
        ("unknown instance", stable_static, as_instance("a", "j"), ErrorCode::UnknownMemberId),
        ("fenced", stable_static, as_instance("b", "i"), ErrorCode::FencedInstanceId),
        ("older generation", stable, sync("a", 0), ErrorCode::IllegalGeneration),
        ("newer generation", stable, sync("a", 2), ErrorCode::IllegalGeneration),
        (
            "generation before protocol",
            stable,
            Sync { generation: 9, ..typed("a", Some("x"), None) },
            ErrorCode::IllegalGeneration,
        ),
        (
            "another type",
            stable,
            typed("a", Some("connect"), Some("range")),
            ErrorCode::InconsistentGroupProtocol,
        ),
        (
            "another protocol",
            stable,
            typed("a", Some("consumer"), Some("sticky")),
            ErrorCode::InconsistentGroupProtocol,
        ),
        (
            "another protocol, completing",
            completing,
            typed("a", None, Some("sticky")),
            ErrorCode::InconsistentGroupProtocol,
        ),
        ("rebalancing", preparing, sync("a", 2), ErrorCode::RebalanceInProgress),
        ("fine", stable, typed("a", Some("consumer"), Some("range")), ErrorCode::None),
        ("fine without names", stable, sync("a", 1), ErrorCode::None),
    ];
    for (name, setup, request, expected) in table {
        let mut bench = setup();
        let ticket = bench.sync_with(request);
        assert_eq!(bench.sync_answer(ticket).error, expected, "{name}");
    }
}

#[test]
fn heartbeat_codes() {
    let table: Vec<(&str, Setup, Identity, i32, ErrorCode)> = vec![
        ("closed", dead, identity("a", None), 1, ErrorCode::CoordinatorNotAvailable),
        ("empty group", empty, identity("a", None), 0, ErrorCode::UnknownMemberId),
        ("unknown member", stable, identity("x", None), 1, ErrorCode::UnknownMemberId),
        ("unknown instance", stable_static, identity("a", Some("j")), 2, ErrorCode::UnknownMemberId),
        ("fenced", stable_static, identity("b", Some("i")), 2, ErrorCode::FencedInstanceId),
        ("another generation", stable, identity("a", None), 0, ErrorCode::IllegalGeneration),
        ("generation before rebalance", preparing, identity("b", None), 1, ErrorCode::IllegalGeneration),
        ("preparing", preparing, identity("b", None), 2, ErrorCode::RebalanceInProgress),
        ("completing", completing, identity("a", None), 1, ErrorCode::None),
        ("stable", stable, identity("a", None), 1, ErrorCode::None),
    ];
    for (name, setup, who, generation, expected) in table {
        assert_eq!(setup().heartbeat_as(who, generation), expected, "{name}");
    }
}

#[test]
fn leave_codes() {
    let table: Vec<(&str, Setup, Identity, ErrorCode)> = vec![
        ("unknown member", stable, identity("x", None), ErrorCode::UnknownMemberId),
        ("no id at all", stable, identity("", None), ErrorCode::UnknownMemberId),
        ("unknown instance", stable_static, identity("", Some("j")), ErrorCode::UnknownMemberId),
        ("unknown instance with id", stable_static, identity("a", Some("j")), ErrorCode::UnknownMemberId),
        ("fenced", stable_static, identity("b", Some("i")), ErrorCode::FencedInstanceId),
        ("by instance", stable_static, identity("", Some("i")), ErrorCode::None),
        ("by both", stable_static, identity("a", Some("i")), ErrorCode::None),
        ("by id", stable, identity("a", None), ErrorCode::None),
    ];
    for (name, setup, who, expected) in table {
        assert_eq!(setup().leave(vec![who]), Ok(vec![expected]), "{name}");
    }
    assert_eq!(dead().leave(vec![identity("a", None)]), Err(ErrorCode::CoordinatorNotAvailable));
}

#[test]
fn a_batch_of_leavers_gets_a_code_each() {
    let mut bench = Bench::stable(&["a", "b", "c"]);
    let leavers = vec![identity("a", None), identity("x", None), identity("c", None), identity("a", None)];
    let expected =
        vec![ErrorCode::None, ErrorCode::UnknownMemberId, ErrorCode::None, ErrorCode::UnknownMemberId];
    assert_eq!(bench.leave(leavers), Ok(expected));
    assert_eq!(bench.group.state(), State::PreparingRebalance);
    assert_eq!(bench.group.members().map(|member| member.id.as_str()).collect::<Vec<_>>(), ["b"]);
}

#[test]
fn commit_codes() {
    let table: Vec<CommitRow> = vec![
        ("closed", dead, "a", None, 1, ErrorCode::CoordinatorNotAvailable),
        ("simple consumer", empty, "", None, -1, ErrorCode::None),
        ("simple consumer names a member", empty, "a", None, -1, ErrorCode::None),
        ("generation on an empty group", empty, "a", None, 1, ErrorCode::UnknownMemberId),
        ("administrator on a live group", stable, "", None, -1, ErrorCode::UnknownMemberId),
        ("unknown member", stable, "x", None, 1, ErrorCode::UnknownMemberId),
        ("unknown instance", stable_static, "a", Some("j"), 2, ErrorCode::UnknownMemberId),
        ("fenced", stable_static, "b", Some("i"), 2, ErrorCode::FencedInstanceId),
        ("another generation", stable, "a", None, 4, ErrorCode::IllegalGeneration),
        ("no generation", stable, "a", None, -1, ErrorCode::IllegalGeneration),
        ("completing", completing, "a", None, 1, ErrorCode::RebalanceInProgress),
        ("preparing", preparing, "b", None, 2, ErrorCode::None),
        ("stable", stable, "a", None, 1, ErrorCode::None),
    ];
    for (name, setup, member, instance, generation, expected) in table {
        assert_eq!(setup().commit(member, instance, generation), expected, "{name}");
    }
}

#[test]
fn a_full_group_takes_no_more() {
    let limits =
        Limits { members_max: 2, initial_rebalance_delay_ms: 0, new_member_join_timeout_ms: NEW_MEMBER_MS };
    let mut bench = Bench::with(limits);
    bench.send_join(newcomer("a"));
    bench.send_join(newcomer("b"));
    bench.send_join(returning("a"));
    bench.send_sync("a", 2, &[]);
    bench.send_sync("b", 2, &[]);
    assert_eq!(bench.group.state(), State::Stable);
    let ticket = bench.send_join(newcomer("c"));
    assert_eq!(bench.join_answer(ticket).error, ErrorCode::GroupMaxSizeReached);
    let ticket = bench.send_join(returning("a"));
    assert!(bench.is_parked(ticket), "those inside still may rejoin");
    for _ in 0..2 {
        bench.send_join(Join { member_id_required: true, ..newcomer("p") });
    }
}

#[test]
fn pending_ids_are_bounded_and_expire() {
    let limits =
        Limits { members_max: 2, initial_rebalance_delay_ms: 0, new_member_join_timeout_ms: NEW_MEMBER_MS };
    let mut bench = Bench::with(limits);
    let ask = |id: &str| Join { member_id_required: true, ..newcomer(id) };
    let codes: Vec<ErrorCode> = ["p", "q", "r"]
        .iter()
        .map(|id| {
            let ticket = bench.send_join(ask(id));
            bench.join_answer(ticket).error
        })
        .collect();
    assert_eq!(
        codes,
        [ErrorCode::MemberIdRequired, ErrorCode::MemberIdRequired, ErrorCode::GroupMaxSizeReached]
    );
    assert!(!bench.group.is_untouched());
    bench.pass(u64::try_from(SESSION_MS).unwrap());
    assert!(bench.group.is_untouched());
    let ticket = bench.send_join(returning("p"));
    assert_eq!(bench.join_answer(ticket).error, ErrorCode::UnknownMemberId);
}
