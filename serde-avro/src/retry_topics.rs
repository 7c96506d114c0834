//! Failed records on their way through retry topics to a dead-letter topic, as Spring's `@RetryableTopic` arranges it.
//!
//! A record that fails in `orders` goes to `orders-retry-0`, then `orders-retry-1` and so on, each time not to be processed before
//! its back-off has passed, and at last to `orders-dlt`. The consumer reads all topics of
//! [`RetryTopics::consumed`], asks [`RetryTopics::due_in`] before it processes a record, and
//! [`RetryTopics::forward`] what to do with one that failed.
//!
//! Headers are Spring's: `retry_topic-attempts` (big-endian i32: which attempt comes next), `retry_topic-original-timestamp`
//! and `retry_topic-backoff-timestamp` (milliseconds as the shortest big-endian two's complement), `kafka_original-*` about where
//! the record first came from, and `kafka_exception-*` about the last failure. So a Spring consumer can take over at any
//! attempt, and the other way round.

use std::time::{Duration, SystemTime};

use crate::dead_letter::{DeadLetter, Failure, Header, OutgoingRecord, SourceRecord, Style, replace};
use crate::error::Disposition;
use crate::wire::Part;

/// Header with the number of the next attempt, which is one more than the record has failed.
pub const ATTEMPTS_HEADER: &str = "retry_topic-attempts";
/// Header with the time before which the record is not to be processed.
pub const BACKOFF_HEADER: &str = "retry_topic-backoff-timestamp";
/// Header with the record's first timestamp.
pub const TIMESTAMP_HEADER: &str = "retry_topic-original-timestamp";

