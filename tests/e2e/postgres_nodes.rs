//! Several registry nodes on one Postgres.

use std::time::Duration;

use harness::{Launch, PostgresServer, eventually};
use serde_json::json;

use crate::fixtures::flight_schema;

fn node(url: &str) -> Launch {
    let arguments = ["--roles", "registry", "--registry-listen", "127.0.0.1:0", "--database-url", url];
    arguments.into_iter().fold(Launch::default().exactly(), Launch::arg)
}

#[tokio::test]
async fn two_nodes_on_one_postgres_agree_and_need_no_data_folder() {
    let Some(postgres) = PostgresServer::start().unwrap() else { return };
    let (first, second) = (node(&postgres.url()).start().unwrap(), node(&postgres.url()).start().unwrap());
    assert!(first.broker.is_empty() && !first.ready.contains("broker="), "{}", first.ready);
    let id = first.rest().register("shared-value", &flight_schema()).await.unwrap();
    assert_eq!(second.rest().register("shared-value", &flight_schema()).await.unwrap(), id);
    let on_second = second.rest();
    let seen = eventually(Duration::from_secs(10), || async {
        let answer = on_second.get("/subjects").await.unwrap();
        (answer.body == json!(["shared-value"])).then_some(())
    });
    seen.await.expect("the second node sees what the first one stored");
    let writers: Vec<_> = (0..20)
        .map(|number| {
            let rest = if number % 2 == 0 { first.rest() } else { second.rest() };
            tokio::spawn(async move {
                let schema = json!({"type": "fixed", "name": "F", "size": number + 1});
                (number, rest.register(&format!("s{number}"), &schema).await.unwrap())
            })
        })
        .collect();
    let mut ids = Vec::new();
    for writer in writers {
        ids.push(writer.await.unwrap().1);
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 20, "no id names two schemas");
}
