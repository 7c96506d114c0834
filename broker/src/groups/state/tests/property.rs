//! Random members against the machine.
//!
//! The leader's assignment names generation, leader and a number of its own, so that every answer shows which
//! assignment it came from.

use proptest::prelude::*;

use super::*;

#[derive(Debug, Clone)]
enum Action {
    Join(usize),
    JoinChanged(usize),
    Sync(usize),
    Heartbeat(usize),
    Leave(usize),
    Vanish(usize),
    Pass(u64),
    FinishWrite(bool),
}

fn action() -> impl Strategy<Value = Action> {
    let who = 0..CLIENTS;
    prop_oneof![
        6 => who.clone().prop_map(Action::Join),
        1 => who.clone().prop_map(Action::JoinChanged),
        6 => who.clone().prop_map(Action::Sync),
        3 => who.clone().prop_map(Action::Heartbeat),
        1 => who.clone().prop_map(Action::Leave),
        1 => who.prop_map(Action::Vanish),
        3 => (0_u64..15_000).prop_map(Action::Pass),
        4 => prop::bool::weighted(0.9).prop_map(Action::FinishWrite),
    ]
}

const CLIENTS: usize = 6;
const STATIC_CLIENTS: usize = 2;

#[derive(Default)]
struct Client {
    member_id: String,
    generation: i32,
    /// Ids and labels to assign to, for a leader that has not done so.
    leads: Option<Vec<(String, String)>>,
    joined: bool,
    synced: bool,
    joining: Option<Ticket>,
    syncing: Option<Ticket>,
    /// Announces another list of protocols every time it changes.
    turn: usize,
}

struct World {
    bench: Bench,
    clients: Vec<Client>,
    open_writes: Vec<u64>,
    fresh: usize,
    /// Generation to the head of the assignment that was handed out.
    assigned: BTreeMap<i32, String>,
    highest: i32,
}

fn instance(client: usize) -> Option<String> {
    (client < STATIC_CLIENTS).then(|| format!("instance-{client}"))
}

impl World {
    fn new(delay_ms: u64) -> Self {
        let mut bench = Bench::with(Limits {
            members_max: 100,
            initial_rebalance_delay_ms: delay_ms,
            new_member_join_timeout_ms: NEW_MEMBER_MS,
        });
        bench.writes_succeed = false;
        let clients = (0..CLIENTS).map(|_| Client::default()).collect();
        Self { bench, clients, open_writes: Vec::new(), fresh: 0, assigned: BTreeMap::new(), highest: 0 }
    }

    fn identity(&self, client: usize) -> Identity {
        Identity { member_id: self.clients[client].member_id.clone(), instance_id: instance(client) }
    }

    fn join(&mut self, client: usize) {
        self.fresh += 1;
        let mut protocols = vec![protocol("range")];
        if self.clients[client].turn % 2 == 1 {
            protocols.insert(0, protocol("sticky"));
        }
        let join = Join {
            identity: self.identity(client),
            member_id_required: client.is_multiple_of(2),
            skip_assignment: true,
            protocols,
            ..newcomer(&format!("m{client}-{}", self.fresh))
        };
        let ticket = self.bench.send_join(join);
        self.clients[client].joined = false;
        self.clients[client].synced = false;
        self.clients[client].joining = Some(ticket);
    }

    fn sync(&mut self, client: usize) {
        let me = &mut self.clients[client];
        if !me.joined {
            return;
        }
        self.fresh += 1;
        let head = format!("{}/{}/{}", me.generation, me.member_id, self.fresh);
        let assignments = me.leads.iter().flatten();
        let assignments =
            assignments.map(|(id, label)| (id.clone(), Bytes::from(format!("{head}|{label}")))).collect();
        let request = Sync { assignments, ..sync("", me.generation) };
        let identity = self.identity(client);
        let ticket = self.bench.sync_with(Sync { identity, ..request });
        self.clients[client].syncing = Some(ticket);
    }

    fn heartbeat(&mut self, client: usize) {
        let identity = self.identity(client);
        if identity.member_id.is_empty() {
            return;
        }
        let generation = self.clients[client].generation;
        let code = self.bench.heartbeat_as(identity, generation);
        self.react(client, code);
    }

    /// What a client does about an error.
    fn react(&mut self, client: usize, code: ErrorCode) {
        let me = &mut self.clients[client];
        match code {
            ErrorCode::None => return,
            ErrorCode::UnknownMemberId | ErrorCode::FencedInstanceId => me.member_id.clear(),
            ErrorCode::RebalanceInProgress
            | ErrorCode::IllegalGeneration
            | ErrorCode::CoordinatorNotAvailable => {}
            other => panic!("unexpected {other:?}"),
        }
        me.joined = false;
        me.synced = false;
    }

    fn finish_write(&mut self, succeed: bool) {
        self.gather_writes();
        if !self.open_writes.is_empty() {
            let sequence = self.open_writes.remove(0);
            let error = (!succeed).then_some(ErrorCode::CoordinatorNotAvailable);
            self.bench.feed(Event::Stored { sequence, error });
        }
    }

    fn gather_writes(&mut self) {
        self.open_writes.extend(self.bench.writes.drain(..).map(|(sequence, _)| sequence));
    }

