//! Failed records on their way through retry topics to a dead-letter topic, as Spring's `@RetryableTopic` arranges it.
//!
//! A record that fails in `orders` goes to `orders-retry-0`, then `orders-retry-1` and so on, each time not to be processed before
//! its back-off has passed, and at last to `orders-dlt`. The consumer reads all topics of
//! [`RetryTopics::consumed`], asks [`RetryTopics::due_in`] before it processes a record, and
//! [`RetryTopics::forward`] what to do with one that failed.
//!
//! Headers are Spring's: `retry_topic-attempts` (big-endian i32), `retry_topic-original-timestamp` and
//! `retry_topic-backoff-timestamp` (milliseconds as the shortest big-endian two's complement), beside those of
//! [`Style::Spring`]. Headers of the first failure that tell where the record came from are kept.

use std::time::{Duration, SystemTime};

use crate::dead_letter::{DeadLetter, Failure, Header, OutgoingRecord, SourceRecord, Style};
use crate::error::Disposition;
use crate::wire::Part;

/// Header with the number of times the record has been processed.
pub const ATTEMPTS_HEADER: &str = "retry_topic-attempts";
/// Header with the time before which the record is not to be processed.
pub const BACKOFF_HEADER: &str = "retry_topic-backoff-timestamp";
/// Header with the record's first timestamp.
pub const TIMESTAMP_HEADER: &str = "retry_topic-original-timestamp";
/// Headers that say where a record first came from.
const ORIGIN_PREFIX: &str = "kafka_dlt-original-";

/// How long a record rests between attempts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// Before the second attempt. Default 1 s.
    pub initial: Duration,
    /// Each rest is this many times the one before; 1.0 keeps it. Values under 1.0 count as 1.0. Default 1.0.
    pub multiplier: f64,
    /// Longest rest. Default 30 s.
    pub max: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { initial: Duration::from_secs(1), multiplier: 1.0, max: Duration::from_secs(30) }
    }
}

impl Backoff {
    /// The rest after `failures` failed attempts, of which there is at least one.
    pub(crate) fn after(&self, failures: u32) -> Duration {
        let exponent = i32::try_from(failures.saturating_sub(1)).unwrap_or(i32::MAX);
        let factor = self.multiplier.max(1.0).powi(exponent);
        let seconds = (self.initial.as_secs_f64() * factor).min(self.max.as_secs_f64());
        Duration::try_from_secs_f64(seconds).unwrap_or(self.max).min(self.max)
    }
}

/// What to do with a record that failed. Commit its offset only after the record given here is produced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forward {
    /// Produce this to a retry topic.
    Retry(OutgoingRecord),
    /// Produce this to the dead-letter topic.
    DeadLetter(OutgoingRecord),
    /// Stop: no record will pass until something is changed, so this one stays where it is.
    Stop,
}

/// The topics that belong to one topic, and the path of failed records through them.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use assay_serde_avro::{Disposition, Failure, Forward, RetryTopics, SourceRecord};
///
/// let topics = RetryTopics::new("orders");
/// assert_eq!(topics.consumed(), ["orders", "orders-retry-0", "orders-retry-1"]);
///
/// let now = SystemTime::now();
/// let record = SourceRecord { topic: "orders", value: Some(b"..."), ..SourceRecord::default() };
/// let failure = Failure::new("app::PaymentDown", &std::io::Error::other("payment is down"), Disposition::Retry);
/// let Forward::Retry(next) = topics.forward(&record, failure, now) else { panic!() };
/// assert_eq!(next.topic, "orders-retry-0");
/// assert!(topics.due_in(&next.headers, now).is_some_and(|rest| rest <= Duration::from_secs(1)));
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RetryTopics {
    topic: String,
    attempts_max: u32,
    backoff: Backoff,
    retry_suffix: String,
    dead_letter_suffix: String,
}

impl RetryTopics {
    /// Three attempts in all, one second apart: `<topic>`, `<topic>-retry-0`, `<topic>-retry-1`, then `<topic>-dlt`.
    pub fn new(topic: impl Into<String>) -> Self {
        Self {
            topic: topic.into(),
            attempts_max: 3,
            backoff: Backoff::default(),
            retry_suffix: "-retry-".into(),
            dead_letter_suffix: "-dlt".into(),
        }
    }

    /// How often a record is processed at most, the first time included; at least once.
    #[must_use]
    pub fn attempts_max(mut self, attempts: u32) -> Self {
        self.attempts_max = attempts.max(1);
        self
    }

