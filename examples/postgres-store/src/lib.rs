//! A session store in Postgres through `sqlx`. Pass it to `OktaAuth::builder().session_store(store)`.
//!
//! Each method is one statement, and expired rows do not count. The database's clock decides about expiry, so the
//! clocks of replicas do not matter. The tests at the end of this file run the suite for session stores.

use std::time::Duration;

use okta_auth::session::{SessionStore, StoreError, StoreFuture, StoreKey, StoredRecord};
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, Postgres};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Row as _};

/// Numbers are blobs of 8 bytes in big-endian order, because Postgres's integers are signed.
pub const TABLES: &str = "
CREATE UNLOGGED TABLE IF NOT EXISTS okta_records (
    key bytea PRIMARY KEY, version bytea NOT NULL, sealed bytea NOT NULL, expires timestamptz NOT NULL);
CREATE UNLOGGED TABLE IF NOT EXISTS okta_links (
    place bytea, record bytea, expires timestamptz NOT NULL, PRIMARY KEY (place, record));
CREATE UNLOGGED TABLE IF NOT EXISTS okta_marks (
    key bytea PRIMARY KEY, value bytea NOT NULL, expires timestamptz NOT NULL);
CREATE INDEX IF NOT EXISTS okta_records_expires ON okta_records (expires);
CREATE INDEX IF NOT EXISTS okta_links_expires ON okta_links (expires);
CREATE INDEX IF NOT EXISTS okta_marks_expires ON okta_marks (expires);
";

// In each statement $1 is the key, and $2 the lifetime of what is written.
const CREATE: &str = "INSERT INTO okta_records AS r (key, version, sealed, expires)
    VALUES ($1, $3, $4, now() + $2) ON CONFLICT (key)
    DO UPDATE SET version = $3, sealed = $4, expires = now() + $2 WHERE r.expires <= now()";
const LOAD: &str = "SELECT version, sealed FROM okta_records WHERE key = $1 AND expires > now()";
const SAVE: &str = "UPDATE okta_records SET version = $3, sealed = $4, expires = now() + $2
    WHERE key = $1 AND expires > now() AND version = $5";
const REMOVE: &str = "DELETE FROM okta_records WHERE key = $1 AND expires > now()";
const LINK: &str = "INSERT INTO okta_links (place, record, expires) VALUES ($1, $3, now() + $2)
    ON CONFLICT (place, record) DO UPDATE SET expires = now() + $2";
const UNLINK: &str = "DELETE FROM okta_links WHERE place = $1 AND record = $2";
const LINKED: &str = "SELECT record FROM okta_links WHERE place = $1 AND expires > now()";
const TRY_LOCK: &str = "INSERT INTO okta_marks AS m (key, value, expires) VALUES ($1, $3, now() + $2)
    ON CONFLICT (key) DO UPDATE SET value = $3, expires = now() + $2 WHERE m.expires <= now() OR m.value = $3";
const UNLOCK: &str = "DELETE FROM okta_marks WHERE key = $1 AND value = $2";
const RAISE_WATERMARK: &str = "INSERT INTO okta_marks AS m (key, value, expires) VALUES ($1, $3, now() + $2)
    ON CONFLICT (key) DO UPDATE SET expires = greatest(m.expires, now() + $2),
    value = CASE WHEN m.expires > now() THEN greatest(m.value, $3) ELSE $3 END";
const WATERMARKS: &str = "SELECT key, value FROM okta_marks WHERE key = ANY($1) AND expires > now()";

/// The longest lifetime, a thousand years. Postgres has no date for the end of a longer one.
const LONGEST: i64 = 1_000 * 366 * 86_400 * 1_000_000;

/// Sessions in the tables of [`TABLES`].
#[derive(Clone, Debug)]
pub struct PostgresStore(PgPool);

impl PostgresStore {
    /// Creates a store at a URL such as `postgres://app@db/app`. It connects at the first request, so the app starts
    /// while the database is down.
    ///
    /// # Errors
    /// If the URL is invalid.
    pub fn new(url: &str) -> Result<Self, sqlx::Error> {
        let options: PgConnectOptions = url.parse()?;
        let options = options.options([("statement_timeout", "1s")]); // a browser waits
        let pool = PgPoolOptions::new().max_connections(8).acquire_timeout(Duration::from_secs(1));
        Ok(Self(pool.connect_lazy_with(options)))
    }

    /// Deletes expired rows. Call it every few minutes.
    ///
    /// # Errors
    /// If the database reports an error.
    pub async fn sweep(&self) -> Result<(), sqlx::Error> {
        for table in ["okta_records", "okta_links", "okta_marks"] {
            // The table names are constants.
            let delete = AssertSqlSafe(format!("DELETE FROM {table} WHERE expires <= now()"));
            sqlx::query(delete).execute(&self.0).await?;
        }
        Ok(())
    }

