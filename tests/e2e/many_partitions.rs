//! Ten thousand partitions in one process.

use std::time::Duration;

use harness::{Assay, Launch};
use rdkafka::consumer::{BaseConsumer, Consumer};

use crate::kafka::{LIMIT, client, create_topic, producer, read_all, send_to};

const TOPICS: usize = 10;
const PARTITIONS: i32 = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_partitions_are_listed_written_read_and_found_again() {
    let assay = Assay::start().unwrap();
    for topic in 0..TOPICS {
        create_topic(&assay.broker, &format!("many-{topic}"), PARTITIONS, &[]).await;
    }
    let steady = producer(&assay.broker, &[]);
    let sends: Vec<_> = (0..PARTITIONS)
        .map(|partition| {
            let steady = steady.clone();
            tokio::spawn(async move { send_to(&steady, "many-0", partition, b"x").await })
        })
        .collect();
    for one in sends {
        assert_eq!(one.await.unwrap().unwrap().1, 0);
    }
    let (status, _, log, data) = assay.terminate().unwrap();
    assert!(status.success(), "{log}");
    let again = Launch::default().on(data).start().unwrap();
    again.logged("clean=true").unwrap();
    let watcher: BaseConsumer = client(&again.broker).create().unwrap();
    let metadata = watcher.fetch_metadata(None, LIMIT + Duration::from_secs(30)).unwrap();
    let counts: Vec<_> = metadata
        .topics()
        .iter()
        .filter(|topic| topic.name().starts_with("many-"))
        .map(|topic| topic.partitions().len())
        .collect();
    assert_eq!(counts, [usize::try_from(PARTITIONS).unwrap(); TOPICS]);
    let broker = again.broker.clone();
    let found = tokio::task::spawn_blocking(move || read_all(&broker, "many-0", PARTITIONS)).await.unwrap();
    let mut partitions: Vec<_> = found.iter().map(|record| record.partition).collect();
    partitions.sort_unstable();
    assert_eq!(partitions, (0..PARTITIONS).collect::<Vec<_>>(), "each partition has its record");
}
