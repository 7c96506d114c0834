//! A durable, single-node broker that speaks the Kafka protocol.
//!
//! A produce request travels `connection` (frames) → `dispatch` → `handlers` → validator → `partition` → `log`; nothing
//! flows back up. The [`protocol`] module is a leaf: messages declared once for all versions.

pub mod clock;
pub mod compression;
pub mod durability;
pub mod groups;
pub mod log;
pub mod partition;
pub mod producer_ids;
pub mod producer_state;
pub mod protocol;
pub mod record_batch;
pub mod topics;
