//! Walks the records of a produced batch and asks the validator about each.
//!
//! Runs before the append and outside of the partition's locks. A batch that is not whole or whose checksum is wrong is
//! let through: the append refuses it with its own error. One refused record refuses the whole batch; nothing is stored.

use std::collections::BTreeSet;
use std::sync::Arc;

use bytes::Bytes;

use crate::partition::RecordFault;
use crate::protocol::ErrorCode;
use crate::record_batch::{BatchHeader, Record, RecordError, RecordLimits, Records, Walked, records};
use crate::validator::{
    Outcome, PrepareError, RecordSide, RecordValidator, RecordView, SchemaKey, ValidationContext,
    ValidationLevel, ValidationRules,
};

/// Records named in an error, at most.
const FAULTS_MAX: usize = 100;
/// Records named in the summary.
const SUMMARY_FAULTS_MAX: usize = 3;
/// Bytes of text per record, at most.
const FAULT_TEXT_MAX: usize = 1024;
/// Batches larger than this are checked where they do not hold up other connections.
const INLINE_BYTES_MAX: usize = 64 * 1024;
/// First byte of a framed value or key.
const MAGIC: u8 = 0;
/// First byte of a schema header.
const HEADER_MAGIC: u8 = 1;

/// Why a batch is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    /// `INVALID_RECORD`, or a retriable code when the verdict could not be reached.
    pub(crate) code: ErrorCode,
    /// For the batch.
    pub(crate) message: String,
    /// The first records at fault.
    pub(crate) faults: Vec<RecordFault>,
}

impl Refused {
    fn invalid(message: String) -> Self {
        Self { code: ErrorCode::InvalidRecord, message, faults: Vec::new() }
    }

    /// The code says that nothing was stored and that another attempt may succeed; clients retry it by themselves.
    fn retriable(message: String) -> Self {
        Self { code: ErrorCode::NotEnoughReplicas, message, faults: Vec::new() }
    }
}

/// Judges `batch`. `decompressed_max` bounds what its records may decompress to. Returns what the walk saw, if there was one;
/// then the checksum is right, too.
pub(crate) async fn validate(
    validator: &Arc<dyn RecordValidator>,
    context: &ValidationContext,
    batch: &Bytes,
    decompressed_max: usize,
) -> Result<Option<Walked>, Refused> {
    if !context.rules.is_on() {
        return Ok(None);
    }
    let Ok((header, whole)) = BatchHeader::split(batch) else { return Ok(None) };
    if whole.len() < batch.len() || header.check_crc(whole).is_err() || header.is_control() {
        return Ok(None);
    }
    let limits = RecordLimits { payload_bytes_max: decompressed_max };
    let opened = heavy(batch.len(), || {
        let records = records(batch, &limits)?;
        let (keys, walked) = schema_keys(&records, context.rules)?;
        Ok((records, keys, walked))
    });
    let (records, keys, walked) = opened.map_err(|error| unreadable(&error))?;
    let prepared = validator.prepare(context, &keys);
    match tokio::time::timeout(context.prepare_timeout, prepared).await {
        Ok(Ok(())) => {}
        Ok(Err(PrepareError::Retriable { reason })) => {
            return Err(Refused::retriable(format!("schemas cannot be looked up now: {reason}")));
        }
        Err(_) => return Err(Refused::retriable("schemas cannot be looked up in time".to_owned())),
    }
    heavy(batch.len(), || check(validator.as_ref(), context, &records))?;
    Ok(Some(walked))
}

/// Runs `work` so that a large batch does not keep a runtime worker from other connections.
fn heavy<T>(bytes: usize, work: impl FnOnce() -> T) -> T {
    let flavor = tokio::runtime::Handle::current().runtime_flavor();
    if bytes > INLINE_BYTES_MAX && flavor == tokio::runtime::RuntimeFlavor::MultiThread {
        tokio::task::block_in_place(work)
    } else {
        work()
    }
}

