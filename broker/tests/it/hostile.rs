//! Peers that do not speak the protocol, or abuse it. Whatever they send, others keep being served.

use std::sync::atomic::{AtomicUsize, Ordering};

use assay_broker::protocol::Message;
use assay_broker::protocol::messages::{
    ApiVersionsRequest, ApiVersionsResponse, CreateTopicsRequest, MetadataRequest, ProduceRequest,
};
use tokio::io::AsyncWriteExt;

use crate::batches::{batch, produce};
use crate::client::{TestBroker, frame};

#[tokio::test]
async fn hostile_frames_close_the_connection_and_nothing_else() {
    let broker = TestBroker::start().await;
    let mut bystander = broker.client().await;
    bystander.topic("t").await;
    let metadata_with_huge_count: &[u8] =
        &[0, 0, 0, 20, 0, 3, 0, 1, 0, 0, 0, 1, 0, 4, b't', b'e', b's', b't', 0x7f, 0xff, 0xff, 0xff, 0, 0];
    let cases: &[(&str, &[u8])] = &[
        ("length of 2 GiB", &[0x7f, 0xff, 0xff, 0xff]),
        ("negative length", &[0xff, 0xff, 0xff, 0xff, 0, 0]),
        ("length just above the limit", &[0x06, 0x40, 0x00, 0x01]),
        ("empty frame", &[0, 0, 0, 0]),
        ("TLS client hello", &[0x16, 3, 1, 0, 0xf4, 1, 0, 0, 0xf0, 3, 3]),
        ("HTTP request", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("unknown API key", &[0, 0, 0, 10, 0x7f, 0, 0, 0, 0, 0, 0, 1, 0xff, 0xff]),
        ("version above the range", &[0, 0, 0, 10, 0, 3, 0, 99, 0, 0, 0, 1, 0xff, 0xff]),
        ("negative version", &[0, 0, 0, 10, 0, 3, 0xff, 0xff, 0, 0, 0, 1, 0xff, 0xff]),
        ("client id past the frame", &[0, 0, 0, 10, 0, 3, 0, 1, 0, 0, 0, 1, 0x7f, 0xff]),
        ("array count of 2 billion", metadata_with_huge_count),
    ];
    for (what, bytes) in cases {
        let mut client = broker.client().await;
        client.send_raw(bytes).await;
        client.expect_closed().await;
        let response = bystander.topic("t").await;
        assert_eq!(response.topics.len(), 1, "after {what}");
    }
}

#[tokio::test]
async fn a_request_cut_at_any_byte_closes_the_connection() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    client.topic("t").await;
    let whole = frame(&produce("t", -1, Some(batch(&[b"value"]))), 9, 1);
    for end in (4..whole.len()).step_by(7) {
        let mut cut = whole[..end].to_vec();
        cut[..4].copy_from_slice(&u32::try_from(end - 4).unwrap().to_be_bytes());
        let mut client = broker.client().await;
        client.send_raw(&cut).await;
        client.expect_closed().await;
    }
    assert_eq!(broker.broker.topics().get("t").unwrap().partition(0).unwrap().log_end_offset(), 0);
}

#[tokio::test]
async fn advertised_produce_versions_below_3_close_the_connection() {
    let broker = TestBroker::start().await;
    for version in 0..3_i16 {
        let mut client = broker.client().await;
        let mut bytes = frame(&ProduceRequest::default(), 3, 1);
        bytes[6..8].copy_from_slice(&version.to_be_bytes());
        client.send_raw(&bytes).await;
        client.expect_closed().await;
    }
}

#[tokio::test]
async fn api_versions_above_the_range_is_answered_in_version_0() {
    let broker = TestBroker::start().await;
    let mut client = broker.client().await;
    let mut bytes = frame(&ApiVersionsRequest::default(), 4, 7);
    bytes[6..8].copy_from_slice(&99_i16.to_be_bytes());
    client.send_raw(&bytes).await;
    let response: ApiVersionsResponse = client.receive(0, 7).await;
    assert_eq!(response.error_code, 35);
    let row = &response.api_keys[0];
    assert_eq!((response.api_keys.len(), row.api_key, row.min_version, row.max_version), (1, 18, 0, 4));

    // the same connection goes on
    let request = ApiVersionsRequest {
        client_software_name: "test".to_owned(),
        client_software_version: "1.0".to_owned(),
    };
    let response: ApiVersionsResponse = client.call(&request, 3).await;
    assert_eq!(response.error_code, 0);
    assert!(response.api_keys.len() > 20);
    let response: ApiVersionsResponse = client.call(&ApiVersionsRequest::default(), 3).await;
    assert_eq!(response.error_code, 42, "an empty software name is invalid");
}

#[tokio::test]
async fn more_connections_than_allowed_are_refused_until_one_leaves() {
    let settings = [("max.connections", "1")];
    let broker = TestBroker::with(&settings, std::sync::Arc::new(assay_broker::AcceptAll)).await;
    let mut first = broker.client().await;
    first.topic("t").await;
    broker.client().await.expect_closed().await;
    drop(first);
    loop {
        let mut next = broker.client().await;
        let request = MetadataRequest::default();
        next.send_raw(&frame(&request, 1, 1)).await;
        if next.receive_raw().await.is_some() {
            break;
        }
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let settings = [("connections.max.idle.ms", "50")];
    let broker = TestBroker::with(&settings, std::sync::Arc::new(assay_broker::AcceptAll)).await;
    broker.client().await.expect_closed().await;
    // and so is one that stalls inside a frame
    let mut client = broker.client().await;
    client.send_raw(&frame(&CreateTopicsRequest::default(), CreateTopicsRequest::VERSION_MAX, 1)[..9]).await;
    client.expect_closed().await;
}

#[tokio::test]
async fn noise_behind_valid_headers_harms_nobody() {
    // a panic would end only its connection, so it is counted where it happens
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.location().is_some_and(|location| location.file().contains("src/")) {
            PANICS.fetch_add(1, Ordering::SeqCst);
        }
        default(panic);
    }));
    let broker = TestBroker::start().await;
    let mut bystander = broker.client().await;
    bystander.topic("t").await;
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    for row in assay_broker::dispatch::SERVED {
        for version in row.version_min..=row.version_max {
            let mut frame = vec![0; 4];
            frame.extend(row.api.code().to_be_bytes());
            frame.extend(version.to_be_bytes());
            frame.extend([0, 0, 0, 1, 0, 0]);
            // mostly small numbers, so that some of it decodes
            frame.extend((0..random(120)).map(|_| {
                u8::try_from([0, 1, 2, 3, random(256)][usize::try_from(random(5)).unwrap()]).unwrap()
            }));
            let length = u32::try_from(frame.len() - 4).unwrap();
            frame[..4].copy_from_slice(&length.to_be_bytes());
            let mut client = broker.client().await;
            client.send_raw(&frame).await;
            client.stream.shutdown().await.unwrap();
            while client.receive_raw().await.is_some() {}
        }
    }
    assert_eq!(bystander.topic("t").await.topics.len(), 1);
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}
