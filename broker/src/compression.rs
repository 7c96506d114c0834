//! The four compression codecs of record batches, decompressed with bounded output.
//!
//! Declared sizes are never trusted: output grows as it is produced and stops at the limit.

use std::borrow::Cow;
use std::io::{self, Read, Write};

use thiserror::Error;

mod snappy;

/// Largest window a zstd frame may ask for, as a power of two (128 MiB, the format's own recommended ceiling).
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

/// How a batch's payload is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Codec {
    /// Not compressed.
    None,
    /// RFC 1952, possibly several members.
    Gzip,
    /// Xerial framing or one raw block.
    Snappy,
    /// LZ4 frames.
    Lz4,
    /// Zstandard frames; only for Produce 7 and Fetch 10 upwards.
    Zstd,
}

impl Codec {
    /// The codec of attribute bits 0 to 2.
    pub fn from_attribute(bits: i16) -> Option<Self> {
        match bits {
            0 => Some(Self::None),
            1 => Some(Self::Gzip),
            2 => Some(Self::Snappy),
            3 => Some(Self::Lz4),
            4 => Some(Self::Zstd),
            _ => None,
        }
    }

    /// Kafka's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Snappy => "snappy",
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// Why a payload does not decompress.
#[derive(Debug, Error)]
pub enum DecompressError {
    /// More output than allowed.
    #[error("{codec} payload exceeds {limit} bytes when decompressed", codec = .codec.as_str())]
    TooLarge {
        /// Of the payload.
        codec: Codec,
        /// Bytes allowed.
        limit: usize,
    },
    /// Not valid input for the codec.
    #[error("{codec} payload is corrupt: {source}", codec = .codec.as_str())]
    Corrupt {
        /// Of the payload.
        codec: Codec,
        /// What the decoder says.
        source: io::Error,
    },
}

/// Decompresses `input` to at most `limit` bytes; borrows when there is nothing to do.
pub fn decompress(codec: Codec, input: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, DecompressError> {
    let corrupt = |source| DecompressError::Corrupt { codec, source };
    let out = match codec {
        Codec::None => return Ok(Cow::Borrowed(input)),
        Codec::Gzip => read_bounded(flate2::read::MultiGzDecoder::new(input), input.len(), limit),
        Codec::Snappy => snappy::decompress(input, limit),
        Codec::Lz4 => read_bounded(lz4_flex::frame::FrameDecoder::new(input), input.len(), limit),
        Codec::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input).map_err(corrupt)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG_MAX).map_err(corrupt)?;
            read_bounded(decoder, input.len(), limit)
        }
    };
    match out {
        Ok(Some(out)) => Ok(Cow::Owned(out)),
        Ok(None) => Err(DecompressError::TooLarge { codec, limit }),
        Err(source) => Err(corrupt(source)),
    }
}

/// Compresses a payload at the codec's default level; snappy in its xerial form, which every client reads.
pub fn compress(codec: Codec, input: &[u8]) -> io::Result<Vec<u8>> {
    match codec {
        Codec::None => Ok(input.to_vec()),
        Codec::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
            encoder.write_all(input)?;
            encoder.finish()
        }
        Codec::Snappy => snappy::compress(input),
        Codec::Lz4 => {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            encoder.write_all(input)?;
            Ok(encoder.finish()?)
        }
        Codec::Zstd => zstd::encode_all(input, 0),
    }
}

/// Reads to the end; `None` when there is more than `limit`.
fn read_bounded(reader: impl Read, input: usize, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut out = Vec::with_capacity(input.saturating_mul(3).min(limit).min(1 << 20));
    reader.take((limit as u64).saturating_add(1)).read_to_end(&mut out)?;
    Ok((out.len() <= limit).then_some(out))
}

#[cfg(test)]
mod tests;