    /// How long records rest between attempts.
    #[must_use]
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.backoff = backoff;
        self
    }

    /// Endings of the topics' names; the first is followed by a number from 0. Default `-retry-` and `-dlt`.
    #[must_use]
    pub fn suffixes(mut self, retry: impl Into<String>, dead_letter: impl Into<String>) -> Self {
        self.retry_suffix = retry.into();
        self.dead_letter_suffix = dead_letter.into();
        self
    }

    /// The topics to consume: the topic itself and its retry topics, in the order of attempts.
    pub fn consumed(&self) -> Vec<String> {
        let retries = (0..self.attempts_max.saturating_sub(1)).map(|number| self.retry_topic(number));
        std::iter::once(self.topic.clone()).chain(retries).collect()
    }

    /// The topic where records end that were given up.
    pub fn dead_letter_topic(&self) -> String {
        format!("{}{}", self.topic, self.dead_letter_suffix)
    }

    fn retry_topic(&self, number: u32) -> String {
        format!("{}{}{number}", self.topic, self.retry_suffix)
    }

    /// How often a record has been processed before, by its headers; 0 for one that never failed.
    pub fn attempts_before(&self, headers: &[Header]) -> u32 {
        value(headers, ATTEMPTS_HEADER)
            .and_then(number)
            .and_then(|number| u32::try_from(number).ok())
            .unwrap_or(0)
    }

    /// How long to wait before a record may be processed: pause its partition for so long. Nothing when it is due.
    /// Never longer than the longest back-off, whatever the header says.
    pub fn due_in(&self, headers: &[Header], now: SystemTime) -> Option<Duration> {
        let due = value(headers, BACKOFF_HEADER).and_then(number)?;
        let left = u64::try_from(due.saturating_sub(milliseconds(now))).ok().filter(|left| *left > 0)?;
        Some(Duration::from_millis(left).min(self.backoff.max))
    }

    /// Where a record goes that failed. A failure that another attempt can cure goes to the next retry topic, or to the
    /// dead-letter topic when there is none; a poisonous record goes to the dead-letter topic at once.
    pub fn forward(
        &self,
        record: &SourceRecord<'_>,
        failure: impl Into<Failure>,
        now: SystemTime,
    ) -> Forward {
        self.forward_part(record, Part::Value, failure, now)
    }

    /// [`forward`](Self::forward) for a record of which this part failed.
    pub fn forward_part(
        &self,
        record: &SourceRecord<'_>,
        part: Part,
        failure: impl Into<Failure>,
        now: SystemTime,
    ) -> Forward {
        let failure = failure.into();
        if failure.disposition == Disposition::Fatal {
            return Forward::Stop;
        }
        let failures = self.attempts_before(&record.headers).saturating_add(1);
        let again = failure.disposition == Disposition::Retry && failures < self.attempts_max;
        let topic = if again { self.retry_topic(failures - 1) } else { self.dead_letter_topic() };
        let mut outgoing =
            DeadLetter::new(record, failure).part(part).style(Style::Spring).topic(topic).build();
        if again {
            outgoing.partition = None;
        }
        let timestamp =
            value(&record.headers, TIMESTAMP_HEADER).and_then(number).unwrap_or(record.timestamp_ms);
        keep_first_origin(&mut outgoing.headers);
        let mut set = |name: &str, value: Option<Vec<u8>>| {
            outgoing.headers.retain(|(found, _)| found != name);
            outgoing.headers.extend(value.map(|value| (name.to_owned(), Some(value))));
        };
        set(ATTEMPTS_HEADER, Some(failures.min(i32::MAX.cast_unsigned()).to_be_bytes().to_vec()));
        set(TIMESTAMP_HEADER, Some(shortest(timestamp)));
        let rest = i64::try_from(self.backoff.after(failures).as_millis()).unwrap_or(i64::MAX);
        set(BACKOFF_HEADER, again.then(|| shortest(milliseconds(now).saturating_add(rest))));
        if again { Forward::Retry(outgoing) } else { Forward::DeadLetter(outgoing) }
    }
}

/// Of headers about the origin the first ones stay, of all others about failures the last.
fn keep_first_origin(headers: &mut Vec<Header>) {
    let kept: Vec<Header> = std::mem::take(headers);
    for (at, (name, value)) in kept.iter().enumerate() {
        let same = |(found, _): &Header| found == name;
        let keep = if name.starts_with(ORIGIN_PREFIX) {
            !kept.iter().take(at).any(same)
        } else if name.starts_with("kafka_dlt-") || name.starts_with("assay.dlq.") {
            !kept.iter().skip(at + 1).any(same)
        } else {
            true
        };
        if keep {
            headers.push((name.clone(), value.clone()));
        }
    }
}

/// The last header of a name.
fn value<'a>(headers: &'a [Header], name: &str) -> Option<&'a [u8]> {
    headers.iter().rev().find(|(found, _)| found == name).and_then(|(_, value)| value.as_deref())
}

/// Big-endian two's complement of one to eight bytes.
fn number(bytes: &[u8]) -> Option<i64> {
    let negative = *bytes.first()? >= 0x80;
    if bytes.len() > 8 {
        return None;
    }
    Some(bytes.iter().fold(if negative { -1 } else { 0 }, |number, byte| number << 8 | i64::from(*byte)))
}

