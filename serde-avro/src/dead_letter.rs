//! Records that cannot be processed, as other tools expect to find them in a dead-letter topic.
//!
//! Key, value and headers are those of the failed record, byte for byte: nothing is encoded again. What went wrong goes into
//! headers, whose names and encodings follow one of three conventions:
//!
//! | style | names | numbers |
//! |---|---|---|
//! | [`Style::Connect`] | `__connect.errors.*` | decimal text |
//! | [`Style::Spring`] | `kafka_dlt-*`; of retry topics `kafka_original-*`, `kafka_exception-*` | big-endian |
//! | [`Style::Streams`] | `__streams.errors.*` (KIP-1034) | decimal text |
//!
//! Two more headers serve all styles: [`SCHEMA_HEADER`] where the schema of the record is known, else
//! [`FIRST_BYTES_HEADER`].

use crate::error::{Disposition, Error};
use crate::wire::Part;

/// Header with the id or GUID of the schema that the record names, as text.
pub const SCHEMA_HEADER: &str = "assay.dlq.schema";
/// Header with the first bytes of the failed part in hexadecimal digits, where it names no schema.
pub const FIRST_BYTES_HEADER: &str = "assay.dlq.first.bytes";
/// Bytes that [`FIRST_BYTES_HEADER`] shows.
const FIRST_BYTES: usize = 16;
/// Longest header text of a failure, in bytes: a record with its headers has to fit a broker's limit.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// What a timestamp of a record stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TimestampType {
    /// The producer set it.
    #[default]
    CreateTime,
    /// The broker set it.
    LogAppendTime,
}

/// A header of a record; its value may be absent.
pub type Header = (String, Option<Vec<u8>>);

/// A record as a consumer got it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SourceRecord<'a> {
    /// Topic it was read from.
    pub topic: &'a str,
    /// Partition it was read from.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp in milliseconds since 1970.
    pub timestamp_ms: i64,
    /// What the timestamp stands for.
    pub timestamp_type: TimestampType,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: Vec<Header>,
    /// The group that consumed it.
    pub consumer_group: Option<&'a str>,
}

/// A record to produce.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingRecord {
    /// Topic to send it to.
    pub topic: String,
    /// Partition to send it to; left to the producer when absent, or when the topic has no such partition.
    pub partition: Option<i32>,
    /// Its timestamp in milliseconds since 1970; the time of sending when absent.
    pub timestamp_ms: Option<i64>,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Its headers.
    pub headers: Vec<Header>,
}

/// What went wrong with a record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{class}: {message}")]
pub struct Failure {
    /// Kind of the error, such as `assay_serde_avro::Error::Decode`.
    pub class: String,
    /// Kind of the innermost cause, where there is one.
    pub cause_class: Option<String>,
    /// The error in words.
    pub message: String,
    /// The error and all its causes, a line each.
    pub trace: String,
    /// What to do with the record.
    pub disposition: Disposition,
    /// The schema that the record names, where that is known.
    schema: Option<String>,
}

impl Failure {
    /// A failure of the program's own. `class` names its kind.
    pub fn new(class: impl Into<String>, error: &dyn std::error::Error, disposition: Disposition) -> Self {
        let message = error.to_string();
        let mut trace = message.clone();
        let mut cause = error.source();
        while let Some(error) = cause {
            trace.push_str("\nCaused by: ");
            trace.push_str(&error.to_string());
            cause = error.source();
        }
        Self {
            class: class.into(),
            cause_class: None,
            message: cut(message),
            trace: cut(trace),
            disposition,
            schema: None,
        }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        // the name of the variant is the start of its Debug form
        let debug = format!("{error:?}");
        let variant: String = debug.chars().take_while(char::is_ascii_alphanumeric).collect();
        let cause_class = match error {
            Error::Decode { .. } => Some("assay_serde_avro::DecodeError"),
            Error::Encode { .. } => Some("assay_serde_avro::EncodeError"),
            Error::Resolution { .. } => Some("assay_serde_avro::PlanError"),
            _ => error.response().map(|_| "assay_serde_avro::ErrorResponse"),
        };
        Self {
            schema: error.schema_key().map(|key| key.to_string()),
            cause_class: cause_class.map(str::to_owned),
            ..Self::new(format!("assay_serde_avro::Error::{variant}"), error, error.disposition())
        }
    }
}

