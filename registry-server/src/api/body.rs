//! Request bodies: JSON read as leniently as the contract does. Unknown fields are ignored, `null` is absent, numbers and booleans
//! stand for strings, numeric strings for numbers.

use assay_schema_core::{Metadata, RuleSet, SchemaId, SchemaReference};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::error::ApiError;
use crate::registry::{AssociationInput, AssociationRequest, Lifecycle, SchemaInput, SchemaTags, TagChange};

/// A JSON object.
pub(crate) struct Object(pub(crate) Map<String, Value>);

fn wrong_type(wanted: &str, value: &Value) -> ApiError {
    let (kind, token) = match value {
        Value::Null => ("Null", "VALUE_NULL"),
        Value::Bool(true) => ("Boolean", "VALUE_TRUE"),
        Value::Bool(false) => ("Boolean", "VALUE_FALSE"),
        Value::Number(number) if number.is_f64() => ("Floating-point", "VALUE_NUMBER_FLOAT"),
        Value::Number(_) => ("Integer", "VALUE_NUMBER_INT"),
        Value::String(_) => ("String", "VALUE_STRING"),
        Value::Array(_) => ("Array", "START_ARRAY"),
        Value::Object(_) => ("Object", "START_OBJECT"),
    };
    let message =
        format!("Cannot deserialize value of type `{wanted}` from {kind} value (token `JsonToken.{token}`)");
    ApiError::BadRequest { message }
}

/// Reads a body; `argument` names what the original calls it when it is missing.
pub(crate) fn object(body: &[u8], argument: &'static str) -> Result<Object, ApiError> {
    if body.trim_ascii().is_empty() {
        return Err(ApiError::NullBody { argument });
    }
    let value =
        serde_json::from_slice(body).map_err(|error| ApiError::BadRequest { message: error.to_string() })?;
    match value {
        Value::Null => Err(ApiError::NullBody { argument }),
        Value::Object(object) => Ok(Object(object)),
        other => Err(wrong_type("Object", &other)),
    }
}

impl Object {
    fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<String>, ApiError> {
        self.value(name).map(text_of).transpose()
    }

