//! Input that no client should send: the contract's error, and a process that keeps serving.

use harness::{Assay, Rest};
use serde_json::json;

use crate::{
    fixtures::{flight_schema, framed, zigzag},
    kafka::{create_topic, producer, send},
    raw::{Connection, batch},
};

const CORRUPT_MESSAGE: i16 = 2;

/// Both servers still do their work.
async fn assert_serving(assay: &mut Assay) {
    assert!(assay.is_running(), "{}", assay.log());
    assay.rest().register("still-serving", &json!("string")).await.unwrap();
    send(&producer(&assay.broker, &[]), "still-serving", None, Some(b"x")).await.unwrap();
    assert!(!assay.log().contains("panicked"), "{}", assay.log());
}

async fn post(rest: &Rest, media_type: &str, body: impl Into<reqwest::Body>) -> (u16, i64, String) {
    let answer = rest.post_raw("/subjects/s/versions", media_type, body).await.unwrap();
    (answer.status, answer.code(), answer.message().to_owned())
}

const JSON: &str = "application/vnd.schemaregistry.v1+json";

#[tokio::test(flavor = "multi_thread")]
async fn unparsable_json_is_a_bad_request() {
    let mut assay = Assay::start().unwrap();
    for body in ["{\"schema\": ", "", "[", "\u{0}", "{\"schema\": 17, }"] {
        let (status, code, message) = post(&assay.rest(), JSON, body).await;
        assert!((400..=422).contains(&status) && code >= 400, "{body:?}: {status} {code} {message}");
    }
    let deep = format!("{{\"schema\": {}", "[".repeat(200_000));
    assert_eq!(post(&assay.rest(), JSON, deep).await.0, 400);
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_content_type_is_415() {
    let mut assay = Assay::start().unwrap();
    let (status, code, message) = post(&assay.rest(), "text/plain", "{\"schema\": \"\\\"string\\\"\"}").await;
    assert_eq!((status, code), (415, 415), "{message}");
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_not_escaped_is_explained() {
    let mut assay = Assay::start().unwrap();
    let body = json!({ "schema": flight_schema() }).to_string();
    let (status, _, message) = post(&assay.rest(), JSON, body).await;
    assert!((400..=422).contains(&status), "{status} {message}");
    assert!(message.to_lowercase().contains("string"), "says that the schema must be a string: {message}");
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_schema_is_invalid() {
    let mut assay = Assay::start().unwrap();
    let mut deep = "\"int\"".to_owned();
    for _ in 0..2000 {
        deep = format!("{{\"type\":\"array\",\"items\":{deep}}}");
    }
    for schema in [deep, "{\"type\":\"nonsense\"}".to_owned(), "{".to_owned(), String::new()] {
        let (status, code, message) =
            post(&assay.rest(), JSON, json!({ "schema": schema }).to_string()).await;
        assert_eq!((status, code), (422, 42201), "{message}");
    }
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_names_are_not_found() {
    let mut assay = Assay::start().unwrap();
    let rest = assay.rest();
    rest.register("known", &json!("string")).await.unwrap();
    for (path, code) in [
        ("/subjects/unknown/versions", 40401),
        ("/subjects/unknown/versions/1", 40401),
        ("/subjects/known/versions/7", 40402),
        ("/schemas/ids/4711", 40403),
        ("/nothing/here", 404),
    ] {
        let answer = rest.get(path).await.unwrap();
        assert_eq!((answer.status, answer.code()), (404, code), "{path}: {answer:?}");
    }
    let answer = rest.get("/subjects/known/versions/nonsense").await.unwrap();
    assert_eq!((answer.status, answer.code()), (422, 42202), "{answer:?}");
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_with_a_hostile_length_closes_its_connection_only() {
    let mut assay = Assay::start().unwrap();
    for size in [i32::MAX, i32::MIN, -1, 0, 3, 500_000_000] {
        let mut connection = Connection::open(&assay.broker);
        connection.send(&[&size.to_be_bytes()[..], &[0; 3]].concat());
        connection.finish();
        assert!(connection.is_closed(), "size {size}");
    }
    let mut http = Connection::open(&assay.broker);
    http.send(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    http.finish();
    assert!(http.is_closed());
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hostile_array_count_closes_its_connection_only() {
    let mut assay = Assay::start().unwrap();
    // Metadata v1 and Produce v8 with two thousand million topics, and a negative count where none is allowed
    for (api_key, version, before) in [(3, 1, vec![]), (0, 8, [&[0xff; 2][..], &[0xff; 2], &[0; 4]].concat())]
    {
        for count in [i32::MAX, 0x7000_0000, -2] {
            let mut connection = Connection::open(&assay.broker);
            connection.request(api_key, version, 1, &[before.clone(), count.to_be_bytes().to_vec()].concat());
            assert!(connection.is_closed(), "api {api_key}, count {count}");
        }
    }
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_api_or_version_is_answered_or_closed() {
    let mut assay = Assay::start().unwrap();
    for (api_key, version) in [(999, 0), (-1, 0), (3, 99), (0, -1)] {
        let mut connection = Connection::open(&assay.broker);
        connection.request(api_key, version, 1, &[]);
        assert!(connection.is_closed(), "api {api_key} version {version}");
    }
    // ApiVersions in a version of the future is answered in version 0 with UNSUPPORTED_VERSION
    let mut connection = Connection::open(&assay.broker);
    connection.request(18, 99, 5, &[]);
    let answer = connection.answer().expect("an answer");
    assert_eq!(answer[..6], [0, 0, 0, 5, 0, 35]);
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_batches_are_refused() {
    let mut assay = Assay::start().unwrap();
    create_topic(&assay.broker, "damaged", 1, &[]).await;
    let whole = batch(&[(Some(b"key"), Some(b"value"), &[]), (None, Some(b"second"), &[])]);
    let produce =
        |bytes: &[u8]| Connection::open(&assay.broker).produce("damaged", 0, -1, bytes).map(|it| it.error);
    for cut in [1, 11, 12, 17, 30, 60, whole.len() - 1] {
        let error = produce(&whole[..cut]);
        assert!(error.is_none_or(|error| error != 0), "cut at {cut}");
    }
    let mut wrong_crc = whole.clone();
    *wrong_crc.last_mut().unwrap() ^= 1;
    assert_eq!(produce(&wrong_crc), Some(CORRUPT_MESSAGE));
    let mut old_magic = whole.clone();
    old_magic[16] = 1;
    assert!(produce(&old_magic).is_none_or(|error| error != 0));
    assert_eq!(produce(&whole), Some(0));
    let found = crate::kafka::read_all(&assay.broker, "damaged", 1);
    assert_eq!(found.len(), 2, "only the whole batch was stored");
    assert_serving(&mut assay).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_without_the_magic_byte_or_with_a_hostile_count_is_refused() {
    let mut assay = Assay::start().unwrap();
    let id =
        assay.rest().register("checked-value", &json!({"type": "array", "items": "null"})).await.unwrap();
    create_topic(&assay.broker, "checked", 1, &[("confluent.value.schema.validation", "true")]).await;
    let hostile = framed(id, &[zigzag(i64::MAX), zigzag(0)].concat());
    for value in [&b"{\"no\": \"magic\"}"[..], b"\x05", &hostile] {
        let records = batch(&[(None, Some(value), &[])]);
        let produced = Connection::open(&assay.broker).produce("checked", 0, -1, &records).unwrap();
        assert_eq!(produced.error, 87, "{produced:?}");
    }
    assert_serving(&mut assay).await;
}
