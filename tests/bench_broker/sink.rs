//! A server that speaks just enough of the protocol to be produced to: the limit that the client and the sockets set.
//!
//! A topic whose name ends in `-stored` has its batches' checksums checked and their bytes written to one file.

use std::{
    fs::File,
    io::{BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use anyhow::{Context, Result, ensure};

use crate::report::say;

const PRODUCE: i16 = 0;
const METADATA: i16 = 3;
const API_VERSIONS: i16 = 18;
/// API key, lowest and highest version: none has tagged fields. Fetch is only announced, clients look for it.
const VERSIONS: [(i16, i16, i16); 4] = [(PRODUCE, 3, 7), (1, 4, 11), (METADATA, 1, 4), (API_VERSIONS, 0, 0)];
const PARTITIONS: i32 = 4;
const FRAME_BYTES_MAX: usize = 64 << 20;
/// Bytes of one write call: as few as the broker's, see its storage, or the sink would be no limit.
const WRITE_BYTES: usize = 32 << 10;
/// Bytes after which the file is begun anew.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Serves until killed; prints its address.
pub(crate) fn serve() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    say(&format!("127.0.0.1:{port}"));
    let file = Arc::new(Mutex::new((tempfile::tempfile()?, 0)));
    for stream in listener.incoming() {
        let (stream, file) = (stream?, Arc::clone(&file));
        std::thread::spawn(move || connection(stream, port, &file));
    }
    Ok(())
}

fn connection(stream: TcpStream, port: u16, file: &Mutex<(File, u64)>) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    let mut reader = BufReader::with_capacity(1 << 20, stream);
    let mut frame = Vec::new();
    loop {
        let mut size = [0; 4];
        reader.read_exact(&mut size)?;
        let size = usize::try_from(i32::from_be_bytes(size))?;
        ensure!(size <= FRAME_BYTES_MAX, "frame of {size} bytes");
        frame.resize(size, 0);
        reader.read_exact(&mut frame)?;
        let mut input = Input(&frame);
        let (key, version, correlation) = (input.i16()?, input.i16()?, input.i32()?);
        let _client = input.text()?;
        let mut answer = vec![0; 4];
        answer.extend(correlation.to_be_bytes());
        match key {
            // a newer version than known is answered in version 0 with the error that makes a client ask again
            API_VERSIONS => api_versions(version, &mut answer),
            METADATA => metadata(version, port, &mut input, &mut answer)?,
            _ => produce(version, &mut input, &mut answer, file)?,
        }
        let length = i32::try_from(answer.len() - 4)?;
        answer.splice(..4, length.to_be_bytes());
        writer.write_all(&answer)?;
    }
}

fn api_versions(version: i16, answer: &mut Vec<u8>) {
    answer.extend(if version > 0 { 35_i16 } else { 0 }.to_be_bytes());
    answer.extend((4_i32).to_be_bytes());
    for part in VERSIONS.iter().flat_map(|(key, least, most)| [key, least, most]) {
        answer.extend(part.to_be_bytes());
    }
}

fn metadata(version: i16, port: u16, input: &mut Input<'_>, answer: &mut Vec<u8>) -> Result<()> {
    let count = input.i32()?;
    let topics = (0..count.max(0)).map(|_| input.text()).collect::<Result<Vec<_>>>()?;
    if version >= 3 {
        answer.extend(0_i32.to_be_bytes());
    }
    answer.extend(1_i32.to_be_bytes());
    answer.extend(1_i32.to_be_bytes());
    put_text(answer, "127.0.0.1");
    answer.extend(i32::from(port).to_be_bytes());
    answer.extend((-1_i16).to_be_bytes()); // rack
    if version >= 2 {
        answer.extend((-1_i16).to_be_bytes()); // cluster id
    }
    answer.extend(1_i32.to_be_bytes()); // controller
    answer.extend(i32::try_from(topics.len())?.to_be_bytes());
    for topic in topics {
        answer.extend(0_i16.to_be_bytes());
        put_text(answer, &topic);
        answer.push(0);
        answer.extend(PARTITIONS.to_be_bytes());
        for partition in 0..PARTITIONS {
            answer.extend(0_i16.to_be_bytes());
            // index, leader, one replica and one in sync: node 1
            for part in [partition, 1, 1, 1, 1, 1] {
                answer.extend(part.to_be_bytes());
            }
        }
    }
    Ok(())
}

fn produce(
    version: i16,
    input: &mut Input<'_>,
    answer: &mut Vec<u8>,
    file: &Mutex<(File, u64)>,
) -> Result<()> {
    let _transactional_id = input.text()?;
    let (_acks, _timeout) = (input.i16()?, input.i32()?);
    let topics = input.i32()?;
    answer.extend(topics.to_be_bytes());
    for _ in 0..topics {
        let topic = input.text()?;
        put_text(answer, &topic);
        let partitions = input.i32()?;
        answer.extend(partitions.to_be_bytes());
        for _ in 0..partitions {
            let index = input.i32()?;
            let length = usize::try_from(input.i32()?)?;
            let records = input.take(length)?;
            if topic.ends_with("-stored") {
                store(records, file)?;
            }
            answer.extend(index.to_be_bytes());
            answer.extend(0_i16.to_be_bytes());
            answer.extend(0_i64.to_be_bytes());
            answer.extend((-1_i64).to_be_bytes());
            if version >= 5 {
                answer.extend(0_i64.to_be_bytes());
            }
        }
    }
    answer.extend(0_i32.to_be_bytes());
    Ok(())
}

/// Checks the batch's checksum and writes its bytes.
fn store(records: &[u8], file: &Mutex<(File, u64)>) -> Result<()> {
    let stored = records.get(17..21).context("a batch")?;
    let crc = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, records.get(21..).context("a batch")?);
    ensure!(stored == u32::try_from(crc)?.to_be_bytes(), "checksum");
    let Ok(mut place) = file.lock() else { return Ok(()) };
    let (file, written) = &mut *place;
    if *written > FILE_BYTES_MAX {
        file.set_len(0)?;
        std::io::Seek::rewind(file)?;
        *written = 0;
    }
    records.chunks(WRITE_BYTES).try_for_each(|part| file.write_all(part))?;
    *written += records.len() as u64;
    Ok(())
}

fn put_text(answer: &mut Vec<u8>, text: &str) {
    answer.extend(i16::try_from(text.len()).unwrap_or(0).to_be_bytes());
    answer.extend(text.as_bytes());
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count).context("a frame that ends early")?;
        self.0 = rest;
        Ok(head)
    }

    fn i16(&mut self) -> Result<i16> {
        Ok(i16::from_be_bytes(self.take(2)?.try_into()?))
    }

    fn i32(&mut self) -> Result<i32> {
        Ok(i32::from_be_bytes(self.take(4)?.try_into()?))
    }

    /// A string, or `""` for null.
    fn text(&mut self) -> Result<String> {
        let Ok(length) = usize::try_from(self.i16()?) else { return Ok(String::new()) };
        Ok(String::from_utf8(self.take(length)?.to_vec())?)
    }
}
