//! From properties to the settings of serializers and deserializers.

use std::collections::BTreeMap;

use assay_schema_core::naming::SubjectNameStrategy;
use assay_schema_core::{Guid, SchemaId};

use super::{ConfigError, Properties, invalid};
use crate::deserializer::{DeserializerSettings, ReaderSchema};
use crate::serializer::{Selection, SerializerSettings};
use crate::subject::SubjectStrategy;
use crate::wire::{Framing, Part, SchemaKey, Unframing};

/// The keys of serializers and deserializers, for one part of a record.
pub(crate) struct SerdeProperties;

impl SerdeProperties {
    /// Settings of a serializer.
    pub(crate) fn serializer(properties: &Properties, part: Part) -> Result<SerializerSettings, ConfigError> {
        properties.check_keys()?;
        Ok(SerializerSettings {
            part,
            framing: framing(properties, part)?,
            strategy: strategy(properties, part)?,
            selection: selection(properties)?,
            normalize: properties.flag("normalize.schemas", false)?,
            id_compatibility_strict: properties.flag("id.compatibility.strict", true)?,
            latest_compatibility_strict: properties.flag("latest.compatibility.strict", true)?,
            ignore_rules: properties.flag("rule.executors._default_.disabled", false)?,
            ..SerializerSettings::default()
        })
    }

    /// Settings of a deserializer.
    pub(crate) fn deserializer(
        properties: &Properties,
        part: Part,
    ) -> Result<DeserializerSettings, ConfigError> {
        properties.check_keys()?;
        let metadata = metadata(properties)?;
        let reader = if !metadata.is_empty() {
            ReaderSchema::LatestWithMetadata(metadata)
        } else if properties.flag("use.latest.version", false)? {
            ReaderSchema::Latest
        } else {
            ReaderSchema::Writer
        };
        Ok(DeserializerSettings {
            part,
            unframing: unframing(properties, part)?,
            strategy: strategy(properties, part)?,
            reader,
            fail_on_trailing_data: properties.flag("avro.fail.on.trailing.data", false)?,
            ignore_rules: properties.flag("rule.executors._default_.disabled", false)?,
            ..DeserializerSettings::default()
        })
    }
}

fn selection(properties: &Properties) -> Result<Selection, ConfigError> {
    const REGISTER: &str = "auto.register.schemas";
    let metadata = metadata(properties)?;
    let latest = properties.flag("use.latest.version", false)?;
    if properties.flag(REGISTER, true)? {
        let conflict = if latest {
            Some("use.latest.version")
        } else if !metadata.is_empty() {
            Some("use.latest.with.metadata")
        } else {
            schema_key(properties)?.map(|(key, _)| key)
        };
        return match conflict {
            Some(second) => Err(ConfigError::Conflict {
                first: REGISTER,
                second,
                reason: "registering wins, so the other key would have no effect; set auto.register.schemas=false",
            }),
            None => {
                Ok(Selection::Register { propagate_tags: properties.flag("propagate.schema.tags", false)? })
            }
        };
    }
    Ok(match schema_key(properties)? {
        Some((_, key)) => Selection::Fixed(key),
        None if !metadata.is_empty() => Selection::LatestWithMetadata(metadata),
        None if latest => Selection::Latest,
        None => Selection::Lookup,
    })
}

/// The schema that `use.schema.id` or `use.schema.guid` names, and the key that does.
fn schema_key(properties: &Properties) -> Result<Option<(&'static str, SchemaKey)>, ConfigError> {
    const ID: &str = "use.schema.id";
    const GUID: &str = "use.schema.guid";
    let id = properties.number(ID, -1, -1)?;
    if id >= 0 {
        let id = i32::try_from(id).ok().and_then(SchemaId::new);
        return Ok(Some((ID, SchemaKey::Id(id.ok_or_else(|| invalid(ID, "not a schema id"))?))));
    }
    match properties.get(GUID) {
        None => Ok(None),
        Some(text) => {
            let guid = Guid::parse(text).map_err(|_| invalid(GUID, "expected a UUID"))?;
            Ok(Some((GUID, SchemaKey::Guid(guid))))
        }
    }
}

