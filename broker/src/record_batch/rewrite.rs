//! A batch with some of its records taken out, as compaction leaves it.

use std::io;

use bytes::{BufMut, Bytes, BytesMut};

use super::build::{put_bytes, put_varlong};
use super::{
    BatchHeader, CODEC_MASK, CRC_AT, DELETE_HORIZON, HEADER_BYTES, LENGTH_PREFIX_BYTES, MAGIC, Record,
};
use super::{TimestampType, crc_of_batch, put};
use crate::compression::compress;

/// Writes a batch anew with `kept` of its records, perhaps none.
///
/// Offsets, producer fields and epoch stay. With `delete_horizon_ms` the base timestamp becomes that time and the
/// attribute is set (KIP-534). The payload is compressed with the batch's own codec.
pub(crate) fn rewrite(
    header: &BatchHeader,
    kept: &[Record<'_>],
    delete_horizon_ms: Option<i64>,
) -> io::Result<Bytes> {
    let base_timestamp = delete_horizon_ms.unwrap_or(header.base_timestamp);
    let mut payload = BytesMut::new();
    let mut body = BytesMut::new();
    for record in kept {
        body.clear();
        body.put_i8(0);
        put_varlong(&mut body, record.timestamp_ms.wrapping_sub(base_timestamp));
        put_varlong(&mut body, record.offset_delta.into());
        put_bytes(&mut body, record.key);
        put_bytes(&mut body, record.value);
        let (count, headers) = record.headers.raw();
        put_varlong(&mut body, i64::try_from(count).map_err(io::Error::other)?);
        body.put_slice(headers);
        put_varlong(&mut payload, i64::try_from(body.len()).map_err(io::Error::other)?);
        payload.put_slice(&body);
    }
    let newest = kept.iter().map(|record| record.timestamp_ms).max();
    let max_timestamp = match header.timestamp_type() {
        TimestampType::CreateTime => newest.unwrap_or(header.max_timestamp),
        TimestampType::LogAppendTime => header.max_timestamp,
    };
    let mut attributes = header.attributes;
    if delete_horizon_ms.is_some() {
        attributes |= DELETE_HORIZON;
    }
    let payload = match header.codec() {
        Some(codec) if !kept.is_empty() => compress(codec, &payload)?,
        _ => {
            attributes &= !CODEC_MASK;
            payload.to_vec()
        }
    };
    let total = HEADER_BYTES + payload.len();
    let mut out = BytesMut::with_capacity(total);
    out.put_i64(header.base_offset);
    out.put_i32(i32::try_from(total - LENGTH_PREFIX_BYTES).map_err(io::Error::other)?);
    out.put_i32(header.leader_epoch);
    out.put_i8(MAGIC);
    out.put_u32(0);
    out.put_i16(attributes);
    out.put_i32(header.last_offset_delta);
    out.put_i64(base_timestamp);
    out.put_i64(max_timestamp);
    out.put_i64(header.producer_id);
    out.put_i16(header.producer_epoch);
    out.put_i32(header.base_sequence);
    out.put_i32(i32::try_from(kept.len()).map_err(io::Error::other)?);
    out.put_slice(&payload);
    let crc = crc_of_batch(&out);
    put(&mut out, CRC_AT, &crc.to_be_bytes());
    Ok(out.freeze())
}
