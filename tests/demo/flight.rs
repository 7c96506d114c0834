//! One flight as Rust sees it, and the file it comes from.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

/// A departure from New York City in 2013; the fields are those of `flight-v1.avsc`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Flight {
    year: i32,
    month: i32,
    day: i32,
    dep_time: Option<i32>,
    sched_dep_time: i32,
    dep_delay: Option<i32>,
    arr_time: Option<i32>,
    sched_arr_time: i32,
    arr_delay: Option<i32>,
    carrier: String,
    flight: i32,
    /// The key of the record: all flights of one aircraft are in one partition.
    pub(crate) tailnum: Option<String>,
    origin: String,
    dest: String,
    air_time: Option<i32>,
    /// Miles; the sum is compared with the source.
    pub(crate) distance: i32,
    hour: i32,
    minute: i32,
    /// Milliseconds since the epoch.
    time_hour: i64,
}

/// Yields the flights of a file of JSON lines.
pub(crate) fn from_file(path: &Path) -> anyhow::Result<impl Iterator<Item = anyhow::Result<Flight>>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(BufReader::new(file).lines().map(|line| Ok(serde_json::from_str(&line?)?)))
}
