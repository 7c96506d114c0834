//! What the operating system says of a process.

use anyhow::{Context, Result};

/// Clock ticks per second of `/proc`, fixed on Linux.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system CPU seconds of a process with all its threads.
pub fn cpu_seconds(pid: u32) -> Result<f64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().context("stat")?.split_whitespace().collect();
    let ticks = |at: usize| -> Result<f64> { Ok(fields.get(at).context("stat")?.parse::<f64>()?) };
    Ok((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

/// Resident memory in KiB.
pub fn resident_kib(pid: u32) -> Result<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}

/// Resident memory in MiB.
#[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
pub fn resident_mib(pid: u32) -> Result<f64> {
    Ok(resident_kib(pid)? as f64 / 1024.0)
}
