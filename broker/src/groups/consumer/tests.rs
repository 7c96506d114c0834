//! Consumer groups on a bench: heartbeats in, epochs and assignments looked at.

mod property;

use std::collections::BTreeMap;

use super::*;

const SESSION_MS: u64 = 45_000;
const REBALANCE_MS: i32 = 60_000;

/// Topics by name; ids are derived from the first byte.
#[derive(Default)]
pub(super) struct Topics(pub(super) BTreeMap<String, i32>);

pub(super) fn topic_id(name: &str) -> Uuid {
    Uuid::from_u128(name.bytes().fold(0, |id, byte| id * 256 + u128::from(byte)))
}

impl Catalog for Topics {
    fn shape(&self, topic: &str) -> Option<TopicShape> {
        Some(TopicShape { id: topic_id(topic), partitions: *self.0.get(topic)? })
    }

    fn names(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn name_of(&self, id: Uuid) -> Option<String> {
        self.0.keys().find(|name| topic_id(name) == id).cloned()
    }
}

pub(super) struct Bench {
    pub(super) group: ConsumerGroup,
    pub(super) topics: Topics,
    pub(super) now_ms: u64,
}

pub(super) fn moment(now_ms: u64) -> Moment {
    Moment { tick_ms: now_ms, wall_ms: i64::try_from(now_ms).unwrap() }
}

pub(super) fn beat(member: &str, epoch: i32) -> Heartbeat {
    Heartbeat {
        member_id: member.to_owned(),
        member_epoch: epoch,
        instance_id: None,
        rack_id: None,
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        access: Access::unrestricted(),
        session_ms: None,
        rebalance_timeout_ms: -1,
        topics: None,
        pattern: None,
        assignor: None,
        owned: None,
    }
}

pub(super) fn joining(member: &str, topics: &[&str]) -> Heartbeat {
    Heartbeat {
        rebalance_timeout_ms: REBALANCE_MS,
        topics: Some(topics.iter().map(|topic| (*topic).to_owned()).collect()),
        owned: Some(Assignment::new()),
        ..beat(member, 0)
    }
}

fn parts(topic: &str, partitions: &[i32]) -> Assignment {
    [(topic_id(topic), partitions.iter().copied().collect())].into()
}

impl Bench {
    pub(super) fn new(topics: &[(&str, i32)]) -> Self {
        let limits = ConsumerLimits { members_max: 100, session_ms: SESSION_MS };
        let topics = topics.iter().map(|(name, partitions)| ((*name).to_owned(), *partitions)).collect();
        Self { group: ConsumerGroup::new(limits, moment(0)), topics: Topics(topics), now_ms: 0 }
    }

    #[expect(clippy::needless_pass_by_value, reason = "a heartbeat is sent once")]
    pub(super) fn send(&mut self, beat: Heartbeat) -> Result<Told, ErrorCode> {
        self.group.heartbeat(&beat, &self.topics, moment(self.now_ms))
    }

    fn told(&mut self, beat: Heartbeat) -> (i32, Option<Assignment>) {
        let told = self.send(beat).unwrap();
        (told.member_epoch, told.assignment)
    }

    pub(super) fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.group.expire(moment(self.now_ms));
    }
}

#[test]
fn the_first_member_gets_everything() {
    let mut bench = Bench::new(&[("t", 3)]);
    assert_eq!(bench.told(joining("a", &["t", "missing"])), (1, Some(parts("t", &[0, 1, 2]))));
    assert_eq!(bench.told(beat("a", 1)), (1, None));
    assert!(bench.group.is_settled());
}

#[test]
fn partitions_move_only_after_they_were_given_up() {
    let mut bench = Bench::new(&[("t", 2)]);
    bench.told(joining("a", &["t"]));
    assert_eq!(bench.told(joining("b", &["t"])), (2, Some(Assignment::new())), "nothing is free yet");
    assert_eq!(bench.told(beat("a", 1)), (1, Some(parts("t", &[1]))), "a stays at its epoch and gives 0 up");
    assert_eq!(bench.told(beat("b", 2)), (2, None));
    let still = Heartbeat { owned: Some(parts("t", &[0, 1])), ..beat("a", 1) };
    assert_eq!(bench.told(still), (1, None));
    assert_eq!(bench.told(beat("b", 2)), (2, None), "a has not said that it has");
    let given_up = Heartbeat { owned: Some(parts("t", &[1])), ..beat("a", 1) };
    assert_eq!(bench.told(given_up).0, 2);
    assert_eq!(bench.told(beat("b", 2)), (2, Some(parts("t", &[0]))));
    assert!(bench.group.is_settled());
}

