//! A struct to framed bytes and back through a warm cache, beside `schema_registry_converter`.
//!
//! Both sides are asynchronous, know the schema already and run on the same runtime, on the calling thread. Every case is timed in
//! turn, in many rounds; what is printed are medians over the rounds of that thread's CPU time. Run with
//! `cargo bench -p assay-serde-avro --bench whole_path`, with the number of rounds as argument (25 unless given).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::too_many_lines,
    reason = "a benchmark stops at the first fault, prints, and lists its cases"
)]

#[path = "../engine/model.rs"]
#[expect(dead_code, reason = "the engine's benchmark decodes it in more ways")]
mod model;
#[path = "../rounds/rounds.rs"]
mod rounds;

use std::hint::black_box;

use assay_registry_server::testing::Registry;
use assay_serde_avro::{CachedClient, Deserializer, Message, RegistryClient, Serializer, SubjectStrategy};
use schema_registry_converter::async_impl::avro::{AvroDecoder, AvroEncoder};
use schema_registry_converter::async_impl::schema_registry::SrSettings;
use schema_registry_converter::schema_registry_common::SubjectNameStrategy;

use model::{Order, WRITER, sample};
use rounds::{Case, rounds};

const TOPIC: &str = "orders";
/// Calls between two looks at the clock.
const CALLS: usize = 100;

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let order = sample();
    let server = runtime.block_on(Registry::start()).unwrap();
    let registry = CachedClient::new(RegistryClient::new(&server.url()).unwrap());
    let serializer = Serializer::<Order>::builder(&registry)
        .schema(WRITER)
        .subject(SubjectStrategy::TOPIC)
        .build()
        .unwrap();
    let deserializer = Deserializer::<Order>::new(&registry);
    let prepared = runtime.block_on(serializer.prepare(TOPIC)).unwrap();
    let framed = prepared.encode(&order).unwrap().payload;
    assert_eq!(framed.len(), 267);

    let encoder = AvroEncoder::new(SrSettings::new(server.url()));
    let decoder = AvroDecoder::new(SrSettings::new(server.url()));
    let subject = SubjectNameStrategy::TopicNameStrategy(TOPIC.to_owned(), false);
    let theirs = runtime.block_on(encoder.encode_struct(&order, &subject)).unwrap();
    assert_eq!(theirs.len(), framed.len());
    assert_eq!(runtime.block_on(deserializer.decode(&theirs)).unwrap(), order);

    let (mut buffer, mut sync_buffer) = (Vec::with_capacity(1024), Vec::with_capacity(1024));
    let mut cases = vec![
        Case::new("encode", CALLS, || {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    black_box(serializer.encode(TOPIC, black_box(&order)).await.unwrap());
                }
            });
        }),
        Case::new("encode into a reused buffer", CALLS, || {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    buffer.clear();
                    serializer.encode_into(TOPIC, black_box(&order), &mut buffer).await.unwrap();
                    black_box(&buffer);
                }
            });
        }),
        Case::new("prepared, into a reused buffer, synchronous", CALLS, || {
            for _ in 0..CALLS {
                sync_buffer.clear();
                prepared.encode_into(black_box(&order), &mut sync_buffer).unwrap();
                black_box(&sync_buffer);
            }
        }),
        Case::new("schema_registry_converter: encode_struct", CALLS, || {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    black_box(encoder.encode_struct(black_box(&order), &subject).await.unwrap());
                }
            });
        }),
        Case::new("decode", CALLS, || {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    black_box(deserializer.decode(black_box(&framed)).await.unwrap());
                }
            });
        }),
        Case::new("decode, a message with its topic", CALLS, || {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    let message = Message::new(TOPIC, black_box(&framed));
                    black_box(deserializer.decode(message).await.unwrap());
                }
            });
        }),
        Case::new("try_decode, synchronous", CALLS, || {
            for _ in 0..CALLS {
                black_box(deserializer.try_decode(black_box(&framed)).unwrap());
            }
        }),
        Case::new("schema_registry_converter: decode, from_value", CALLS, || {
            runtime.block_on(async {
                for _ in 0..CALLS {
                    let found = decoder.decode(Some(black_box(&framed))).await.unwrap();
                    black_box(apache_avro_direct::from_value::<Order>(&found.value).unwrap());
                }
            });
        }),
    ];
    let rounds = rounds();
    rounds::run(&mut cases, rounds);
    println!("{rounds} interleaved rounds, thread CPU time, ns per record of 267 bytes: median (quartiles)");
    for case in &cases {
        let (low, high) = case.quartiles();
        println!("{:48} {:7.0} ({low:.0}-{high:.0})", case.name, case.median());
    }
    let median = |name: &str| cases.iter().find(|case| case.name == name).map_or(f64::NAN, Case::median);
    println!();
    let encode = median("schema_registry_converter: encode_struct");
    for (name, goal) in [
        ("encode", ""),
        ("encode into a reused buffer", "  (goal at least 5)"),
        ("prepared, into a reused buffer, synchronous", ""),
    ] {
        println!("{name:48} {:5.2} times as fast{goal}", encode / median(name));
    }
    let decode = median("schema_registry_converter: decode, from_value");
    for (name, goal) in [
        ("decode", "  (goal at least 4)"),
        ("decode, a message with its topic", "  (goal at least 4)"),
        ("try_decode, synchronous", ""),
    ] {
        println!("{name:48} {:5.2} times as fast{goal}", decode / median(name));
    }
}
