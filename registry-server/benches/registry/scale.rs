//! The same work on a small and on a large database.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _};

use crate::Outcome;
use crate::load::{Client, Server, Side, compare, get, table};
use crate::writes::registrations;

const SUBJECTS: u64 = 100_000;
const VERSIONS: u64 = 1_000_000;
const SMALL: u64 = 1_000;
/// Keeps nothing, so that every read goes to the database.
const NO_CACHE: &str = "0";
const CACHE: &str = "67108864";

/// Rows as ten versions of each of a tenth as many subjects, written in bulk: the tables hold what registrations would have left.
const FILL: &[&str] = &[
    "CREATE TEMP TABLE n AS WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < $1) SELECT i FROM c",
    "INSERT INTO contexts VALUES ('.', 0)",
    "INSERT INTO schemas (context, id, hash, schema_type, text, created_ms) SELECT '.', i, unhex(printf('%032x', i)), 'AVRO', \
     printf('{\"type\":\"record\",\"name\":\"R%d\",\"fields\":[{\"name\":\"a\",\"type\":\"string\"},{\"name\":\"b\",\"type\":\"long\"}]}', i), 0 FROM n",
    "INSERT INTO preferred_ids (context, hash, id) SELECT '.', unhex(printf('%032x', i)), i FROM n ORDER BY i",
    "INSERT INTO versions (context, subject, version, id, ts_ms) SELECT '.', printf('s%07d', (i - 1) / 10), (i - 1) % 10 + 1, i, 0 FROM n ORDER BY i",
    "INSERT INTO events (ts_ms, principal, action, context, subject, version, id, seal, prev_hash, hash) \
     SELECT 0, 'anonymous', 'register', '.', printf('s%07d', (i - 1) / 10), (i - 1) % 10 + 1, i, i, x'00', x'00' FROM n",
    "INSERT INTO id_allocators VALUES ('.', $1 + 1)",
    "DROP TABLE n",
];

async fn fill(path: &Path, versions: u64) -> Outcome<String> {
    let url = format!("sqlite:{}", path.display());
    assay_registry_server::open(&url, assay_registry_server::RegistryConfig::default())
        .await?
        .store()
        .close()
        .await;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .pragma("synchronous", "off")
        .pragma("temp_store", "memory");
    let mut connection: SqliteConnection = options.connect().await?;
    let mut transaction = connection.begin().await?;
    for sql in FILL {
        sqlx::query(sql).bind(i64::try_from(versions)?).execute(&mut *transaction).await?;
    }
    transaction.commit().await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    connection.close().await?;
    Ok(url)
}

/// Start of the process to the first answer, the median of nine, in milliseconds.
async fn start_up(url: &str) -> Outcome<f64> {
    let mut times = Vec::new();
    for _ in 0..9 {
        let began = Instant::now();
        let server = Server::start(&["registry", url, CACHE])?;
        Client::connect(&server.address).await?.ask(&get("/schemas/ids/1")(0)).await?;
        times.push(began.elapsed().as_secs_f64() * 1e3);
    }
    times.sort_by(f64::total_cmp);
    Ok(times.get(4).copied().unwrap_or_default())
}

/// Ids spread over the whole range, each a different one.
fn spread(versions: u64) -> crate::load::Requests {
    Arc::new(move |number| {
        get(&format!("/schemas/ids/{}", number.wrapping_mul(2_654_435_761) % versions + 1))(0)
    })
}

pub(crate) async fn run() -> Outcome {
    let folder = tempfile::tempdir()?;
    let small = fill(&folder.path().join("small.db"), SMALL).await?;
    let began = Instant::now();
    let large = fill(&folder.path().join("large.db"), VERSIONS).await?;
    println!(
        "\n{VERSIONS} versions in {SUBJECTS} subjects (written in bulk in {:.0} s), against {SMALL} versions, SQLite",
        began.elapsed().as_secs_f64()
    );
    let (small_ms, large_ms) = (start_up(&small).await?, start_up(&large).await?);
    println!(
        "\nstart to first answer: {large_ms:.0} ms (goal < 200), with {SMALL} versions {small_ms:.0} ms"
    );
    table("Large database, the peer is the registry on the small one (goal 1 / 1.3)");
    let uncached =
        (Server::start(&["registry", &large, NO_CACHE])?, Server::start(&["registry", &small, NO_CACHE])?);
    let sides = (Side::new(&uncached.0, spread(VERSIONS)), Side::new(&uncached.1, spread(SMALL)));
    compare("uncached ids, 16 clients", &sides.0, &sides.1, 16, 0.77).await?;
    drop(uncached);
    let (big, little) =
        (Server::start(&["registry", &large, CACHE])?, Server::start(&["registry", &small, CACHE])?);
    let sides = (Side::new(&big, get("/schemas/ids/7")), Side::new(&little, get("/schemas/ids/7")));
    compare("hot id, 16 clients", &sides.0, &sides.1, 16, 0.77).await?;
    let sides = (Side::new(&big, registrations("N")), Side::new(&little, registrations("N")));
    compare("new schemas, 1 client", &sides.0, &sides.1, 1, 0.77).await?;
    compare("new schemas, 32 clients", &sides.0, &sides.1, 32, 0.77).await?;
    let sides = (Side::new(&big, spread(VERSIONS)), Side::new(&little, spread(SMALL)));
    compare("ids all over, 16 clients (the small one fits the cache)", &sides.0, &sides.1, 16, 0.0).await?;
    println!("\nresident memory after that: {:.0} MiB (goal < 300)", big.resident_mib()?);
    Ok(())
}
