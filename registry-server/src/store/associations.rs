//! Associations: which subject the keys or values of a Kafka resource use.

use assay_schema_core::QualifiedSubject;
use async_trait::async_trait;

use super::StoreError;

/// A stored association. Resource id, resource type and association type name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssociationRow {
    /// Id of the resource.
    pub resource_id: String,
    /// `topic`.
    pub resource_type: String,
    /// `key` or `value`.
    pub association_type: String,
    /// Where the resource's name is unique, such as a Kafka cluster id.
    pub resource_namespace: String,
    /// Name of the resource.
    pub resource_name: String,
    /// The subject.
    pub subject: QualifiedSubject,
    /// `STRONG` or `WEAK`.
    pub lifecycle: String,
    /// Whether it can no longer be changed.
    pub frozen: bool,
    /// Identity of the association.
    pub guid: String,
    /// When it was made, epoch milliseconds.
    pub created_ms: i64,
    /// When it was last changed, epoch milliseconds.
    pub updated_ms: i64,
}

/// Reads of associations. All lists are by resource id, resource type, association type.
#[async_trait]
pub trait AssociationReads: Send {
    /// Those of a resource.
    async fn associations_of_resource(
        &mut self,
        resource_id: &str,
    ) -> Result<Vec<AssociationRow>, StoreError>;
    /// Those of resources with a name, in one namespace or all.
    async fn associations_of_name(
        &mut self,
        name: &str,
        namespace: Option<&str>,
    ) -> Result<Vec<AssociationRow>, StoreError>;
    /// Those of resources in a namespace.
    async fn associations_of_namespace(
        &mut self,
        namespace: Option<&str>,
    ) -> Result<Vec<AssociationRow>, StoreError>;
    /// Those of a subject.
    async fn associations_of_subject(
        &mut self,
        subject: &QualifiedSubject,
    ) -> Result<Vec<AssociationRow>, StoreError>;
}

/// Writes of associations.
#[async_trait]
pub trait AssociationWrites: Send {
    /// Stores an association in place of the one with the same name.
    async fn put_association(&mut self, association: &AssociationRow) -> Result<(), StoreError>;
    /// Removes an association.
    async fn remove_association(&mut self, association: &AssociationRow) -> Result<(), StoreError>;
}