/// Puts a header in the place of all others of its name.
pub(crate) fn replace(headers: &mut Vec<Header>, name: &str, value: &[u8]) {
    headers.retain(|(found, _)| found != name);
    headers.push((name.to_owned(), Some(value.to_vec())));
}

fn cut(mut text: String) -> String {
    if text.len() > TEXT_BYTES_MAX {
        let end = (0..=TEXT_BYTES_MAX).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
    }
    text
}

/// Whose convention the headers follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Style {
    /// Kafka Connect's sink connectors.
    Connect {
        /// Name of the connector.
        connector: String,
        /// Number of its task.
        task: u32,
    },
    /// Spring for Apache Kafka.
    Spring,
    /// Kafka Streams.
    Streams,
}

/// Builds the dead-letter record of a failed record.
///
/// ```
/// use assay_serde_avro::{DeadLetter, Error, SourceRecord, Style};
///
/// let record = SourceRecord { topic: "orders", offset: 5, value: Some(b"{}"), ..SourceRecord::default() };
/// let error = Error::NotFramed { first_byte: Some(b'{'), len: 2 };
/// let letter = DeadLetter::from_error(&record, &error).style(Style::Streams).build();
/// assert_eq!(letter.topic, "orders-dlt");
/// assert_eq!(letter.value.as_deref(), Some(&b"{}"[..]));
/// assert!(letter.headers.contains(&("__streams.errors.offset".into(), Some(b"5".to_vec()))));
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct DeadLetter<'a> {
    record: &'a SourceRecord<'a>,
    failure: Failure,
    style: Style,
    topic: Option<String>,
    part: Part,
    /// On its way through retry topics, for which Spring has other header names than for its plain dead letters.
    retried: bool,
}

impl<'a> DeadLetter<'a> {
    /// A dead letter in Spring's style, for topic `<topic>-dlt`.
    pub fn new(record: &'a SourceRecord<'a>, failure: impl Into<Failure>) -> Self {
        let failure = failure.into();
        Self { record, failure, style: Style::Spring, topic: None, part: Part::Value, retried: false }
    }

    /// The dead letter of a record that a serializer or deserializer refused.
    pub fn from_error(record: &'a SourceRecord<'a>, error: &Error) -> Self {
        Self::new(record, error)
    }

