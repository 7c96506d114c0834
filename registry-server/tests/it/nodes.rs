//! Several nodes on one Postgres, and a database that goes away.

use std::future::Future;
use std::time::{Duration, Instant};

use assay_registry_server::{RegistryConfig, ServeOptions};

use crate::postgres;
use crate::server::{Server, body_of};

async fn node(url: &str) -> Server {
    Server::at(url, RegistryConfig::default(), ServeOptions::default()).await
}

/// Polls until the condition holds; the deadline is generous, because the machine may be busy.
async fn eventually<F: Future<Output = bool>>(what: &str, condition: impl Fn() -> F) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !condition().await {
        assert!(Instant::now() < deadline, "never happened: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_sees_what_another_changed() {
    let Some(url) = postgres::fresh_database() else { return };
    let (a, b) = (&node(&url).await, &node(&url).await);
    assert_eq!(a.register("s", "\"int\"").await, (1, 1));
    assert_eq!(b.register("s", "\"int\"").await, (1, 1));
    assert_eq!(b.register("t", "\"long\"").await, (2, 1));
    let by_id = b.call("GET /schemas/ids/1", None).await;
    assert_eq!((by_id.status, by_id.json()["deleted"].as_bool()), (200, Some(false)));
    a.ok("DELETE /subjects/s", None, "[1]").await;
    eventually("the soft delete reaches the other node's by-id answer", || async move {
        b.call("GET /schemas/ids/1", None).await.json()["deleted"] == true
    })
    .await;
    a.ok("DELETE /subjects/s?permanent=true", None, "[1]").await;
    eventually("the hard delete reaches the other node's by-id answer", || async move {
        b.call("GET /schemas/ids/1", None).await.status == 404
    })
    .await;
    a.ok("PUT /config/old", Some(r#"{"alias":"t"}"#), r#"{"alias":"t"}"#).await;
    eventually("the alias reaches the other node", || async move {
        b.call("GET /subjects/old/versions", None).await.status == 200
    })
    .await;
    let (one, two) = (a.call("GET /v1/metadata/id", None).await, b.call("GET /v1/metadata/id", None).await);
    assert_eq!(one.body, two.body);
}

async fn cache_hits(node: &Server) -> u64 {
    let metrics = node.call("GET /metrics", None).await.body;
    let line = metrics.lines().find_map(|line| line.strip_prefix("assay_registry_cache_hits_total "));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn known_ids_are_served_while_the_database_is_away_and_all_heals() {
    let Some(mut postgres) = postgres::own_server() else { return };
    let node = &node(&postgres.create_database()).await;
    node.register("s", "\"int\"").await;
    let known = node.call("GET /schemas/ids/1", None).await;
    assert_eq!(known.status, 200);
    // The change feed forgets everything once, when it begins; from then on a known answer stays.
    eventually("the answer is kept", || async move {
        node.call("GET /schemas/ids/1", None).await;
        let before = cache_hits(node).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        node.call("GET /schemas/ids/1", None).await;
        cache_hits(node).await > before
    })
    .await;
    postgres.stop();

    let cached = node.call("GET /schemas/ids/1", None).await;
    assert_eq!((cached.status, &cached.body), (200, &known.body));
    for (line, body) in [
        ("POST /subjects/s/versions", Some(body_of("\"long\""))),
        ("PUT /config", Some("{}".to_owned())),
        ("GET /subjects", None),
        ("GET /schemas/ids/99", None),
    ] {
        let answer = node.call(line, body.as_deref()).await;
        assert_eq!(answer.status, 503, "{line} {}", answer.body);
        assert_eq!(answer.json()["message"], "the database is unavailable");
    }
    assert_eq!(node.call("GET /health/ready", None).await.status, 503);
    assert_eq!(node.call("GET /health/live", None).await.status, 200);

    postgres.restart();
    eventually("the node is ready again", || async move {
        node.call("GET /health/ready", None).await.status == 200
    })
    .await;
    assert_eq!(node.register("s", "\"long\"").await.1, 2);
}

#[tokio::test]
async fn a_stopped_server_has_answered_what_it_accepted() {
    let server = Server::start().await;
    server.register("s", "\"int\"").await;
    server.stop().await;
}
