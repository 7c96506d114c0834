//! A registry that answers what a test tells it to, counts, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// One answer.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    status: u16,
    body: String,
    headers: Vec<(&'static str, String)>,
    delay: Duration,
}

impl Answer {
    pub(crate) fn new(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into(), headers: Vec::new(), delay: Duration::ZERO }
    }

    pub(crate) fn error(status: u16, code: u32, message: &str) -> Self {
        Self::new(status, serde_json::json!({"error_code": code, "message": message}).to_string())
    }

    /// The schema text as the answer to a look-up by id.
    pub(crate) fn schema(text: &str) -> Self {
        Self::new(200, serde_json::json!({"schemaType": "AVRO", "schema": text}).to_string())
    }

    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    /// Path and query as they were sent.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

#[derive(Debug)]
struct Script {
    next: VecDeque<Answer>,
    then: Answer,
    asked: Vec<Asked>,
}

/// The server. Gives the scripted answers in turn, and after them always the last one.
#[derive(Debug)]
pub(crate) struct Faulty {
    script: Arc<Mutex<Script>>,
    address: std::net::SocketAddr,
    server: JoinHandle<()>,
}

impl Faulty {
    pub(crate) async fn start(answers: impl IntoIterator<Item = Answer>) -> Self {
        let mut next: VecDeque<Answer> = answers.into_iter().collect();
        let then = next.pop_back().unwrap();
        let script = Arc::new(Mutex::new(Script { next, then, asked: Vec::new() }));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(answer).with_state(script.clone());
        let server = tokio::spawn(async move {
            axum::serve(listener, router).await.unwrap();
        });
        Self { script, address, server }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Replaces what is left of the script.
    pub(crate) fn then(&self, answer: Answer) {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.next.clear();
        script.then = answer;
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner).asked.clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.asked().len()
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let answer = {
        let mut script = script.lock().unwrap_or_else(PoisonError::into_inner);
        script.asked.push(Asked {
            method: head.method.to_string(),
            target: head.uri.to_string(),
            headers: head.headers,
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        script.next.pop_front().unwrap_or_else(|| script.then.clone())
    };
    tokio::time::sleep(answer.delay).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

/// An address where nothing listens.
pub(crate) async fn closed_url() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    format!("http://{address}")
}