#[test]
fn who_does_not_give_up_in_time_is_fenced() {
    let mut bench = Bench::new(&[("t", 2)]);
    bench.told(joining("a", &["t"]));
    bench.told(joining("b", &["t"]));
    bench.told(beat("a", 1));
    for _ in 0..6 {
        bench.pass(10_000);
        let _ = bench.send(beat("a", 1));
        bench.send(beat("b", 2)).unwrap();
    }
    assert_eq!(bench.send(beat("a", 1)), Err(ErrorCode::UnknownMemberId));
    assert_eq!(bench.told(beat("b", 3)).0, 3);
    assert_eq!(bench.group.members["b"].assigned, parts("t", &[0, 1]));
}

#[test]
fn sessions_end() {
    let mut bench = Bench::new(&[("t", 1)]);
    bench.told(joining("a", &["t"]));
    bench.pass(SESSION_MS - 1);
    bench.told(beat("a", 1));
    bench.pass(SESSION_MS);
    assert_eq!(bench.send(beat("a", 1)), Err(ErrorCode::UnknownMemberId));
    assert_eq!(bench.group.epoch, 2);
}

#[test]
fn epochs_are_checked() {
    let mut bench = Bench::new(&[("t", 2)]);
    bench.told(joining("a", &["t"]));
    assert_eq!(bench.send(beat("x", 1)), Err(ErrorCode::UnknownMemberId));
    assert_eq!(bench.send(beat("a", 2)), Err(ErrorCode::FencedMemberEpoch));
    bench.told(joining("b", &["t"]));
    bench.told(beat("a", 1));
    bench.told(Heartbeat { owned: Some(parts("t", &[1])), ..beat("a", 1) });
    let repeated = Heartbeat { owned: Some(parts("t", &[1])), ..beat("a", 1) };
    assert_eq!(bench.told(repeated).0, 2, "the answer may have been lost");
    assert_eq!(bench.send(beat("a", 1)), Err(ErrorCode::FencedMemberEpoch), "what it owns must be known");
    let too_much = Heartbeat { owned: Some(parts("t", &[0, 1])), ..beat("a", 1) };
    assert_eq!(bench.send(too_much), Err(ErrorCode::FencedMemberEpoch));
    assert_eq!(bench.told(joining("a", &["t"])).0, 2, "who joins again starts from nothing");
}

#[test]
fn leaving_frees_partitions() {
    let mut bench = Bench::new(&[("t", 2)]);
    bench.told(joining("a", &["t"]));
    bench.told(joining("b", &["t"]));
    assert_eq!(bench.told(beat("a", LEAVE_EPOCH)), (LEAVE_EPOCH, None));
    assert_eq!(bench.told(beat("b", 2)), (3, Some(parts("t", &[0, 1]))));
    assert_eq!(bench.send(beat("a", LEAVE_EPOCH)), Err(ErrorCode::UnknownMemberId));
}

#[test]
fn a_static_member_comes_back_to_its_partitions() {
    let mut bench = Bench::new(&[("t", 2)]);
    let named = |beat: Heartbeat| Heartbeat { instance_id: Some("i".to_owned()), ..beat };
    bench.told(named(joining("a", &["t"])));
    assert_eq!(bench.send(named(joining("a2", &["t"]))), Err(ErrorCode::UnreleasedInstanceId));
    assert_eq!(bench.told(named(beat("a", LEAVE_STATIC_EPOCH))), (LEAVE_STATIC_EPOCH, None));
    assert_eq!(
        bench.told(named(joining("a2", &["t"]))),
        (1, Some(parts("t", &[0, 1]))),
        "without a new epoch"
    );
    assert_eq!(bench.send(named(beat("a", 1))), Err(ErrorCode::FencedInstanceId));
    assert_eq!(
        bench.send(Heartbeat { instance_id: Some("j".to_owned()), ..beat("a2", 1) }),
        Err(ErrorCode::UnknownMemberId)
    );
    bench.told(named(beat("a2", LEAVE_STATIC_EPOCH)));
    bench.pass(SESSION_MS);
    assert!(bench.group.members.is_empty(), "its place is kept for a session only");
}

#[test]
fn a_group_may_have_a_session_of_its_own() {
    let mut bench = Bench::new(&[("t", 1)]);
    bench.told(Heartbeat { session_ms: Some(100), ..joining("a", &["t"]) });
    bench.pass(99);
    assert_eq!(bench.group.members.len(), 1);
    bench.told(Heartbeat { session_ms: None, ..beat("a", 1) });
    bench.pass(SESSION_MS - 1);
    assert_eq!(bench.group.members.len(), 1);
    bench.pass(1);
    assert!(bench.group.members.is_empty());
}

