//! Schema validation on produce, with a validator that knows one schema.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use assay_broker::protocol::messages::create_topics::{CreatableTopic, CreatableTopicConfig};
use assay_broker::protocol::messages::produce::PartitionProduceResponse;
use assay_broker::protocol::messages::{CreateTopicsRequest, CreateTopicsResponse, ProduceResponse};
use assay_broker::record_batch::BatchBuilder;
use assay_broker::{Outcome, PrepareError, RecordValidator, RecordView, SchemaKey, ValidationContext};
use async_trait::async_trait;
use bytes::Bytes;

use crate::batches::{NOW_MS, batch, compressed, produce};
use crate::client::{Client, TestBroker};

/// Knows schema 7 and the identifier of sevens; id 500 means that the registry is away, 501 that it never answers.
#[derive(Debug, Default)]
struct KnowsSeven {
    prepared: AtomicUsize,
}

#[async_trait]
impl RecordValidator for KnowsSeven {
    async fn prepare(&self, context: &ValidationContext, keys: &[SchemaKey]) -> Result<(), PrepareError> {
        assert_eq!((&*context.topic, &*context.client_id), ("t", "test"));
        self.prepared.fetch_add(keys.len(), Ordering::SeqCst);
        if keys.contains(&SchemaKey::Id(501)) {
            std::future::pending::<()>().await;
        }
        if keys.contains(&SchemaKey::Id(500)) {
            return Err(PrepareError::Retriable { reason: "it is away".to_owned() });
        }
        Ok(())
    }

    fn check(&self, _: &ValidationContext, record: RecordView<'_>) -> Outcome {
        let by_header = record.headers.filter_map(Result::ok).any(|(name, value)| {
            name == b"__value_schema_id" && value.is_some_and(|value| value[0] == 1 && value[1..] == [7; 16])
        });
        match record.value {
            None | Some([0, 0, 0, 0, 7, ..]) => Outcome::Accept,
            Some(_) if by_header => Outcome::Accept,
            Some(_) => Outcome::Reject("schema id is not 7".to_owned()),
        }
    }
}

async fn start() -> (TestBroker, Client, Arc<KnowsSeven>) {
    let validator = Arc::new(KnowsSeven::default());
    let settings = [("assay.validation.timeout.ms", "100")];
    let broker = TestBroker::with(&settings, Arc::clone(&validator) as _).await;
    let mut client = broker.client().await;
    let config = CreatableTopicConfig {
        name: "confluent.value.schema.validation".to_owned(),
        value: Some("true".to_owned()),
    };
    let topic = CreatableTopic {
        name: "t".to_owned(),
        num_partitions: 1,
        replication_factor: 1,
        configs: vec![config],
        ..Default::default()
    };
    let request = CreateTopicsRequest { topics: vec![topic], ..Default::default() };
    let response: CreateTopicsResponse = client.call(&request, 7).await;
    assert_eq!(response.topics[0].error_code, 0);
    (broker, client, validator)
}

async fn sent(client: &mut Client, records: Bytes) -> PartitionProduceResponse {
    let mut response: ProduceResponse = client.call(&produce("t", -1, Some(records)), 9).await;
    response.responses.remove(0).partition_responses.remove(0)
}

const GOOD: &[u8] = &[0, 0, 0, 0, 7, 1];
const BAD: &[u8] = &[0, 0, 0, 0, 8, 1];

#[tokio::test]
async fn one_bad_record_refuses_the_batch_and_is_named() {
    let (broker, mut client, validator) = start().await;
    let part = sent(&mut client, batch(&[GOOD, GOOD, BAD, GOOD, BAD])).await;
    assert_eq!((part.error_code, part.base_offset), (87, -1));
    let named: Vec<_> = part.record_errors.iter().map(|error| error.batch_index).collect();
    assert_eq!(named, [2, 4]);
    let text = part.record_errors[0].batch_index_error_message.as_deref();
    assert_eq!(text, Some("record 2: schema id is not 7"));
    let summary = "2 of 5 records refused by schema validation; record 2: schema id is not 7; \
                   record 4: schema id is not 7";
    assert_eq!(part.error_message.as_deref(), Some(summary));
    assert_eq!(validator.prepared.load(Ordering::SeqCst), 2, "each schema is prepared once");

    let part = sent(&mut client, batch(&[GOOD, GOOD])).await;
    assert_eq!((part.error_code, part.base_offset), (0, 0), "nothing of the refused batch is stored");
    drop(broker);
}

