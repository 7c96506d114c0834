//! Builds frames without copying record batches.

use bytes::{BufMut, Bytes, BytesMut};

/// Builds one frame: four length bytes, then what is written. Large record batches are kept as separate segments
/// and never copied.
#[derive(Debug)]
pub struct Writer {
    pub(super) buf: BytesMut,
    cuts: Vec<(usize, Bytes)>,
    cut_bytes: usize,
}

/// Records shorter than this are copied into the surrounding bytes: one more segment would cost more.
const SEGMENT_BYTES_MIN: usize = 1024;

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty frame.
    pub fn new() -> Self {
        let mut buf = BytesMut::with_capacity(256);
        buf.put_i32(0);
        Self { buf, cuts: Vec::new(), cut_bytes: 0 }
    }

    /// Appends raw bytes.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.buf.put_slice(bytes);
    }

    /// Appends an unsigned variable-length integer.
    pub fn unsigned_varint(&mut self, mut value: u32) {
        while value >= 0x80 {
            self.buf.put_u8((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.buf.put_u8((value & 0x7f) as u8);
    }

    pub(super) fn compact_length(&mut self, length: usize) {
        self.unsigned_varint(u32::try_from(length).unwrap_or(u32::MAX).saturating_add(1));
    }

    pub(super) fn string_length(&mut self, length: usize, flexible: bool) {
        if flexible {
            self.compact_length(length);
        } else {
            self.buf.put_i16(i16::try_from(length).unwrap_or(i16::MAX));
        }
    }

    pub(super) fn long_length(&mut self, length: usize, flexible: bool) {
        if flexible {
            self.compact_length(length);
        } else {
            self.buf.put_i32(i32::try_from(length).unwrap_or(i32::MAX));
        }
    }

    pub(super) fn segment(&mut self, bytes: &Bytes) {
        if bytes.len() < SEGMENT_BYTES_MIN {
            self.buf.put_slice(bytes);
        } else {
            self.cut_bytes += bytes.len();
            self.cuts.push((self.buf.len(), bytes.clone()));
        }
    }

    /// Appends one tagged field whose value `write` produces. Record batches do not occur in tagged fields.
    pub fn tagged(&mut self, tag: u32, write: impl FnOnce(&mut Writer)) {
        let mut value = Writer { buf: BytesMut::new(), cuts: Vec::new(), cut_bytes: 0 };
        write(&mut value);
        debug_assert!(value.cuts.is_empty(), "record batches do not occur in tagged fields");
        self.unsigned_varint(tag);
        self.unsigned_varint(u32::try_from(value.buf.len()).unwrap_or(u32::MAX));
        self.buf.put_slice(&value.buf);
    }

    /// Sets the length bytes and hands the frame over as segments in wire order.
    pub fn finish(mut self) -> Frame {
        let length = self.buf.len() + self.cut_bytes;
        let prefix = i32::try_from(length - 4).unwrap_or(i32::MAX);
        if let Some(head) = self.buf.get_mut(..4) {
            head.copy_from_slice(&prefix.to_be_bytes());
        }
        let mut rest = self.buf.freeze();
        let mut segments = Vec::with_capacity(self.cuts.len() * 2 + 1);
        let mut written = 0;
        for (position, bytes) in self.cuts {
            let head = rest.split_to(position - written);
            written = position;
            if !head.is_empty() {
                segments.push(head);
            }
            segments.push(bytes);
        }
        if !rest.is_empty() {
            segments.push(rest);
        }
        Frame { segments, length }
    }
}

/// One encoded frame, length prefix included.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    segments: Vec<Bytes>,
    length: usize,
}

impl Frame {
    /// Bytes on the wire, prefix included.
    pub fn len(&self) -> usize {
        self.length
    }

    /// True when nothing is to be sent.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The segments in wire order.
    pub fn into_segments(self) -> Vec<Bytes> {
        self.segments
    }

    /// All bytes in one piece; copies.
    pub fn to_bytes(&self) -> Bytes {
        let mut all = BytesMut::with_capacity(self.length);
        for segment in &self.segments {
            all.put_slice(segment);
        }
        all.freeze()
    }
}
