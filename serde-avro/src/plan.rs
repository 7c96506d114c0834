//! Compiled schemas.
//!
//! A [`Plan`] is made once from a writer's schema, or from the schemas of a writer and a reader, and then encodes,
//! decodes and validates any number of data. It is a flat program: operations of eight bytes that point into tables
//! by index, so recursive types need no pointers and a plan can be shared between threads.

mod compile;
pub(crate) mod cursor;
mod default;
mod error;
pub(crate) mod logical;
mod names;
pub(crate) mod program;
mod resolve;
mod size;
pub(crate) mod targets;

use assay_schema_core::avro::Schema;

pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, PlanError};

use program::{Op, Read, Tables};

/// Types of a schema, or pairs of types of two schemas, that one plan may hold.
pub(crate) const PLAN_ENTRIES_MAX: usize = 1 << 18;

/// What one datum may cost. Everything else is bounded by the length of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Deepest nesting of records, arrays and maps in a datum; 256 unless set. The schema's own nesting counts.
    pub depth_max: u32,
    /// Items that take no bytes (null, empty records, fixed of size 0) in one datum; 2^20 unless set. Without it, ten
    /// bytes could stand for 2^63 items.
    pub empty_items_max: u64,
    /// What decoding may allocate beyond copies of the input: 32 bytes for each item of an array or map, and the
    /// reader's defaults; in a tree of values also 64 bytes for each field, its name, and symbols. 256 MiB unless set.
    pub allocation_bytes_max: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { depth_max: 256, empty_items_max: 1 << 20, allocation_bytes_max: 256 << 20 }
    }
}

/// A schema, or a pair of schemas, compiled for use on data.
///
/// [`validate`](Self::validate) and [`encode`](Self::encode) follow the writer's schema; [`decode`](Self::decode)
/// gives the data as the reader's schema has it.
///
/// ```
/// use assay_schema_core::avro::{ParseMode, Schema};
/// use assay_serde_avro::Plan;
///
/// #[derive(serde::Serialize)]
/// struct Order<'a> {
///     id: i64,
///     item: &'a str,
/// }
///
/// #[derive(serde::Deserialize, PartialEq, Debug)]
/// struct OrderV2 {
///     id: i64,
///     item: String,
///     quantity: i32,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let writer = Schema::parse(
///     r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"int"},{"name":"item","type":"string"}]}"#,
///     ParseMode::Strict,
/// )?;
/// let reader = Schema::parse(
///     r#"{"type":"record","name":"Order","fields":[{"name":"id","type":"long"},{"name":"item","type":"string"},
///         {"name":"quantity","type":"int","default":1}]}"#,
///     ParseMode::Strict,
/// )?;
///
/// let plan = Plan::compile(&writer)?;
/// let mut bytes = Vec::new();
/// plan.encode(&Order { id: 7, item: "tea" }, &mut bytes)?;
/// plan.validate(&bytes)?;
///
/// let evolved = Plan::resolve(&writer, &reader)?;
/// assert_eq!(evolved.decode::<OrderV2>(&bytes)?, OrderV2 { id: 7, item: "tea".into(), quantity: 1 });
///
/// let fault = plan.validate(&bytes[..3]).unwrap_err();
/// assert_eq!((fault.path().as_str(), fault.offset()), ("item", Some(1)));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Plan {
    pub(crate) tables: Tables,
    pub(crate) wire: Op,
    pub(crate) read: Read,
    pub(crate) limits: Limits,
    pub(crate) unknown_fields_ignored: bool,
}

impl Plan {
    /// Compiles a schema for data that is written and read with it.
    ///
    /// Defaults of fields fill what a value leaves out on [`encode`](Self::encode); a default that does not fit its
    /// field counts as absent.
    pub fn compile(writer: &Schema) -> Result<Self, PlanError> {
        let mut tables = Tables::default();
        let lowered = compile::lower(writer, &mut tables)?;
        let read = resolve::own(&lowered, &mut tables)?;
        Ok(Self::new(tables, lowered.root, read))
    }

    /// Compiles a pair of schemas, to read data of `writer` as `reader` describes it.
    ///
    /// Resolution is that of Java's decoder (1.12): the reader's aliases rename the writer's types and fields first; a
    /// value that only some data of the writer would lack a place for fails when such a value arrives
    /// ([`DecodeErrorKind::Unreadable`]). A pair whose roots cannot match, or whose reader needs a default it does not
    /// have at the root, is an error here.
    pub fn resolve(writer: &Schema, reader: &Schema) -> Result<Self, PlanError> {
        let mut tables = Tables::default();
        let lowered_writer = compile::lower(writer, &mut tables)?;
        let lowered_reader = compile::lower(reader, &mut tables)?;
        let read = resolve::pair(&lowered_writer, &lowered_reader, &mut tables)?;
        if let Read::Fail(i) = read {
            return Err(PlanError::Unreadable { reason: tables.failure(i).reason.to_string() });
        }
        Ok(Self::new(tables, lowered_writer.root, read))
    }

    fn new(tables: Tables, wire: Op, read: Read) -> Self {
        Self { tables, wire, read, limits: Limits::default(), unknown_fields_ignored: false }
    }

    /// Leaves out what a value has beyond the record's fields. Unless this is asked for, such a field is an error: it is
    /// more often a misspelt name, whose data would be lost, than one that the schema is meant not to have.
    #[must_use]
    pub fn with_unknown_fields_ignored(mut self) -> Self {
        self.unknown_fields_ignored = true;
        self
    }

    /// Replaces the limits on one datum.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The limits on one datum.
    pub fn limits(&self) -> Limits {
        self.limits
    }
}
