//! The consumer of the kill rounds: a static member of a group that reads, remembers and commits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, CommitMode, Consumer},
};

use super::{GROUP, PARTITIONS, Shared, TOPIC};
use crate::kafka::{LIMIT, client};

/// Records between two commits.
const COMMIT_EVERY: usize = 20;

/// A consumer at work on a thread of its own.
pub(super) struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Reader {
    pub(super) fn start(broker: &str, shared: Shared) -> Self {
        let consumer: BaseConsumer = client(broker)
            .set("group.id", GROUP)
            // the member of the round before is replaced at once instead of waited for
            .set("group.instance.id", "reader")
            .set("auto.offset.reset", "earliest")
            .set("enable.auto.commit", "false")
            .create()
            .unwrap();
        consumer.subscribe(&[TOPIC]).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || read(&consumer, &shared, &stopped));
        Self { stop, thread }
    }

    /// Tells it to end, after the broker's death. It is not waited for: a commit without a broker takes its time to fail.
    pub(super) fn stop(self) {
        if self.thread.is_finished() {
            self.thread.join().expect("the reader goes on until it is told to stop");
        }
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn read(consumer: &BaseConsumer, shared: &Shared, stopped: &AtomicBool) {
    let mut since_commit = 0;
    while !stopped.load(Ordering::Relaxed) {
        // errors are the kill itself; whatever else is wrong shows as records or commits that are missing
        let Some(Ok(message)) = consumer.poll(Duration::from_millis(20)) else { continue };
        let value = String::from_utf8(message.payload().unwrap().to_vec()).expect("a torn record");
        let place = (message.partition(), message.offset());
        let before = shared.lock().unwrap().consumed.insert(place, value.clone());
        assert!(before.is_none_or(|before| before == value), "{place:?} has another value than before");
        since_commit += 1;
        if since_commit >= COMMIT_EVERY {
            since_commit = 0;
            if consumer.commit_message(&message, CommitMode::Sync).is_ok() {
                let mut shared = shared.lock().unwrap();
                let committed = shared.committed.entry(place.0).or_default();
                *committed = (place.1 + 1).max(*committed);
            }
        }
    }
}

/// The committed offsets of the group, of the partitions that have one.
pub(super) fn committed(broker: &str) -> Vec<(i32, i64)> {
    let consumer: BaseConsumer = client(broker).set("group.id", GROUP).create().unwrap();
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        list.add_partition(TOPIC, partition);
    }
    let found = consumer.committed_offsets(list, LIMIT).unwrap();
    let offset = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| match element.offset()
    {
        Offset::Offset(offset) => Some((element.partition(), offset)),
        _ => None,
    };
    found.elements().iter().filter_map(offset).collect()
}
