//! Random members against the machine: no partition ever has two owners, and the group comes to rest.

use proptest::prelude::*;

use super::*;

const MEMBERS: usize = 5;
const TOPICS: [&str; 3] = ["t", "u", "v"];

#[derive(Debug, Clone)]
enum Action {
    Join(usize, u8),
    Beat(usize),
    /// The member's side of a revocation.
    GiveUp(usize),
    Subscribe(usize, u8),
    Leave(usize),
    Vanish(usize),
    /// The answer does not reach the member.
    Lost(usize),
    Grow(usize),
    Pass(u64),
}

fn action() -> impl Strategy<Value = Action> {
    let who = 0..MEMBERS;
    prop_oneof![
        4 => (who.clone(), 1_u8..8).prop_map(|(who, topics)| Action::Join(who, topics)),
        8 => who.clone().prop_map(Action::Beat),
        6 => who.clone().prop_map(Action::GiveUp),
        2 => (who.clone(), 1_u8..8).prop_map(|(who, topics)| Action::Subscribe(who, topics)),
        1 => who.clone().prop_map(Action::Leave),
        1 => who.clone().prop_map(Action::Vanish),
        1 => who.prop_map(Action::Lost),
        1 => (0..TOPICS.len()).prop_map(Action::Grow),
        2 => (0_u64..20_000).prop_map(Action::Pass),
    ]
}

#[derive(Default, Clone)]
struct Client {
    name: String,
    epoch: i32,
    joined: bool,
    /// What the client consumes.
    owned: Assignment,
    /// What it was told last.
    wanted: Assignment,
    /// When it was last heard of: it stops consuming when its session must have ended.
    heard_ms: u64,
    revoking_since_ms: Option<u64>,
}

struct World {
    bench: Bench,
    clients: Vec<Client>,
    names: usize,
}

fn names(mask: u8) -> Vec<&'static str> {
    TOPICS.into_iter().enumerate().filter(|(bit, _)| mask & (1 << bit) != 0).map(|(_, name)| name).collect()
}

impl World {
    fn new() -> Self {
        let bench = Bench::new(&[("t", 4), ("u", 3), ("v", 1)]);
        Self { bench, clients: vec![Client::default(); MEMBERS], names: 0 }
    }

    fn join(&mut self, who: usize, topics: u8) {
        if !self.clients[who].joined {
            self.names += 1;
            let name = format!("m{who}-{}", self.names);
            self.clients[who] = Client { name, ..Client::default() };
        }
        // Who joins has given everything up first.
        self.clients[who].owned.clear();
        let request = joining(&self.clients[who].name, &names(topics));
        self.clients[who].epoch = 0;
        self.send(who, request, true);
    }

    fn beat(&mut self, who: usize, heard: bool) {
        let me = &self.clients[who];
        if me.joined {
            let request = Heartbeat { owned: Some(me.owned.clone()), ..beat(&me.name, me.epoch) };
            self.send(who, request, heard);
        }
    }

    fn send(&mut self, who: usize, request: Heartbeat, heard: bool) {
        let now_ms = self.bench.now_ms;
        match self.bench.send(request) {
            Ok(told) if heard => {
                let me = &mut self.clients[who];
                me.joined = true;
                me.heard_ms = now_ms;
                me.epoch = told.member_epoch;
                if let Some(assignment) = told.assignment {
                    // New partitions are taken at once, lost ones given up later.
                    for (topic, partitions) in &assignment {
                        me.owned.entry(*topic).or_default().extend(partitions);
                    }
                    me.wanted = assignment;
                }
                if is_within(&me.owned, &me.wanted) {
                    me.revoking_since_ms = None;
                } else {
                    me.revoking_since_ms.get_or_insert(now_ms);
                }
            }
            Ok(_) => {}
            Err(ErrorCode::UnknownMemberId | ErrorCode::FencedMemberEpoch) => {
                self.clients[who].owned.clear();
                self.clients[who].joined = false;
            }
            Err(other) => panic!("unexpected {other:?}"),
        }
        self.check();
    }

