//! Record batches for requests.

use assay_broker::protocol::Records;
use assay_broker::protocol::messages::ProduceRequest;
use assay_broker::protocol::messages::produce::{PartitionProduceData, TopicProduceData};
use assay_broker::record_batch::{BatchBuilder, HEADER_BYTES, LENGTH_PREFIX_BYTES, crc_of_batch};
use bytes::Bytes;

pub(crate) const NOW_MS: i64 = 1_700_000_000_000;

/// An uncompressed batch of keyless records.
pub(crate) fn batch(values: &[&[u8]]) -> Bytes {
    let builder =
        values.iter().fold(BatchBuilder::new(), |builder, value| builder.record(NOW_MS, None, Some(value)));
    builder.build()
}

/// The batch with its payload compressed by `compress` and `codec` in its attributes.
pub(crate) fn compressed(batch: &Bytes, codec: u8, compress: impl FnOnce(&[u8]) -> Vec<u8>) -> Bytes {
    let mut bytes = batch[..HEADER_BYTES].to_vec();
    bytes.extend(compress(&batch[HEADER_BYTES..]));
    bytes[22] |= codec;
    let length = i32::try_from(bytes.len() - LENGTH_PREFIX_BYTES).unwrap();
    bytes[8..12].copy_from_slice(&length.to_be_bytes());
    resealed(bytes)
}

/// The bytes with the checksum that fits them.
pub(crate) fn resealed(mut bytes: Vec<u8>) -> Bytes {
    let crc = crc_of_batch(&bytes);
    bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    Bytes::from(bytes)
}

/// A produce request for partition 0 of a topic.
pub(crate) fn produce(topic: &str, acks: i16, records: Option<Bytes>) -> ProduceRequest {
    let data = PartitionProduceData { index: 0, records: records.map(Records::from) };
    ProduceRequest {
        acks,
        timeout_ms: 10_000,
        topic_data: vec![TopicProduceData {
            name: topic.to_owned(),
            partition_data: vec![data],
            ..Default::default()
        }],
        ..Default::default()
    }
}
