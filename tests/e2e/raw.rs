//! The Kafka protocol by hand: for bytes that no client would send, and answers that clients do not show.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

/// Largest answer that is read.
const ANSWER_BYTES_MAX: usize = 16 << 20;

/// One connection.
pub(crate) struct Connection(TcpStream);

/// A partition's part of a Produce answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Produced {
    pub(crate) error: i16,
    pub(crate) base_offset: i64,
    pub(crate) record_errors: Vec<(i32, String)>,
    pub(crate) message: Option<String>,
}

impl Connection {
    pub(crate) fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(stream)
    }

    /// Sends bytes as they are.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).unwrap();
    }

    /// Ends the sending half, if the server has not closed the connection already.
    pub(crate) fn finish(&mut self) {
        if let Err(error) = self.0.shutdown(std::net::Shutdown::Write) {
            assert_eq!(error.kind(), std::io::ErrorKind::NotConnected);
        }
    }

    /// Sends a request: header version 1, then the body.
    pub(crate) fn request(&mut self, api_key: i16, version: i16, correlation: i32, body: &[u8]) {
        let mut frame = Vec::new();
        frame.extend(api_key.to_be_bytes());
        frame.extend(version.to_be_bytes());
        frame.extend(correlation.to_be_bytes());
        frame.extend(text("raw"));
        frame.extend(body);
        self.send(&size_of(&frame).to_be_bytes());
        self.send(&frame);
    }

    /// The next answer after its size; `None` when the server has closed the connection.
    pub(crate) fn answer(&mut self) -> Option<Vec<u8>> {
        let mut size = [0; 4];
        match self.0.read_exact(&mut size) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {
                panic!("neither answered nor closed")
            }
            Err(_closed) => return None,
        }
        let size = usize::try_from(i32::from_be_bytes(size)).unwrap();
        assert!(size <= ANSWER_BYTES_MAX);
        let mut frame = vec![0; size];
        self.0.read_exact(&mut frame).unwrap();
        Some(frame)
    }

    /// Whether the server closes without an answer.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.answer().is_none()
    }

    /// Produce version 8 of one batch to one partition; `None` when the connection was closed instead.
    pub(crate) fn produce(
        &mut self,
        topic: &str,
        partition: i32,
        acks: i16,
        records: &[u8],
    ) -> Option<Produced> {
        let mut body = Vec::new();
        body.extend((-1_i16).to_be_bytes());
        body.extend(acks.to_be_bytes());
        body.extend(30_000_i32.to_be_bytes());
        body.extend(1_i32.to_be_bytes());
        body.extend(text(topic));
        body.extend(1_i32.to_be_bytes());
        body.extend(partition.to_be_bytes());
        body.extend(size_of(records).to_be_bytes());
        body.extend(records);
        self.request(0, 8, 7, &body);
        if acks == 0 {
            return None;
        }
        let frame = self.answer()?;
        let mut reader = Reader(&frame);
        assert_eq!((reader.i32(), reader.i32()), (7, 1), "correlation id and topics");
        assert_eq!(reader.text().as_deref(), Some(topic));
        assert_eq!((reader.i32(), reader.i32()), (1, partition), "partitions and index");
        let (error, base_offset) = (reader.i16(), reader.i64());
        let _times = (reader.i64(), reader.i64());
        let count = reader.i32();
        let record_errors = (0..count).map(|_| (reader.i32(), reader.text().unwrap_or_default())).collect();
        Some(Produced { error, base_offset, record_errors, message: reader.text() })
    }
}

fn size_of(bytes: &[u8]) -> i32 {
    i32::try_from(bytes.len()).unwrap()
}

/// A string with a two-byte length.
pub(crate) fn text(text: &str) -> Vec<u8> {
    [&i16::try_from(text.len()).unwrap().to_be_bytes()[..], text.as_bytes()].concat()
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (head, rest) = self.0.split_first_chunk::<N>().unwrap();
        self.0 = rest;
        *head
    }

    fn i16(&mut self) -> i16 {
        i16::from_be_bytes(self.take())
    }

    fn i32(&mut self) -> i32 {
        i32::from_be_bytes(self.take())
    }

    fn i64(&mut self) -> i64 {
        i64::from_be_bytes(self.take())
    }

    fn text(&mut self) -> Option<String> {
        let length = usize::try_from(self.i16()).ok()?;
        let (head, rest) = self.0.split_at(length);
        self.0 = rest;
        Some(String::from_utf8(head.to_vec()).unwrap())
    }
}

/// One record of a batch: key, value, headers.
pub(crate) type Record<'a> = (Option<&'a [u8]>, Option<&'a [u8]>, &'a [(&'a str, &'a [u8])]);

/// An uncompressed batch, format 2, without a producer id.
pub(crate) fn batch(records: &[Record<'_>]) -> Vec<u8> {
    let mut body = Vec::new();
    for (index, (key, value, headers)) in records.iter().enumerate() {
        let mut record = vec![0];
        record.extend(varint(0));
        record.extend(varint(i64::try_from(index).unwrap()));
        for part in [key, value] {
            record.extend(part.map_or_else(
                || varint(-1),
                |bytes| [varint(size_of(bytes).into()), bytes.to_vec()].concat(),
            ));
        }
        record.extend(varint(i64::try_from(headers.len()).unwrap()));
        for (name, value) in *headers {
            record.extend(varint(i64::try_from(name.len()).unwrap()));
            record.extend(name.as_bytes());
            record.extend(varint(size_of(value).into()));
            record.extend(*value);
        }
        body.extend(varint(size_of(&record).into()));
        body.extend(record);
    }
    let count = i32::try_from(records.len()).unwrap();
    let mut checked = Vec::new();
    checked.extend(0_i16.to_be_bytes());
    checked.extend((count - 1).to_be_bytes());
    checked.extend(1_700_000_000_000_i64.to_be_bytes());
    checked.extend(1_700_000_000_000_i64.to_be_bytes());
    checked.extend((-1_i64).to_be_bytes());
    checked.extend((-1_i16).to_be_bytes());
    checked.extend((-1_i32).to_be_bytes());
    checked.extend(count.to_be_bytes());
    checked.extend(body);
    seal(&checked)
}

/// Puts offset, length, epoch, magic and CRC in front of the part that the CRC covers.
pub(crate) fn seal(checked: &[u8]) -> Vec<u8> {
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, checked);
    let mut batch = Vec::new();
    batch.extend(0_i64.to_be_bytes());
    batch.extend((size_of(checked) + 9).to_be_bytes());
    batch.extend((-1_i32).to_be_bytes());
    batch.push(2);
    batch.extend(u32::try_from(crc).unwrap().to_be_bytes());
    batch.extend(checked);
    batch
}

/// A zigzag varint, as in records.
pub(crate) fn varint(number: i64) -> Vec<u8> {
    crate::fixtures::zigzag(number)
}
