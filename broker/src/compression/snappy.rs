//! Snappy in its two forms on the wire: xerial framing (Java) and one raw block (librdkafka, some Go clients).

use std::io;

/// Start of the xerial form: magic, then version and minimum compatible version.
const XERIAL_MAGIC: &[u8] = b"\x82SNAPPY\0";
const XERIAL_HEADER_BYTES: usize = 16;
const XERIAL_BLOCK_BYTES: usize = 32 << 10;
/// A three-byte copy yields at most 64 bytes, so no valid block grows faster than this.
const RATIO_MAX: usize = 22;

/// Decompresses either form; `None` when the output exceeds `limit`.
pub(super) fn decompress(input: &[u8], limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut out = Vec::new();
    if !input.starts_with(XERIAL_MAGIC) {
        return Ok(block(input, limit, &mut out)?.then_some(out));
    }
    let mut rest = input.get(XERIAL_HEADER_BYTES..).ok_or_else(truncated)?;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(truncated)?;
        let length = usize::try_from(i32::from_be_bytes(*length)).map_err(|_| truncated())?;
        let (chunk, after) = after.split_at_checked(length).ok_or_else(truncated)?;
        if !block(chunk, limit, &mut out)? {
            return Ok(None);
        }
        rest = after;
    }
    Ok(Some(out))
}

/// Writes the xerial form.
pub(super) fn compress(input: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = XERIAL_MAGIC.to_vec();
    out.extend(1_i32.to_be_bytes());
    out.extend(1_i32.to_be_bytes());
    for chunk in input.chunks(XERIAL_BLOCK_BYTES) {
        let block = snap::raw::Encoder::new().compress_vec(chunk)?;
        out.extend(i32::try_from(block.len()).map_err(io::Error::other)?.to_be_bytes());
        out.extend(block);
    }
    Ok(out)
}

/// Appends one raw block; `false` when that would exceed `limit`.
fn block(input: &[u8], limit: usize, out: &mut Vec<u8>) -> io::Result<bool> {
    let length = snap::raw::decompress_len(input)?;
    if length > input.len().saturating_mul(RATIO_MAX) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "snappy block declares an impossible size"));
    }
    let start = out.len();
    if length > limit.saturating_sub(start) {
        return Ok(false);
    }
    out.resize(start + length, 0);
    let target = out.get_mut(start..).unwrap_or_default();
    let written = snap::raw::Decoder::new().decompress(input, target)?;
    out.truncate(start + written);
    Ok(true)
}

fn truncated() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "snappy framing is truncated")
}
