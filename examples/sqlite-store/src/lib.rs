//! A custom session store: SQLite through `sqlx`, for an application on one machine whose
//! sessions survive a restart. Pass it to `OktaAuth::builder().session_store(store)`.
//!
//! The tests at the end of this file run the suite for session stores. A store in another
//! database has the same structure: each method is one statement, and expired rows do not
//! count.

use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use okta_auth::session::{SessionStore, StoreError, StoreFuture, StoreKey, StoredRecord};
use sqlx::query::Query;
use sqlx::sqlite::{Sqlite, SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, Row as _};

/// `until` is in milliseconds. Numbers are blobs of 8 bytes, because SQLite's integers
/// are signed.
const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS records (key BLOB PRIMARY KEY, version BLOB, sealed BLOB, until INTEGER) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS links (place BLOB, record BLOB, until INTEGER, PRIMARY KEY (place, record)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS marks (key BLOB PRIMARY KEY, value BLOB, until INTEGER) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS records_until ON records (until);
    CREATE INDEX IF NOT EXISTS links_until ON links (until);
    CREATE INDEX IF NOT EXISTS marks_until ON marks (until);";

// In each statement ?1 is the key, and, if needed, ?2 the current time and ?3 the end of the lifetime.
const CREATE: &str = "INSERT INTO records (key, until, version, sealed) VALUES (?1, ?3, ?4, ?5) ON CONFLICT (key)
    DO UPDATE SET until = ?3, version = ?4, sealed = ?5 WHERE until <= ?2";
const LOAD: &str = "SELECT version, sealed FROM records WHERE key = ?1 AND until > ?2";
const SAVE: &str = "UPDATE records SET until = ?3, version = ?4, sealed = ?5
    WHERE key = ?1 AND until > ?2 AND version = ?6";
const REMOVE: &str = "DELETE FROM records WHERE key = ?1 AND until > ?2";
const LINK: &str = "INSERT OR REPLACE INTO links (place, until, record) VALUES (?1, ?3, ?4)";
const UNLINK: &str = "DELETE FROM links WHERE place = ?1 AND record = ?2";
const LINKED: &str = "SELECT record FROM links WHERE place = ?1 AND until > ?2";
const CLAIM: &str = "INSERT INTO marks (key, until, value) VALUES (?1, ?3, ?4) ON CONFLICT (key)
    DO UPDATE SET until = ?3, value = ?4 WHERE until <= ?2 OR value = ?4";
const RELEASE: &str = "DELETE FROM marks WHERE key = ?1 AND value = ?2";
const RAISE: &str = "INSERT INTO marks (key, until, value) VALUES (?1, ?3, ?4) ON CONFLICT (key)
    DO UPDATE SET until = max(until, ?3), value = CASE WHEN until > ?2 THEN max(value, ?4) ELSE ?4 END";
const MARK: &str = "SELECT value FROM marks WHERE key = ?1 AND until > ?2";

/// How long a statement waits for a connection or for other writers. A browser waits for
/// the result.
const PATIENCE: Duration = Duration::from_secs(1);

/// Sessions in a SQLite file.
#[derive(Clone, Debug)]
pub struct SqliteStore(SqlitePool);

impl SqliteStore {
    /// Opens the file, or creates it.
    ///
    /// # Errors
    /// If the file cannot be opened, or is not a database.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, sqlx::Error> {
        let options = SqliteConnectOptions::new().filename(path).create_if_missing(true).busy_timeout(PATIENCE);
        let pool = SqlitePoolOptions::new().max_connections(4).acquire_timeout(PATIENCE);
        let pool = pool.connect_with(options.journal_mode(SqliteJournalMode::Wal)).await?;
        sqlx::raw_sql(TABLES).execute(&pool).await?;
        Ok(Self(pool))
    }

    /// Deletes expired rows. Call it every few minutes.
    ///
    /// # Errors
    /// If the database reports an error.
    pub async fn sweep(&self) -> Result<(), sqlx::Error> {
        for table in ["records", "links", "marks"] {
            // The table names are constants.
            let delete = AssertSqlSafe(format!("DELETE FROM {table} WHERE until <= ?1"));
            sqlx::query(delete).bind(now()).execute(&self.0).await?;
        }
        Ok(())
    }

    /// Runs a statement that changes at most one row, and returns whether it did.
    fn change<'a>(&'a self, statement: Statement<'a>) -> StoreFuture<'a, bool> {
        Box::pin(async move { Ok(statement.execute(&self.0).await.map_err(StoreError::new)?.rows_affected() == 1) })
    }

    /// Runs such a statement and ignores the result.
    fn act<'a>(&'a self, statement: Statement<'a>) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.change(statement).await.map(drop) })
    }
}

