//! Drives the fuzz targets on the stable toolchain: seeds are mutated for a bounded time, and a panic, an overflow or an
//! abort ends the run with the input that caused it.
//!
//! ```sh
//! cargo run --release --manifest-path fuzz/Cargo.toml -- [--seconds N] [--seed N] [TARGET ...]
//! ```
//!
//! Each target runs N seconds (2 unless given). The seed is printed, so that a run can be repeated. Memory is bounded from
//! outside: `scripts/test` runs this under `ulimit -v`.

mod mutate;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use mutate::Mutator;
use targets::{TARGETS, Target};

fn main() -> ExitCode {
    let mut seconds = 2;
    let mut seed = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(1, |since| since.subsec_nanos().into());
    let mut names = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seconds" => seconds = number(arguments.next()),
            "--seed" => seed = number(arguments.next()),
            name => names.push(name.to_owned()),
        }
    }
    if let Some(unknown) =
        names.iter().find(|name| !TARGETS.iter().any(|target| target.name == name.as_str()))
    {
        eprintln!("no target {unknown}; there are: {}", TARGETS.map(|target| target.name).join(", "));
        return ExitCode::FAILURE;
    }
    println!("seed {seed}, {seconds} s for each target");
    let chosen =
        TARGETS.iter().filter(|target| names.is_empty() || names.iter().any(|name| name == target.name));
    let (mut passed, mut failed) = (0, 0);
    for target in chosen {
        match drive(target, Duration::from_secs(seconds), seed) {
            Ok(rounds) => {
                passed += 1;
                println!("{:<24} {rounds} rounds", target.name);
            }
            Err(input) => {
                failed += 1;
                println!("{:<24} FAILED on {}", target.name, mutate::printable(&input));
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn number(argument: Option<String>) -> u64 {
    argument.and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        eprintln!("--seconds and --seed take a whole number");
        std::process::exit(2)
    })
}

/// Runs one target until the time is up; the input of the first panic is the error.
fn drive(target: &Target, time: Duration, seed: u64) -> Result<u64, Vec<u8>> {
    let mut mutator = Mutator::new(seed, (target.seeds)());
    let run = (target.prepare)();
    let started = Instant::now();
    let mut rounds = 0;
    while started.elapsed() < time {
        for _ in 0..64 {
            let input = mutator.next_input();
            if catch_unwind(AssertUnwindSafe(|| run(&input))).is_err() {
                return Err(input);
            }
            rounds += 1;
        }
    }
    Ok(rounds)
}
