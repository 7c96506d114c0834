//! Records as they were read.

use std::sync::Arc;

use rdkafka::Timestamp;
use rdkafka::message::{BorrowedMessage, Headers, Message as _, OwnedMessage};

use super::codec::Decoder;
use super::error::RecordError;
use crate::dead_letter::{Header, SourceRecord, TimestampType};
use crate::serializer::OwnedDatum;
use crate::wire::{Message, Part};

/// The bytes of a record and where it stood.
#[derive(Debug)]
pub(super) struct Raw {
    message: OwnedMessage,
    group: String,
}

impl Raw {
    pub(super) fn new(message: &BorrowedMessage<'_>, group: &str) -> Self {
        Self { message: message.detach(), group: group.to_owned() }
    }

    pub(super) fn topic(&self) -> &str {
        self.message.topic()
    }

    pub(super) fn partition(&self) -> i32 {
        self.message.partition()
    }

    pub(super) fn offset(&self) -> i64 {
        self.message.offset()
    }

    fn timestamp(&self) -> (i64, TimestampType) {
        match self.message.timestamp() {
            Timestamp::NotAvailable => (-1, TimestampType::CreateTime),
            Timestamp::CreateTime(ms) => (ms, TimestampType::CreateTime),
            Timestamp::LogAppendTime(ms) => (ms, TimestampType::LogAppendTime),
        }
    }

    /// The record in the form that dead letters are made of.
    pub(super) fn record(&self) -> SourceRecord<'_> {
        let (timestamp_ms, timestamp_type) = self.timestamp();
        SourceRecord {
            topic: self.topic(),
            partition: self.partition(),
            offset: self.offset(),
            timestamp_ms,
            timestamp_type,
            key: self.message.key(),
            value: self.message.payload(),
            headers: self.headers(),
            consumer_group: Some(&self.group),
        }
    }

    pub(super) fn headers(&self) -> Vec<Header> {
        let headers = self.message.headers().into_iter().flat_map(|headers| headers.iter());
        headers.map(|header| (header.key.to_owned(), header.value.map(<[u8]>::to_vec))).collect()
    }

    fn part(&self, part: Part) -> Option<Message<'_>> {
        let payload = match part {
            Part::Key => self.message.key(),
            Part::Value => self.message.payload(),
        }?;
        let headers = self.message.headers().into_iter().flat_map(|headers| headers.iter());
        let headers = headers.map(|header| (header.key, header.value));
        Some(Message::new(self.topic(), payload).with_headers(part, headers))
    }

    /// Decodes both parts. A key that fails hides a value that would fail too.
    pub(super) async fn decode<K: OwnedDatum, V: OwnedDatum>(
        self: &Arc<Self>,
        keys: &Decoder<K>,
        values: &Decoder<V>,
    ) -> Result<Received<K, V>, Box<RecordError>> {
        let failed = |part| move |source| Box::new(RecordError { part, source, raw: self.clone() });
        let key = match self.part(Part::Key) {
            Some(message) => Some(keys.decode(message, Part::Key).await.map_err(failed(Part::Key))?),
            None => None,
        };
        let value = match self.part(Part::Value) {
            Some(message) => Some(values.decode(message, Part::Value).await.map_err(failed(Part::Value))?),
            None => None,
        };
        Ok(Received { key, value, raw: self.clone() })
    }
}

/// A record that was read and decoded.
#[derive(Debug)]
pub struct Received<K, V> {
    key: Option<K>,
    value: Option<V>,
    raw: Arc<Raw>,
}

impl<K, V> Received<K, V> {
    /// The key, if there is one.
    pub fn key(&self) -> Option<&K> {
        self.key.as_ref()
    }

    /// The value; nothing in a tombstone.
    pub fn value(&self) -> Option<&V> {
        self.value.as_ref()
    }

    /// Key and value.
    pub fn into_parts(self) -> (Option<K>, Option<V>) {
        (self.key, self.value)
    }

    /// The topic it was read from.
    pub fn topic(&self) -> &str {
        self.raw.topic()
    }

    /// The partition it was read from.
    pub fn partition(&self) -> i32 {
        self.raw.partition()
    }

    /// Its offset in the partition.
    pub fn offset(&self) -> i64 {
        self.raw.offset()
    }

    /// Milliseconds since 1970; -1 when the record has none.
    pub fn timestamp_ms(&self) -> i64 {
        self.raw.timestamp().0
    }

    /// All headers, in order.
    pub fn headers(&self) -> Vec<Header> {
        self.raw.headers()
    }

    /// The record as it was read, for [`DeadLetter`](crate::DeadLetter) and
    /// [`RetryTopics::forward`](crate::RetryTopics::forward).
    pub fn record(&self) -> SourceRecord<'_> {
        self.raw.record()
    }

    pub(super) fn raw(&self) -> &Arc<Raw> {
        &self.raw
    }
}
