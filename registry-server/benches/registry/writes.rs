//! New schemas against an axum handler that inserts one row in one transaction through the same kind of pool.

use std::sync::Arc;

use crate::Outcome;
use crate::load::{Requests, Server, Side, compare, post, table};
use crate::postgres::fresh_database;
use crate::reads::schema;

/// Every request a new schema in a new subject.
pub(crate) fn registrations(prefix: &'static str) -> Requests {
    Arc::new(move |number| {
        let body = format!(r#"{{"schema":"{}"}}"#, schema(&format!("{prefix}{number}")));
        post(&format!("/subjects/{prefix}-{number}/versions"), &body)
    })
}

fn inserts() -> Requests {
    Arc::new(|number| post("/insert", &format!(r#"{{"schema":"{}"}}"#, schema(&format!("R{number}")))))
}

pub(crate) async fn run() -> Outcome {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    let registry = Server::start(&["registry", &format!("sqlite:{}", path("registry.db")), "67108864"])?;
    let peer = Server::start(&["insert-sqlite", &path("peer.db")])?;
    table("New schemas");
    let (ours, theirs) = (Side::new(&registry, registrations("R")), Side::new(&peer, inserts()));
    compare("SQLite, 1 client", &ours, &theirs, 1, 0.6).await?;
    compare("SQLite, 32 clients", &ours, &theirs, 32, 2.0).await?;
    let (Some(ours), Some(theirs)) = (fresh_database(), fresh_database()) else { return Ok(()) };
    let registry = Server::start(&["registry", &ours, "67108864"])?;
    let peer = Server::start(&["insert-postgres", &theirs])?;
    let (ours, theirs) = (Side::new(&registry, registrations("R")), Side::new(&peer, inserts()));
    compare("Postgres, 1 client", &ours, &theirs, 1, 0.6).await?;
    compare("Postgres, 32 clients", &ours, &theirs, 32, 2.0).await
}
