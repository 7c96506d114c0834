//! Registrations from many clients while nodes are killed and started again: what was acknowledged is there, and nothing contradicts.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use harness::{Assay, Launch, PostgresServer, Rest};
use serde_json::{Value, json};

const CLIENTS: usize = 12;
const STEPS: usize = 30;
const SUBJECTS: usize = 8;
/// How long one registration is tried for, while nodes come and go.
const LIMIT: Duration = Duration::from_mins(2);

/// What a node said it has stored.
#[derive(Debug)]
struct Acknowledged {
    subject: String,
    schema: String,
    id: i64,
    version: i64,
}

/// The nodes' present addresses.
#[derive(Clone)]
struct Nodes(Arc<Mutex<Vec<String>>>);

impl Nodes {
    fn of(nodes: &[Assay]) -> Self {
        Self(Arc::new(Mutex::new(nodes.iter().map(|node| node.registry.clone()).collect())))
    }

    fn rest(&self, at: usize) -> Rest {
        let nodes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Rest::new(&nodes[at % nodes.len()])
    }

    fn moved(&self, at: usize, address: &str) {
        address.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)[at]);
    }
}

/// Registers until a node acknowledges; a node that is gone or cannot is passed over.
async fn register(nodes: &Nodes, first: usize, subject: &str, schema: &str) -> Acknowledged {
    let (path, body) = (format!("/subjects/{subject}/versions"), json!({ "schema": schema }));
    let deadline = Instant::now() + LIMIT;
    for at in first.. {
        let answer = nodes.rest(at).post(&path, &body).await;
        if let Ok(answer) = &answer
            && answer.status == 200
        {
            let number = |name: &str| answer.body[name].as_i64().unwrap();
            let (subject, schema) = (subject.to_owned(), schema.to_owned());
            return Acknowledged { subject, schema, id: number("id"), version: number("version") };
        }
        // A refusal is no matter of killed nodes.
        assert!(answer.as_ref().map_or(500, |answer| answer.status) >= 500, "{answer:?}");
        assert!(Instant::now() < deadline, "{subject} is never registered: {answer:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    unreachable!("the range has no end");
}

/// All clients; `done` counts what is acknowledged.
async fn load(nodes: &Nodes, done: &Arc<AtomicUsize>) -> Vec<Acknowledged> {
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            let (nodes, done) = (nodes.clone(), Arc::clone(done));
            tokio::spawn(async move {
                let mut acknowledged = Vec::new();
                for step in 0..STEPS {
                    let schema = json!({"type": "fixed", "name": "F", "size": (client * 7 + step) % 50 + 1});
                    let subject = format!("s{}", (client + step) % SUBJECTS);
                    acknowledged.push(register(&nodes, client + step, &subject, &schema.to_string()).await);
                    done.fetch_add(1, Ordering::Relaxed);
                }
                acknowledged
            })
        })
        .collect();
    let mut acknowledged = Vec::new();
    for client in clients {
        acknowledged.extend(client.await.unwrap());
    }
    acknowledged
}

async fn reached(done: &AtomicUsize, count: usize) {
    while done.load(Ordering::Relaxed) < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Asks one node for everything and compares it with what was acknowledged.
async fn check(rest: &Rest, acknowledged: &[Acknowledged]) {
    let mut stored = BTreeMap::new();
    let (mut schema_of_id, mut id_of_schema) = (BTreeMap::new(), BTreeMap::new());
    for subject in (0..SUBJECTS).map(|number| format!("s{number}")) {
        let versions = rest.get(&format!("/subjects/{subject}/versions")).await.unwrap().body;
        let numbers: Vec<i64> = versions.as_array().unwrap().iter().filter_map(Value::as_i64).collect();
        assert_eq!(
            numbers,
            (1..=i64::try_from(numbers.len()).unwrap()).collect::<Vec<_>>(),
            "{subject} has gaps"
        );
        for number in numbers {
            let body = rest.get(&format!("/subjects/{subject}/versions/{number}")).await.unwrap().body;
            let (id, schema) = (body["id"].as_i64().unwrap(), body["schema"].as_str().unwrap().to_owned());
            assert_eq!(
                schema_of_id.entry(id).or_insert_with(|| schema.clone()),
                &schema,
                "id {id} names two schemas"
            );
            assert_eq!(*id_of_schema.entry(schema.clone()).or_insert(id), id, "{schema} has two ids");
            let by_id = rest.get(&format!("/schemas/ids/{id}")).await.unwrap().body;
            assert_eq!(by_id["schema"].as_str(), Some(schema.as_str()));
            stored.insert((subject.clone(), number), (id, serde_json::from_str::<Value>(&schema).unwrap()));
        }
    }
    for one in acknowledged {
        let schema = serde_json::from_str::<Value>(&one.schema).unwrap();
        let found = stored.get(&(one.subject.clone(), one.version));
        assert_eq!(found, Some(&(one.id, schema)), "{one:?} was acknowledged");
    }
    let per_subject: BTreeSet<_> = acknowledged.iter().map(|one| (&one.subject, &one.schema)).collect();
    assert_eq!(stored.len(), per_subject.len(), "a schema is one version of a subject");
}

fn on_postgres(url: &str) -> Launch {
    let arguments = ["--roles", "registry", "--registry-listen", "127.0.0.1:0", "--database-url", url];
    arguments.into_iter().fold(Launch::default().exactly(), Launch::arg)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_nodes_on_postgres_keep_what_they_acknowledged_while_two_of_them_are_killed() {
    let Some(postgres) = PostgresServer::start().unwrap() else { return };
    let start = || on_postgres(&postgres.url()).start().unwrap();
    let mut running = vec![start(), start(), start()];
    running[0].rest().put("/config", &json!({"compatibility": "NONE"})).await.unwrap();
    let (nodes, done) = (Nodes::of(&running), Arc::new(AtomicUsize::new(0)));
    let clients = load(&nodes, &done);
    let killer = async {
        for (at, count) in [(0, CLIENTS * STEPS / 4), (2, CLIENTS * STEPS / 2)] {
            reached(&done, count).await;
            running.remove(at).kill().unwrap();
            running.insert(at, start());
            nodes.moved(at, &running[at].registry);
        }
    };
    let (acknowledged, ()) = tokio::join!(clients, killer);
    for node in &running {
        check(&node.rest(), &acknowledged).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_node_on_sqlite_keeps_what_it_acknowledged_while_it_is_killed() {
    let mut node = Assay::start().unwrap();
    node.rest().put("/config", &json!({"compatibility": "NONE"})).await.unwrap();
    let (nodes, done) = (Nodes::of(std::slice::from_ref(&node)), Arc::new(AtomicUsize::new(0)));
    let clients = load(&nodes, &done);
    let killer = async {
        for count in [CLIENTS * STEPS / 4, CLIENTS * STEPS / 2] {
            reached(&done, count).await;
            let data = node.kill().unwrap();
            node = Launch::default().on(data).start().unwrap();
            nodes.moved(0, &node.registry);
        }
        node
    };
    let (acknowledged, node) = tokio::join!(clients, killer);
    check(&node.rest(), &acknowledged).await;
}
