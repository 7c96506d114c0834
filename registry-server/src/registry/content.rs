//! From a posted schema to the content that would be stored: type, limits, references, parsing, canonical text, identity.

use assay_schema_core::avro::{self, ParseMode};
use assay_schema_core::{
    Context, Guid, Metadata, QualifiedSubject, RuleSet, SchemaReference, SchemaType, content_guid,
};

use super::Registry;
use super::error::{InvalidSchema, Place, RegistryError};
use super::input::{SchemaInput, StoredContent};
use super::references::{ReferenceFailure, Resolution, resolve, target, with_real_versions};
use crate::store::{NewSchema, Snapshot};

/// A posted schema, parsed.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) schema: avro::Schema,
    pub(super) text: String,
    pub(super) references: Vec<SchemaReference>,
    pub(super) targets: Vec<QualifiedSubject>,
    pub(super) metadata: Option<Metadata>,
    pub(super) rule_set: Option<RuleSet>,
    pub(super) guid: Guid,
}

impl Content {
    /// The same schema with other data-contract parts, and so another identity.
    pub(super) fn with_contract(&self, metadata: Option<Metadata>, rule_set: Option<RuleSet>) -> Self {
        let guid = content_guid(&self.text, &self.references, metadata.as_ref(), rule_set.as_ref());
        Self { metadata, rule_set, guid, ..self.clone() }
    }

    pub(super) fn to_new(&self, context: &Context, created_ms: i64) -> NewSchema {
        NewSchema {
            context: context.clone(),
            hash: self.guid,
            schema_type: SchemaType::Avro,
            text: self.text.clone(),
            references: self.references.clone(),
            targets: self.targets.clone(),
            metadata: self.metadata.clone(),
            rule_set: self.rule_set.clone(),
            created_ms,
        }
    }

    pub(super) fn into_stored(self) -> StoredContent {
        StoredContent {
            guid: self.guid,
            text: self.text,
            references: self.references,
            metadata: self.metadata,
            rule_set: self.rule_set,
        }
    }
}

impl Registry {
    /// Parses a posted schema in a context. `mode` is strict for new schemas; `normalize` re-prints the text in normal form.
    ///
    /// # Errors
    /// 42201 in all its forms, and [`RegistryError::SchemaTooLarge`].
    pub(super) async fn prepare(
        &self,
        snapshot: &mut dyn Snapshot,
        subject: &QualifiedSubject,
        input: &SchemaInput,
        mode: ParseMode,
        normalize: bool,
    ) -> Result<Content, RegistryError> {
        self.check_type_and_size(input)?;
        let resolved = self.resolve_input(snapshot, &subject.context, input, mode).await;
        let (references, texts) =
            resolved.map_err(|failure| failure.into_error(|detail| refused(subject, input, detail, None)))?;
        let slices: Vec<&str> = texts.iter().map(String::as_str).collect();
        let parsed = avro::Schema::parse_with_references(&input.schema, &slices, mode);
        let mut schema =
            parsed.map_err(|error| refused(subject, input, error.to_string(), Place::of(&error)))?;
        let mut references = references;
        if normalize {
            schema = schema.normalized().map_err(|error| refused(subject, input, error.to_string(), None))?;
            references = SchemaReference::normalized(references);
        }
        let text = String::from(schema.canonical());
        let guid = content_guid(&text, &references, input.metadata.as_ref(), input.rule_set.as_ref());
        let targets = references.iter().map(|reference| target(&subject.context, reference)).collect();
        Ok(Content {
            schema,
            text,
            references,
            targets,
            metadata: input.metadata.clone(),
            rule_set: input.rule_set.clone(),
            guid,
        })
    }

    fn check_type_and_size(&self, input: &SchemaInput) -> Result<(), RegistryError> {
        if let Some(schema_type) = &input.schema_type
            && SchemaType::parse(schema_type).is_err()
        {
            return Err(InvalidSchema::UnknownType { schema_type: schema_type.clone() }.into());
        }
        if input.schema.trim().is_empty() {
            return Err(InvalidSchema::Empty.into());
        }
        if input.schema.len() > self.config().schema_bytes_max {
            return Err(RegistryError::SchemaTooLarge);
        }
        Ok(())
    }

    async fn resolve_input(
        &self,
        snapshot: &mut dyn Snapshot,
        context: &Context,
        input: &SchemaInput,
        mode: ParseMode,
    ) -> Result<(Vec<SchemaReference>, Vec<String>), ReferenceFailure> {
        if input.references.is_empty() {
            return Ok((Vec::new(), Vec::new()));
        }
        let resolution = if mode == ParseMode::Strict { Resolution::New } else { Resolution::Stored };
        let references = with_real_versions(self, snapshot, context, &input.references).await?;
        let contents = resolve(self, snapshot, context, &references, resolution).await?;
        Ok((references, contents.iter().map(|content| content.text().to_owned()).collect()))
    }
}

/// The refusal of a posted schema, printing the request the way the contract does.
fn refused(
    subject: &QualifiedSubject,
    input: &SchemaInput,
    detail: String,
    place: Option<Box<Place>>,
) -> InvalidSchema {
    let references = print_references(&input.references);
    let guid =
        content_guid(&input.schema, &input.references, input.metadata.as_ref(), input.rule_set.as_ref());
    InvalidSchema::Refused {
        request: format!(
            "{{subject={subject},version={},id={},guid={guid},schemaType=AVRO,references=[{references}],metadata={},ruleSet={},\
             schema={},schemaTags=null,ts=null,deleted=null}}",
            input.version,
            input.id.map_or(-1, assay_schema_core::SchemaId::get),
            print(input.metadata.as_ref()),
            print(input.rule_set.as_ref()),
            input.schema,
        ),
        references,
        detail,
        place,
    }
}

fn print_references(references: &[SchemaReference]) -> String {
    let printed: Vec<String> = references
        .iter()
        .map(|reference| {
            format!(
                "{{name='{}', subject='{}', version={}}}",
                reference.name, reference.subject, reference.version
            )
        })
        .collect();
    printed.join(", ")
}

fn print<T: serde::Serialize>(value: Option<&T>) -> String {
    value.and_then(|value| serde_json::to_string(value).ok()).unwrap_or_else(|| "null".to_owned())
}