/// How retry topics are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RetryNames {
    /// One topic for each attempt, numbered from 0: `orders-retry-0`, `orders-retry-1`. Spring: `SUFFIX_WITH_INDEX_VALUE`.
    #[default]
    Index,
    /// One topic for each length of rest, named by its milliseconds: `orders-retry-1000`, `orders-retry-2000`. Attempts after
    /// equal rests share a topic. Spring: `SUFFIX_WITH_DELAY_VALUE` with `SINGLE_TOPIC`.
    Delay,
    /// One topic for all attempts: `orders-retry`. Spring, with a fixed delay: `SINGLE_TOPIC`. After growing rests a record can
    /// wait behind one that rests longer.
    Single,
}

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
    names: RetryNames,
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
            names: RetryNames::default(),
            retry_suffix: "-retry".into(),
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

    /// How retry topics are told apart. Default [`RetryNames::Index`].
    #[must_use]
    pub fn names(mut self, names: RetryNames) -> Self {
        self.names = names;
        self
    }

    /// Endings of the topics' names; [`names`](Self::names) follows the first. Default `-retry` and `-dlt`.
    #[must_use]
    pub fn suffixes(mut self, retry: impl Into<String>, dead_letter: impl Into<String>) -> Self {
        self.retry_suffix = retry.into();
        self.dead_letter_suffix = dead_letter.into();
        self
    }

    /// The topics to consume: the topic itself and its retry topics, in the order of attempts.
    pub fn consumed(&self) -> Vec<String> {
        let mut topics = vec![self.topic.clone()];
        for failures in 1..self.attempts_max {
            let topic = self.retry_topic(failures);
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        topics
    }

    /// The topic where records end that were given up.
    pub fn dead_letter_topic(&self) -> String {
        format!("{}{}", self.topic, self.dead_letter_suffix)
    }

    /// Where a record goes after so many failures, at least one.
    fn retry_topic(&self, failures: u32) -> String {
        let Self { topic, retry_suffix, .. } = self;
        match self.names {
            RetryNames::Index => format!("{topic}{retry_suffix}-{}", failures.saturating_sub(1)),
            RetryNames::Delay => {
                format!("{topic}{retry_suffix}-{}", self.backoff.after(failures).as_millis())
            }
            RetryNames::Single => format!("{topic}{retry_suffix}"),
        }
    }

    /// How often a record has failed, by its headers; 0 for one that never did.
    pub fn failures_before(&self, headers: &[Header]) -> u32 {
        let attempt = match value(headers, ATTEMPTS_HEADER) {
            // early releases of Spring's retry topics wrote a byte
            Some(&[attempt]) => u32::from(attempt),
            Some(bytes) => <[u8; 4]>::try_from(bytes).map_or(0, u32::from_be_bytes),
            None => 0,
        };
        if i32::try_from(attempt).is_ok() { attempt.saturating_sub(1) } else { 0 }
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
        let failures = self.failures_before(&record.headers).saturating_add(1);
        let again = failure.disposition == Disposition::Retry && failures < self.attempts_max;
        let topic = if again { self.retry_topic(failures) } else { self.dead_letter_topic() };
        let letter = DeadLetter::new(record, failure).part(part).style(Style::Spring).topic(topic);
        let mut outgoing = letter.retried().build();
        let headers = &mut outgoing.headers;
        let timestamp =
            value(&record.headers, TIMESTAMP_HEADER).and_then(number).unwrap_or(record.timestamp_ms);
        replace(headers, TIMESTAMP_HEADER, &shortest(timestamp));
        let next = failures.saturating_add(1).min(i32::MAX.cast_unsigned());
        replace(headers, ATTEMPTS_HEADER, &next.to_be_bytes());
        let rest = if again { self.backoff.after(failures) } else { Duration::ZERO };
        let rest = i64::try_from(rest.as_millis()).unwrap_or(i64::MAX);
        replace(headers, BACKOFF_HEADER, &shortest(milliseconds(now).saturating_add(rest)));
        if again { Forward::Retry(outgoing) } else { Forward::DeadLetter(outgoing) }
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
        assert_eq!(topics.failures_before(&record.headers), 4);
        assert_eq!(value(&record.headers, ATTEMPTS_HEADER), Some(&[0, 0, 0, 5][..]));
        assert_eq!(topics.due_in(&record.headers, at(10_000)), None);
        assert_eq!(value(&record.headers, TIMESTAMP_HEADER), Some(&[42][..]));
        assert_eq!(value(&record.headers, "kafka_original-topic"), Some(&b"orders"[..]));
        assert_eq!(value(&record.headers, "kafka_original-offset"), Some(&5_i64.to_be_bytes()[..]));
        let names = |name: &str| record.headers.iter().filter(|(found, _)| found == name).count();
        assert_eq!(names("kafka_exception-message"), 1);
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
    fn topics_are_named_as_springs_strategies_name_them() {
        let backoff =
            Backoff { initial: Duration::from_secs(1), multiplier: 2.0, max: Duration::from_secs(4) };
        let topics = RetryTopics::new("t").attempts_max(6).backoff(backoff);
        for (names, expected) in [
            (RetryNames::Index, &["t-retry-0", "t-retry-1", "t-retry-2", "t-retry-3", "t-retry-4"][..]),
            (RetryNames::Delay, &["t-retry-1000", "t-retry-2000", "t-retry-4000"]),
            (RetryNames::Single, &["t-retry"]),
        ] {
            assert_eq!(topics.clone().names(names).consumed()[1..], *expected);
        }
        let named = topics.suffixes("-again", "-dead");
        assert_eq!(named.consumed()[1], "t-again-0");
        assert_eq!(named.dead_letter_topic(), "t-dead");
    }

    #[test]
    fn attempts_of_other_programs_are_understood() {
        let topics = RetryTopics::new("t");
        for (bytes, failures) in [
            (&[3][..], 2),
            (&[0, 0, 0, 2], 1),
            (&[0, 0, 0, 0], 0),
            (&[0xFF, 0xFF, 0xFF, 0xFF], 0),
            (&[0, 2], 0),
            (&[], 0),
        ] {
            let headers = vec![(ATTEMPTS_HEADER.to_owned(), Some(bytes.to_vec()))];
            assert_eq!(topics.failures_before(&headers), failures, "{bytes:?}");
        }
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