    /// Whose convention the headers follow. Default Spring's.
    pub fn style(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    /// The topic to send it to. Default `<topic>-dlt`.
    pub fn topic(mut self, topic: impl Into<String>) -> Self {
        self.topic = Some(topic.into());
        self
    }

    /// Which part of the record failed. Default the value.
    pub fn part(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// Uses the header names of Spring's retry topics, and keeps what they say of the first failure.
    pub(crate) fn retried(mut self) -> Self {
        self.retried = true;
        self
    }

    /// The record to produce.
    pub fn build(self) -> OutgoingRecord {
        let record = self.record;
        let mut headers = record.headers.clone();
        self.context(&mut headers);
        let (name, value) = self.origin();
        replace(&mut headers, &name, value.as_deref().unwrap_or_default());
        OutgoingRecord {
            topic: self.topic.unwrap_or_else(|| format!("{}-dlt", record.topic)),
            partition: (self.style == Style::Spring).then_some(record.partition),
            timestamp_ms: Some(record.timestamp_ms)
                .filter(|timestamp| self.style != Style::Spring && *timestamp >= 0),
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers,
        }
    }

    fn context(&self, headers: &mut Vec<Header>) {
        let mut text =
            |name: &str, value: &str| headers.push((name.to_owned(), Some(value.as_bytes().to_vec())));
        let Self { record, failure, .. } = self;
        match &self.style {
            Style::Connect { connector, task } => {
                text("__connect.errors.topic", record.topic);
                text("__connect.errors.partition", &record.partition.to_string());
                text("__connect.errors.offset", &record.offset.to_string());
                text("__connect.errors.connector.name", connector);
                text("__connect.errors.task.id", &task.to_string());
                text(
                    "__connect.errors.stage",
                    match self.part {
                        Part::Key => "KEY_CONVERTER",
                        Part::Value => "VALUE_CONVERTER",
                    },
                );
                text("__connect.errors.class.name", "assay_serde_avro::Deserializer");
                text("__connect.errors.exception.class.name", &failure.class);
                text("__connect.errors.exception.message", &failure.message);
                text("__connect.errors.exception.stacktrace", &failure.trace);
            }
            Style::Streams => {
                text("__streams.errors.exception", &failure.class);
                text("__streams.errors.message", &failure.message);
                text("__streams.errors.stacktrace", &failure.trace);
                text("__streams.errors.topic", record.topic);
                text("__streams.errors.partition", &record.partition.to_string());
                text("__streams.errors.offset", &record.offset.to_string());
            }
            Style::Spring => self.spring(headers),
        }
    }

    /// Where the record came from is added, or kept on its way through retry topics; what went wrong is replaced.
    fn spring(&self, headers: &mut Vec<Header>) {
        let Self { record, failure, .. } = self;
        let prefix = if self.retried { "kafka_" } else { "kafka_dlt-" };
        let mut failed =
            |name: &str, value: &str| replace(headers, &format!("{prefix}{name}"), value.as_bytes());
        let part = match self.part {
            Part::Key => "key-",
            Part::Value => "",
        };
        failed(&format!("{part}exception-fqcn"), &failure.class);
        if let Some(cause) = &failure.cause_class {
            failed("exception-cause-fqcn", cause);
        }
        failed(&format!("{part}exception-message"), &failure.message);
        failed(&format!("{part}exception-stacktrace"), &failure.trace);
        let timestamp_type = match record.timestamp_type {
            TimestampType::CreateTime => "CreateTime",
            TimestampType::LogAppendTime => "LogAppendTime",
        };
        let mut came_from = |name: String, value: &[u8]| {
            if !(self.retried && headers.iter().any(|(found, _)| *found == name)) {
                headers.push((name, Some(value.to_vec())));
            }
        };
        came_from(format!("{prefix}original-topic"), record.topic.as_bytes());
        came_from(format!("{prefix}original-partition"), &record.partition.to_be_bytes());
        came_from(format!("{prefix}original-offset"), &record.offset.to_be_bytes());
        came_from(format!("{prefix}original-timestamp"), &record.timestamp_ms.to_be_bytes());
        came_from(format!("{prefix}original-timestamp-type"), timestamp_type.as_bytes());
        if let Some(group) = record.consumer_group {
            came_from("kafka_dlt-original-consumer-group".to_owned(), group.as_bytes());
        }
    }

    fn origin(&self) -> Header {
        if let Some(schema) = &self.failure.schema {
            return (SCHEMA_HEADER.to_owned(), Some(schema.as_bytes().to_vec()));
        }
        let failed = match self.part {
            Part::Key => self.record.key,
            Part::Value => self.record.value,
        };
        let nibbles =
            failed.unwrap_or_default().iter().take(FIRST_BYTES).flat_map(|byte| [byte >> 4, byte & 15]);
        let digits: String = nibbles.filter_map(|nibble| char::from_digit(nibble.into(), 16)).collect();
        (FIRST_BYTES_HEADER.to_owned(), Some(digits.into_bytes()))
    }
}

#[cfg(test)]
mod tests;