#[test]
fn a_pattern_matches_what_its_member_may_describe() {
    let dir = tempfile::tempdir().unwrap();
    let settings = crate::config::AuthorizerSettings {
        super_users: BTreeSet::new(),
        allow_everyone_if_no_acl_found: false,
    };
    let storage = std::sync::Arc::new(crate::log::storage::Fs);
    let authorizer = crate::authorizer::Authorizer::open(storage, dir.path(), settings).unwrap();
    authorizer
        .change(|acls| acls.insert(crate::authorizer::tests::acl("ALLOW ann * READ LITERAL orders-eu")))
        .unwrap();
    let principal = crate::connection::Principal::user("ann");
    let access = Access::new(Some(std::sync::Arc::new(authorizer)), principal, [127, 0, 0, 1].into());
    let mut bench = Bench::new(&[("orders-eu", 1), ("orders-us", 1)]);
    let by_pattern = |member| Heartbeat { pattern: Some("orders-.*".to_owned()), ..joining(member, &[]) };
    let (_, given) = bench.told(Heartbeat { access: access.clone(), ..by_pattern("a") });
    assert_eq!(given, Some(parts("orders-eu", &[0])));
    // stored, and what is stored holds the pattern alone
    assert!(!bench.group.subscribes("orders-us"));
}

#[test]
fn patterns_take_in_topics_as_they_come_and_go() {
    let mut bench = Bench::new(&[("orders-eu", 1), ("other", 1)]);
    let pattern = |text: &str| Some(text.to_owned());
    bench.told(Heartbeat { pattern: pattern("orders-.*"), ..joining("a", &[]) });
    assert_eq!(bench.told(beat("a", 1)), (1, None));
    bench.topics.0.insert("orders-us".to_owned(), 1);
    bench.pass(1000);
    let both: Assignment = parts("orders-eu", &[0]).into_iter().chain(parts("orders-us", &[0])).collect();
    assert_eq!(bench.told(beat("a", 1)), (2, Some(both)));
    // with names beside it, and without the pattern again
    let other = Some(BTreeSet::from(["other".to_owned()]));
    let (epoch, all) = bench.told(Heartbeat { topics: other, ..beat("a", 2) });
    assert_eq!((epoch, all.map(|all| all.len())), (3, Some(3)));
    bench.told(Heartbeat { pattern: pattern(""), ..beat("a", 3) });
    assert_eq!(bench.group.members().next().unwrap().0.pattern, None);
    assert!(bench.group.subscribes("other") && !bench.group.subscribes("orders-eu"));
}

#[test]
fn topics_that_grow_are_noticed() {
    let mut bench = Bench::new(&[("t", 1)]);
    bench.told(joining("a", &["t"]));
    bench.topics.0.insert("t".to_owned(), 3);
    assert_eq!(bench.told(beat("a", 1)), (2, Some(parts("t", &[0, 1, 2]))));
    bench.topics.0.remove("t");
    assert_eq!(bench.told(beat("a", 2)), (2, Some(Assignment::new())));
}

#[test]
fn a_full_group_takes_no_more() {
    let mut bench = Bench::new(&[("t", 1)]);
    bench.group.limits.members_max = 1;
    bench.told(joining("a", &["t"]));
    assert_eq!(bench.send(joining("b", &["t"])), Err(ErrorCode::GroupMaxSizeReached));
    bench.told(joining("a", &["t"]));
}

#[test]
fn ranges_are_contiguous_and_uniform_moves_little() {
    let mut bench = Bench::new(&[("t", 5), ("u", 2)]);
    let ranged = |member| Heartbeat { assignor: Some(Assignor::Range), ..joining(member, &["t", "u"]) };
    bench.told(ranged("a"));
    bench.told(ranged("b"));
    let both =
        |t: &[i32], u: &[i32]| -> Assignment { parts("t", t).into_iter().chain(parts("u", u)).collect() };
    assert_eq!(bench.group.target["a"], both(&[0, 1, 2], &[0]));
    assert_eq!(bench.group.target["b"], both(&[3, 4], &[1]));

    let mut bench = Bench::new(&[("t", 6)]);
    bench.told(joining("a", &["t"]));
    bench.told(joining("b", &["t"]));
    let before = bench.group.target.clone();
    bench.told(joining("c", &["t"]));
    for member in ["a", "b"] {
        assert!(is_within(&bench.group.target[member], &before[member]), "{member} only loses");
        assert_eq!(bench.group.target[member][&topic_id("t")].len(), 2);
    }
}
