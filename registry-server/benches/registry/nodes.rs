//! How late a node sees what another one committed: two registries on one Postgres, one writes, the other is asked until it knows.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::load::{Client, Server, get, post};
use crate::postgres::fresh_database;
use crate::reads::schema;

const CHANGES: usize = 300;
/// What the registry promises.
const LIMIT: Duration = Duration::from_millis(100);
/// When the measurement gives up.
const NEVER: Duration = Duration::from_secs(10);

pub(crate) async fn run() -> Outcome {
    let Some(url) = fresh_database() else { return Ok(()) };
    let nodes =
        [Server::start(&["registry", &url, "67108864"])?, Server::start(&["registry", &url, "67108864"])?];
    let mut writer = Client::connect(&nodes[0].address).await?;
    let mut reader = Client::connect(&nodes[1].address).await?;
    let latest = get("/subjects/seen/versions/latest")(0);
    let register = |name: String| {
        post("/subjects/seen/versions?force=true", &format!(r#"{{"schema":"{}"}}"#, schema(&name)))
    };
    writer.ask(&register("R0".to_owned())).await?;
    let mut late = Vec::with_capacity(CHANGES);
    for change in 1..=CHANGES {
        // In the reader's memory, as it was before.
        reader.ask(&latest).await?;
        writer.ask(&register(format!("R{change}"))).await?;
        let (acknowledged, name) = (Instant::now(), format!(r#"\"name\":\"R{change}\""#));
        while !String::from_utf8_lossy(reader.ask(&latest).await?).contains(&name) {
            if acknowledged.elapsed() > NEVER {
                return Err(format!("{name} is never seen").into());
            }
        }
        late.push(acknowledged.elapsed());
    }
    late.sort_unstable();
    let at = |part: usize| late.get((late.len() - 1) * part / 1000).copied().unwrap_or_default();
    println!(
        "\nFrom the acknowledgement of a change by one node until another node shows it, {CHANGES} changes\n"
    );
    println!("| | of the promised {LIMIT:?} |\n|---|---|");
    for (name, part) in [("median", 500), ("p99", 990), ("longest", 1000)] {
        let time = at(part);
        println!(
            "| {name} | {:.1} ms, {:.2} |",
            time.as_secs_f64() * 1e3,
            time.as_secs_f64() / LIMIT.as_secs_f64()
        );
    }
    Ok(())
}
