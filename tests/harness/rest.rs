//! The registry in plain JSON, without any client library in between.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The registry's own media type.
const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

/// A registry at a URL.
#[derive(Debug, Clone)]
pub struct Rest {
    base: String,
    client: reqwest::Client,
}

/// Status and body of an answer; a body that is no JSON is a JSON string.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Value,
}

impl Answer {
    /// The registry's numeric error code, 0 when there is none.
    pub fn code(&self) -> i64 {
        self.body.get("error_code").and_then(Value::as_i64).unwrap_or_default()
    }

    /// The message of an error.
    pub fn message(&self) -> &str {
        self.body.get("message").and_then(Value::as_str).unwrap_or_default()
    }
}

impl Rest {
    /// A registry at `http://HOST:PORT`.
    ///
    /// # Panics
    /// If no client can be made on this machine.
    pub fn new(base: &str) -> Self {
        let built = reqwest::Client::builder().timeout(Duration::from_secs(30)).no_proxy().build();
        let client = match built {
            Ok(client) => client,
            Err(error) => panic!("no HTTP client: {error}"),
        };
        Self { base: base.to_owned(), client }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        answer(self.client.get(format!("{}{path}", self.base))).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        answer(self.client.delete(format!("{}{path}", self.base))).await
    }

    /// PUT of a JSON body.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Answer> {
        let request = self.client.put(format!("{}{path}", self.base)).header("content-type", MEDIA_TYPE);
        answer(request.body(body.to_string())).await
    }

    /// POST of a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer> {
        self.post_raw(path, MEDIA_TYPE, body.to_string()).await
    }

    /// POST of any bytes under any media type.
    pub async fn post_raw(
        &self,
        path: &str,
        media_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Result<Answer> {
        let request = self.client.post(format!("{}{path}", self.base)).header("content-type", media_type);
        answer(request.body(body)).await
    }

    /// Registers an Avro schema and gives its id.
    pub async fn register(&self, subject: &str, schema: &Value) -> Result<i32> {
        let path = format!("/subjects/{subject}/versions");
        let answer = self.post(&path, &json!({ "schema": schema.to_string() })).await?;
        let id = answer.body.get("id").and_then(Value::as_i64).and_then(|id| i32::try_from(id).ok());
        id.with_context(|| format!("{subject} was not registered: {answer:?}"))
    }
}

async fn answer(request: reqwest::RequestBuilder) -> Result<Answer> {
    let response = request.send().await?;
    let status = response.status().as_u16();
    let text = response.text().await?;
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Answer { status, body })
}
