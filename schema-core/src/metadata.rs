//! Data-contract metadata: tags, properties, and which properties are secrets.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize};

use crate::avro::{Node, Schema};

/// Property that carries the version number a registration asked for.
pub const CONFLUENT_VERSION: &str = "confluent:version";
/// Property that lists reserved field names, separated by commas.
pub const RESERVED_FIELDS: &str = "confluent:reserved";

/// Metadata of a schema: part of its identity. Absent and empty differ; parts that are empty are not written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Tag names by path.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeMap::is_empty")]
    pub tags: BTreeMap<String, BTreeSet<String>>,
    /// Free properties.
    #[serde(deserialize_with = "properties", skip_serializing_if = "BTreeMap::is_empty")]
    pub properties: BTreeMap<String, String>,
    /// Names of properties to be kept secret at rest.
    #[serde(deserialize_with = "null_as_default", skip_serializing_if = "BTreeSet::is_empty")]
    pub sensitive: BTreeSet<String>,
}

impl Metadata {
    /// `later` over `earlier`: per map the later key wins (a path's tags are replaced, not joined), secrets are joined.
    /// Absent only when both are.
    pub fn merged(earlier: Option<&Self>, later: Option<&Self>) -> Option<Self> {
        let (Some(earlier), Some(later)) = (earlier, later) else { return earlier.or(later).cloned() };
        let mut merged = earlier.clone();
        merged.tags.extend(later.tags.clone());
        merged.properties.extend(later.properties.clone());
        merged.sensitive.extend(later.sensitive.iter().cloned());
        Some(merged)
    }

    /// What a registration stores: `specific` (the request's, else the latest version's) over `default`, `forced` over
    /// both.
    pub fn at_registration(
        default: Option<&Self>,
        specific: Option<&Self>,
        forced: Option<&Self>,
    ) -> Option<Self> {
        Self::merged(Self::merged(default, specific).as_ref(), forced)
    }

    /// The version number the metadata carries; zero when it is not a number.
    pub fn confluent_version(&self) -> Option<i32> {
        self.properties.get(CONFLUENT_VERSION).map(|text| text.parse().unwrap_or(0))
    }

    /// The metadata with the version number set.
    pub fn with_confluent_version(metadata: Option<Self>, version: i32) -> Self {
        let mut metadata = metadata.unwrap_or_default();
        metadata.properties.insert(CONFLUENT_VERSION.to_owned(), version.to_string());
        metadata
    }

    /// Whether two are the same but for a version number that only one of them carries. Metadata that holds nothing else
    /// equals absent metadata then.
    pub fn same_but_version(left: Option<&Self>, right: Option<&Self>) -> bool {
        if left == right {
            return true;
        }
        let has = |metadata: Option<&Self>| metadata.is_some_and(|m| m.confluent_version().is_some());
        if has(left) == has(right) {
            return false;
        }
        let bare = |metadata: Option<&Self>| {
            let mut metadata = metadata.cloned().unwrap_or_default();
            metadata.properties.remove(CONFLUENT_VERSION);
            metadata
        };
        bare(left) == bare(right)
    }

    /// Field names under [`RESERVED_FIELDS`], trimmed.
    pub fn reserved_fields(&self) -> impl Iterator<Item = &str> {
        let list = self.properties.get(RESERVED_FIELDS).map_or("", String::as_str);
        list.split(',').map(str::trim).filter(|name| !name.is_empty())
    }

    /// What `validateFields` says about a new schema: reserved names that were given up, and top-level fields that take
    /// one. Sorted by name within each kind.
    pub fn reserved_field_messages(new: Option<&Self>, old: Option<&Self>, schema: &Schema) -> Vec<String> {
        let reserved = |metadata: Option<&Self>| -> BTreeSet<String> {
            metadata.iter().flat_map(|metadata| metadata.reserved_fields()).map(str::to_owned).collect()
        };
        let (now, before) = (reserved(new), reserved(old));
        let removed = before.difference(&now).map(|name| {
            format!(
                "The new schema has reserved field {name} removed from its metadata which is present in the old schema's metadata."
            )
        });
        let record = match schema.node(schema.root()) {
            Node::Record(record) => Some(record),
            _ => None,
        };
        let taken = now.iter().filter(|name| record.is_some_and(|record| record.field(name).is_some()));
        let conflicts = taken
            .map(|name| format!("The new schema has field that conflicts with the reserved field {name}."));
        removed.chain(conflicts).collect()
    }

    /// Everything that takes part in the identity, in order.
    pub(crate) fn for_each_part(&self, mut take: impl FnMut(&str)) {
        for (path, tags) in &self.tags {
            take(path);
            for tag in tags {
                take(tag);
            }
        }
        for (key, value) in &self.properties {
            take(key);
            take(value);
        }
        self.sensitive.iter().for_each(|name| take(name));
    }
}

/// A JSON `null` reads as the empty value.
pub(crate) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// Properties: `null` for none; numbers and booleans read as their text.
fn properties<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    use serde::de::Error as _;
    use serde_json::Value;

    let values: Option<BTreeMap<String, Value>> = Option::deserialize(deserializer)?;
    let text = |value: Value| match value {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            Err(D::Error::custom("a metadata property is a string"))
        }
    };
    values.unwrap_or_default().into_iter().map(|(key, value)| Ok((key, text(value)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Metadata {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn empty_parts_are_not_written_and_nulls_are_read() {
        assert_eq!(serde_json::to_string(&Metadata::default()).unwrap(), "{}");
        assert_eq!(read(r#"{"tags":null,"properties":null,"more":1}"#), Metadata::default());
        let json = r#"{"tags":{"a":["x","y"]},"properties":{"k":"v"},"sensitive":["k"]}"#;
        assert_eq!(serde_json::to_string(&read(json)).unwrap(), json);
        assert_eq!(read(r#"{"properties":{"n":1}}"#).properties["n"], "1");
    }

    #[test]
    fn later_metadata_wins_by_key() {
        let earlier =
            read(r#"{"tags":{"a":["x"],"b":["y"]},"properties":{"k":"1","l":"1"},"sensitive":["k"]}"#);
        let later = read(r#"{"tags":{"a":["z"]},"properties":{"k":"2"},"sensitive":["l"]}"#);
        let merged =
            read(r#"{"tags":{"a":["z"],"b":["y"]},"properties":{"k":"2","l":"1"},"sensitive":["k","l"]}"#);
        assert_eq!(Metadata::merged(Some(&earlier), Some(&later)), Some(merged));
        assert_eq!(Metadata::merged(None, None), None);
        assert_eq!(Metadata::merged(None, Some(&Metadata::default())), Some(Metadata::default()));
        let forced = read(r#"{"properties":{"l":"9"}}"#);
        let stored = Metadata::at_registration(Some(&earlier), Some(&later), Some(&forced)).unwrap();
        assert_eq!(stored.properties["l"], "9");
    }

    #[test]
    fn a_version_number_on_one_side_does_not_make_metadata_differ() {
        let plain = read(r#"{"properties":{"k":"v"}}"#);
        let numbered = Metadata::with_confluent_version(Some(plain.clone()), 3);
        let other = Metadata::with_confluent_version(Some(plain.clone()), 4);
        assert!(Metadata::same_but_version(Some(&plain), Some(&numbered)));
        assert!(!Metadata::same_but_version(Some(&other), Some(&numbered)));
        assert!(Metadata::same_but_version(None, Some(&Metadata::with_confluent_version(None, 1))));
        assert!(!Metadata::same_but_version(None, Some(&plain)));
    }
}