/// Reads `k=v,k2=v2`; text between single quotes may contain commas.
fn metadata(properties: &Properties) -> Result<BTreeMap<String, String>, ConfigError> {
    const KEY: &str = "use.latest.with.metadata";
    let mut pairs = BTreeMap::new();
    let Some(text) = properties.get(KEY) else { return Ok(pairs) };
    let mut quoted = false;
    let split = |c: char| {
        quoted ^= c == '\'';
        c == ',' && !quoted
    };
    for pair in text.split(split) {
        let pair = pair.trim();
        let pair = pair.strip_prefix('\'').and_then(|pair| pair.strip_suffix('\'')).unwrap_or(pair);
        let (key, value) =
            pair.split_once('=').ok_or_else(|| invalid(KEY, "expected key=value,key2=value2"))?;
        pairs.insert(key.trim().to_owned(), value.trim().to_owned());
    }
    Ok(pairs)
}

fn strategy(properties: &Properties, part: Part) -> Result<SubjectStrategy, ConfigError> {
    const FALLBACK: &str = "subject.name.strategy.fallback.type";
    let key = match part {
        Part::Key => "key.subject.name.strategy",
        Part::Value => "value.subject.name.strategy",
    };
    let mut strategy = match properties.get(key) {
        None => SubjectStrategy::default(),
        Some(text) => SubjectStrategy::parse(text).ok_or_else(|| {
            invalid(key, "expected topic, record, topic_record, associated or their class names")
        })?,
    };
    if let SubjectStrategy::Associated { namespace, fallback } = &mut strategy {
        if let Some(cluster) = properties.get("subject.name.strategy.kafka.cluster.id") {
            cluster.clone_into(namespace);
        }
        match properties.get(FALLBACK) {
            None => {}
            Some(text) if text.eq_ignore_ascii_case("NONE") => *fallback = None,
            Some(text) => {
                let named = SubjectNameStrategy::parse(text)
                    .map_err(|_| invalid(FALLBACK, "expected TOPIC, RECORD, TOPIC_RECORD or NONE"))?;
                *fallback = Some(named);
            }
        }
    }
    Ok(strategy)
}

/// A short name, or the end of a Java class name.
fn class(text: &str) -> &str {
    text.rsplit('.').next().unwrap_or(text)
}

fn framing(properties: &Properties, part: Part) -> Result<Framing, ConfigError> {
    let key = match part {
        Part::Key => "key.schema.id.serializer",
        Part::Value => "value.schema.id.serializer",
    };
    match properties.get(key).map(class) {
        None | Some("PrefixSchemaIdSerializer" | "prefix") => Ok(Framing::Prefix),
        Some("HeaderSchemaIdSerializer" | "header") => Ok(Framing::Header),
        Some(_) => {
            Err(invalid(key, "expected prefix, header, PrefixSchemaIdSerializer or HeaderSchemaIdSerializer"))
        }
    }
}

fn unframing(properties: &Properties, part: Part) -> Result<Unframing, ConfigError> {
    let key = match part {
        Part::Key => "key.schema.id.deserializer",
        Part::Value => "value.schema.id.deserializer",
    };
    match properties.get(key).map(class) {
        None | Some("DualSchemaIdDeserializer" | "dual") => Ok(Unframing::Dual),
        Some("PrefixSchemaIdDeserializer" | "prefix") => Ok(Unframing::Prefix),
        Some("ConfigSchemaIdDeserializer" | "config") => schema_key(properties)?
            .map(|(_, schema)| Unframing::Fixed(schema))
            .ok_or(ConfigError::Missing { key: "use.schema.id" }),
        Some(_) => Err(invalid(key, "expected dual, prefix, config or the Java class of one of them")),
    }
}
