//! Finds the compiled schema of a record among 64, asked for in random order, as every decode does.
//!
//! Every case is timed in turn, in many rounds; what is printed are medians over the rounds of the calling thread's CPU time,
//! with the cost of the loop itself taken off. Run with `cargo bench -p assay-serde-avro --bench lookup`, with the number
//! of rounds as argument (25 unless given).
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a benchmark stops at the first fault, and prints"
)]

#[path = "../rounds/rounds.rs"]
mod rounds;

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::{Arc, RwLock};

use assay_registry_server::testing::Registry;
use assay_serde_avro::schema::SchemaId;
use assay_serde_avro::schema::rest::RegisterSchemaRequest;
use assay_serde_avro::{CachedClient, Deserializer, RegistryClient, SchemaKey};

use rounds::{Case, rounds};

const SCHEMAS: usize = 64;
const LOOKUPS: usize = 4096;

/// Registers schemas and loads them into a deserializer.
async fn loaded() -> (Registry, CachedClient, Deserializer<i64>, Vec<SchemaKey>) {
    let server = Registry::start().await.unwrap();
    let client = RegistryClient::new(&server.url()).unwrap();
    let registry = CachedClient::new(client.clone());
    let deserializer = Deserializer::<i64>::new(&registry);
    let mut keys = Vec::new();
    for number in 0..SCHEMAS {
        let schema = Some(format!(r#"{{"type":"record","name":"R{number}","fields":[]}}"#));
        let request = RegisterSchemaRequest { schema, ..RegisterSchemaRequest::default() };
        let registered = client.register_schema(&format!("s{number}"), &request, false).await.unwrap();
        let key = SchemaKey::Id(SchemaId::new(registered.id).unwrap());
        deserializer.load("", key).await.unwrap();
        keys.push(key);
    }
    (server, registry, deserializer, keys)
}

fn main() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (_server, registry, deserializer, keys) = runtime.block_on(loaded());
    let mut state = 0x2545_F491_4F6C_DD1D_u64;
    let order: Vec<SchemaKey> = std::iter::repeat_with(|| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        keys[usize::try_from(state % SCHEMAS as u64).unwrap()]
    })
    .take(LOOKUPS)
    .collect();
    let schemas = || keys.iter().map(|key| (*key, registry.known(*key).unwrap()));
    let locked: RwLock<HashMap<SchemaKey, Arc<_>>> = RwLock::new(schemas().collect());
    let cache = moka::sync::Cache::new(1000);
    for (key, schema) in schemas() {
        cache.insert(key, schema);
    }

    let mut cases = vec![
        Case::new("the loop alone", LOOKUPS, || {
            for key in &order {
                black_box(key);
            }
        }),
        Case::new("look-up of a decode", LOOKUPS, || {
            for key in &order {
                assert!(black_box(deserializer.is_loaded(*black_box(key))));
            }
        }),
        Case::new("CachedClient::known, counted reference out", LOOKUPS, || {
            for key in &order {
                black_box(registry.known(*black_box(key)).unwrap());
            }
        }),
        Case::new("RwLock<HashMap>", LOOKUPS, || {
            for key in &order {
                assert!(black_box(locked.read().unwrap().contains_key(black_box(key))));
            }
        }),
        Case::new("RwLock<HashMap>, counted reference out", LOOKUPS, || {
            for key in &order {
                black_box(locked.read().unwrap().get(black_box(key)).unwrap().clone());
            }
        }),
        Case::new("moka, counted reference out", LOOKUPS, || {
            for key in &order {
                black_box(cache.get(black_box(key)).unwrap());
            }
        }),
    ];
    let rounds = rounds();
    rounds::run(&mut cases, rounds);
    let alone = cases[0].median();
    println!("{rounds} interleaved rounds, thread CPU time, {SCHEMAS} ids in random order");
    println!("ns per look-up, the loop taken off: median (quartiles)");
    for case in cases.iter().skip(1) {
        let (low, high) = case.quartiles();
        println!("{:48} {:6.1} ({:.1}-{:.1})", case.name, case.median() - alone, low - alone, high - alone);
    }
    let own = cases[1].median() - alone;
    println!();
    println!("look-up of a decode                              {own:6.1} ns  (goal under 25)");
    println!("times as fast as RwLock<HashMap>                 {:6.2}", (cases[3].median() - alone) / own);
}
