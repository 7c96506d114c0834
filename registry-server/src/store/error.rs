//! What can go wrong below the rules.

/// A failed store operation. No driver type appears in the variants' own fields; the cause is kept as a source for the log.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another transaction got in between; running the change again from the start will succeed or see the other's result.
    #[error("the change conflicts with a concurrent one")]
    Conflict(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database cannot be reached, or no connection became free in time.
    #[error("the database is unavailable")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk or the database refused to write.
    #[error("the database failed")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A stored row does not read back as what was written.
    #[error("corrupt row in table {table}, column {column}")]
    CorruptRow {
        /// Table of the row.
        table: &'static str,
        /// Column that does not parse.
        column: &'static str,
    },
    /// All ids of a context are used.
    #[error("no id left in context {context}")]
    IdsExhausted {
        /// The context.
        context: String,
    },
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The URL names no supported database.
    #[error("unsupported database URL {url:?}: expected sqlite:<path> or postgres://...")]
    UnsupportedUrl {
        /// The URL with its password removed.
        url: String,
    },
    /// The database cannot be reached or opened.
    #[error("cannot open the database: {source}")]
    Connect {
        /// The driver's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A migration failed.
    #[error("cannot migrate the database: {source}")]
    Migrate {
        /// The driver's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The database was written by a newer release.
    #[error("the database has schema version {found}, this release knows up to {known}: use a newer release")]
    NewerDatabase {
        /// Highest migration in the database.
        found: i64,
        /// Highest migration of this binary.
        known: i64,
    },
    /// The database does not keep what is asked of it.
    #[error("the database runs with {setting}={found}, {expected} is needed")]
    UnsafeSetting {
        /// Name of the setting.
        setting: &'static str,
        /// Its value.
        found: String,
        /// The value needed.
        expected: &'static str,
    },
    /// The registry's own state could not be read.
    #[error("cannot read the database: {0}")]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(database) => match database.code().as_deref() {
                // Postgres: foreign key, unique, serialization failure, deadlock. SQLite: BUSY, BUSY_SNAPSHOT, and the extended
                // constraint codes of foreign key, primary key, trigger and unique.
                Some(
                    "23503" | "23505" | "40001" | "40P01" | "5" | "517" | "787" | "1555" | "1811" | "2067",
                ) => Self::Conflict(Box::new(error)),
                // Postgres: connection exceptions, too many connections, administrative shutdown, not yet accepting connections.
                Some(code)
                    if code.starts_with("08") || matches!(code, "53300" | "57P01" | "57P02" | "57P03") =>
                {
                    Self::Unavailable(Box::new(error))
                }
                _ => Self::Failed(Box::new(error)),
            },
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed
            | sqlx::Error::Tls(_) => Self::Unavailable(Box::new(error)),
            _ => Self::Failed(Box::new(error)),
        }
    }
}
