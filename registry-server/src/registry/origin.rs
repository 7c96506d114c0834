//! Who asks, and when it is: both are parameters of every rule.

use std::time::{SystemTime, UNIX_EPOCH};

/// Who makes a change, for its event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// Name of the authenticated user; `anonymous` while authentication is off.
    pub principal: String,
    /// Peer address without the port.
    pub address: Option<String>,
    /// `X-Request-ID` of the request.
    pub request_id: Option<String>,
}

impl Origin {
    /// Nobody in particular, such as the process itself.
    pub fn anonymous() -> Self {
        Self { principal: "anonymous".to_owned(), address: None, request_id: None }
    }
}

/// Where the time comes from.
pub trait Clock: Send + Sync + 'static {
    /// Epoch milliseconds.
    fn now_ms(&self) -> i64;
}

/// The computer's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}
