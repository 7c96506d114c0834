//! A loop over records, with failures on their way to retry and dead-letter topics.

use std::sync::Arc;
use std::time::SystemTime;

use super::parked::Waiting;
use super::{Consumer, Error, OnFailure, Raw, Received, RecordError};
use crate::dead_letter::{DeadLetter, Failure, OutgoingRecord};
use crate::error::Disposition;
use crate::retry_topics::Forward;
use crate::serializer::OwnedDatum;
use crate::wire::Part;

/// What a record came to.
enum Outcome {
    Handled,
    /// It, and all after it in its partition, is tried again later.
    Again,
    Refused(Part, Failure, Option<Box<RecordError>>),
}

impl<K: OwnedDatum, V: OwnedDatum> Consumer<K, V> {
    /// Hands each record to `handler`, marks it as [`done`](Self::done), and commits at the end, which
    /// [`Stopper::stop`](super::Stopper::stop) brings about.
    ///
    /// A record that cannot be decoded or handled goes where [`OnFailure`] says, and is done once that is acknowledged. While
    /// the registry is away, records that need a schema from it rest where they are. The [`Disposition`] of the handler's
    /// failure decides between another attempt, the dead-letter topic, and the end.
    pub async fn run(
        &self,
        mut handler: impl AsyncFnMut(&Received<K, V>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let outcome = self.run_until_stopped(&mut handler).await;
        let committed = self.commit().await;
        outcome.and(committed)
    }

    async fn run_until_stopped(
        &self,
        handler: &mut impl AsyncFnMut(&Received<K, V>) -> Result<(), Failure>,
    ) -> Result<(), Error> {
        let mut waiting = self.waiting.lock().await;
        loop {
            let raw = match self.next(&mut waiting).await {
                Ok(Some(raw)) => raw,
                Ok(None) => return Ok(()),
                Err(error) if error.is_retriable() => {
                    tracing::warn!(%error, "the consumer goes on");
                    continue;
                }
                Err(error) => return Err(error),
            };
            waiting.current = Some(raw.clone());
            let outcome = self.handle(&mut waiting, &raw, handler).await?;
            let again = match outcome {
                Outcome::Handled => false,
                Outcome::Again => true,
                Outcome::Refused(part, failure, error) => {
                    self.put_aside(&mut waiting, &raw, part, failure, error).await?
                }
            };
            waiting.current = None;
            if !again {
                waiting.passed(&raw);
                self.done(&*raw)?;
            }
        }
    }

    async fn handle(
        &self,
        waiting: &mut Waiting,
        raw: &Arc<Raw>,
        handler: &mut impl AsyncFnMut(&Received<K, V>) -> Result<(), Failure>,
    ) -> Result<Outcome, Error> {
        if let OnFailure::RetryTopics(retries) = &self.on_failure
            && let Some(rest) = retries.due_in(&raw.headers(), SystemTime::now())
        {
            self.park(waiting, raw.clone(), rest)?;
            return Ok(Outcome::Again);
        }
        match raw.decode(&self.keys, &self.values).await {
            Err(error) if error.disposition() == Disposition::Retry => {
                tracing::warn!(%error, "the record is decoded again later");
                let rest = waiting.rest(raw);
                self.park(waiting, raw.clone(), rest)?;
                Ok(Outcome::Again)
            }
            Err(error) => Ok(Outcome::Refused(error.part, Failure::from(&error.source), Some(error))),
            Ok(received) => Ok(match handler(&received).await {
                Ok(()) => Outcome::Handled,
                Err(failure) => Outcome::Refused(Part::Value, failure, None),
            }),
        }
    }

    /// Sends a record that failed where it belongs. Gives whether it is to be handled again from where it is.
    async fn put_aside(
        &self,
        waiting: &mut Waiting,
        raw: &Arc<Raw>,
        part: Part,
        failure: Failure,
        error: Option<Box<RecordError>>,
    ) -> Result<bool, Error> {
        let record = raw.record();
        let disposition = failure.disposition;
        let outgoing = match &self.on_failure {
            OnFailure::DeadLetter { style, topic } if disposition == Disposition::DeadLetter => {
                let letter = DeadLetter::new(&record, failure.clone()).part(part).style(style.clone());
                let letter = match topic {
                    Some(topic) => letter.topic(topic),
                    None => letter,
                };
                Some((letter.build(), true))
            }
            OnFailure::DeadLetter { .. } if disposition == Disposition::Retry => {
                let rest = waiting.rest(raw);
                self.park(waiting, raw.clone(), rest)?;
                return Ok(true);
            }
            OnFailure::RetryTopics(retries) => {
                match retries.forward_part(&record, part, failure.clone(), SystemTime::now()) {
                    Forward::Retry(outgoing) => Some((outgoing, false)),
                    Forward::DeadLetter(outgoing) => Some((outgoing, true)),
                    Forward::Stop => None,
                }
            }
            OnFailure::Stop | OnFailure::DeadLetter { .. } => None,
        };
        match (outgoing, error) {
            (Some((outgoing, last)), _) => self.forward(waiting, raw, &outgoing, last).await,
            (None, Some(error)) => Err(error.into()),
            (None, None) => Err(Error::Handler {
                topic: raw.topic().to_owned(),
                partition: raw.partition(),
                offset: raw.offset(),
                failure: Box::new(failure),
            }),
        }
    }

    async fn forward(
        &self,
        waiting: &mut Waiting,
        raw: &Arc<Raw>,
        outgoing: &OutgoingRecord,
        last: bool,
    ) -> Result<bool, Error> {
        let Some(outlet) = &self.outlet else { return Ok(false) };
        match outlet.forward(outgoing).await {
            Ok(placed) => {
                if last && let Some(metrics) = self.values.metrics().or(self.keys.metrics()) {
                    metrics.dead_letter(&outgoing.topic);
                }
                tracing::info!(
                    from = raw.topic(),
                    partition = raw.partition(),
                    offset = raw.offset(),
                    to = outgoing.topic,
                    at = placed.offset,
                    "record put aside"
                );
                Ok(false)
            }
            Err(error) if error.is_retriable() => {
                tracing::warn!(%error, topic = outgoing.topic, "the record is put aside later");
                let rest = waiting.rest(raw);
                self.park(waiting, raw.clone(), rest)?;
                Ok(true)
            }
            Err(error) => Err(error),
        }
    }
}