type Statement<'a> = Query<'a, Sqlite, SqliteArguments>;

/// A statement about a key at the current time.
fn about<'a>(sql: &'static str, key: &'a StoreKey) -> Statement<'a> {
    sqlx::query(sql).bind(key.as_bytes().as_slice()).bind(now())
}

/// A statement that starts a lifetime.
fn lasting<'a>(sql: &'static str, key: &'a StoreKey, lifetime: Duration) -> Statement<'a> {
    let milliseconds = i64::try_from(lifetime.as_millis()).unwrap_or(i64::MAX);
    about(sql, key).bind(now().saturating_add(milliseconds))
}

fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A number as bytes with the same order.
fn blob(number: u64) -> Vec<u8> {
    number.to_be_bytes().to_vec()
}

/// Decodes the result of [`blob`], or a key.
fn array<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N], StoreError> {
    bytes.try_into().map_err(|_| StoreError::new("a column of the session store has an unexpected length"))
}

impl SessionStore for SqliteStore {
    fn create<'a>(&'a self, key: &'a StoreKey, record: &'a StoredRecord, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.change(lasting(CREATE, key, lifetime).bind(blob(record.version)).bind(record.sealed.as_slice()))
    }

    fn load<'a>(&'a self, key: &'a StoreKey) -> StoreFuture<'a, Option<StoredRecord>> {
        Box::pin(async move {
            let row = about(LOAD, key).fetch_optional(&self.0).await.map_err(StoreError::new)?;
            let record = |row: sqlx::sqlite::SqliteRow| {
                let version = u64::from_be_bytes(array(row.get("version"))?);
                Ok(StoredRecord { version, sealed: row.get("sealed") })
            };
            row.map(record).transpose()
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
        self.act(lasting(LINK, index, lifetime).bind(record.as_bytes().as_slice()))
    }

    fn unlink<'a>(&'a self, index: &'a StoreKey, record: &'a StoreKey) -> StoreFuture<'a, ()> {
        self.act(sqlx::query(UNLINK).bind(index.as_bytes().as_slice()).bind(record.as_bytes().as_slice()))
    }

    fn linked<'a>(&'a self, index: &'a StoreKey) -> StoreFuture<'a, Vec<StoreKey>> {
        Box::pin(async move {
            let rows = about(LINKED, index).fetch_all(&self.0).await.map_err(StoreError::new)?;
            rows.iter().map(|row| Ok(StoreKey::from_bytes(array(row.get("record"))?))).collect()
        })
    }

    fn try_lock<'a>(&'a self, mark: &'a StoreKey, owner: u64, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.change(lasting(CLAIM, mark, lifetime).bind(blob(owner)))
    }

    fn unlock<'a>(&'a self, mark: &'a StoreKey, owner: u64) -> StoreFuture<'a, ()> {
        self.act(sqlx::query(RELEASE).bind(mark.as_bytes().as_slice()).bind(blob(owner)))
    }

    fn raise_watermark<'a>(&'a self, mark: &'a StoreKey, value: u64, lifetime: Duration) -> StoreFuture<'a, ()> {
        self.act(lasting(RAISE, mark, lifetime).bind(blob(value)))
    }

    fn watermarks<'a>(&'a self, marks: &'a [StoreKey]) -> StoreFuture<'a, Vec<u64>> {
        Box::pin(async move {
            let mut values = Vec::with_capacity(marks.len());
            for mark in marks {
                let row = about(MARK, mark).fetch_optional(&self.0).await.map_err(StoreError::new)?;
                values.push(row.map_or(Ok(0), |row| array(row.get("value")).map(u64::from_be_bytes))?);
            }
            Ok(values)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::SqliteStore;

    /// The folder of a test, removed when its thread ends.
    struct Folder(PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    thread_local! {
        static FOLDER: Folder = {
            let name = format!("okta-auth-sqlite-{}-{:?}", std::process::id(), std::thread::current().id());
            Folder(std::env::temp_dir().join(name))
        };
    }

    async fn fresh() -> SqliteStore {
        let folder = FOLDER.with(|folder| folder.0.clone());
        std::fs::create_dir_all(&folder).unwrap();
        SqliteStore::open(folder.join("sessions.db")).await.unwrap()
    }

    okta_auth::store_tests! {
        async { fresh().await }
    }

    #[tokio::test]
    async fn the_bundled_sqlite_has_no_known_faults() {
        let version: String = sqlx::query_scalar("SELECT sqlite_version()").fetch_one(&fresh().await.0).await.unwrap();
        let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
        assert!(numbers >= vec![3, 50, 2], "{version}");
    }
}
