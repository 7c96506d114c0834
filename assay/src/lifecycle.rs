//! From signals to a bounded stop: the first asks everything to drain within a deadline, the second aborts.

use std::{future::Future, io, time::Duration};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// Exit status after a second signal, as a shell reports an interrupted program.
const ABORTED: i32 = 130;

/// SIGTERM and SIGINT of this process. Taken over before anything listens, so that no signal is lost.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

/// How the work ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ending<T> {
    /// The work ended by itself, or drained in time after a signal.
    Ended(T),
    /// The deadline after the first signal passed with work still under way.
    DeadlinePassed,
}

impl Signals {
    /// Takes the two signals over.
    pub(crate) fn take() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for either signal. Cancel-safe: both streams are.
    async fn next(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Runs `work` to its end. The first signal cancels `stop`, after which `work` has `deadline` to end;
    /// a second signal ends the process at once with status 130.
    pub(crate) async fn drive<T>(
        mut self,
        work: impl Future<Output = T>,
        stop: &CancellationToken,
        deadline: Duration,
    ) -> Ending<T> {
        let mut work = std::pin::pin!(work);
        // `work` is polled by reference and never dropped between the two selects
        let name = tokio::select! {
            ended = &mut work => return Ending::Ended(ended),
            name = self.next() => name,
        };
        tracing::info!(signal = name, deadline_ms = deadline.as_millis(), "stopping; a second signal aborts");
        stop.cancel();
        tokio::select! {
            ended = timeout(deadline, &mut work) => match ended {
                Ok(ended) => Ending::Ended(ended),
                Err(_elapsed) => Ending::DeadlinePassed,
            },
            name = self.next() => {
                tracing::warn!(signal = name, "aborting");
                std::process::exit(ABORTED)
            }
        }
    }
}