    /// Hands the answers to the clients and checks what they say.
    fn look(&mut self) {
        self.gather_writes();
        for client in 0..CLIENTS {
            if let Some(ticket) = self.clients[client].joining
                && let Some(Answer::Join(answer)) = self.bench.answers.get(&ticket).cloned()
            {
                self.clients[client].joining = None;
                self.joined(client, answer);
            }
            if let Some(ticket) = self.clients[client].syncing
                && let Some(Answer::Sync(answer)) = self.bench.answers.get(&ticket).cloned()
            {
                self.clients[client].syncing = None;
                self.synced(client, &answer);
            }
        }
    }

    fn joined(&mut self, client: usize, answer: JoinAnswer) {
        match answer.error {
            ErrorCode::None => {}
            ErrorCode::MemberIdRequired => {
                self.clients[client].member_id = answer.member_id;
                return;
            }
            other => return self.react(client, other),
        }
        assert!(answer.generation >= self.highest, "generations never go back");
        self.highest = answer.generation;
        let me = &mut self.clients[client];
        me.member_id = answer.member_id;
        me.generation = answer.generation;
        me.joined = true;
        let label = |member: JoinedMember| {
            let label = member.instance_id.unwrap_or_else(|| member.member_id.clone());
            (member.member_id, label)
        };
        let leads = answer.leader == me.member_id && !answer.skip_assignment;
        me.leads = leads.then(|| answer.members.into_iter().map(label).collect());
    }

    fn synced(&mut self, client: usize, answer: &SyncAnswer) {
        if answer.error != ErrorCode::None {
            return self.react(client, answer.error);
        }
        let me = &mut self.clients[client];
        let text = String::from_utf8(answer.assignment.to_vec()).unwrap();
        let (head, label) = text.split_once('|').expect("every member of a stable generation is assigned to");
        assert_eq!(label, instance(client).as_ref().unwrap_or(&me.member_id), "an assignment is its owner's");
        let generation: i32 = head.split('/').next().unwrap().parse().unwrap();
        assert_eq!(generation, me.generation, "an assignment belongs to its generation");
        let known = self.assigned.entry(generation).or_insert_with(|| head.to_owned());
        assert_eq!(known, head, "one generation has one assignment");
        me.synced = true;
    }

    fn act(&mut self, action: &Action) {
        match *action {
            Action::Join(client) => self.join(client),
            Action::JoinChanged(client) => {
                self.clients[client].turn += 1;
                self.join(client);
            }
            Action::Sync(client) => self.sync(client),
            Action::Heartbeat(client) => self.heartbeat(client),
            Action::Leave(client) => {
                let identity = self.identity(client);
                self.bench.leave(vec![identity]).unwrap();
                self.clients[client] = Client::default();
            }
            Action::Vanish(client) => self.clients[client] = Client::default(),
            Action::Pass(ms) => self.bench.pass(ms),
            Action::FinishWrite(succeed) => self.finish_write(succeed),
        }
        self.look();
    }

    /// One round of members that do what they are told; those not in `live` stay silent.
    fn behave(&mut self, live: &[usize]) {
        for &client in live {
            let me = &self.clients[client];
            if me.joining.is_some() || me.syncing.is_some() {
                continue;
            }
            if !me.joined {
                self.join(client);
            } else if me.synced {
                self.heartbeat(client);
            } else {
                self.sync(client);
            }
            self.look();
        }
        self.gather_writes();
        while !self.open_writes.is_empty() {
            self.finish_write(true);
        }
        self.look();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Whatever happened before: once members behave, the group comes to rest with all of them in it.
    #[test]
    fn groups_come_to_rest(
        actions in prop::collection::vec(action(), 0..120),
        live in prop::collection::btree_set(0..CLIENTS, 0..CLIENTS),
        delay_ms in prop_oneof![Just(0_u64), Just(100)],
    ) {
        let mut world = World::new(delay_ms);
        for action in &actions {
            world.act(action);
        }
        let live: Vec<usize> = live.into_iter().collect();
        for client in 0..CLIENTS {
            if !live.contains(&client) {
                world.clients[client] = Client::default();
            }
        }
        // Longest: a new member's parked join (300 s), then rebalances of 30 s, sessions of 10 s.
        for _ in 0..200 {
            for _ in 0..4 {
                world.behave(&live);
            }
            world.bench.pass(3_000);
            world.look();
        }
        let expected = if live.is_empty() { State::Empty } else { State::Stable };
        prop_assert_eq!(world.bench.group.state(), expected);
        prop_assert_eq!(world.bench.group.members().count(), live.len());
        for client in live {
            let me = &world.clients[client];
            prop_assert!(me.synced && me.generation == world.bench.group.generation());
        }
    }

    /// A group read back from its record is the group that was written.
    #[test]
    fn records_restore_the_group(actions in prop::collection::vec(action(), 0..120)) {
        let mut world = World::new(0);
        for action in &actions {
            world.act(action);
            world.gather_writes();
            let group = &world.bench.group;
            if group.state() != State::Stable {
                continue;
            }
            let value = group.value(None);
            let bytes = value.to_value();
            let read = GroupMetadataValue::from_value(bytes).unwrap();
            let restored = Group::restore(read, group.limits, moment(world.bench.now_ms));
            prop_assert_eq!(restored.value(None), value);
            prop_assert_eq!(&restored.statics, &group.statics);
        }
    }
}
