//! What is measured: rounds in turns over the servers, and a table of medians.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use harness::{Launch, faults_binary, machine::resident_mib};

use crate::{
    Plan,
    load::{self, Throughput},
    page_cache::{evict, provide},
    report::{Rounds, say},
    servers::{KAFKA_HEAP, Server},
};

/// Time that Kafka's compiler gets before anything counts.
const WARM_UP: Duration = Duration::from_secs(30);
const SIZES: [(usize, &str); 3] = [(100, "100 B"), (1024, "1 KiB"), (10 * 1024, "10 KiB")];

/// What a topic is created with to be durable as a mode says.
fn durability(server: &Server, fsync: bool) -> Vec<(&'static str, &'static str)> {
    match (server, fsync) {
        // any number of messages and no time: left to the operating system
        (Server::Assay(_), false) => vec![("assay.durability", "os")],
        (Server::Kafka { .. }, true) => vec![("flush.messages", "1")],
        // what each does by itself
        (Server::Assay(_), true) | (Server::Kafka { .. }, false) | (Server::Sink { .. }, _) => vec![],
    }
}

fn warm(servers: &[Server]) -> Result<()> {
    for server in servers {
        let time = if server.name() == "Kafka" { WARM_UP } else { Duration::from_secs(2) };
        let began = Instant::now();
        for round in 0.. {
            let topic = format!("warm{round}");
            load::create(server, &topic, 1, &[])?;
            let bytes = if round % 2 == 0 { 1024 } else { 100 };
            let produced = load::produce(server, &topic, 1, bytes, time / 4, &[])?;
            if server.has_topics() {
                load::consume(server, &topic, 1, produced.messages)?;
            }
            load::delete(server, &topic)?;
            if began.elapsed() >= time {
                break;
            }
        }
    }
    Ok(())
}

/// Ours, Kafka unless it is not wanted, and for producers the sink.
fn servers(plan: &Plan, with_sink: bool) -> Result<Vec<Server>> {
    let mut servers = vec![Server::assay()?];
    if plan.kafka {
        servers.push(Server::kafka()?);
    }
    if with_sink {
        servers.push(Server::sink()?);
    }
    warm(&servers)?;
    Ok(servers)
}

#[derive(Debug, Default, Clone)]
struct Cell {
    rate: Rounds,
    cpu: Rounds,
}

impl Cell {
    fn add(&mut self, measured: Throughput) {
        self.rate.add(measured.per_second);
        self.cpu.add(measured.cpu_per_million);
    }
}

