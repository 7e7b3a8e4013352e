//! The customers, in SQLite through `sqlx`. The library looks tenants up here.

use okta_auth::multi_tenant::{TenantError, TenantFuture, TenantKey, TenantSource};
use okta_auth::secret::Secret;
use okta_auth::tenant::{TenantId, TenantSettings};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions, SqliteRow};
use sqlx::{AssertSqlSafe, Error, Row as _};

/// The library relies on unique columns, so that each value belongs to at most one
/// customer. In production keep client secrets in a vault, or encrypt the column.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS customers (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, colour TEXT NOT NULL, email_domain TEXT NOT NULL UNIQUE,
    issuer TEXT NOT NULL UNIQUE, client_id TEXT NOT NULL, client_secret TEXT, policies TEXT)";

#[derive(Clone, Debug)]
pub(crate) struct Customers(SqlitePool);

#[derive(Clone, Debug)]
pub(crate) struct Customer {
    pub(crate) settings: TenantSettings,
    /// The colour of the customer's pages, which the library does not use.
    pub(crate) colour: String,
}

impl TenantSource for Customers {
    fn find<'a>(&'a self, key: &'a TenantKey) -> TenantFuture<'a, Option<TenantSettings>> {
        Box::pin(async move {
            let (column, value) = match key {
                TenantKey::Id(id) => ("id", id.as_str()),
                TenantKey::EmailDomain(domain) => ("email_domain", domain.as_str()),
                TenantKey::Issuer(issuer) => ("issuer", issuer.as_str()),
                _ => return Ok(None), // hosts: in this app all customers are subdomains
            };
            let customer = self.one(column, value).await.map_err(TenantError::new)?;
            Ok(customer.map(|customer| customer.settings))
        })
    }
}

impl Customers {
    /// Opens the file. Without a file the table exists only in memory.
    pub(crate) async fn open(file: Option<&str>) -> Result<Self, Error> {
        let options = SqliteConnectOptions::new().filename(file.unwrap_or(":memory:")).create_if_missing(true);
        // An in-memory database belongs to a single connection.
        let pool = SqlitePoolOptions::new().max_connections(1).idle_timeout(None).max_lifetime(None);
        let pool = pool.connect_with(options).await?;
        sqlx::raw_sql(TABLE).execute(&pool).await?;
        Ok(Self(pool))
    }

    pub(crate) async fn all(&self) -> Result<Vec<Customer>, Error> {
        let rows = sqlx::query("SELECT * FROM customers ORDER BY id").fetch_all(&self.0).await?;
        rows.iter().map(customer).collect()
    }

    /// Returns the customer with this value in a column. The column name never comes from
    /// a request.
    pub(crate) async fn one(&self, column: &str, value: &str) -> Result<Option<Customer>, Error> {
        let select = format!("SELECT * FROM customers WHERE {column} = ?1");
        let row = sqlx::query(AssertSqlSafe(select)).bind(value).fetch_optional(&self.0).await?;
        row.as_ref().map(customer).transpose()
    }

    pub(crate) async fn add(&self, customer: &Customer) -> Result<(), Error> {
        let Customer { settings, colour } = customer;
        let insert = sqlx::query("INSERT INTO customers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")
            .bind(settings.id.as_str())
            .bind(settings.display_name())
            .bind(colour)
            .bind(settings.email_domains.first())
            .bind(&settings.issuer)
            .bind(&settings.client_id)
            .bind(settings.client_secret.as_ref().map(Secret::expose))
            .bind(&settings.policies);
        insert.execute(&self.0).await.map(drop)
    }

    /// Returns `false` if no customer has this id.
    pub(crate) async fn remove(&self, id: &TenantId) -> Result<bool, Error> {
        let delete = sqlx::query("DELETE FROM customers WHERE id = ?1").bind(id.as_str());
        Ok(delete.execute(&self.0).await?.rows_affected() == 1)
    }
}

fn customer(row: &SqliteRow) -> Result<Customer, Error> {
    let id = TenantId::parse(row.try_get("id")?).ok_or_else(|| Error::Decode("the id is invalid".into()))?;
    let mut settings = TenantSettings::new(id, row.try_get::<&str, _>("issuer")?, row.try_get::<&str, _>("client_id")?);
    settings.name = row.try_get("name")?;
    settings.client_secret = row.try_get::<Option<String>, _>("client_secret")?.map(Secret::new);
    settings.email_domains = vec![row.try_get("email_domain")?];
    settings.policies = row.try_get("policies")?;
    Ok(Customer { settings, colour: row.try_get("colour")? })
}
