//! Fetch sessions (KIP-227): the broker remembers what a consumer fetches, so that each request names only what
//! changed and each answer carries only partitions with news.
//!
//! A session is a list of partitions in the order in which they are served; one that returned records goes to the end, so
//! that none starves. Bounds: [`SESSIONS_MAX`] sessions, [`PARTITIONS_MAX`] partitions over all. Without room a session is
//! declined, which clients take as "send full requests". A session idle for [`EVICTABLE_AFTER`] gives way to a new one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use uuid::Uuid;

use crate::protocol::ErrorCode;
use crate::protocol::messages::fetch::{FetchPartition, PartitionData};

/// Most sessions (`max.incremental.fetch.session.cache.slots`).
const SESSIONS_MAX: usize = 1000;
/// Most partitions in all sessions together.
const PARTITIONS_MAX: usize = 500_000;
/// A session that idled for so long may be dropped for another.
const EVICTABLE_AFTER: Duration = Duration::from_mins(2);
/// Epoch of a request that wants no session, or the end of one.
const FINAL_EPOCH: i32 = -1;
/// Epoch of a request that wants a new session.
const INITIAL_EPOCH: i32 = 0;

/// A topic as the client names it: by name, or by id.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct TopicKey {
    pub(crate) name: Arc<str>,
    pub(crate) id: Uuid,
}

/// One partition to fetch.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) topic: TopicKey,
    pub(crate) request: FetchPartition,
}

/// What a request asks of sessions.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) session_id: i32,
    pub(crate) epoch: i32,
    /// Topics are named by id.
    pub(crate) by_id: bool,
    pub(crate) parts: Vec<Part>,
    pub(crate) forgotten: Vec<(TopicKey, i32)>,
}

/// What to fetch, and what to do with the outcome.
#[derive(Debug)]
pub(crate) struct Fetching {
    pub(crate) parts: Vec<Part>,
    /// 0 without a session.
    pub(crate) session_id: i32,
    /// Next epoch of the session at this time: a later request makes the outcome stale.
    epoch: i32,
    incremental: bool,
}

#[derive(Debug)]
struct Remembered {
    part: Part,
    high_watermark: i64,
    log_start_offset: i64,
}

#[derive(Debug)]
struct Session {
    next_epoch: i32,
    by_id: bool,
    used: Instant,
    order: BTreeMap<u64, Remembered>,
    places: HashMap<(TopicKey, i32), u64>,
    next_place: u64,
}

#[derive(Debug, Default)]
struct Cache {
    sessions: HashMap<i32, Session>,
    partitions: usize,
    last_id: i32,
}

/// All sessions of a broker.
#[derive(Debug, Default)]
pub(crate) struct FetchSessions(Mutex<Cache>);

impl FetchSessions {
    /// Opens, continues or ends a session as asked, and says what to fetch.
    pub(crate) fn begin(&self, asked: Asked, now: Instant) -> Result<Fetching, ErrorCode> {
        let mut cache = self.cache();
        match (asked.session_id, asked.epoch) {
            (id, INITIAL_EPOCH) => {
                cache.remove(id);
                Ok(cache.open(asked, now))
            }
            (id, FINAL_EPOCH) => {
                cache.remove(id);
                Ok(Fetching { parts: asked.parts, session_id: 0, epoch: FINAL_EPOCH, incremental: false })
            }
            _ => cache.resume(asked, now),
        }
    }