/// What is known of one row: the peers by name, ours first.
#[derive(Debug)]
struct Row(Vec<(&'static str, Cell)>);

impl Row {
    fn new(names: impl IntoIterator<Item = &'static str>) -> Self {
        Self(names.into_iter().map(|name| (name, Cell::default())).collect())
    }

    fn each(&self, value: impl Fn(&Cell) -> String) -> String {
        let values: Vec<_> = self.0.iter().map(|(_, cell)| value(cell)).collect();
        values.join(" / ")
    }

    /// Ours as a part of the peer's.
    fn of(&self, peer: &str, value: fn(&Cell) -> &Rounds) -> String {
        let theirs = self.0.iter().find(|(name, _)| *name == peer);
        match (self.0.first(), theirs) {
            (Some((_, ours)), Some((_, theirs))) => {
                format!("{:.2}", value(ours).median() / value(theirs).median())
            }
            _ => "-".to_owned(),
        }
    }

    fn say(&self, label: &str) {
        say(&format!(
            "| {label} | {} | {} | {} | {} | {} | {} |",
            self.each(|cell| cell.rate.shown(0)),
            self.of("Kafka", |cell| &cell.rate),
            self.of("sink", |cell| &cell.rate),
            self.each(|cell| cell.cpu.shown(2)),
            self.of("Kafka", |cell| &cell.cpu),
            self.of(STORED, |cell| &cell.cpu)
        ));
    }
}

/// The sink when it checks and writes what comes.
const STORED: &str = "storing sink";

fn head(row: &Row) {
    let names: Vec<_> = row.0.iter().map(|(name, _)| *name).collect();
    let names = names.join(" / ");
    say(&format!(
        "| | messages/s {names} | of Kafka | of the sink | server CPU s per million | of Kafka | of the storing sink |\n\
         |---|---|---|---|---|---|---|"
    ));
}

/// One producer, acks=all: throughput and server CPU.
pub(crate) fn produce(plan: &Plan) -> Result<()> {
    let servers = servers(plan, true)?;
    say(&format!(
        "\nproduce, acks=all, Kafka's heap {KAFKA_HEAP}, {} rounds of {} s",
        plan.rounds, plan.seconds
    ));
    let mut all: Vec<_> = servers.iter().map(|server| (server.name(), server)).collect();
    all.extend(servers.iter().filter(|server| !server.has_topics()).map(|server| (STORED, server)));
    head(&Row::new(all.iter().map(|(name, _)| *name)));
    let mut number = 0;
    for (fsync, mode) in [(false, "os"), (true, "fsync")] {
        for partitions in [1, 4] {
            for (bytes, shown) in SIZES {
                let label = format!("{mode}, {partitions} partitions, {shown}");
                if !label.contains(&plan.only) {
                    continue;
                }
                let mut row = Row::new(all.iter().map(|(name, _)| *name));
                for _ in 0..plan.rounds {
                    number += 1;
                    for ((name, server), (_, cell)) in all.iter().zip(&mut row.0) {
                        let topic = format!("p{number}{}", if *name == STORED { "-stored" } else { "" });
                        load::create(server, &topic, partitions, &durability(server, fsync))?;
                        let time = Duration::from_secs(plan.seconds);
                        cell.add(load::produce(server, &topic, partitions, bytes, time, &[])?);
                        load::delete(server, &topic)?;
                    }
                }
                row.say(&label);
            }
        }
    }
    Ok(())
}

/// One consumer from the beginning, with the log in the page cache and with it on the disk only.
pub(crate) fn consume(plan: &Plan) -> Result<()> {
    let servers = servers(plan, false)?;
    say(&format!("\nconsume, {} rounds", plan.rounds));
    head(&Row::new(servers.iter().map(Server::name)));
    for (bytes, shown) in SIZES.into_iter().filter(|(_, shown)| shown.contains(&plan.only)) {
        let messages = (400_u64 << 20) / bytes as u64;
        let messages = messages.min(1_500_000);
        let topic = format!("c{bytes}");
        for server in &servers {
            load::create(server, &topic, 1, &durability(server, false))?;
            load::fill(server, &topic, 1, bytes, messages)?;
        }
        for cold in [false, true] {
            let mut row = Row::new(servers.iter().map(Server::name));
            for _ in 0..plan.rounds {
                for (server, (_, cell)) in servers.iter().zip(&mut row.0) {
                    if cold {
                        evict(server.folder().context("folder")?)?;
                        provide(messages * bytes as u64)?;
                    }
                    cell.add(load::consume(server, &topic, 1, messages)?);
                }
            }
            let from = if cold { "disk (evicted by fadvise)" } else { "cache" };
            row.say(&format!("{shown}, from {from}"));
        }
        for server in &servers {
            load::delete(server, &topic)?;
        }
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "an index into the values"
)]
fn percentile(sorted: &[f64], part: f64) -> f64 {
    sorted.get((sorted.len() as f64 * part) as usize).copied().unwrap_or(f64::NAN)
}

/// From send to the consumer's hand at a fixed rate.
pub(crate) fn latency(plan: &Plan) -> Result<()> {
    let servers = servers(plan, false)?;
    say("\nend to end, 100 B, one partition");
    say("| | p50 ms assay / Kafka | of Kafka | p99 ms assay / Kafka | of Kafka |\n|---|---|---|---|---|");
    for (fsync, mode) in [(false, "os"), (true, "fsync")] {
        for rate in [200, 1_000] {
            let mut found = vec![(Rounds::default(), Rounds::default()); servers.len()];
            for round in 0..plan.rounds {
                for (server, (middle, high)) in servers.iter().zip(&mut found) {
                    let topic = format!("l{mode}{rate}-{round}");
                    load::create(server, &topic, 1, &durability(server, fsync))?;
                    let sorted = load::latencies(server, &topic, rate, Duration::from_secs(plan.seconds))?;
                    middle.add(percentile(&sorted, 0.5));
                    high.add(percentile(&sorted, 0.99));
                    load::delete(server, &topic)?;
                }
            }
            let [(our_p50, our_p99), (their_p50, their_p99)] = found.as_slice() else { continue };
            say(&format!(
                "| {mode}, {rate}/s | {} / {} | {:.2} | {} / {} | {:.2} |",
                our_p50.shown(2),
                their_p50.shown(2),
                our_p50.median() / their_p50.median(),
                our_p99.shown(2),
                their_p99.shown(2),
                our_p99.median() / their_p99.median()
            ));
        }
    }
    Ok(())
}

/// Records of 10 KiB that make 10 GiB.
const FILL_RECORDS: u64 = 1 << 20;

/// Start on an empty folder, start after a kill with a log, and idle memory.
pub(crate) fn start(plan: &Plan) -> Result<()> {
    say("\nstart until metadata is answered, and idle memory");
    say("| | assay | Kafka | times faster |\n|---|---|---|---|");
    let starts: [fn() -> Result<Server>; 2] = [Server::assay, Server::kafka];
    let (mut fresh, mut idle, mut killed) = (Vec::new(), Vec::new(), Vec::new());
    for start in starts {
        let (mut times, mut again) = (Rounds::default(), Rounds::default());
        let server = start()?;
        idle.push(resident_mib(server.pid())?);
        load::create(&server, "t", 1, &[])?;
        load::fill(&server, "t", 1, 10 * 1024, FILL_RECORDS)?;
        let mut server = server;
        for _ in 0..plan.rounds {
            let restarted = server.kill_and_restart()?;
            again.add(restarted.1);
            server = restarted.0;
        }
        drop(server);
        for _ in 0..plan.rounds {
            times.add(start_seconds(start)?);
        }
        fresh.push(times);
        killed.push(again);
    }
    for (label, times) in [("fresh folder, s", &fresh), ("after kill -9 with 10 GiB of log, s", &killed)] {
        let [ours, theirs] = times.as_slice() else { continue };
        let ratio = theirs.median() / ours.median();
        say(&format!("| {label} | {} | {} | {ratio:.0} |", ours.shown(3), theirs.shown(3)));
    }
    if let [ours, theirs] = idle.as_slice() {
        say(&format!("| idle memory, MiB | {ours:.1} | {theirs:.1} | {:.0} |", theirs / ours));
    }
    Ok(())
}

/// Spawn to the first answer. Kafka's folder is formatted before, which is not counted.
fn start_seconds(start: fn() -> Result<Server>) -> Result<f64> {
    let server = start()?;
    // a formatted or fresh folder without a topic: the second start does the same work
    let (_server, seconds) = server.kill_and_restart()?;
    Ok(seconds)
}

/// What waiting for the disk costs: `fsync` against `os`, as the disk is and with syncs of 5 ms.
pub(crate) fn sync(plan: &Plan) -> Result<()> {
    say("\nfsync against os, 1 KiB, four partitions, idempotent, five requests in flight");
    say("| disk | os messages/s | fsync messages/s | fsync of os |\n|---|---|---|---|");
    let settings = [("enable.idempotence", "true"), ("max.in.flight.requests.per.connection", "5")];
    let mut disks = vec![("as it is", Server::assay()?)];
    match faults_binary() {
        Some(program) => {
            let slow = Launch::default().program(program).env("ASSAY_FAULT_SYNC_DELAY_MS", "5");
            disks.push(("syncs take 5 ms longer", Server::assay_as(slow)?));
        }
        None => say("(no ASSAY_FAULTS_BIN: a slow disk is not measured)"),
    }
    for (label, server) in &disks {
        let mut cells = [Cell::default(), Cell::default()];
        for round in 0..plan.rounds {
            for (fsync, cell) in [false, true].into_iter().zip(&mut cells) {
                let topic = format!("s{round}{fsync}");
                load::create(server, &topic, 4, &durability(server, fsync))?;
                let time = Duration::from_secs(plan.seconds);
                cell.add(load::produce(server, &topic, 4, 1024, time, &settings)?);
                load::delete(server, &topic)?;
            }
        }
        let [os, fsync] = &cells;
        let ratio = fsync.rate.median() / os.rate.median();
        say(&format!("| {label} | {} | {} | {ratio:.2} |", os.rate.shown(0), fsync.rate.shown(0)));
    }
    Ok(())
}