fn unreadable(error: &RecordError) -> Refused {
    let message = match error {
        RecordError::Decompress(cause) => cause.to_string(),
        RecordError::Batch(_)
        | RecordError::Codec(_)
        | RecordError::Malformed { .. }
        | RecordError::Count { .. } => error.to_string(),
    };
    let faults = match error {
        RecordError::Malformed { index, .. } => vec![RecordFault { index: *index, message: message.clone() }],
        RecordError::Batch(_)
        | RecordError::Codec(_)
        | RecordError::Decompress(_)
        | RecordError::Count { .. } => Vec::new(),
    };
    Refused { faults, ..Refused::invalid(message) }
}

/// The schemas that the batch names, each once. A walk to the end, so the records are known to be well-formed.
fn schema_keys(
    records: &Records<'_>,
    rules: ValidationRules,
) -> Result<(Vec<SchemaKey>, Walked), RecordError> {
    let (mut keys, mut walked) = (BTreeSet::new(), Walked::default());
    for record in records {
        let record = record?;
        if usize::try_from(record.offset_delta) != Ok(record.index) {
            let (index, part) = (record.index, "offset delta is not its position");
            return Err(RecordError::Malformed { index, part });
        }
        record.headers.check()?;
        walked.add(&record);
        for side in [RecordSide::Key, RecordSide::Value] {
            if rules.side(side).level > ValidationLevel::Off {
                keys.extend(schema_key(&record, side));
            }
        }
    }
    Ok((keys.into_iter().collect(), walked))
}

/// The schema that one side of a record names: by its header if there is one, else by its prefix.
fn schema_key(record: &Record<'_>, side: RecordSide) -> Option<SchemaKey> {
    let named = record
        .headers
        .clone()
        .filter_map(Result::ok)
        .find(|(name, _)| *name == side.schema_header().as_bytes());
    if let Some((_, Some([HEADER_MAGIC, guid @ ..]))) = named {
        return <[u8; 16]>::try_from(guid).ok().map(SchemaKey::Guid);
    }
    let bytes = match side {
        RecordSide::Key => record.key,
        RecordSide::Value => record.value,
    };
    match bytes {
        Some([MAGIC, a, b, c, d, ..]) => Some(SchemaKey::Id(i32::from_be_bytes([*a, *b, *c, *d]))),
        _ => None,
    }
}

fn check(
    validator: &dyn RecordValidator,
    context: &ValidationContext,
    records: &Records<'_>,
) -> Result<(), Refused> {
    let mut faults = Vec::new();
    let (mut refused, mut total) = (0_usize, 0_usize);
    for record in records {
        let Record { index, key, value, headers, .. } = record.map_err(|error| unreadable(&error))?;
        total += 1;
        match validator.check(context, RecordView { index, key, value, headers }) {
            Outcome::Accept => {}
            Outcome::Retriable(reason) => {
                return Err(Refused::retriable(format!("record {index}: {}", shortened(reason))));
            }
            // nowhere is configured to divert to, and a producer must not see success for a record it cannot read back
            Outcome::Reject(reason) | Outcome::Divert(reason) => {
                refused += 1;
                if faults.len() < FAULTS_MAX {
                    faults.push(RecordFault {
                        index,
                        message: format!("record {index}: {}", shortened(reason)),
                    });
                }
            }
        }
    }
    if refused == 0 {
        return Ok(());
    }
    let mut message = format!("{refused} of {total} records refused by schema validation");
    for fault in faults.iter().take(SUMMARY_FAULTS_MAX) {
        message.push_str("; ");
        message.push_str(&fault.message);
    }
    Err(Refused { faults, ..Refused::invalid(message) })
}

fn shortened(mut text: String) -> String {
    if text.len() > FAULT_TEXT_MAX {
        text.truncate(text.floor_char_boundary(FAULT_TEXT_MAX));
        text.push('…');
    }
    text
}
