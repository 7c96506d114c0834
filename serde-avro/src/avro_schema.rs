//! The schema of a Rust type.

mod assertion;
mod builtin;
mod definitions;

use assay_schema_core::SchemaError;
use assay_schema_core::avro::{ParseMode, Schema};
use serde_json::Value;

pub use assertion::assert_schema_matches;
pub use definitions::{Definitions, FieldHead, Fields, TypeHead};

/// A schema, or a part of one, in JSON.
pub type SchemaJson = serde_json::Value;

/// A type whose values have one Avro schema. Derive it: the schema then follows the type's serde attributes, so that what
/// the derived `Serialize` writes and `Deserialize` reads fits it.
///
/// ```
/// use assay_serde_avro::AvroSchema;
/// use serde::{Deserialize, Serialize};
///
/// /// What a customer ordered.
/// #[derive(Serialize, Deserialize, AvroSchema)]
/// #[avro(namespace = "shop")]
/// #[serde(rename_all = "camelCase")]
/// struct Order {
///     order_id: i64,
///     #[serde(alias = "remark")]
///     note: Option<String>,
///     #[avro(logical = "timestamp-millis")]
///     placed_at: i64,
/// }
///
/// assert_eq!(
///     Order::avro_schema()?.canonical(),
///     concat!(
///         r#"{"type":"record","name":"Order","namespace":"shop","doc":"What a customer ordered.","fields":["#,
///         r#"{"name":"orderId","type":"long"},"#,
///         r#"{"name":"note","type":["null","string"],"default":null,"aliases":["remark"]},"#,
///         r#"{"name":"placedAt","type":{"type":"long","logicalType":"timestamp-millis"}}]}"#,
///     )
/// );
/// # Ok::<(), assay_serde_avro::AvroSchemaError>(())
/// ```
///
/// | Rust | Avro |
/// |---|---|
/// | `bool`, `f32`, `f64`, text, `()` | boolean, float, double, string, null |
/// | integers of up to 32 bits with sign, or up to 16 without; larger ones | int; long |
/// | `Vec`, slices, arrays, sets, tuples and tuple structs of one type | array |
/// | maps with text keys | map |
/// | `Option<T>` | `["null", T]`, with `null` as the default of a field |
/// | struct | record; a newtype or `serde(transparent)` is what it holds |
/// | enum without content | enum |
/// | enum with content | union: a struct variant or a variant without content is a record of the variant's name (`Null` is null), and any other one holds the type that it is named after |
/// | types of the features `chrono`, `jiff`, `uuid`, `bigdecimal` | their logical types; timestamps and times in microseconds |
///
/// Documentation comments become `doc`. Understood of serde, beside names, aliases and `skip`: `flatten`, `transparent`,
/// `untagged`, `with` for `serde_bytes` and [`crate::logical`]. What has no Avro form does not compile: tuples of several
/// types, `tag` and `content`, `into` and `from`, functions of one's own without `schema`.
///
/// ```
/// use assay_serde_avro::{AvroSchema, Plan};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
/// enum Event {
///     Created { order: i64 },           // a record Created
///     Cancelled,                        // a record without fields
///     Address(Address),                 // the record that the variant is named after
///     #[serde(rename = "ParcelShipped")] // a variant with another name is renamed
///     Shipped(ParcelShipped),
/// }
///
/// #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
/// struct Address {
///     city: String,
/// }
///
/// #[derive(Serialize, Deserialize, AvroSchema, Debug, PartialEq)]
/// struct ParcelShipped {
///     at: (f64, f64),
/// }
///
/// let plan = Plan::compile(&Event::avro_schema()?)?;
/// let bytes = plan.encode_to_vec(&Event::Shipped(ParcelShipped { at: (52.5, 13.4) }))?;
/// assert_eq!(bytes[0], 6); // branch 3 of the union
/// assert_eq!(plan.decode::<Event>(&bytes)?, Event::Shipped(ParcelShipped { at: (52.5, 13.4) }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// | attribute | on | effect |
/// |---|---|---|
/// | `#[avro(namespace = "a.b")]` | type | its namespace; otherwise that of the type around it |
/// | `#[avro(name = "N")]`, `#[avro(alias = "Old")]` | type | another name than the Rust type's; a name it had |
/// | `#[avro(doc = "...")]` | type, field | in place of the comment |
/// | `#[avro(default = "JSON")]` | field | the default; without a value on a variant: the enum's default |
/// | `#[avro(logical = "date")]` | field | a logical type on its usual base; `decimal` takes `precision` and `scale` |
/// | `#[avro(schema = "JSON")]` | field | the type as it is written here |
pub trait AvroSchema {
    /// The type in JSON, as it stands at one place of a schema; a named type that `definitions` has already is its name.
    fn describe(definitions: &mut Definitions) -> Value;

    /// The schema of this type, with every type it holds.
    fn avro_schema() -> Result<Schema, AvroSchemaError> {
        let mut definitions = Definitions::default();
        let json = Self::describe(&mut definitions);
        definitions.finish()?;
        let text = json.to_string();
        Schema::parse(&text, ParseMode::Strict).map_err(|source| AvroSchemaError::Invalid { text, source })
    }
}

/// Why a Rust type has no valid schema.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AvroSchemaError {
    /// Two Rust types have one name.
    #[error("the types {first} and {second} would both be named {name}")]
    SameName {
        /// The full name.
        name: String,
        /// A Rust type.
        first: &'static str,
        /// Another one.
        second: &'static str,
    },
    /// A variant does not bear the name of what it holds, so that data could not be read back.
    #[error(
        "variant {variant} of {type_name} holds {branch} and must have its name: \
         put #[serde(rename = \"{branch}\")] on the variant, or #[serde(untagged)] on the enum"
    )]
    VariantName {
        /// The enum.
        type_name: &'static str,
        /// The variant.
        variant: String,
        /// The type it holds.
        branch: String,
    },
    /// What is flattened into a record is no record.
    #[error("{type_name} cannot be flattened: it is no record")]
    NotARecord {
        /// The Rust type.
        type_name: &'static str,
    },
    /// An attribute holds text that is no JSON, or a logical type that does not exist.
    #[error("{text} is not understood")]
    Attribute {
        /// The text.
        text: String,
    },
    /// The parts make no valid schema, for example because a default does not fit its field.
    #[error("{source} in {text}")]
    Invalid {
        /// The schema.
        text: String,
        /// What is wrong with it.
        source: SchemaError,
    },
}
