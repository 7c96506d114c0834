//! Cuts frames out of a byte stream and writes them back.

use std::io::{self, IoSlice};
use std::sync::Arc;

use bytes::{Buf, BufMut as _, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::buffers::{Buffers, LARGE_BYTES_MIN};

/// Bytes reserved at first.
const RESERVE_BYTES: usize = 8 * 1024;
/// A frame up to this gets a buffer of its size at once. That of a longer one grows with what has arrived, never with what
/// was announced.
const AT_ONCE_BYTES_MAX: usize = 2 << 20;

/// Why the stream holds no further frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FrameError {
    /// Negative length.
    #[error("frame length {0} is negative")]
    Negative(i32),
    /// Above `socket.request.max.bytes`.
    #[error("frame length {length} exceeds socket.request.max.bytes ({limit})")]
    TooLarge { length: usize, limit: usize },
    /// The first bytes are a TLS `ClientHello`.
    #[error("TLS client on a plaintext listener")]
    Tls,
    /// The first bytes are an HTTP request.
    #[error("HTTP request on a Kafka listener: the registry listens on another port")]
    Http,
    /// The peer left inside a frame.
    #[error("stream ends inside a frame")]
    Truncated,
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Reads frames; both methods are cancel-safe.
#[derive(Debug)]
pub(crate) struct FrameReader<R> {
    source: R,
    buf: BytesMut,
    buffers: Arc<Buffers>,
}

impl<R: AsyncRead + Unpin> FrameReader<R> {
    pub(crate) fn new(source: R, buffers: Arc<Buffers>) -> Self {
        Self { source, buf: BytesMut::new(), buffers }
    }

    /// Length of the next frame without its prefix; `None` when the stream ends between frames. `length_max` is asked when
    /// the prefix has come.
    pub(crate) async fn length(
        &mut self,
        length_max: impl Fn() -> usize,
    ) -> Result<Option<usize>, FrameError> {
        loop {
            if let Some(prefix) = self.buf.first_chunk::<4>() {
                let length = check(*prefix, length_max())?;
                return Ok(Some(length));
            }
            self.buf.reserve(RESERVE_BYTES);
            if self.source.read_buf(&mut self.buf).await? == 0 {
                return if self.buf.is_empty() { Ok(None) } else { Err(FrameError::Truncated) };
            }
        }
    }

    /// The frame whose `length` was just read.
    pub(crate) async fn body(&mut self, length: usize) -> Result<Bytes, FrameError> {
        let whole = length + 4;
        let at_once = (LARGE_BYTES_MIN..=AT_ONCE_BYTES_MAX).contains(&whole);
        if at_once && self.buf.len() < whole && self.buf.capacity() < whole {
            let mut sized = self.buffers.take(whole);
            sized.extend_from_slice(&self.buf);
            self.buf = sized;
        }
        while self.buf.len() < whole {
            let missing = whole - self.buf.len();
            self.buf.reserve(missing.min(self.buf.len().max(RESERVE_BYTES)));
            // a large frame has its buffer to itself
            let room = if whole < LARGE_BYTES_MIN { usize::MAX } else { missing };
            if self.source.read_buf(&mut (&mut self.buf).limit(room)).await? == 0 {
                return Err(FrameError::Truncated);
            }
        }
        let mut frame = self.buf.split_to(whole).freeze();
        if self.buf.is_empty() {
            // the rest of the block would keep a large frame alive
            self.buf = BytesMut::new();
        }
        frame.advance(4);
        Ok(frame)
    }
}

fn check(prefix: [u8; 4], limit: usize) -> Result<usize, FrameError> {
    let length = i32::from_be_bytes(prefix);
    match usize::try_from(length) {
        Ok(length) if length <= limit => Ok(length),
        Ok(_) if prefix.starts_with(&[0x16, 3]) => Err(FrameError::Tls),
        Ok(_) if [b"GET ", b"POST", b"HEAD", b"PUT ", b"DELE", b"OPTI"].contains(&&prefix) => {
            Err(FrameError::Http)
        }
        Ok(length) => Err(FrameError::TooLarge { length, limit }),
        Err(_) => Err(FrameError::Negative(length)),
    }
}

/// Writes all segments with as few system calls as the stream allows.
pub(crate) async fn write<W: AsyncWrite + Unpin>(
    sink: &mut W,
    frame: crate::protocol::Frame,
) -> io::Result<()> {
    let mut segments = std::collections::VecDeque::from(frame.into_segments());
    if segments.len() == 1 {
        if let Some(only) = segments.front() {
            sink.write_all(only).await?;
        }
        return sink.flush().await;
    }
    while !segments.is_empty() {
        let slices: Vec<IoSlice<'_>> = segments.iter().take(64).map(|bytes| IoSlice::new(bytes)).collect();
        let mut written = sink.write_vectored(&slices).await?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        while let Some(front) = segments.front_mut() {
            if front.len() > written {
                front.advance(written);
                break;
            }
            written -= front.len();
            segments.pop_front();
        }
    }
    sink.flush().await
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn first(bytes: &[u8]) -> Result<Option<usize>, FrameError> {
        FrameReader::new(bytes, Arc::default()).length(|| 1000).await
    }

    #[tokio::test]
    async fn a_hostile_length_is_refused_before_the_body_is_read() {
        assert!(matches!(first(&[0x7f, 0xff, 0xff, 0xff]).await, Err(FrameError::TooLarge { .. })));
        assert!(matches!(first(&[0xff, 0xff, 0xff, 0xff]).await, Err(FrameError::Negative(-1))));
        assert!(matches!(first(&[0x16, 3, 1, 0]).await, Err(FrameError::Tls)));
        assert!(matches!(first(b"GET / HTTP/1.1\r\n").await, Err(FrameError::Http)));
        assert!(matches!(first(&[0, 0]).await, Err(FrameError::Truncated)));
        assert!(matches!(first(&[]).await, Ok(None)));
    }

    #[tokio::test]
    async fn memory_grows_with_what_arrived_and_not_with_what_was_announced() {
        let announced: usize = 100 << 20;
        let bytes = [0x0640_0000_u32.to_be_bytes().as_slice(), &[1; 100]].concat();
        let mut reader = FrameReader::new(bytes.as_slice(), Arc::default());
        assert_eq!(reader.length(|| announced).await.unwrap(), Some(announced));
        assert!(matches!(reader.body(announced).await, Err(FrameError::Truncated)));
        assert!(reader.buf.capacity() < 64 * 1024, "{}", reader.buf.capacity());
    }

    #[tokio::test]
    async fn a_large_frame_has_a_buffer_of_its_own_that_is_used_again() {
        let body = vec![5; 300_000];
        let bytes = [300_000_u32.to_be_bytes().as_slice(), &body].concat().repeat(3);
        let buffers = Arc::new(Buffers::default());
        let mut reader = FrameReader::new(bytes.as_slice(), Arc::clone(&buffers));
        let mut addresses = Vec::new();
        for _ in 0..3 {
            assert_eq!(reader.length(|| 1 << 20).await.unwrap(), Some(300_000));
            let frame = reader.body(300_000).await.unwrap();
            assert_eq!(frame, body);
            addresses.push(frame.as_ptr());
            buffers.give_back(frame);
        }
        assert_eq!(reader.length(|| 1 << 20).await.unwrap(), None);
        assert!(addresses.iter().all(|address| *address == addresses[0]));
    }

    #[tokio::test]
    async fn frames_are_cut_one_after_the_other() {
        let bytes = [0, 0, 0, 2, 7, 8, 0, 0, 0, 1, 9];
        let mut reader = FrameReader::new(bytes.as_slice(), Arc::default());
        assert_eq!(reader.length(|| 1000).await.unwrap(), Some(2));
        assert_eq!(&reader.body(2).await.unwrap()[..], &[7, 8]);
        assert_eq!(reader.length(|| 1000).await.unwrap(), Some(1));
        assert_eq!(&reader.body(1).await.unwrap()[..], &[9]);
        assert_eq!(reader.length(|| 1000).await.unwrap(), None);
    }
}