    fn give_up(&mut self, who: usize) {
        let me = &mut self.clients[who];
        let wanted = me.wanted.clone();
        me.owned.retain(|topic, partitions| {
            partitions.retain(|partition| wanted.get(topic).is_some_and(|wanted| wanted.contains(partition)));
            !partitions.is_empty()
        });
        me.revoking_since_ms = None;
    }

    fn pass(&mut self, ms: u64) {
        self.bench.pass(ms);
        let now_ms = self.bench.now_ms;
        for me in &mut self.clients {
            let silent = now_ms - me.heard_ms >= SESSION_MS;
            let late = me
                .revoking_since_ms
                .is_some_and(|since| now_ms - since >= u64::try_from(REBALANCE_MS).unwrap());
            if silent || late {
                me.owned.clear();
                me.joined = false;
            }
        }
    }

    fn check(&self) {
        let mut owners = BTreeMap::new();
        // Whom the group has given up learns of it with its next heartbeat, as with Kafka.
        let known = |me: &&Client| me.joined && self.bench.group.members.contains_key(&me.name);
        for me in self.clients.iter().filter(known) {
            for (topic, partitions) in &me.owned {
                for partition in partitions {
                    let other = owners.insert((*topic, *partition), &me.name);
                    assert!(other.is_none(), "{topic} {partition} is owned by {other:?} and {}", me.name);
                }
            }
        }
        let mut held = BTreeMap::new();
        for member in self.bench.group.members.values() {
            for (topic, partitions) in member.assigned.iter().chain(&member.revoking) {
                for partition in partitions {
                    assert!(held.insert((*topic, *partition), &member.id).is_none());
                }
            }
        }
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Join(who, topics) => self.join(who, topics),
            Action::Beat(who) => self.beat(who, true),
            Action::Lost(who) => self.beat(who, false),
            Action::GiveUp(who) => self.give_up(who),
            Action::Subscribe(who, topics) => {
                let me = &self.clients[who];
                if me.joined {
                    let topics = Some(names(topics).into_iter().map(str::to_owned).collect());
                    let owned = Some(me.owned.clone());
                    let request = Heartbeat { topics, owned, ..beat(&me.name, me.epoch) };
                    self.send(who, request, true);
                }
            }
            Action::Leave(who) => {
                let me = &mut self.clients[who];
                me.owned.clear();
                me.joined = false;
                let request = beat(&me.name.clone(), LEAVE_EPOCH);
                let _ = self.bench.send(request);
            }
            Action::Vanish(who) => self.clients[who].joined = false,
            Action::Grow(topic) => {
                *self.bench.topics.0.get_mut(TOPICS[topic]).unwrap() += 1;
            }
            Action::Pass(ms) => self.pass(ms),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn every_partition_has_one_owner_and_groups_come_to_rest(
        actions in prop::collection::vec(action(), 0..150),
        live in prop::collection::btree_set(0..MEMBERS, 1..MEMBERS),
    ) {
        let mut world = World::new();
        for action in &actions {
            world.act(action);
        }
        for who in 0..MEMBERS {
            if !live.contains(&who) {
                world.clients[who].joined = false;
            }
        }
        for _ in 0..60 {
            for who in &live {
                if world.clients[*who].joined {
                    world.beat(*who, true);
                } else {
                    world.join(*who, 7);
                }
                world.give_up(*who);
            }
            world.pass(3_000);
        }
        prop_assert!(world.bench.group.is_settled());
        prop_assert_eq!(world.bench.group.members.len(), live.len());
        let subscribed: BTreeSet<&String> =
            world.bench.group.members.values().flat_map(|member| member.topics.iter()).collect();
        let wanted: i32 = subscribed.iter().map(|topic| world.bench.topics.0[*topic]).sum();
        let owned: usize = live
            .iter()
            .flat_map(|who| world.clients[*who].owned.values())
            .map(BTreeSet::len)
            .sum();
        prop_assert_eq!(owned, usize::try_from(wanted).unwrap(), "all partitions are owned");
        for who in &live {
            let me = &world.clients[*who];
            prop_assert_eq!(&me.owned, &world.bench.group.members[&me.name].assigned);
        }
    }
}