#[tokio::test(flavor = "multi_thread")]
async fn all_codecs_are_looked_into_and_stored_as_sent() {
    let (broker, mut client, _) = start().await;
    let large = vec![GOOD; 20_000];
    for values in [&[GOOD][..], &[BAD], &large] {
        let plain = batch(values);
        let gzip = |payload: &[u8]| {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            std::io::Write::write_all(&mut encoder, payload).unwrap();
            encoder.finish().unwrap()
        };
        let lz4 = |payload: &[u8]| {
            let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
            std::io::Write::write_all(&mut encoder, payload).unwrap();
            encoder.finish().unwrap()
        };
        let batches = [
            compressed(&plain, 1, gzip),
            compressed(&plain, 2, |payload| snap::raw::Encoder::new().compress_vec(payload).unwrap()),
            compressed(&plain, 3, lz4),
            compressed(&plain, 4, |payload| zstd::bulk::compress(payload, 1).unwrap()),
            plain,
        ];
        for records in batches {
            let part = sent(&mut client, records).await;
            assert_eq!(part.error_code, if values == [BAD] { 87 } else { 0 });
        }
    }
    drop(broker);
}

#[tokio::test]
async fn null_values_and_header_schemas_pass() {
    let (_broker, mut client, validator) = start().await;
    let part = sent(&mut client, BatchBuilder::new().record(NOW_MS, Some(b"k"), None).build()).await;
    assert_eq!(part.error_code, 0);
    assert_eq!(validator.prepared.load(Ordering::SeqCst), 0);
    let guid = [&[1][..], &[7; 16]].concat();
    let headers: &[(&[u8], Option<&[u8]>)] = &[(b"x", None), (b"__value_schema_id", Some(&guid))];
    let records = BatchBuilder::new().record_with_headers(NOW_MS, None, Some(b"raw"), headers).build();
    assert_eq!(sent(&mut client, records).await.error_code, 0);
    assert_eq!(validator.prepared.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_registry_that_is_away_or_slow_is_a_retriable_error() {
    let (_broker, mut client, _) = start().await;
    for value in [&[0, 0, 0, 1, 0xf4][..], &[0, 0, 0, 1, 0xf5]] {
        let part = sent(&mut client, batch(&[value])).await;
        assert_eq!((part.error_code, part.record_errors.len()), (19, 0));
        assert!(part.error_message.unwrap().contains("schemas cannot be looked up"));
    }
}

#[tokio::test]
async fn damage_is_reported_as_damage_and_bombs_are_refused() {
    let (_broker, mut client, _) = start().await;
    let mut damaged = batch(&[BAD]).to_vec();
    damaged[65] ^= 1;
    assert_eq!(sent(&mut client, damaged.into()).await.error_code, 2);
    let bomb = compressed(&batch(&[GOOD]), 4, |_| zstd::bulk::compress(&vec![0; 80 << 20], 1).unwrap());
    let part = sent(&mut client, bomb).await;
    assert_eq!(part.error_code, 87);
    assert!(part.error_message.unwrap().contains("exceeds 67108864 bytes"));
}

#[tokio::test]
async fn a_refused_acks_0_batch_closes_the_connection() {
    let (broker, mut client, _) = start().await;
    client.send(&produce("t", 0, Some(batch(&[BAD]))), 9).await;
    client.expect_closed().await;
    assert_eq!(broker.broker.topics().get("t").unwrap().partition(0).unwrap().log_end_offset(), 0);
}
