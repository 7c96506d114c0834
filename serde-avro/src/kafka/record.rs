//! Records on their way to a topic.

use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};

use crate::dead_letter::Header;
use crate::wire::SchemaHeader;

/// A record to send. Without a partition its key chooses one, as in Java; without a key too, any.
#[derive(Debug, Clone)]
#[must_use]
pub struct Record<'a, K: ?Sized, V: ?Sized> {
    pub(super) topic: &'a str,
    pub(super) key: Option<&'a K>,
    pub(super) value: Option<&'a V>,
    pub(super) headers: Vec<Header>,
    pub(super) partition: Option<i32>,
    pub(super) timestamp_ms: Option<i64>,
}

impl<'a, K: ?Sized, V: ?Sized> Record<'a, K, V> {
    /// A record with a value.
    pub fn new(topic: &'a str, value: &'a V) -> Self {
        Self::with(topic, Some(value))
    }

    /// A record without a value. On a compacted topic it deletes what was sent before with its key.
    pub fn tombstone(topic: &'a str, key: &'a K) -> Self {
        Self::with(topic, None).key(key)
    }

    fn with(topic: &'a str, value: Option<&'a V>) -> Self {
        Self { topic, key: None, value, headers: Vec::new(), partition: None, timestamp_ms: None }
    }

    /// Sets the key.
    pub fn key(mut self, key: &'a K) -> Self {
        self.key = Some(key);
        self
    }

    /// Adds a header. Schema headers are added by the serializers.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Sends it to this partition.
    pub fn partition(mut self, partition: i32) -> Self {
        self.partition = Some(partition);
        self
    }

    /// Milliseconds since 1970; the time of sending unless set.
    pub fn timestamp_ms(mut self, timestamp: i64) -> Self {
        self.timestamp_ms = Some(timestamp);
        self
    }
}

/// Headers in librdkafka's form; nothing when there are none.
pub(super) fn headers(own: &[Header], schemas: &[SchemaHeader]) -> Option<OwnedHeaders> {
    if own.is_empty() && schemas.is_empty() {
        return None;
    }
    let room = OwnedHeaders::new_with_capacity(own.len() + schemas.len());
    let own = own.iter().fold(room, |headers, (name, value)| {
        headers.insert(KafkaHeader { key: name, value: value.as_deref() })
    });
    Some(schemas.iter().fold(own, |headers, schema| {
        headers.insert(KafkaHeader { key: schema.name, value: Some(&schema.value[..]) })
    }))
}
