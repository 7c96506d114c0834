//! Cases that are timed in turn, by the calling thread's CPU time.

use std::time::{Duration, Instant};

/// How long a case runs in each round.
const SLICE: Duration = Duration::from_millis(20);

/// Something to time.
pub(crate) struct Case<'a> {
    pub(crate) name: &'static str,
    /// What one run stands for.
    calls: usize,
    run: Box<dyn FnMut() + 'a>,
    nanos: Vec<f64>,
}

impl<'a> Case<'a> {
    /// A case whose `run` makes `calls` calls.
    pub(crate) fn new(name: &'static str, calls: usize, run: impl FnMut() + 'a) -> Self {
        Self { name, calls, run: Box::new(run), nanos: Vec::new() }
    }

    fn at(&self, part: usize) -> f64 {
        let mut sorted = self.nanos.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() * part / 4).copied().unwrap_or(f64::NAN)
    }

    /// Median nanoseconds of a call.
    pub(crate) fn median(&self) -> f64 {
        self.at(2)
    }

    /// The middle half of the rounds.
    pub(crate) fn quartiles(&self) -> (f64, f64) {
        (self.at(1), self.at(3))
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn time(&mut self) {
        let (start, wall) = (thread_cpu_nanos(), Instant::now());
        let mut runs = 0usize;
        while wall.elapsed() < SLICE {
            (self.run)();
            runs += 1;
        }
        self.nanos.push((thread_cpu_nanos() - start) / (runs * self.calls) as f64);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a process lives for a short time")]
fn thread_cpu_nanos() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}

/// The number of rounds: the first number among the arguments, else 25.
pub(crate) fn rounds() -> usize {
    std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(25)
}

/// Times all cases in turn, again and again.
pub(crate) fn run(cases: &mut [Case<'_>], rounds: usize) {
    for case in cases.iter_mut() {
        case.time();
        case.nanos.clear();
    }
    for _ in 0..rounds {
        for case in cases.iter_mut() {
            case.time();
        }
    }
}