    /// Runs a statement that changes at most one row, and returns whether it did.
    fn change<'a>(&'a self, statement: Statement<'a>) -> StoreFuture<'a, bool> {
        Box::pin(async move { Ok(statement.execute(&self.0).await.map_err(StoreError::new)?.rows_affected() == 1) })
    }

    /// Runs such a statement and ignores the result.
    fn execute<'a>(&'a self, statement: Statement<'a>) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.change(statement).await.map(drop) })
    }
}

type Statement<'a> = Query<'a, Postgres, PgArguments>;

/// A statement about a key.
fn about<'a>(sql: &'static str, key: &'a StoreKey) -> Statement<'a> {
    sqlx::query(sql).bind(key.as_bytes().as_slice())
}

/// A statement that writes for this lifetime.
fn lasting<'a>(sql: &'static str, key: &'a StoreKey, lifetime: Duration) -> Statement<'a> {
    let microseconds = i64::try_from(lifetime.as_micros()).map_or(LONGEST, |time| time.min(LONGEST));
    about(sql, key).bind(PgInterval { months: 0, days: 0, microseconds })
}

/// A number as bytes with the same order.
fn blob(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// Decodes the result of [`blob`], or a key.
fn array<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::new("a column of the session store has an unexpected length"))
}

impl SessionStore for PostgresStore {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.change(lasting(CREATE, key, lifetime).bind(blob(record.version)).bind(record.sealed.as_slice()))
    }

    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        Box::pin(async move {
            let Some(row) = about(LOAD, key).fetch_optional(&self.0).await.map_err(StoreError::new)? else {
                return Ok(None);
            };
            Ok(Some(StoredRecord {
                version: u64::from_be_bytes(array(row.get("version"))?),
                sealed: row.get("sealed"),
            }))
        })
    }

    fn save<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        let before = record.version.checked_sub(1).map(blob); // NULL never compares equal
        self.change(lasting(SAVE, key, lifetime).bind(blob(record.version)).bind(record.sealed.as_slice()).bind(before))
    }

    fn remove<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, bool> {
        self.change(about(REMOVE, key))
    }

    fn link<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.execute(lasting(LINK, index, lifetime).bind(record.as_bytes().as_slice()))
    }

    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        self.execute(about(UNLINK, index).bind(record.as_bytes().as_slice()))
    }

    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        Box::pin(async move {
            let rows = about(LINKED, index).fetch_all(&self.0).await.map_err(StoreError::new)?;
            rows.iter().map(|row| Ok(StoreKey::from_bytes(array(row.get("record"))?))).collect()
        })
    }

    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.change(lasting(TRY_LOCK, mark, lifetime).bind(blob(owner)))
    }

    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        self.execute(about(UNLOCK, mark).bind(blob(owner)))
    }

    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.execute(lasting(RAISE_WATERMARK, mark, lifetime).bind(blob(value)))
    }

    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        Box::pin(async move {
            let keys: Vec<&[u8]> = marks.iter().map(|mark| mark.as_bytes().as_slice()).collect();
            let rows = sqlx::query(WATERMARKS).bind(keys).fetch_all(&self.0).await.map_err(StoreError::new)?;
            let mut values = vec![0; marks.len()];
            for row in rows {
                let (key, value): (Vec<u8>, _) = (row.get("key"), array(row.get("value"))?);
                let same = marks.iter().zip(&mut values).filter(|(mark, _)| mark.as_bytes().as_slice() == key);
                same.for_each(|(_, found)| *found = u64::from_be_bytes(value));
            }
            Ok(values)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use sqlx::AssertSqlSafe;
    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

    use super::{PostgresStore, TABLES};

    /// A store in a schema of its own.
    async fn fresh() -> PostgresStore {
        static SCHEMAS: AtomicU32 = AtomicU32::new(0);
        let schema = format!("test_{}_{}", std::process::id(), SCHEMAS.fetch_add(1, Ordering::Relaxed));
        let options = PgConnectOptions::new().options([("search_path", &schema)]); // PGHOST, PGUSER, ..
        let pool = PgPoolOptions::new().max_connections(4).connect_with(options).await.unwrap();
        let create = format!("CREATE SCHEMA {schema};{TABLES}");
        sqlx::raw_sql(AssertSqlSafe(create)).execute(&pool).await.unwrap();
        PostgresStore(pool)
    }

    okta_auth::store_tests! {
        #[ignore = "needs Postgres"]
        async { fresh().await }
    }

    #[tokio::test]
    #[ignore = "needs Postgres"]
    async fn sweep_deletes_what_has_expired() {
        use std::time::Duration;

        use okta_auth::session::{SessionStore as _, StoreKey};

        let store = fresh().await;
        for (number, lifetime) in [(1, Duration::ZERO), (2, Duration::from_secs(3_600))] {
            store.raise_watermark(&StoreKey::from_bytes([number; 32]), 1, lifetime).await.unwrap();
        }
        store.sweep().await.unwrap();
        let rows: i64 = sqlx::query_scalar("SELECT count(*) FROM okta_marks").fetch_one(&store.0).await.unwrap();
        assert_eq!(rows, 1);
    }
}
