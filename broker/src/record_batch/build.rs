//! Building batches inside the broker: coordinator records, markers and diverted records.

use bytes::{BufMut, Bytes, BytesMut};

use super::{CONTROL, HEADER_BYTES, LENGTH_PREFIX_BYTES, MAGIC, TRANSACTIONAL, crc_of_batch, put};

/// Builds one uncompressed batch with base offset 0.
#[derive(Clone, Debug)]
pub struct BatchBuilder {
    records: BytesMut,
    count: i32,
    attributes: i16,
    base_timestamp: i64,
    max_timestamp: i64,
    producer_id: i64,
    producer_epoch: i16,
    base_sequence: i32,
}

impl Default for BatchBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl BatchBuilder {
    /// An empty batch without a producer.
    pub fn new() -> Self {
        Self {
            records: BytesMut::new(),
            count: 0,
            attributes: 0,
            base_timestamp: -1,
            max_timestamp: -1,
            producer_id: -1,
            producer_epoch: -1,
            base_sequence: -1,
        }
    }

    /// Stamps a producer's identity and the sequence of the first record.
    #[must_use]
    pub fn producer(mut self, producer_id: i64, producer_epoch: i16, base_sequence: i32) -> Self {
        self.producer_id = producer_id;
        self.producer_epoch = producer_epoch;
        self.base_sequence = base_sequence;
        self
    }

    /// Marks the batch as part of a transaction.
    #[must_use]
    pub fn transactional(mut self) -> Self {
        self.attributes |= TRANSACTIONAL;
        self
    }

    /// Marks the batch as a control batch.
    #[must_use]
    pub fn control(mut self) -> Self {
        self.attributes |= CONTROL;
        self
    }

    /// Adds a record without headers.
    #[must_use]
    pub fn record(self, timestamp_ms: i64, key: Option<&[u8]>, value: Option<&[u8]>) -> Self {
        self.record_with_headers(timestamp_ms, key, value, &[])
    }

    /// Adds a record.
    ///
    /// # Panics
    /// When a part is longer than 2 GiB.
    #[must_use]
    pub fn record_with_headers(
        mut self,
        timestamp_ms: i64,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&[u8], Option<&[u8]>)],
    ) -> Self {
        if self.count == 0 {
            self.base_timestamp = timestamp_ms;
        }
        self.max_timestamp = self.max_timestamp.max(timestamp_ms);
        let mut body = BytesMut::new();
        body.put_i8(0);
        put_varlong(&mut body, timestamp_ms.wrapping_sub(self.base_timestamp));
        put_varlong(&mut body, i64::from(self.count));
        put_bytes(&mut body, key);
        put_bytes(&mut body, value);
        put_varlong(&mut body, length(headers.len()));
        for (name, value) in headers {
            put_bytes(&mut body, Some(name));
            put_bytes(&mut body, *value);
        }
        put_varlong(&mut self.records, length(body.len()));
        self.records.extend_from_slice(&body);
        self.count += 1;
        self
    }

    /// Records added so far.
    pub fn count(&self) -> i32 {
        self.count
    }

    /// The finished batch.
    ///
    /// # Panics
    /// When the batch is longer than 2 GiB.
    pub fn build(self) -> Bytes {
        self.build_with(0, None)
    }

    /// The finished batch with a payload compressed by the caller.
    #[cfg(test)]
    pub(crate) fn build_compressed(self, codec: i16, compress: impl FnOnce(&[u8]) -> Vec<u8>) -> Bytes {
        let payload = compress(&self.records);
        self.build_with(codec, Some(payload))
    }

    #[expect(clippy::expect_used, reason = "documented to panic past 2 GiB")]
    fn build_with(self, codec: i16, payload: Option<Vec<u8>>) -> Bytes {
        let payload = payload.map_or_else(|| self.records.freeze(), Bytes::from);
        let total = HEADER_BYTES + payload.len();
        let mut out = BytesMut::with_capacity(total);
        out.put_i64(0);
        out.put_i32(i32::try_from(total - LENGTH_PREFIX_BYTES).expect("a batch stays below 2 GiB"));
        out.put_i32(0);
        out.put_i8(MAGIC);
        out.put_u32(0);
        out.put_i16(self.attributes | codec);
        out.put_i32(self.count - 1);
        out.put_i64(self.base_timestamp);
        out.put_i64(self.max_timestamp);
        out.put_i64(self.producer_id);
        out.put_i16(self.producer_epoch);
        out.put_i32(self.base_sequence);
        out.put_i32(self.count);
        out.put_slice(&payload);
        let crc = crc_of_batch(&out);
        put(&mut out, super::CRC_AT, &crc.to_be_bytes());
        out.freeze()
    }
}

#[expect(clippy::expect_used, reason = "documented to panic past 2 GiB")]
fn length(bytes: usize) -> i64 {
    i64::from(i32::try_from(bytes).expect("a record stays below 2 GiB"))
}

pub(super) fn put_bytes(out: &mut BytesMut, bytes: Option<&[u8]>) {
    if let Some(bytes) = bytes {
        put_varlong(out, length(bytes.len()));
        out.put_slice(bytes);
    } else {
        put_varlong(out, -1);
    }
}

/// Zigzag and base 128; for a value in `i32` this is also the varint form.
pub(super) fn put_varlong(out: &mut BytesMut, value: i64) {
    let mut rest = ((value << 1) ^ (value >> 63)).cast_unsigned();
    while rest >= 0x80 {
        out.put_u8(0x80 | (rest & 0x7f) as u8);
        rest >>= 7;
    }
    out.put_u8((rest & 0x7f) as u8);
}
