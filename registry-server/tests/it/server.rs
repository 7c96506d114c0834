//! A served registry and a client that compares status and body.

use std::net::SocketAddr;

use assay_registry_server::{RegistryConfig, ServeOptions, open, serve};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::backend::Database;

/// A server on a free port over a fresh database.
pub struct Server {
    pub address: SocketAddr,
    shutdown: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<()>>,
    http: reqwest::Client,
    database: Option<Database>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }
}

impl Server {
    pub async fn start() -> Self {
        Self::on(Database::sqlite().unwrap()).await
    }

    pub async fn on(database: Database) -> Self {
        let url = database.url.clone();
        let mut server = Self::at(&url, RegistryConfig::default(), ServeOptions::default()).await;
        server.database = Some(database);
        server
    }

    pub async fn configured(config: RegistryConfig, options: ServeOptions) -> Self {
        let database = Database::sqlite().unwrap();
        let url = database.url.clone();
        let mut server = Self::at(&url, config, options).await;
        server.database = Some(database);
        server
    }

    /// A node on a database that somebody else keeps.
    pub async fn at(url: &str, config: RegistryConfig, options: ServeOptions) -> Self {
        let registry = open(url, config).await.unwrap();
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, stopped) = oneshot::channel::<()>();
        let stopped = async move {
            stopped.await.ok();
        };
        let task = tokio::spawn(serve(listener, registry, options, stopped));
        let http = reqwest::Client::builder().timeout(std::time::Duration::from_mins(1)).build().unwrap();
        Self { address, shutdown: Some(shutdown), task: Some(task), http, database: None }
    }

    pub async fn stop(mut self) {
        drop(self.shutdown.take());
        self.task.take().unwrap().await.unwrap();
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub async fn send(&self, request: reqwest::RequestBuilder) -> Answer {
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Answer { status, headers, body: response.text().await.unwrap() }
    }

    /// `"METHOD /path"` with a JSON body, if one.
    pub async fn call(&self, line: &str, body: Option<&str>) -> Answer {
        let (method, path) = line.split_once(' ').unwrap();
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request
                .header("Content-Type", "application/vnd.schemaregistry.v1+json")
                .body(body.to_owned());
        }
        self.send(request).await
    }

    /// Asserts status and exact body.
    pub async fn expect(&self, line: &str, body: Option<&str>, status: u16, expected: &str) {
        let answer = self.call(line, body).await;
        assert_eq!((answer.status, answer.body.as_str()), (status, expected), "{line} {body:?}");
    }

    /// Asserts 200 and the exact body.
    pub async fn ok(&self, line: &str, body: Option<&str>, expected: &str) {
        self.expect(line, body, 200, expected).await;
    }

    /// Asserts an error body.
    pub async fn refused(&self, line: &str, body: Option<&str>, status: u16, code: u32, message: &str) {
        let expected = serde_json::json!({ "error_code": code, "message": message }).to_string();
        self.expect(line, body, status, &expected).await;
    }

    /// Registers a schema and returns (id, version).
    pub async fn register(&self, subject: &str, schema: &str) -> (i64, i64) {
        let answer = self.call(&format!("POST /subjects/{subject}/versions"), Some(&body_of(schema))).await;
        assert_eq!(answer.status, 200, "{subject} {schema}: {}", answer.body);
        let body = answer.json();
        (body["id"].as_i64().unwrap(), body["version"].as_i64().unwrap())
    }
}

/// A request body with only a schema.
pub fn body_of(schema: &str) -> String {
    serde_json::json!({ "schema": schema }).to_string()
}

/// A record with these int fields, none with a default.
pub fn record(name: &str, fields: &[&str]) -> String {
    let fields: Vec<Value> =
        fields.iter().map(|field| serde_json::json!({ "name": field, "type": "int" })).collect();
    let mut text = format!("{{\"type\":\"record\",\"name\":\"{name}\",\"fields\":");
    text.push_str(&Value::Array(fields).to_string());
    text.push('}');
    text
}
