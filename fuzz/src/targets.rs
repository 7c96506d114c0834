//! What is fuzzed: everything that takes bytes or text from a peer. A target may refuse its input; it may not panic, and
//! where two readings of the same input exist they must agree.

mod evolved;
mod rest;

use assay_broker::protocol::{Message, messages};
use assay_broker::record_batch::{BatchHeader, Batches, RecordLimits, records};
use assay_schema_core::avro::{ParseMode, Schema, check};
use assay_serde_avro::{JsonForm, Plan};
use bytes::Bytes;

/// Runs one input.
pub(crate) type Run = Box<dyn Fn(&[u8])>;

/// One thing that is fuzzed.
pub(crate) struct Target {
    pub(crate) name: &'static str,
    pub(crate) seeds: fn() -> Vec<Vec<u8>>,
    /// Called once; what it returns is called for every input.
    pub(crate) prepare: fn() -> Run,
}

pub(crate) const TARGETS: [Target; 10] = [
    Target { name: "schema-parse", seeds: schemas, prepare: || Box::new(schema_parse) },
    Target { name: "schema-check", seeds: schema_pairs, prepare: || Box::new(schema_check) },
    Target { name: "rest-bodies", seeds: bodies, prepare: || Box::new(rest_bodies) },
    Target { name: "rest-requests", seeds: rest::seeds, prepare: rest::prepare },
    Target { name: "plan-compile", seeds: schemas, prepare: || Box::new(plan_compile) },
    Target { name: "datum", seeds: data, prepare: datum },
    Target { name: "evolved-datum", seeds: evolved::seeds, prepare: evolved::prepare },
    Target { name: "frame", seeds: frames, prepare: || Box::new(frame) },
    Target { name: "request", seeds: requests, prepare: || Box::new(request) },
    Target { name: "record-batch", seeds: batches, prepare: || Box::new(record_batch) },
];

