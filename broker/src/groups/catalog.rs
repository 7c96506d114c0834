//! The topics of the broker, for assignors and commits.

use uuid::Uuid;

use super::consumer::{Catalog, TopicShape};
use crate::topics::Topics;

/// See the module.
pub(super) struct TopicCatalog(pub(super) Topics);

impl Catalog for TopicCatalog {
    fn shape(&self, topic: &str) -> Option<TopicShape> {
        let topic = self.0.get(topic)?;
        Some(TopicShape { id: Uuid::from_bytes(topic.id().bytes()), partitions: topic.partition_count() })
    }

    fn names(&self) -> Vec<String> {
        self.0.list().iter().map(|topic| topic.name().to_string()).collect()
    }

    fn name_of(&self, id: Uuid) -> Option<String> {
        self.0.get_by_id(id.into_bytes()).map(|topic| topic.name().to_string())
    }
}
