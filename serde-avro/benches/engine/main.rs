//! Compares the engine with its peers on one record.
//!
//! Every case is timed in turn, for a few milliseconds, in many rounds; what is printed are medians over the rounds of
//! the calling thread's CPU time, and ratios of them. Run with `cargo bench -p assay-serde-avro --bench engine`, with
//! the number of rounds as argument (25 unless given). Another argument leaves only the case of that name,
//! or those whose name contains it.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::cast_precision_loss,
    clippy::too_many_lines,
    reason = "a benchmark stops at the first fault, prints, and lists its cases"
)]

mod model;

use std::hint::black_box;
use std::time::{Duration, Instant};

use apache_avro_direct::reader::datum::GenericDatumReader;
use apache_avro_direct::writer::datum::GenericDatumWriter;
use assay_schema_core::avro::{ParseMode, Schema};
use assay_serde_avro::Plan;

use model::{Order, OrderRef, OrderV2, READER, WRITER, sample};

const FRAME: [u8; 5] = [0, 0, 0, 0, 7];

struct Case<'a> {
    name: &'static str,
    run: Box<dyn FnMut() + 'a>,
    nanos: Vec<f64>,
}

impl Case<'_> {
    fn median(&self) -> f64 {
        let mut sorted = self.nanos.clone();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    fn spread(&self) -> (f64, f64) {
        let mut sorted = self.nanos.clone();
        sorted.sort_by(f64::total_cmp);
        (sorted[sorted.len() / 4], sorted[sorted.len() * 3 / 4])
    }
}

fn thread_cpu_nanos() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

fn time(case: &mut Case<'_>, slice: Duration) {
    let (start, wall) = (thread_cpu_nanos(), Instant::now());
    let mut calls = 0u32;
    while wall.elapsed() < slice {
        for _ in 0..200 {
            (case.run)();
        }
        calls += 200;
    }
    case.nanos.push((thread_cpu_nanos() - start) / f64::from(calls));
}

fn main() {
    let rounds = std::env::args().find_map(|a| a.parse().ok()).unwrap_or(25usize);
    let order = sample();
    let writer_schema = Schema::parse(WRITER, ParseMode::Strict).unwrap();
    let reader_schema = Schema::parse(READER, ParseMode::Strict).unwrap();
    let plan = Plan::compile(&writer_schema).unwrap();
    let evolved = Plan::resolve(&writer_schema, &reader_schema).unwrap();
    let body = plan.encode_to_vec(&order).unwrap();
    assert_eq!(body.len(), 262);
    assert_eq!(plan.decode::<Order>(&body).unwrap(), order);

    let fast: serde_avro_fast::Schema = WRITER.parse().unwrap();
    let mut fast_config = serde_avro_fast::ser::SerializerConfig::new(&fast);
    let apache = apache_avro_direct::Schema::parse_str(WRITER).unwrap();
    let apache_writer = GenericDatumWriter::builder(&apache).build().unwrap();
    let apache_reader = GenericDatumReader::builder(&apache).build().unwrap();
    let buffer = || Vec::with_capacity(1024);
    let (mut ours, mut fasts, mut apaches) = (buffer(), buffer(), buffer());

    let mut cases: Vec<Case<'_>> = Vec::new();
    macro_rules! case {
        ($name:literal, $run:expr) => {
            cases.push(Case { name: $name, run: Box::new($run), nanos: Vec::new() })
        };
    }
    case!("encode", || {
        ours.clear();
        ours.extend_from_slice(&FRAME);
        plan.encode(black_box(&order), &mut ours).unwrap();
        black_box(&ours);
    });
    case!("encode: serde_avro_fast", || {
        fasts.clear();
        fasts.extend_from_slice(&FRAME);
        serde_avro_fast::to_datum(black_box(&order), &mut fasts, &mut fast_config).unwrap();
        black_box(&fasts);
    });
    case!("encode: apache-avro", || {
        apaches.clear();
        apaches.extend_from_slice(&FRAME);
        apache_writer.write_ser(&mut apaches, black_box(&order)).unwrap();
        black_box(&apaches);
    });
    case!("decode owned", || {
        black_box(plan.decode::<Order>(black_box(&body)).unwrap());
    });
    case!("decode owned: serde_avro_fast", || {
        black_box(serde_avro_fast::from_datum_slice::<Order>(black_box(&body), &fast).unwrap());
    });
    case!("decode owned: apache-avro", || {
        black_box(apache_reader.read_deser::<Order>(&mut black_box(&body[..])).unwrap());
    });
    case!("decode borrowed", || {
        black_box(plan.decode::<OrderRef<'_>>(black_box(&body)).unwrap());
    });
    case!("decode borrowed: serde_avro_fast", || {
        black_box(serde_avro_fast::from_datum_slice::<OrderRef<'_>>(black_box(&body), &fast).unwrap());
    });
    case!("decode evolved", || {
        black_box(evolved.decode::<OrderV2>(black_box(&body)).unwrap());
    });
    case!("validate", || {
        plan.validate(black_box(&body)).unwrap();
    });

    let only = std::env::args().skip(1).find(|a| !a.starts_with("--") && a.parse::<usize>().is_err());
    let exact = only.as_ref().is_some_and(|only| cases.iter().any(|case| case.name == only));
    cases.retain(|case| {
        only.as_ref().is_none_or(|only| if exact { case.name == only } else { case.name.contains(only) })
    });
    for case in &mut cases {
        for _ in 0..2_000 {
            (case.run)();
        }
    }
    for _ in 0..rounds {
        for case in &mut cases {
            time(case, Duration::from_millis(20));
        }
    }
    print(&cases, rounds);
}

fn print(cases: &[Case<'_>], rounds: usize) {
    println!("{rounds} interleaved rounds, thread CPU time, ns per call: median (quartiles)");
    for case in cases {
        let (low, high) = case.spread();
        println!("{:36} {:7.0} ({low:.0}-{high:.0})", case.name, case.median());
    }
    let median = |name: &str| cases.iter().find(|c| c.name == name).map_or(f64::NAN, Case::median);
    let ratio = |text: &str, peer: &str, own: &str, goal: &str| {
        println!("{text:52} {:5.2}  (goal {goal})", median(peer) / median(own));
    };
    println!();
    ratio("encode, times as fast as serde_avro_fast", "encode: serde_avro_fast", "encode", "at least 1.8");
    ratio("encode, times as fast as apache-avro", "encode: apache-avro", "encode", "at least 3");
    let owned = "decode owned: serde_avro_fast";
    let borrowed = "decode borrowed: serde_avro_fast";
    ratio("decode owned, times as fast as serde_avro_fast", owned, "decode owned", "at least 1.2");
    ratio("decode borrowed, times as fast as serde_avro_fast", borrowed, "decode borrowed", "at least 1.4");
    ratio("decode evolved, part of serde_avro_fast's owned", "decode evolved", owned, "at most 1.45");
    ratio("validate, part of serde_avro_fast's borrowed", "validate", borrowed, "at most 0.4");
}