const RECORD: &str = r#"{"type":"record","name":"R","namespace":"n","fields":[
  {"name":"a","type":"int"},{"name":"b","type":["null","string"],"default":null},
  {"name":"c","type":{"type":"array","items":{"type":"map","values":"double"}}},
  {"name":"d","type":{"type":"enum","name":"E","symbols":["A","B"],"default":"A"}},
  {"name":"e","type":{"type":"fixed","name":"F","size":4}},{"name":"f","type":["null","R"],"default":null},
  {"name":"g","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}}]}"#;

/// The reader's and writer's texts of the case file that also tests the verdicts.
fn cases() -> impl Iterator<Item = (Vec<u8>, Vec<u8>)> {
    include_str!("../../tests/data/avro-compat-cases.jsonl").lines().filter_map(|line| {
        let case: serde_json::Value = serde_json::from_str(line).ok()?;
        let text = |side: &str| case.get(side).map(|schema| schema.to_string().into_bytes());
        Some((text("reader")?, text("writer")?))
    })
}

fn schemas() -> Vec<Vec<u8>> {
    cases().map(|(reader, _)| reader).chain([RECORD.into(), b"\"string\"".to_vec()]).collect()
}

fn schema_pairs() -> Vec<Vec<u8>> {
    cases().map(|(reader, writer)| [reader, writer].join(&0)).collect()
}

fn parse(text: &[u8]) -> Option<Schema> {
    Schema::parse(std::str::from_utf8(text).ok()?, ParseMode::Strict).ok()
}

/// What is printed can be parsed again, and is printed the same.
fn schema_parse(input: &[u8]) {
    let Some(schema) = parse(input) else { return };
    let text = schema.canonical().to_owned();
    if let Ok(again) = Schema::parse(&text, ParseMode::Lax) {
        assert_eq!(again.canonical(), text);
    }
    let _ =
        (schema.resolved(), schema.parsing_canonical_form(), schema.normalized(), schema.fingerprint_rabin());
}

/// A schema reads what it wrote, and any pair has a verdict.
fn schema_check(input: &[u8]) {
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let (Some(reader), Some(writer)) = (parts.next().and_then(parse), parts.next().and_then(parse)) else {
        return;
    };
    let _ = check(&reader, &writer);
    let _ = Plan::resolve(&writer, &reader);
}

fn bodies() -> Vec<Vec<u8>> {
    [
        r#"{"schema":"\"string\"","schemaType":"AVRO","references":[{"name":"a","subject":"s","version":1}]}"#,
        r#"{"schema":"{}","metadata":{"tags":{"a":["x"]},"properties":{"k":"v"},"sensitive":["k"]},"version":-1,"id":7}"#,
        r#"{"ruleSet":{"domainRules":[{"name":"r","kind":"CONDITION","type":"CEL","mode":"WRITE","expr":"true"}]}}"#,
        r#"{"compatibility":"FULL","normalize":true,"alias":null}"#,
    ]
    .map(|body| body.as_bytes().to_vec())
    .into()
}

fn rest_bodies(input: &[u8]) {
    use assay_schema_core::rest;
    let _ = serde_json::from_slice::<rest::RegisterSchemaRequest>(input);
    let _ = serde_json::from_slice::<rest::ConfigUpdateRequest>(input);
}

fn plan_compile(input: &[u8]) {
    if let Some(schema) = parse(input) {
        let _ = Plan::compile(&schema);
        let _ = Plan::resolve(&schema, &schema);
    }
}

fn data() -> Vec<Vec<u8>> {
    vec![
        vec![2, 0, 0, 0, 1, 2, 3, 4, 0, 2, 5],
        vec![2, 2, 6, b'a', b'b', b'c', 2, 2, 2, b'k', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2, 3, 4, 0, 2, 9],
    ]
}

/// Validation and decoding agree on which bytes are a datum.
fn datum() -> Run {
    let plan =
        parse(RECORD.as_bytes()).and_then(|schema| Plan::compile(&schema).ok()).expect("the record compiles");
    Box::new(move |input| {
        let valid = plan.validate(input);
        let decoded = plan.decode_value(input);
        assert_eq!(valid.is_ok(), decoded.is_ok(), "{valid:?} against {decoded:?}");
        let _ = plan.decode_json(input, JsonForm::Avro);
    })
}

fn frames() -> Vec<Vec<u8>> {
    let guid = [&[1][..], &[0x5a; 16], &[2, b'x']].concat();
    vec![
        vec![0, 0, 0, 0, 7, 14],
        guid.clone(),
        [&[0, 0, 0, 0, 7, 0xff][..], &guid].concat(),
        b"{\"id\":7}".to_vec(),
    ]
}

/// What is split can be framed again, wherever the schema stands. `ff` ends a header value, the rest is the payload.
fn frame(input: &[u8]) {
    use assay_serde_avro::wire::{SchemaKey, header_value, parse_header, prefix, split_prefix, unframe};
    use assay_serde_avro::{Message, Part, Unframing};
    let framed = |key| match key {
        SchemaKey::Id(id) => prefix(id).to_vec(),
        SchemaKey::Guid(guid) => header_value(guid).to_vec(),
    };
    if let Ok((key, datum)) = split_prefix(input) {
        assert_eq!([&framed(key)[..], datum].concat(), input);
    }
    let end = input.iter().position(|byte| *byte == 0xff);
    let (header, payload) = end.map_or((None, input), |end| (Some(&input[..end]), &input[end + 1..]));
    if let Some((value, key)) = header.and_then(|value| Some((value, parse_header(value).ok()?))) {
        assert!(value.starts_with(&framed(key)));
        assert_eq!(unframe(Unframing::Dual, header, payload), Ok((key, payload)));
    }
    let headers = [(assay_serde_avro::wire::VALUE_HEADER, header), ("", None)];
    let message = Message::new("t", payload).with_headers(Part::Value, headers);
    assert_eq!(message.schema_header(), header);
    let _ = unframe(Unframing::Prefix, header, payload);
}

fn requests() -> Vec<Vec<u8>> {
    let body = [0, 0, 0, 1, 0, 1, b't', 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0];
    (0..=75_u8)
        .flat_map(|key| (0..=13_u8).step_by(3).map(move |version| [&[key, version][..], &body].concat()))
        .collect()
}

macro_rules! decode_any {
    ($key:expr, $version:expr, $body:expr; $($message:ident),*) => {
        match $key {
            $(messages::$message::KEY => { let _ = messages::$message::from_bytes($body, $version); })*
            _ => {}
        }
    };
}

/// The first byte is the API key, the second the version, the rest the body.
fn request(input: &[u8]) {
    let [key, version, body @ ..] = input else { return };
    let (key, version, body) = (i16::from(*key), i16::from(*version), Bytes::copy_from_slice(body));
    decode_any!(key, version, body;
        ProduceRequest, FetchRequest, ListOffsetsRequest, MetadataRequest, OffsetCommitRequest, OffsetFetchRequest,
        FindCoordinatorRequest, JoinGroupRequest, HeartbeatRequest, LeaveGroupRequest, SyncGroupRequest,
        DescribeGroupsRequest, ListGroupsRequest, SaslHandshakeRequest, ApiVersionsRequest, CreateTopicsRequest,
        DeleteTopicsRequest, DeleteRecordsRequest, InitProducerIdRequest, OffsetForLeaderEpochRequest,
        AddPartitionsToTxnRequest, AddOffsetsToTxnRequest, EndTxnRequest, TxnOffsetCommitRequest, DescribeAclsRequest,
        CreateAclsRequest, DeleteAclsRequest, DescribeConfigsRequest, AlterConfigsRequest, DescribeLogDirsRequest,
        SaslAuthenticateRequest, CreatePartitionsRequest, DeleteGroupsRequest, ElectLeadersRequest,
        IncrementalAlterConfigsRequest, ListPartitionReassignmentsRequest, OffsetDeleteRequest,
        DescribeUserScramCredentialsRequest, AlterUserScramCredentialsRequest, DescribeClusterRequest, DescribeClientQuotasRequest,
        DescribeProducersRequest, DescribeTransactionsRequest, ListTransactionsRequest, ConsumerGroupHeartbeatRequest,
        ConsumerGroupDescribeRequest, DescribeTopicPartitionsRequest, DescribeQuorumRequest, ListConfigResourcesRequest,
        AlterPartitionReassignmentsRequest, AlterReplicaLogDirsRequest, UpdateFeaturesRequest
    );
}

/// Two batches made by an independent client (one with headers and a null value), and one that names each codec.
fn batches() -> Vec<Vec<u8>> {
    let golden = [
        "00000000000000000000004b0000000002a9d10e4f0000000000010000018bcfe568000000018bcfe56805ffffffffffffffffffffffffffff0000000220000000026b027604026802310268023210000a02046b320100",
        "00000000000000000000003d0000000002fa92dd630000000000000000018bcfe568000000018bcfe5680000000000000003e80000000000070000000116000000010a68656c6c6f00",
    ];
    let mut seeds: Vec<Vec<u8>> = golden.iter().map(|text| from_hex(text)).collect();
    for codec in 1..=4 {
        let mut batch = seeds[0].clone();
        batch[22] = codec;
        seeds.push(batch);
    }
    seeds
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).filter_map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok()).collect()
}

fn record_batch(input: &[u8]) {
    for (header, batch) in Batches::new(input).take(64) {
        assert_eq!(header.total_bytes(), batch.len());
    }
    let _ = BatchHeader::parse(input);
    let Ok(opened) = records(input, &RecordLimits::default()) else { return };
    for record in opened.iter() {
        let Ok(record) = record else { break };
        let _ = record.headers.check();
    }
}
