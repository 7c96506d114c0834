//! One group on a bench: requests in, answers and writes looked at.

mod errors;
mod property;
mod rebalances;
mod statics;

use std::collections::BTreeMap;

use bytes::Bytes;

use super::*;

const SESSION_MS: i32 = 10_000;
const REBALANCE_MS: i32 = 30_000;
const NEW_MEMBER_MS: u64 = 300_000;

struct Bench {
    group: Group,
    now_ms: u64,
    next_ticket: u64,
    answers: BTreeMap<Ticket, Answer>,
    writes: Vec<(u64, GroupMetadataValue)>,
    /// Report every write as done at once.
    writes_succeed: bool,
}

impl Bench {
    fn new() -> Self {
        Self::with(Limits {
            members_max: 1_000,
            initial_rebalance_delay_ms: 0,
            new_member_join_timeout_ms: NEW_MEMBER_MS,
        })
    }

    fn with(limits: Limits) -> Self {
        Self {
            group: Group::new(limits, moment(0)),
            now_ms: 0,
            next_ticket: 0,
            answers: BTreeMap::new(),
            writes: Vec::new(),
            writes_succeed: true,
        }
    }

    fn ticket(&mut self) -> Ticket {
        self.next_ticket += 1;
        Ticket(self.next_ticket)
    }

    fn feed(&mut self, event: Event) {
        let effects = self.group.apply(event, moment(self.now_ms));
        assert!(
            self.group.deadline().is_none_or(|deadline| deadline > self.now_ms),
            "deadline lies in the future"
        );
        for effect in effects {
            match effect {
                Effect::Reply(ticket, answer) => {
                    assert!(self.answers.insert(ticket, answer).is_none(), "{ticket:?} answered twice");
                }
                Effect::Store { sequence, value } => {
                    self.writes.push((sequence, value));
                    if self.writes_succeed {
                        self.feed(Event::Stored { sequence, error: None });
                    }
                }
            }
        }
    }

    /// Lets time pass, stopping at every deadline.
    fn pass(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while let Some(deadline) = self.group.deadline().filter(|deadline| *deadline <= end) {
            self.now_ms = deadline;
            self.feed(Event::Tick);
        }
        self.now_ms = end;
    }

    fn send_join(&mut self, join: Join) -> Ticket {
        let ticket = self.ticket();
        self.feed(Event::Join(Join { ticket, ..join }));
        ticket
    }

    fn join_answer(&self, ticket: Ticket) -> &JoinAnswer {
        match self.answers.get(&ticket) {
            Some(Answer::Join(answer)) => answer,
            other => panic!("no join answer but {other:?}"),
        }
    }

    fn is_parked(&self, ticket: Ticket) -> bool {
        !self.answers.contains_key(&ticket)
    }

    fn send_sync(&mut self, member: &str, generation: i32, assignments: &[(&str, &'static [u8])]) -> Ticket {
        let assignments =
            assignments.iter().map(|(id, bytes)| ((*id).to_owned(), Bytes::from_static(bytes))).collect();
        self.sync_with(Sync { assignments, ..sync(member, generation) })
    }

    fn sync_with(&mut self, sync: Sync) -> Ticket {
        let ticket = self.ticket();
        self.feed(Event::Sync(Sync { ticket, ..sync }));
        ticket
    }

    fn sync_answer(&self, ticket: Ticket) -> &SyncAnswer {
        match self.answers.get(&ticket) {
            Some(Answer::Sync(answer)) => answer,
            other => panic!("no sync answer but {other:?}"),
        }
    }

    fn heartbeat(&mut self, member: &str, generation: i32) -> ErrorCode {
        self.heartbeat_as(identity(member, None), generation)
    }

    fn heartbeat_as(&mut self, identity: Identity, generation: i32) -> ErrorCode {
        let ticket = self.ticket();
        self.feed(Event::Heartbeat { ticket, identity, generation });
        match self.answers.get(&ticket) {
            Some(Answer::Heartbeat(code)) => *code,
            other => panic!("no heartbeat answer but {other:?}"),
        }
    }

    fn leave(&mut self, leavers: Vec<Identity>) -> Result<Vec<ErrorCode>, ErrorCode> {
        let ticket = self.ticket();
        self.feed(Event::Leave { ticket, leavers });
        match self.answers.get(&ticket) {
            Some(Answer::Leave(answer)) => answer.clone(),
            other => panic!("no leave answer but {other:?}"),
        }
    }

    fn commit(&mut self, member: &str, instance: Option<&str>, generation: i32) -> ErrorCode {
        let identity = identity(member, instance);
        match self.group.check_commit(&identity, generation, moment(self.now_ms)) {
            Ok(()) => ErrorCode::None,
            Err(error) => error,
        }
    }

    /// A stable group of the named members, the first leading; each one's assignment is its own name.
    fn stable(names: &[&'static str]) -> Self {
        let mut bench = Self::new();
        let mut generation = 0;
        for (count, name) in names.iter().enumerate() {
            let ticket = bench.send_join(newcomer(name));
            for known in names.iter().take(count) {
                bench.send_join(returning(known));
            }
            generation = bench.join_answer(ticket).generation;
        }
        let assignments: Vec<(&str, &'static [u8])> =
            names.iter().map(|name| (*name, name.as_bytes())).collect();
        bench.send_sync(names[0], generation, &assignments);
        for name in &names[1..] {
            bench.send_sync(name, generation, &[]);
        }
        assert_eq!(bench.group.state(), State::Stable);
        bench
    }
}

fn moment(now_ms: u64) -> Moment {
    Moment { tick_ms: now_ms, wall_ms: 1_700_000_000_000 + i64::try_from(now_ms).unwrap() }
}

fn identity(member: &str, instance: Option<&str>) -> Identity {
    Identity { member_id: member.to_owned(), instance_id: instance.map(str::to_owned) }
}

fn protocol(name: &str) -> Protocol {
    Protocol { name: name.to_owned(), metadata: Bytes::copy_from_slice(name.as_bytes()) }
}

/// An old client's first join: admitted at once under the given id.
fn newcomer(id: &str) -> Join {
    Join {
        ticket: Ticket(0),
        identity: identity("", None),
        fresh_member_id: id.to_owned(),
        client_id: "client".to_owned(),
        client_host: "/127.0.0.1".to_owned(),
        session_timeout_ms: SESSION_MS,
        rebalance_timeout_ms: REBALANCE_MS,
        protocol_type: "consumer".to_owned(),
        protocols: vec![protocol("range")],
        member_id_required: false,
        skip_assignment: false,
    }
}

fn returning(id: &str) -> Join {
    Join { identity: identity(id, None), ..newcomer("unused") }
}

fn static_join(instance: &str, id: &str) -> Join {
    Join { identity: identity("", Some(instance)), ..newcomer(id) }
}

fn sync(member: &str, generation: i32) -> Sync {
    Sync {
        ticket: Ticket(0),
        identity: identity(member, None),
        generation,
        protocol_type: None,
        protocol_name: None,
        assignments: Vec::new(),
    }
}
