//! What producers ask of the coordinator.

use std::sync::Arc;

use super::state::{End, Init};
use super::{ID_BYTES_MAX, Id, Producer, TopicPartitions, Transaction, Transactions};
use crate::protocol::ErrorCode;

impl Transactions {
    /// A producer begins (`InitProducerId`): whoever had the transactional id before is shut out. When that one left a
    /// transaction open, this aborts it and answers 51, and the client asks again, as with Kafka. `expected` is the producer
    /// that goes on after an error.
    pub(crate) async fn init(
        &self,
        transactional_id: &str,
        timeout_ms: i32,
        expected: Option<Producer>,
    ) -> Result<Producer, ErrorCode> {
        if transactional_id.is_empty() || transactional_id.len() > ID_BYTES_MAX {
            return Err(ErrorCode::InvalidRequest);
        }
        if timeout_ms <= 0 || timeout_ms > self.inner.config.timeout_ms_max {
            return Err(ErrorCode::InvalidTransactionTimeout);
        }
        self.check_id(transactional_id)?;
        self.ensure_topic().await?;
        let (this, name) = (self.clone(), transactional_id.to_owned());
        self.run(async move {
            loop {
                let id = this.find_or_create(&name)?;
                let _turn = id.turn.lock().await;
                if this.is_current(&id) {
                    return this.init_in_turn(&id, timeout_ms, expected).await;
                }
            }
        })
        .await
    }

    async fn init_in_turn(
        &self,
        id: &Arc<Id>,
        timeout_ms: i32,
        expected: Option<Producer>,
    ) -> Result<Producer, ErrorCode> {
        let now_ms = self.now_ms();
        let known = match id.state() {
            Some(known) => known,
            None => Arc::new(Transaction::new(self.fresh_id().await?, timeout_ms, now_ms)),
        };
        let next = match known.init(expected, timeout_ms, now_ms)? {
            Init::Next(next) => next,
            Init::Rotate => known.rotated(self.fresh_id().await?, expected.is_some(), timeout_ms, now_ms),
            Init::Abort(prepared) => {
                self.store(id, prepared).await?;
                // What cannot be carried out now will be; meanwhile the answer stays the same.
                let _ = self.carry_out(id).await;
                return Err(ErrorCode::ConcurrentTransactions);
            }
        };
        Ok(self.store(id, next).await?.producer())
    }

    async fn fresh_id(&self) -> Result<i64, ErrorCode> {
        self.inner.producer_ids.next().await.map_err(|error| {
            tracing::error!(%error, "no producer id");
            ErrorCode::CoordinatorNotAvailable
        })
    }

    /// Whether the id was not forgotten while its turn was waited for.
    pub(super) fn is_current(&self, id: &Arc<Id>) -> bool {
        self.find(&id.name).is_some_and(|found| Arc::ptr_eq(&found, id))
    }

    /// Adds partitions to the producer's transaction (`AddPartitionsToTxn`, `AddOffsetsToTxn`).
    pub(crate) async fn add(
        &self,
        transactional_id: &str,
        producer: Producer,
        partitions: TopicPartitions,
    ) -> Result<(), ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        self.check_id(transactional_id)?;
        let id = self.find(transactional_id).ok_or(ErrorCode::InvalidProducerIdMapping)?;
        // Once more for a partition that is there already costs nothing.
        let known = id.state().ok_or(ErrorCode::InvalidProducerIdMapping)?;
        if known.add(producer, &partitions, 0)?.is_none() {
            return Ok(());
        }
        let this = self.clone();
        self.run(async move {
            let _turn = id.turn.lock().await;
            let known = id.state().ok_or(ErrorCode::InvalidProducerIdMapping)?;
            if let Some(next) = known.add(producer, &partitions, this.now_ms())? {
                this.store(&id, next).await?;
            }
            Ok(())
        })
        .await
    }

    /// Whether a partition is part of the producer's open transaction.
    pub(crate) fn verify(
        &self,
        transactional_id: &str,
        producer: Producer,
        topic: &str,
        partition: i32,
    ) -> Result<(), ErrorCode> {
        self.check_id(transactional_id)?;
        let known = self.state_of(transactional_id).ok_or(ErrorCode::InvalidProducerIdMapping)?;
        known.verify(producer, topic, partition)
    }

    /// Ends the producer's transaction (`EndTxn`); `bumps` in the second protocol. Returns the producer from now on.
    pub(crate) async fn end(
        &self,
        transactional_id: &str,
        producer: Producer,
        commit: bool,
        bumps: bool,
    ) -> Result<Producer, ErrorCode> {
        if transactional_id.is_empty() {
            return Err(ErrorCode::InvalidRequest);
        }
        self.check_id(transactional_id)?;
        let id = self.find(transactional_id).ok_or(ErrorCode::InvalidProducerIdMapping)?;
        let this = self.clone();
        self.run(async move {
            let _turn = id.turn.lock().await;
            let known = id.state().ok_or(ErrorCode::InvalidProducerIdMapping)?;
            let prepared = match known.end(producer, commit, bumps, this.now_ms())? {
                End::Done(producer) => return Ok(producer),
                End::Prepare(prepared) => prepared,
                End::PrepareAndRotate(prepared) => prepared.with_next_id(this.fresh_id().await?),
            };
            let prepared = this.store(&id, prepared).await?;
            let next = prepared.complete(0).producer();
            // Decided: what cannot be carried out now will be.
            let _ = this.carry_out(&id).await;
            Ok(next)
        })
        .await
    }
}
