//! Queries of associations.

use assay_schema_core::QualifiedSubject;
use async_trait::async_trait;

use super::super::associations::{AssociationReads, AssociationRow, AssociationWrites};
use super::super::connection::{Arg, Row};
use super::super::error::StoreError;
use super::{Session, rows};

const OF_RESOURCE: &str = "SELECT resource_id, resource_type, association_type, resource_namespace, resource_name, context, \
    subject, lifecycle, frozen, guid, created_ms, updated_ms FROM associations WHERE resource_id = $1 \
    ORDER BY resource_id, resource_type, association_type";
const OF_NAME: &str = "SELECT resource_id, resource_type, association_type, resource_namespace, resource_name, context, \
    subject, lifecycle, frozen, guid, created_ms, updated_ms FROM associations \
    WHERE resource_name = $1 AND ($2 = '' OR resource_namespace = $2) \
    ORDER BY resource_id, resource_type, association_type";
const OF_NAMESPACE: &str = "SELECT resource_id, resource_type, association_type, resource_namespace, resource_name, context, \
    subject, lifecycle, frozen, guid, created_ms, updated_ms FROM associations \
    WHERE ($1 = '' OR resource_namespace = $1) ORDER BY resource_id, resource_type, association_type";
const OF_SUBJECT: &str = "SELECT resource_id, resource_type, association_type, resource_namespace, resource_name, context, \
    subject, lifecycle, frozen, guid, created_ms, updated_ms FROM associations WHERE context = $1 AND subject = $2 \
    ORDER BY resource_id, resource_type, association_type";
const PUT: &str = "INSERT INTO associations (resource_id, resource_type, association_type, resource_namespace, resource_name, \
    context, subject, lifecycle, frozen, guid, created_ms, updated_ms) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) \
    ON CONFLICT (resource_id, resource_type, association_type) DO UPDATE SET \
    resource_namespace = excluded.resource_namespace, resource_name = excluded.resource_name, context = excluded.context, \
    subject = excluded.subject, lifecycle = excluded.lifecycle, frozen = excluded.frozen, guid = excluded.guid, \
    updated_ms = excluded.updated_ms";
const REMOVE: &str =
    "DELETE FROM associations WHERE resource_id = $1 AND resource_type = $2 AND association_type = $3";

fn association(row: &Row) -> Result<AssociationRow, StoreError> {
    Ok(AssociationRow {
        resource_id: row.text(0)?,
        resource_type: row.text(1)?,
        association_type: row.text(2)?,
        resource_namespace: row.text(3)?,
        resource_name: row.text(4)?,
        subject: rows::qualified(&row.text(5)?, row.text(6)?)?,
        lifecycle: row.text(7)?,
        frozen: row.integer(8)? != 0,
        guid: row.text(9)?,
        created_ms: row.integer(10)?,
        updated_ms: row.integer(11)?,
    })
}

impl Session {
    async fn associations(
        &mut self,
        sql: &'static str,
        args: &[Arg<'_>],
    ) -> Result<Vec<AssociationRow>, StoreError> {
        let rows = self.connection().await?.fetch_all(sql, args).await?;
        rows.iter().map(association).collect()
    }
}

#[async_trait]
impl AssociationReads for Session {
    async fn associations_of_resource(
        &mut self,
        resource_id: &str,
    ) -> Result<Vec<AssociationRow>, StoreError> {
        self.associations(OF_RESOURCE, &[Arg::Text(resource_id)]).await
    }

    async fn associations_of_name(
        &mut self,
        name: &str,
        namespace: Option<&str>,
    ) -> Result<Vec<AssociationRow>, StoreError> {
        self.associations(OF_NAME, &[Arg::Text(name), Arg::Text(namespace.unwrap_or_default())]).await
    }

    async fn associations_of_namespace(
        &mut self,
        namespace: Option<&str>,
    ) -> Result<Vec<AssociationRow>, StoreError> {
        self.associations(OF_NAMESPACE, &[Arg::Text(namespace.unwrap_or_default())]).await
    }

    async fn associations_of_subject(
        &mut self,
        subject: &QualifiedSubject,
    ) -> Result<Vec<AssociationRow>, StoreError> {
        self.associations(OF_SUBJECT, &[Arg::Text(subject.context.as_str()), Arg::Text(&subject.subject)])
            .await
    }
}

#[async_trait]
impl AssociationWrites for Session {
    async fn put_association(&mut self, association: &AssociationRow) -> Result<(), StoreError> {
        let args = [
            Arg::Text(&association.resource_id),
            Arg::Text(&association.resource_type),
            Arg::Text(&association.association_type),
            Arg::Text(&association.resource_namespace),
            Arg::Text(&association.resource_name),
            Arg::Text(association.subject.context.as_str()),
            Arg::Text(&association.subject.subject),
            Arg::Text(&association.lifecycle),
            Arg::Integer(association.frozen.into()),
            Arg::Text(&association.guid),
            Arg::Integer(association.created_ms),
            Arg::Integer(association.updated_ms),
        ];
        self.connection().await?.execute(PUT, &args).await?;
        Ok(())
    }

    async fn remove_association(&mut self, association: &AssociationRow) -> Result<(), StoreError> {
        let args = [
            Arg::Text(&association.resource_id),
            Arg::Text(&association.resource_type),
            Arg::Text(&association.association_type),
        ];
        self.connection().await?.execute(REMOVE, &args).await?;
        Ok(())
    }
}