    /// Remembers what is answered and leaves out what is no news to the session.
    pub(crate) fn finish(
        &self,
        fetching: &Fetching,
        answers: Vec<(TopicKey, PartitionData)>,
    ) -> Vec<(TopicKey, PartitionData)> {
        let mut cache = self.cache();
        let session = cache.sessions.get_mut(&fetching.session_id);
        let Some(session) = session.filter(|session| session.next_epoch == fetching.epoch) else {
            return answers;
        };
        let news =
            answers.into_iter().filter(|(topic, data)| session.is_news(topic, data) || !fetching.incremental);
        news.collect()
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Cache {
    fn remove(&mut self, id: i32) {
        if let Some(session) = self.sessions.remove(&id) {
            self.partitions -= session.order.len();
        }
    }

    /// A new session over all of `asked`, or none when there is no room or nothing to remember.
    fn open(&mut self, asked: Asked, now: Instant) -> Fetching {
        let mut session = Session::new(asked.by_id, now);
        for part in &asked.parts {
            session.add(part.clone());
        }
        let count = session.order.len();
        let declined = Fetching { parts: asked.parts, session_id: 0, epoch: FINAL_EPOCH, incremental: false };
        if count == 0 || !self.make_room(count, now) {
            return declined;
        }
        let id = self.free_id();
        self.partitions += count;
        self.sessions.insert(id, session);
        Fetching { session_id: id, epoch: 1, ..declined }
    }

    fn make_room(&mut self, partitions: usize, now: Instant) -> bool {
        while self.sessions.len() >= SESSIONS_MAX || self.partitions + partitions > PARTITIONS_MAX {
            let oldest = self.sessions.iter().min_by_key(|(_, session)| session.used);
            match oldest {
                Some((id, session)) if now.saturating_duration_since(session.used) >= EVICTABLE_AFTER => {
                    let id = *id;
                    self.remove(id);
                }
                _ => return false,
            }
        }
        true
    }

    /// Ids count up from a start that differs between processes: a client of an earlier one is told 70, not served another's.
    fn free_id(&mut self) -> i32 {
        if self.last_id == 0 {
            let (high, _) = Uuid::new_v4().as_u64_pair();
            self.last_id = i32::try_from(high >> 33).unwrap_or(0);
        }
        loop {
            self.last_id = self.last_id.checked_add(1).unwrap_or(1).max(1);
            if !self.sessions.contains_key(&self.last_id) {
                return self.last_id;
            }
        }
    }

    fn resume(&mut self, asked: Asked, now: Instant) -> Result<Fetching, ErrorCode> {
        let id = asked.session_id;
        let total = self.partitions;
        let session = self.sessions.get_mut(&id).ok_or(ErrorCode::FetchSessionIdNotFound)?;
        if session.next_epoch != asked.epoch {
            return Err(ErrorCode::InvalidFetchSessionEpoch);
        }
        if session.by_id != asked.by_id {
            return Err(ErrorCode::FetchSessionTopicIdError);
        }
        let before = session.order.len();
        for (topic, partition) in asked.forgotten {
            session.forget(&(topic, partition));
        }
        if total + asked.parts.len() > PARTITIONS_MAX {
            self.remove(id);
            return Err(ErrorCode::FetchSessionIdNotFound);
        }
        for part in asked.parts {
            session.add(part);
        }
        session.used = now;
        session.next_epoch = asked.epoch.checked_add(1).unwrap_or(1);
        let (epoch, count) = (session.next_epoch, session.order.len());
        let parts: Vec<Part> = session.order.values().map(|remembered| remembered.part.clone()).collect();
        self.partitions = total - before + count;
        if parts.is_empty() {
            self.remove(id);
            return Ok(Fetching { parts, session_id: 0, epoch: FINAL_EPOCH, incremental: false });
        }
        Ok(Fetching { parts, session_id: id, epoch, incremental: true })
    }
}

impl Session {
    fn new(by_id: bool, now: Instant) -> Self {
        let (order, places) = (BTreeMap::new(), HashMap::new());
        Self { next_epoch: 1, by_id, used: now, order, places, next_place: 0 }
    }

    /// Adds a partition at the end, or changes what is asked of it where it stands.
    fn add(&mut self, part: Part) {
        let key = (part.topic.clone(), part.request.partition);
        if let Some(remembered) = self.places.get(&key).and_then(|place| self.order.get_mut(place)) {
            remembered.part = part;
            return;
        }
        self.places.insert(key, self.next_place);
        self.order.insert(self.next_place, Remembered { part, high_watermark: -1, log_start_offset: -1 });
        self.next_place += 1;
    }

    fn forget(&mut self, key: &(TopicKey, i32)) {
        if let Some(place) = self.places.remove(key) {
            self.order.remove(&place);
        }
    }

    /// Whether `data` says something that the client does not know; remembers it as known.
    fn is_news(&mut self, topic: &TopicKey, data: &PartitionData) -> bool {
        let key = (topic.clone(), data.partition_index);
        let Some(place) = self.places.get(&key).copied() else { return true };
        let Some(remembered) = self.order.get_mut(&place) else { return true };
        let has_records = data.records.as_ref().is_some_and(|records| !records.is_empty());
        let moved = remembered.high_watermark != data.high_watermark
            || remembered.log_start_offset != data.log_start_offset;
        remembered.high_watermark = data.high_watermark;
        remembered.log_start_offset = data.log_start_offset;
        if has_records && let Some(remembered) = self.order.remove(&place) {
            self.order.insert(self.next_place, remembered);
            self.places.insert(key, self.next_place);
            self.next_place += 1;
        }
        has_records || moved || data.error_code != 0 || data.diverging_epoch.epoch >= 0
    }
}

#[cfg(test)]
mod tests;
