//! The servers: the registry, and the peers it is compared with.

use std::time::Duration;

use assay_registry_server::{RegistryConfig, ServeOptions, open, serve as serve_registry};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use tokio::net::TcpListener;

use crate::Outcome;

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";
const INSERT: &str = "INSERT INTO bodies (body) VALUES ($1)";

/// Serves what the words name until killed, and says its address first.
pub(crate) async fn serve(words: &[String]) -> Outcome {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let ["registry", url, cache_bytes] = words.as_slice() {
        let config = RegistryConfig { cache_bytes_max: cache_bytes.parse()?, ..RegistryConfig::default() };
        let registry = open(url, config).await?;
        let listener = listen().await?;
        serve_registry(listener, registry, ServeOptions::default(), std::future::pending()).await;
        return Ok(());
    }
    let router = match words.as_slice() {
        ["fixed", body] => fixed(body),
        ["insert-sqlite", path] => {
            Router::new().route("/insert", post(insert_sqlite)).with_state(sqlite(path).await?)
        }
        ["insert-postgres", url] => {
            Router::new().route("/insert", post(insert_postgres)).with_state(postgres(url).await?)
        }
        other => return Err(format!("no such server: {other:?}").into()),
    };
    Ok(axum::serve(listen().await?, router).await?)
}

async fn listen() -> Outcome<TcpListener> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{}", listener.local_addr()?);
    Ok(listener)
}

/// A bare handler that answers the same bytes; by POST it reads the body first.
fn fixed(body: &str) -> Router {
    let body = Bytes::from(body.to_owned());
    let posted = body.clone();
    let answer = move || {
        let body = body.clone();
        async move { ([(CONTENT_TYPE, MEDIA_TYPE)], body) }
    };
    let read = move |sent: Bytes| {
        let body = if sent.is_empty() { Bytes::new() } else { posted.clone() };
        async move { ([(CONTENT_TYPE, MEDIA_TYPE)], body) }
    };
    Router::new().route("/fixed", get(answer).post(read))
}

/// The registry's own settings: one writing connection, WAL, synced commits.
async fn sqlite(path: &str) -> Outcome<SqlitePool> {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(5))
        .pragma("journal_size_limit", "67108864");
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false);
    let pool = pool.acquire_timeout(Duration::from_secs(30)).connect_with(options).await?;
    let create = "CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT";
    sqlx::query(create).execute(&pool).await?;
    Ok(pool)
}

async fn postgres(url: &str) -> Outcome<PgPool> {
    let pool = PgPoolOptions::new().max_connections(16).connect(url).await?;
    let create = "CREATE TABLE IF NOT EXISTS bodies (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body TEXT NOT NULL)";
    sqlx::query(create).execute(&pool).await?;
    Ok(pool)
}

fn answer(done: Result<(), sqlx::Error>) -> impl IntoResponse {
    match done {
        Ok(()) => (axum::http::StatusCode::OK, [(CONTENT_TYPE, MEDIA_TYPE)], r#"{"id":1}"#.to_owned()),
        Err(error) => {
            (axum::http::StatusCode::INTERNAL_SERVER_ERROR, [(CONTENT_TYPE, MEDIA_TYPE)], error.to_string())
        }
    }
}

async fn insert_sqlite(State(pool): State<SqlitePool>, body: String) -> impl IntoResponse {
    let done = async {
        let mut transaction = pool.begin().await?;
        sqlx::query(INSERT).bind(body).execute(&mut *transaction).await?;
        transaction.commit().await
    };
    answer(done.await)
}

async fn insert_postgres(State(pool): State<PgPool>, body: String) -> impl IntoResponse {
    let done = async {
        let mut transaction = pool.begin().await?;
        sqlx::query(INSERT).bind(body).execute(&mut *transaction).await?;
        transaction.commit().await
    };
    answer(done.await)
}