/// The shortest big-endian two's complement, as Java's `BigInteger` writes it.
fn shortest(number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let sign = if number < 0 { 0xFF } else { 0 };
    let spare = bytes
        .windows(2)
        .take_while(
            |pair| matches!(pair, [first, second] if *first == sign && (second & 0x80) == (sign & 0x80)),
        )
        .count();
    bytes.iter().skip(spare).copied().collect()
}

fn milliseconds(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    fn at(ms: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_millis(ms)
    }

    fn failure(disposition: Disposition) -> Failure {
        Failure::new("app::Broken", &std::io::Error::other("broken"), disposition)
    }

    fn consumed_again(record: &OutgoingRecord) -> SourceRecord<'_> {
        SourceRecord {
            topic: &record.topic,
            offset: 99,
            timestamp_ms: 777,
            value: record.value.as_deref(),
            headers: record.headers.clone(),
            ..SourceRecord::default()
        }
    }

    #[test]
    fn a_record_walks_through_the_retry_topics_to_the_dead_letter_topic() {
        let backoff =
            Backoff { initial: Duration::from_secs(1), multiplier: 2.0, max: Duration::from_secs(3) };
        let topics = RetryTopics::new("orders").attempts_max(4).backoff(backoff);
        assert_eq!(topics.consumed(), ["orders", "orders-retry-0", "orders-retry-1", "orders-retry-2"]);
        let first = SourceRecord { topic: "orders", offset: 5, timestamp_ms: 42, ..SourceRecord::default() };
        let mut outgoing = topics.forward(&first, failure(Disposition::Retry), at(10_000));
        for (topic, due_ms) in
            [("orders-retry-0", 11_000), ("orders-retry-1", 12_000), ("orders-retry-2", 13_000)]
        {
            let Forward::Retry(record) = outgoing else { panic!("{outgoing:?}") };
            assert_eq!(record.topic, topic);
            assert_eq!(
                topics.due_in(&record.headers, at(10_000)),
                Some(Duration::from_millis(due_ms - 10_000))
            );
            assert_eq!(topics.due_in(&record.headers, at(due_ms)), None);
            outgoing = topics.forward(&consumed_again(&record), failure(Disposition::Retry), at(10_000));
        }
        let Forward::DeadLetter(record) = outgoing else { panic!("{outgoing:?}") };
        assert_eq!(record.topic, "orders-dlt");
        assert_eq!(topics.attempts_before(&record.headers), 4);
        assert_eq!(value(&record.headers, BACKOFF_HEADER), None);
        assert_eq!(value(&record.headers, TIMESTAMP_HEADER), Some(&[42][..]));
        assert_eq!(value(&record.headers, "kafka_dlt-original-topic"), Some(&b"orders"[..]));
        assert_eq!(value(&record.headers, "kafka_dlt-original-offset"), Some(&5_i64.to_be_bytes()[..]));
        let names = |name: &str| record.headers.iter().filter(|(found, _)| found == name).count();
        assert_eq!(names("kafka_dlt-exception-message"), 1);
        assert_eq!(names(ATTEMPTS_HEADER), 1);
    }

    #[test]
    fn poison_goes_to_the_dead_letter_topic_at_once_and_a_fatal_failure_stops() {
        let topics = RetryTopics::new("orders");
        let record = SourceRecord { topic: "orders", value: Some(b"{}"), ..SourceRecord::default() };
        let poison = Error::NotFramed { first_byte: Some(b'{'), len: 2 };
        assert!(matches!(topics.forward(&record, &poison, at(0)), Forward::DeadLetter(_)));
        assert_eq!(topics.forward(&record, failure(Disposition::Fatal), at(0)), Forward::Stop);
        let once = RetryTopics::new("orders").attempts_max(0);
        assert!(matches!(once.forward(&record, failure(Disposition::Retry), at(0)), Forward::DeadLetter(_)));
    }

    #[test]
    fn numbers_are_written_as_java_writes_them() {
        for (number_in, bytes) in [
            (0, &[0][..]),
            (127, &[127]),
            (128, &[0, 128]),
            (-1, &[255]),
            (-129, &[255, 127]),
            (i64::MAX, &[127, 255, 255, 255, 255, 255, 255, 255]),
            (i64::MIN, &[128, 0, 0, 0, 0, 0, 0, 0]),
        ] {
            assert_eq!(shortest(number_in), bytes);
            assert_eq!(number(bytes), Some(number_in));
        }
        assert_eq!(number(&[]), None);
        assert_eq!(number(&[0; 9]), None);
    }

    #[test]
    fn a_hostile_due_time_delays_no_longer_than_the_longest_rest() {
        let topics = RetryTopics::new("orders");
        let headers = vec![(BACKOFF_HEADER.to_owned(), Some(shortest(i64::MAX)))];
        assert_eq!(topics.due_in(&headers, at(0)), Some(Duration::from_secs(30)));
        let headers = vec![(BACKOFF_HEADER.to_owned(), Some(shortest(i64::MIN + 1)))];
        assert_eq!(topics.due_in(&headers, at(5)), None);
    }
}
