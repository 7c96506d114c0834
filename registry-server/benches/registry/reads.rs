//! Answers from memory against a bare axum handler with the same bytes.

use std::sync::Arc;

use crate::Outcome;
use crate::load::{Client, Server, Side, compare, get, post, table};

/// Connections at the same time.
const CLIENTS: usize = 16;

/// A record of ten fields, as a JSON string's content.
pub(crate) fn schema(name: &str) -> String {
    let fields: Vec<String> =
        (0..10).map(|at| format!(r#"{{\"name\":\"field{at}\",\"type\":\"string\"}}"#)).collect();
    format!(r#"{{\"type\":\"record\",\"name\":\"{name}\",\"fields\":[{}]}}"#, fields.join(","))
}

pub(crate) async fn run() -> Outcome {
    let folder = tempfile::tempdir()?;
    let url = format!("sqlite:{}", folder.path().join("registry.db").display());
    let registry = Server::start(&["registry", &url, "67108864"])?;
    let mut client = Client::connect(&registry.address).await?;
    let register = post("/subjects/orders-value/versions", &format!(r#"{{"schema":"{}"}}"#, schema("Order")));
    client.ask(&register).await?;
    table("Reads over HTTP, 16 clients");
    for (name, path, goal) in [
        ("`GET /schemas/ids/{id}`", "/schemas/ids/1", 0.9),
        ("`GET` latest version", "/subjects/orders-value/versions/latest", 0.8),
    ] {
        let body = String::from_utf8_lossy(client.ask(&get(path)(0)).await?).into_owned();
        let peer = Server::start(&["fixed", &body])?;
        let (ours, theirs) = (Side::new(&registry, get(path)), Side::new(&peer, get("/fixed")));
        compare(name, &ours, &theirs, CLIENTS, goal).await?;
    }
    let body = String::from_utf8_lossy(client.ask(&register).await?).into_owned();
    let peer = Server::start(&["fixed", &body])?;
    let fixed = post("/fixed", register.split_once("\r\n\r\n").map_or("", |(_, body)| body));
    let ours = Side::new(&registry, Arc::new(move |_| register.clone()));
    let theirs = Side::new(&peer, Arc::new(move |_| fixed.clone()));
    compare("register again", &ours, &theirs, CLIENTS, 0.6).await
}
