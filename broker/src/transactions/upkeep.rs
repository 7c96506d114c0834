//! What happens by itself: finishing what a stop interrupted, aborting what is over its time, forgetting idle ids.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::{Id, Transactions, not_stored, records};

impl Transactions {
    /// Loads, and then looks after everything for as long as the broker runs.
    pub(super) async fn keep(&self) {
        let unreadable = self.load().await;
        // Set once: this is the one place that loads.
        let _ = self.inner.unreadable.set(unreadable);
        // Prepared offsets are in the groups' memory only once they are loaded.
        self.inner.groups.loaded().await;
        self.inner.loaded.send_replace(true);
        for id in self.all() {
            let _turn = id.turn.lock().await;
            let _ = self.carry_out(&id).await;
        }
        let every = |ms: u64| {
            let period = Duration::from_millis(ms.max(1));
            let mut interval = interval_at(Instant::now() + period, period);
            interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
            interval
        };
        let mut aborting = every(self.inner.config.abort_interval_ms);
        let mut expiring = every(self.inner.config.expiration_interval_ms);
        loop {
            tokio::select! {
                _ = aborting.tick() => self.abort_overdue().await,
                _ = expiring.tick() => self.expire_ids().await,
            }
        }
    }

    fn all(&self) -> Vec<Arc<Id>> {
        self.ids().values().cloned().collect()
    }

    /// Aborts transactions over their time and shuts their producers out.
    pub(crate) async fn abort_overdue(&self) {
        for id in self.all() {
            if !id.state().is_some_and(|state| state.is_overdue(self.now_ms())) {
                continue;
            }
            let this = self.clone();
            let aborting = self.run(async move {
                let _turn = id.turn.lock().await;
                let now_ms = this.now_ms();
                if let Some(state) = id.state().filter(|state| state.is_overdue(now_ms)) {
                    let (timeout_ms, producer_id) = (state.timeout_ms, state.producer_id);
                    tracing::info!(
                        transactional_id = &*id.name,
                        producer_id,
                        timeout_ms,
                        "transaction timed out"
                    );
                    this.store(&id, state.fenced(now_ms)).await?;
                    // What fails is tried again.
                    let _ = this.carry_out(&id).await;
                }
                Ok(())
            });
            // Not stored: the next round will do, and said so in the log.
            let _ = aborting.await;
        }
    }

    /// Forgets transactional ids that nobody used for long.
    pub(crate) async fn expire_ids(&self) {
        let before_ms = self.now_ms().saturating_sub(self.inner.config.id_expiration_ms);
        for id in self.all() {
            let idle = |id: &Id| id.state().is_none_or(|state| state.is_expired(before_ms));
            if !idle(&id) {
                continue;
            }
            let Ok(_turn) = id.turn.try_lock() else { continue };
            if !idle(&id) {
                continue;
            }
            if id.state().is_some() {
                let entry = (records::key(&id.name), None);
                let partition = self.partition_of(&id.name);
                if let Err(error) = self.inner.journal.append(partition, vec![entry], None).await {
                    let _ = not_stored(&id, &error);
                    continue;
                }
            }
            let mut ids = self.ids();
            if ids.get(&id.name).is_some_and(|known| Arc::ptr_eq(known, &id)) {
                ids.remove(&id.name);
            }
            *crate::log::lock(&id.state) = None;
        }
    }
}
