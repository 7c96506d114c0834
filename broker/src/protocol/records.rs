//! Record batches inside a message: opaque bytes that are sliced, handed on and never copied by the codec.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

/// The content of a `records` field: one or several runs of bytes that follow each other on the wire.
#[derive(Clone, Default)]
pub struct Records {
    first: Bytes,
    rest: Vec<Bytes>,
}

impl Records {
    /// No bytes; on the wire an empty, non-null field.
    pub fn empty() -> Self {
        Self::default()
    }

    /// Adds bytes at the end.
    pub fn push(&mut self, bytes: Bytes) {
        if bytes.is_empty() {
            return;
        }
        if self.first.is_empty() {
            self.first = bytes;
        } else {
            self.rest.push(bytes);
        }
    }

    /// Number of bytes.
    pub fn len(&self) -> usize {
        self.first.len() + self.rest.iter().map(Bytes::len).sum::<usize>()
    }

    /// True when there is no byte.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty()
    }

    /// The runs of bytes in wire order.
    pub fn segments(&self) -> impl Iterator<Item = &Bytes> {
        std::iter::once(&self.first).chain(&self.rest).filter(|bytes| !bytes.is_empty())
    }

    /// The bytes in one piece: free of cost for a decoded field, a copy for several runs.
    pub fn into_bytes(self) -> Bytes {
        if self.rest.is_empty() {
            return self.first;
        }
        let mut all = BytesMut::with_capacity(self.len());
        for segment in self.segments() {
            all.put_slice(segment);
        }
        all.freeze()
    }
}

impl From<Bytes> for Records {
    fn from(bytes: Bytes) -> Self {
        Self { first: bytes, rest: Vec::new() }
    }
}

impl PartialEq for Records {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len()
            && self.segments().flat_map(|run| run.iter()).eq(other.segments().flat_map(|run| run.iter()))
    }
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.clone().into_bytes().fmt(f)
    }
}
