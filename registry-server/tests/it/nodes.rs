//! Several nodes on one Postgres, and a database that goes away.

use std::collections::BTreeMap;
use std::future::Future;
use std::str::FromStr as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use assay_registry_server::{RegistryConfig, ServeOptions};
use sqlx::ConnectOptions as _;

use crate::postgres;
use crate::server::{Server, body_of, record};

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_reads_its_own_writes_at_once_and_others_soon() {
    let Some(url) = postgres::fresh_database() else { return };
    let (a, b) = (&node(&url).await, &node(&url).await);
    for number in 1..=12 {
        let (writer, reader) = if number % 3 == 0 { (b, a) } else { (a, b) };
        let schema = record("R", &[&format!("f{number}")]).replace("\"int\"}", "\"int\",\"default\":0}");
        assert_eq!(writer.register("s", &schema).await.1, number);
        for _ in 0..2 {
            let latest = writer.call("GET /subjects/s/versions/latest", None).await.json();
            assert_eq!(latest["version"], number, "its own write");
            assert_eq!(writer.register("s", &schema).await.1, number);
        }
        eventually("the version reaches the other node", || async move {
            reader.call("GET /subjects/s/versions/latest", None).await.json()["version"] == number
        })
        .await;
        // What the other node remembers from now on is replaced by the next round's version.
        reader.call("GET /subjects/s/versions/latest", None).await;
    }
    a.call("PUT /config/s", Some(r#"{"compatibility":"NONE"}"#)).await;
    eventually("the other node judges by the new level", || async move {
        b.call("POST /subjects/s/versions", Some(&body_of("\"int\""))).await.status == 200
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_lose_every_connection_see_each_other_again() {
    let Some(url) = postgres::fresh_database() else { return };
    let (a, b) = (&node(&url).await, &node(&url).await);
    a.register("s", "\"int\"").await;
    eventually("the first version is seen", || async move {
        b.call("GET /subjects/s/versions/latest", None).await.status == 200
    })
    .await;
    let mut admin = sqlx::postgres::PgConnectOptions::from_str(&url).unwrap().connect().await.unwrap();
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'assay'";
    for number in 2..=4 {
        let killed = sqlx::query(kill).fetch_all(&mut admin).await.unwrap();
        assert!(killed.len() >= 2, "each node has at least the connection of its feed");
        eventually("the node writes again", || async move {
            let body = body_of(&record("R", &[&format!("f{number}")]));
            a.call("PUT /config/s", Some(r#"{"compatibility":"NONE"}"#)).await;
            a.call("POST /subjects/s/versions", Some(&body)).await.status == 200
        })
        .await;
        eventually("the other node sees it", || async move {
            b.call("GET /subjects/s/versions/latest", None).await.json()["version"] == number
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_register_the_same_and_different_schemas_at_once() {
    let Some(url) = postgres::fresh_database() else { return };
    let nodes = Arc::new([node(&url).await, node(&url).await, node(&url).await]);
    nodes[0].call("PUT /config", Some(r#"{"compatibility":"NONE"}"#)).await;
    let clients: Vec<_> = (0..18)
        .map(|client| {
            let nodes = Arc::clone(&nodes);
            tokio::spawn(async move {
                let mut done = Vec::new();
                for step in 0..8 {
                    let subject = format!("s{}", (client + step) % 5);
                    let schema = record("R", &[&format!("f{}", (client * 7 + step) % 11)]);
                    let (id, version) = nodes[(client + step) % 3].register(&subject, &schema).await;
                    done.push((subject, schema, id, version));
                }
                done
            })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for client in clients {
        acknowledged.extend(client.await.unwrap());
    }
    let (mut schema_of_id, mut id_of_schema) = (BTreeMap::new(), BTreeMap::new());
    let mut versions: BTreeMap<_, BTreeMap<_, _>> = BTreeMap::new();
    for (subject, schema, id, version) in acknowledged {
        assert_eq!(
            schema_of_id.entry(id).or_insert_with(|| schema.clone()),
            &schema,
            "id {id} names two schemas"
        );
        assert_eq!(*id_of_schema.entry(schema).or_insert(id), id, "a schema has two ids");
        let known = *versions.entry(subject).or_default().entry(version).or_insert(id);
        assert_eq!(known, id, "a version names two schemas");
    }
    for (subject, acknowledged) in versions {
        let gapless: Vec<i64> = (1..=i64::try_from(acknowledged.len()).unwrap()).collect();
        assert_eq!(acknowledged.keys().copied().collect::<Vec<_>>(), gapless, "{subject} has gaps");
        for node in nodes.iter() {
            let (line, gapless) = (format!("GET /subjects/{subject}/versions"), serde_json::json!(gapless));
            let (line, gapless) = (line.as_str(), &gapless);
            eventually("every node has them all", || async move {
                node.call(line, None).await.json() == *gapless
            })
            .await;
        }
    }
}
