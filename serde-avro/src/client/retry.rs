//! When a request is sent again, and how long to wait before.

use std::hash::{BuildHasher, Hasher};
use std::time::{Duration, SystemTime};

/// Bounds on repeating a request. Spelled `max.retries`, `retries.wait.ms`, `retries.max.wait.ms`.
///
/// A round tries every registry address once, starting with the one that answered last; addresses that fail are
/// passed over at once. Between rounds the client waits a random time of 1 ms up to `min(wait * 2^round, max_wait)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Rounds after the first. Default 3.
    pub retries_max: u32,
    /// Upper bound of the first wait. Default 1 s.
    pub wait: Duration,
    /// Upper bound of every wait, also of one that the registry asks for with `Retry-After`. When the registry asks for
    /// more, the request fails at once and the error says how long to wait. Default 20 s.
    pub wait_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { retries_max: 3, wait: Duration::from_secs(1), wait_max: Duration::from_secs(20) }
    }
}

impl RetryPolicy {
    /// The wait before round `round + 1`, where `random` is a random number of full range.
    pub(crate) fn wait_before(&self, round: u32, random: u64) -> Duration {
        let factor = 1_u32.checked_shl(round).unwrap_or(u32::MAX);
        let bound = self.wait.saturating_mul(factor).min(self.wait_max);
        let bound_ms = u64::try_from(bound.as_millis()).unwrap_or(u64::MAX).max(1);
        Duration::from_millis(1 + random % bound_ms)
    }
}

/// Whether an answer with this status can be different next time.
pub(crate) fn is_retriable_status(status: u16) -> bool {
    matches!(status, 408 | 429 | 500 | 502 | 503 | 504)
}

/// Reads a `Retry-After` value: seconds, or a date in the form of RFC 9110 section 5.6.7.
pub(crate) fn retry_after(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<u64>() {
        return Some(Duration::from_secs(seconds));
    }
    let until = httpdate::parse_http_date(value).ok()?;
    Some(until.duration_since(now).unwrap_or(Duration::ZERO))
}

/// A random number from the keys that the standard library draws for its hash maps; good enough to spread retries.
pub(crate) fn random() -> u64 {
    std::hash::RandomState::new().build_hasher().finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_stay_between_one_millisecond_and_the_doubled_bound() {
        let policy = RetryPolicy {
            retries_max: 3,
            wait: Duration::from_millis(100),
            wait_max: Duration::from_millis(350),
        };
        for (round, bound) in [(0, 100), (1, 200), (2, 350), (40, 350)] {
            for random in [0, 1, bound - 1, bound, u64::MAX] {
                let wait = policy.wait_before(round, random);
                assert!(
                    wait >= Duration::from_millis(1) && wait <= Duration::from_millis(bound),
                    "{round} {wait:?}"
                );
            }
        }
        let none = RetryPolicy { wait: Duration::ZERO, ..policy };
        assert_eq!(none.wait_before(5, 77), Duration::from_millis(1));
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        assert_eq!(retry_after(" 3 ", now), Some(Duration::from_secs(3)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:37 GMT", now), Some(Duration::from_secs(7)));
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:49:00 GMT", now), Some(Duration::ZERO));
        assert_eq!(retry_after("soon", now), None);
        assert_eq!(retry_after("-1", now), None);
    }

    #[test]
    fn only_the_documented_statuses_are_repeated() {
        let retried: Vec<u16> = (400..600).filter(|status| is_retriable_status(*status)).collect();
        assert_eq!(retried, [408, 429, 500, 502, 503, 504]);
    }
}