    pub(crate) fn integer(&self, name: &str) -> Result<Option<i32>, ApiError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        let number = number.and_then(|number| i32::try_from(number).ok());
        number.map(Some).ok_or_else(|| wrong_type("Integer", value))
    }

    pub(super) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        match value {
            Value::Bool(flag) => Ok(Some(*flag)),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Ok(Some(true)),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Ok(Some(false)),
            other => Err(wrong_type("Boolean", other)),
        }
    }

    fn list(&self, name: &str) -> Result<Vec<Value>, ApiError> {
        match self.value(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(items)) => Ok(items.clone()),
            Some(other) => Err(wrong_type("ArrayList", other)),
        }
    }

    pub(super) fn objects(&self, name: &str) -> Result<Vec<Object>, ApiError> {
        let items = self.list(name)?.into_iter().filter(|item| !item.is_null());
        items
            .map(|item| match item {
                Value::Object(object) => Ok(Object(object)),
                other => Err(wrong_type("Object", &other)),
            })
            .collect()
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, ApiError> {
        self.list(name)?.iter().map(text_of).collect()
    }

    fn typed<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(value) = self.value(name) else { return Ok(None) };
        let mut value = value.clone();
        drop_nulls(&mut value);
        let parsed = serde_json::from_value(value);
        parsed
            .map(Some)
            .map_err(|error| ApiError::BadRequest { message: format!("Cannot deserialize {name}: {error}") })
    }

    fn metadata(&self) -> Result<Option<Metadata>, ApiError> {
        self.typed("metadata")
    }

    fn rule_set(&self, name: &str) -> Result<Option<RuleSet>, ApiError> {
        self.typed(name)
    }

    fn references(&self) -> Result<Vec<SchemaReference>, ApiError> {
        let read = |object: Object| {
            Ok(SchemaReference {
                name: object.text("name")?.unwrap_or_default(),
                subject: object.text("subject")?.unwrap_or_default(),
                version: object.integer("version")?.unwrap_or_default(),
            })
        };
        self.objects("references")?.into_iter().map(read).collect()
    }

    fn schema_tags(&self, name: &str) -> Result<Vec<SchemaTags>, ApiError> {
        let read = |object: Object| {
            let entity = match object.value("schemaEntity") {
                Some(Value::Object(entity)) => Object(entity.clone()),
                Some(other) => return Err(wrong_type("SchemaEntity", other)),
                None => Object(Map::new()),
            };
            Ok(SchemaTags {
                entity_path: entity.text("entityPath")?.unwrap_or_default(),
                entity_type: entity.text("entityType")?.unwrap_or_default().to_lowercase(),
                tags: object.texts("tags")?,
            })
        };
        self.objects(name)?.into_iter().map(read).collect()
    }

    /// `RegisterSchemaRequest`. An id below 0 and a version of 0 count as absent.
    pub(crate) fn schema_input(&self) -> Result<SchemaInput, ApiError> {
        let rule_set = if self.0.contains_key("ruleSet") { "ruleSet" } else { "ruleset" };
        Ok(SchemaInput {
            schema: self.text("schema")?.unwrap_or_default(),
            schema_type: self.text("schemaType")?.filter(|schema_type| !schema_type.is_empty()),
            references: self.references()?,
            metadata: self.metadata()?,
            rule_set: self.rule_set(rule_set)?,
            version: self.integer("version")?.unwrap_or_default(),
            id: self.integer("id")?.and_then(SchemaId::new),
            tags_to_add: self.schema_tags("schemaTagsToAdd")?,
            tags_to_remove: self.schema_tags("schemaTagsToRemove")?,
            propagate_tags: self.flag("propagateSchemaTags")?.unwrap_or(false),
        })
    }

    /// `lifecycle`.
    pub(super) fn lifecycle(&self) -> Result<Option<Lifecycle>, ApiError> {
        let Some(text) = self.text("lifecycle")? else { return Ok(None) };
        Lifecycle::parse(&text).map(Some).ok_or_else(|| ApiError::BadRequest {
            message: format!(
                "Cannot deserialize value of type `LifecyclePolicy` from String \"{text}\": not one of the values accepted for \
                 Enum class: [STRONG, WEAK]"
            ),
        })
    }

    /// `AssociationCreateOrUpdateRequest`.
    pub(super) fn association_request(&self) -> Result<AssociationRequest, ApiError> {
        let read = |object: Object| {
            let schema = match object.value("schema") {
                None => None,
                Some(Value::Object(schema)) => Some(Object(schema.clone()).schema_input()?),
                Some(other) => return Err(wrong_type("RegisterSchemaRequest", other)),
            };
            Ok(AssociationInput {
                subject: object.text("subject")?,
                association_type: object.text("associationType")?.unwrap_or_default(),
                lifecycle: object.lifecycle()?,
                frozen: object.flag("frozen")?,
                schema,
                normalize: object.flag("normalize")?.unwrap_or(false),
            })
        };
        Ok(AssociationRequest {
            resource_name: self.text("resourceName")?.unwrap_or_default(),
            resource_namespace: self.text("resourceNamespace")?.unwrap_or_default(),
            resource_id: self.text("resourceId")?,
            resource_type: self.text("resourceType")?.unwrap_or_default(),
            associations: self.objects("associations")?.into_iter().map(read).collect::<Result<_, _>>()?,
        })
    }

    /// `TagSchemaRequest`.
    pub(crate) fn tag_change(&self) -> Result<TagChange, ApiError> {
        Ok(TagChange {
            new_version: self.integer("newVersion")?.unwrap_or_default(),
            tags_to_add: self.schema_tags("tagsToAdd")?,
            tags_to_remove: self.schema_tags("tagsToRemove")?,
            metadata: self.metadata()?,
            rule_set: self.rule_set("ruleSet")?,
            rules_to_merge: self.rule_set("rulesToMerge")?,
            rules_to_remove: self.texts("rulesToRemove")?,
        })
    }
}

fn text_of(value: &Value) -> Result<String, ApiError> {
    match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        other => Err(wrong_type("String", other)),
    }
}

/// Removes explicit nulls at every level. The depth is bounded by the JSON reader.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}
