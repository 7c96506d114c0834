//! What a key changes in the requests that are sent.

use assay_serde_avro::{Deserializer, Part, Properties, Serializer};

use crate::faulty::{Answer, Asked, Faulty};
use crate::record::{ORDER, ORDER_DATUM, Order, order};

/// Registers once with these keys, and gives the request.
async fn registered(pairs: &[(&str, &str)]) -> Asked {
    let server = Faulty::start([Answer::new(200, r#"{"id":3}"#)]).await;
    let mut properties: Properties = pairs.iter().copied().collect();
    properties.set("value.subject.name.strategy", "topic");
    if pairs.iter().all(|(key, _)| *key != "schema.registry.url") {
        properties.set("schema.registry.url", server.url());
    } else {
        // the server is the proxy, and the address is never resolved
        let (host, port) = server.url().trim_start_matches("http://").split_once(':').map(own).unwrap();
        properties.set("proxy.host", host).set("proxy.port", port);
    }
    let serializer = Serializer::<Order>::from_properties(&properties, Part::Value, Some(ORDER)).unwrap();
    let payload = serializer.encode("orders", &order()).await.unwrap().payload;
    assert!(payload.starts_with(&[0, 0, 0, 0, 3]));
    assert_eq!(server.count(), 1);
    server.asked().remove(0)
}

fn own((host, port): (&str, &str)) -> (String, String) {
    (host.to_owned(), port.to_owned())
}

#[tokio::test]
async fn keys_of_requests_change_what_is_sent() {
    let plain = registered(&[]).await;
    assert_eq!(plain.target, "/subjects/orders-value/versions");
    assert!(!plain.body.contains("propagateSchemaTags"));

    assert!(registered(&[("normalize.schemas", "true")]).await.target.ends_with("/versions?normalize=true"));
    let tags = registered(&[("propagate.schema.tags", "true")]).await;
    assert!(tags.body.contains(r#""propagateSchemaTags":true"#), "{}", tags.body);
    let headers = [("request.header.X-Team", "blue"), ("schema.registry.request.header.X-Site", "b")];
    let sent = registered(&headers).await.headers;
    assert_eq!((&sent["x-team"], &sent["x-site"]), (&"blue".parse().unwrap(), &"b".parse().unwrap()));
    let through_proxy = registered(&[("schema.registry.url", "http://registry.invalid:8081")]).await;
    assert_eq!(through_proxy.target, "http://registry.invalid:8081/subjects/orders-value/versions");
    let context = registered(&[("context.name.strategy", ".staging")]).await;
    assert_eq!(context.target, "/subjects/%3A.staging%3Aorders-value/versions");
    let basic = [("basic.auth.credentials.source", "USER_INFO"), ("basic.auth.user.info", "alice:s:cret")];
    assert_eq!(registered(&basic).await.headers["authorization"], "Basic YWxpY2U6czpjcmV0");
    let bearer = [
        ("bearer.auth.credentials.source", "STATIC_TOKEN"),
        ("bearer.auth.token", "t0ken"),
        ("bearer.auth.logical.cluster", "lsrc-1"),
        ("bearer.auth.identity.pool.id", "pool-1"),
    ];
    let sent = registered(&bearer).await.headers;
    assert_eq!(sent["authorization"], "Bearer t0ken");
    assert_eq!(
        (&sent["target-sr-cluster"], &sent["confluent-identity-pool-id"]),
        (&"lsrc-1".parse().unwrap(), &"pool-1".parse().unwrap())
    );
}

#[tokio::test]
async fn keys_of_the_selection_decide_what_is_asked() {
    let found =
        serde_json::json!({"subject": "orders-value", "version": 3, "id": 3, "schema": ORDER}).to_string();
    for (key, value, target) in [
        ("use.latest.version", "true", "/subjects/orders-value/versions/latest"),
        ("use.latest.with.metadata", "app=x", "/subjects/orders-value/metadata?key=app&value=x"),
        ("use.schema.id", "3", "/schemas/ids/3"),
        ("normalize.schemas", "true", "/subjects/orders-value?normalize=true"),
        ("normalize.schemas", "false", "/subjects/orders-value"),
    ] {
        let server = Faulty::start([Answer::new(200, found.clone())]).await;
        let mut properties: Properties = [(key, value)].into_iter().collect();
        properties.set("schema.registry.url", server.url()).set("auto.register.schemas", "false");
        properties.set("value.subject.name.strategy", "topic");
        let serializer = Serializer::<Order>::from_properties(&properties, Part::Value, Some(ORDER)).unwrap();
        serializer.prepare("orders").await.unwrap();
        assert_eq!(server.asked()[0].target, target, "{key}");
    }
    // the same metadata chooses a reader's schema
    let server = Faulty::start([Answer::schema(ORDER), Answer::new(200, found)]).await;
    let mut properties: Properties = [("use.latest.with.metadata", "app=x")].into_iter().collect();
    properties.set("schema.registry.url", server.url()).set("value.subject.name.strategy", "topic");
    let deserializer = Deserializer::<Order>::from_properties(&properties, Part::Value).unwrap();
    let payload = [&[0, 0, 0, 0, 3], ORDER_DATUM].concat();
    let message = assay_serde_avro::Message::new("orders", &payload);
    assert_eq!(deserializer.decode(message).await.unwrap(), order());
    let targets: Vec<String> = server.asked().into_iter().map(|asked| asked.target).collect();
    assert_eq!(targets, ["/schemas/ids/3", "/subjects/orders-value/metadata?key=app&value=x"]);
}

#[tokio::test]
async fn keys_of_retries_and_negative_caches_decide_how_often() {
    let asked = async |answer: Answer, pairs: &[(&str, &str)]| {
        let server = Faulty::start([answer]).await;
        let mut properties: Properties = pairs.iter().copied().collect();
        properties.set("schema.registry.url", server.url()).set("retries.wait.ms", "1");
        properties.set("value.subject.name.strategy", "topic").set("auto.register.schemas", "false");
        let serializer = Serializer::<Order>::from_properties(&properties, Part::Value, Some(ORDER)).unwrap();
        let deserializer = Deserializer::<Order>::from_properties(&properties, Part::Value).unwrap();
        let payload = [&[0, 0, 0, 0, 3], ORDER_DATUM].concat();
        for _ in 0..3 {
            deserializer.decode(&payload).await.unwrap_err();
        }
        let ids = server.count();
        for _ in 0..3 {
            serializer.prepare("orders").await.unwrap_err();
        }
        (ids, server.count() - ids)
    };
    let down = || Answer::new(503, "");
    assert_eq!(asked(down(), &[("max.retries", "0")]).await, (3, 3));
    assert_eq!(asked(down(), &[("max.retries", "2"), ("retries.max.wait.ms", "2")]).await, (9, 9));
    let unknown = || Answer::error(404, 40403, "Schema not found");
    assert_eq!(asked(unknown(), &[]).await, (1, 3));
    assert_eq!(asked(unknown(), &[("missing.id.cache.ttl.sec", "0")]).await, (3, 3));
    assert_eq!(asked(unknown(), &[("missing.schema.cache.ttl.sec", "60")]).await, (1, 1));
}
