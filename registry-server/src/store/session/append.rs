//! Appending many versions in one transaction, with few exchanges: what is to be stored is handed over as JSON.

mod postgres;
mod sqlite;

pub(in super::super) use postgres::append as append_postgres;
pub(in super::super) use sqlite::{End as AppendEnd, append as append_sqlite};
