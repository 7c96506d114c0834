//! Waiting on conditions, and the rule for what a machine lacks.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Pause between two looks at a condition.
const POLL: Duration = Duration::from_millis(20);

/// Looks at a condition until it gives a value; `None` when `limit` passes first.
pub async fn eventually<T, F: Future<Output = Option<T>>>(
    limit: Duration,
    mut look: impl FnMut() -> F,
) -> Option<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(value) = look().await {
            return Some(value);
        }
        if Instant::now() >= deadline {
            return None;
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Says that a test is skipped because the machine lacks something; with `CI=true` that is a failure.
///
/// # Panics
/// With `CI=true`.
pub fn missing(what: &str) {
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{what} is missing, and CI=true");
    eprintln!("skipped: {what} is missing");
}
