//! The parts of the app that do not depend on the framework: customers, their development
//! orgs, and the admin page that adds and removes customers.

use std::collections::BTreeMap;
use std::error::Error;

use okta_auth::OktaAuth;
use okta_auth::config::{ConfigBuilder, EgressPolicy};
use okta_auth::engine::RequestContext;
use okta_auth::multi_tenant::{Resolver, TenantTable, Tenants};
use okta_auth::policy::PolicySet;
use okta_auth::secret::Secret;
use okta_auth::tenant::{TenantId, TenantSettings};
use okta_auth_dev::{ADA_PASSWORD, Org, OrgBuilder, User};

use crate::customers::{Customer, Customers};
use crate::pages::{self, Brand};

/// The fields of a submitted form.
pub(crate) type Fields = BTreeMap<String, String>;

/// The cookie that opens the admin page.
const COOKIE: &str = "office";

/// A response of the admin page.
#[derive(Debug)]
pub(crate) enum Answer {
    /// A status and HTML.
    Page(u16, String),
    /// A redirect to the admin page, with a cookie if the key has just been accepted.
    AdminPage(Option<String>),
}

/// The first customers, with their colours.
const FIRST: [(&str, &str); 3] = [("acme", "#1452cc"), ("globex", "#0b7a45"), ("initech", "#6b3fc9")];
/// The customer with the policies in `strict.toml`.
const STRICT: &str = "initech";
/// The colours that a new customer can choose.
pub(crate) const COLOURS: [(&str, &str); 5] =
    [("Blue", "#1452cc"), ("Green", "#0b7a45"), ("Violet", "#6b3fc9"), ("Red", "#b3261e"), ("Brown", "#8a4b08")];

#[derive(Debug)]
pub(crate) struct Saas {
    pub(crate) tenants: Tenants,
    customers: Customers,
    /// Limits where a customer's issuer may be.
    egress: EgressPolicy,
    /// Creates development orgs for customers without their own Okta. `None` with a
    /// database of customers.
    orgs: Option<Org>,
    port: u16,
    /// The key of the admin page. The app prints it at startup. It appears in no URL and
    /// only on the admin page.
    key: String,
}

impl Saas {
    /// Uses the customers in the file `CUSTOMERS_DB`, or else three customers with
    /// development orgs.
    pub(crate) async fn start(port: u16) -> Result<Self, Box<dyn Error>> {
        let file = std::env::var("CUSTOMERS_DB").ok();
        let customers = Customers::open(file.as_deref()).await?;
        let base = format!("http://localhost:{port}");
        let orgs = match file {
            Some(_) => None,
            None => {
                let orgs = OrgBuilder::default().redirect_origin(&base).groups_claim_everywhere("groups");
                Some(orgs.customers(FIRST.map(|(id, _)| id)).start().await?)
            }
        };
        // Shared by all customers: the cookie secret, the session store, limits, hooks.
        let shared = OktaAuth::builder()
            .from_env()
            .base_url(&base)
            .policies(PolicySet::parse(include_str!("../policies.toml"))?);
        // Development orgs are on this machine; customers in a database are at Okta.
        let egress = match &orgs {
            Some(_) => EgressPolicy::default().dangerous().allow_loopback(),
            None => EgressPolicy::default(),
        };
        let tenants = Tenants::builder(shared)
            .egress(egress.clone())
            .source(customers.clone())
            .resolve(Resolver::Subdomain("localhost".to_owned()))
            .policies("strict", PolicySet::parse(include_str!("../strict.toml"))?)
            .build()?;
        let mut key = [0; 16];
        aws_lc_rs::rand::fill(&mut key)?;
        let key = key.iter().map(|byte| format!("{byte:02x}")).collect();
        let saas = Self { tenants, customers, egress, orgs, port, key };
        saas.open().await?;
        Ok(saas)
    }

    /// Adds the first customers, and prints the addresses.
    async fn open(&self) -> Result<(), Box<dyn Error>> {
        if let Some(orgs) = &self.orgs {
            for (id, colour) in FIRST {
                let policies = (id == STRICT).then(|| "strict".to_owned());
                let org = orgs.org(id).ok_or("the org of a first customer is missing")?;
                if policies.is_some() {
                    let eve = User::new(format!("eve@{id}.test"), ADA_PASSWORD).name("Eve", "Polastri");
                    org.put_user(eve.groups(["Everyone", "Admins", "Security"]));
                }
                self.customers.add(&Customer::at(&org, org.name(), colour, policies)?).await?;
            }
        }
        for Customer { settings, .. } in self.customers.all().await? {
            println!("{} is at http://{}.localhost:{}", settings.display_name(), settings.id, self.port);
            let org = self.orgs.as_ref().and_then(|orgs| orgs.org(settings.id.as_str()));
            org.iter().for_each(|org| self.introduce(&settings, org));
        }
        println!("Add and remove customers at http://localhost:{}/tenants", self.port);
        println!("The key of that page is {}", self.key);
        Ok(())
    }

    /// Prints the users of a development org. The front page finds a company by the
    /// domain of an e-mail address, so guests with other domains start at the customer's
    /// own address.
    fn introduce(&self, settings: &TenantSettings, org: &Org) {
        let is_own = |login: &str| settings.email_domains.iter().any(|domain| login.ends_with(&format!("@{domain}")));
        let (own, guests): (Vec<User>, Vec<User>) = org.users().into_iter().partition(|user| is_own(&user.login));
        own.iter().for_each(|user| println!("  {}  {}", user.login, user.password));
        for User { login, password, .. } in guests {
            let at = format!("http://{}.localhost:{}", settings.id, self.port);
            println!("  guest, who starts at {at}: {login}  {password}");
        }
    }

    /// The appearance of a page: that of the request's customer, or the default.
    pub(crate) async fn brand(&self, context: &RequestContext) -> Brand {
        let Some(tenant) = context.auth().and_then(OktaAuth::tenant) else { return Brand::default() };
        let customer = self.customers.one("id", tenant.id.as_str()).await.ok().flatten();
        let colour = customer.map_or_else(|| Brand::default().colour, |customer| customer.colour);
        Brand { name: tenant.display_name().to_owned(), colour }
    }

    /// The admin page.
    pub(crate) async fn customers_page(&self, context: &RequestContext, cookies: &str) -> Answer {
        if context.auth().and_then(OktaAuth::tenant).is_some() {
            return Answer::Page(404, pages::nothing());
        }
        match self.is_key(cookie(cookies)) {
            true => Answer::Page(200, self.html(None).await),
            false => Answer::Page(403, pages::closed(false)),
        }
    }

    /// Accepts the key, or performs the action of a form. The forms contain the key too,
    /// because another port of this machine is the same site, and its forms would be sent
    /// with the cookie.
    pub(crate) async fn change(&self, context: &RequestContext, cookies: &str, fields: &Fields) -> Answer {
        if context.auth().and_then(OktaAuth::tenant).is_some() {
            return Answer::Page(404, pages::nothing());
        }
        if let Some(key) = fields.get("key") {
            let opens = self.is_key(Some(key));
            // In production: over https, with `Secure`, and after a sign-in.
            let cookie = || format!("{COOKIE}={}; Path=/tenants; HttpOnly; SameSite=Strict", self.key);
            return if opens { Answer::AdminPage(Some(cookie())) } else { Answer::Page(403, pages::closed(true)) };
        }
        if !self.is_key(cookie(cookies)) || !self.is_key(fields.get("token").map(String::as_str)) {
            return Answer::Page(403, pages::closed(false));
        }
        match self.try_change(fields).await {
            Ok(()) => Answer::AdminPage(None),
            Err(wrong) => Answer::Page(400, self.html(Some((&wrong, fields))).await),
        }
    }

    async fn html(&self, mistake: Option<(&str, &Fields)>) -> String {
        pages::customers(&self.customers.all().await.unwrap_or_default(), &self.key, mistake)
    }

    fn is_key(&self, key: Option<&str>) -> bool {
        let key = key.unwrap_or_default().as_bytes();
        aws_lc_rs::constant_time::verify_slices_are_equal(key, self.key.as_bytes()).is_ok()
    }

    /// Adds or removes a customer. The page shows the error.
    async fn try_change(&self, fields: &Fields) -> Result<(), String> {
        let id = text(fields, "id").and_then(TenantId::parse);
        let id = id.ok_or("An id consists of lower-case letters, digits and hyphens.")?;
        if text(fields, "remove").is_some() {
            return self.remove(&id).await;
        }
        let customer = self.wanted(id, fields)?;
        self.check(&customer.settings).map_err(|error| error.to_string())?;
        self.customers.add(&customer).await.map_err(|error| match error.as_database_error() {
            Some(known) if known.is_unique_violation() => {
                "A customer with this id, domain or issuer already exists.".to_owned()
            }
            _ => format!("The database failed: {error}"),
        })?;
        self.tenants.forget(); // the cached result that the tenant does not exist
        Ok(())
    }

    /// Runs the library's checks on a customer before its first request.
    fn check(&self, settings: &TenantSettings) -> Result<(), okta_auth::Error> {
        TenantTable::new([settings.clone()])?; // issuer, client id, domain
        let config = ConfigBuilder::default().issuer(&settings.issuer).client_id(&settings.client_id).build()?;
        self.egress.check_issuer(config.issuer())
    }

    /// Builds the customer that a form describes, with its own Okta or a development org.
    fn wanted(&self, id: TenantId, fields: &Fields) -> Result<Customer, String> {
        let name = text(fields, "name").unwrap_or(id.as_str()).to_owned();
        let colour = COLOURS.iter().find(|(_, known)| text(fields, "colour") == Some(known));
        let colour = colour.map_or("#1452cc", |(_, known)| known).to_owned();
        let policies = text(fields, "strict").map(|_| "strict".to_owned());
        let Some(issuer) = text(fields, "issuer") else {
            let orgs = self.orgs.as_ref().ok_or("Enter the issuer of the customer's Okta.")?;
            return Customer::at(&self.org(orgs, &id)?, &name, &colour, policies);
        };
        let mut settings = TenantSettings::new(id, issuer, text(fields, "client_id").unwrap_or_default());
        settings.name = Some(name);
        settings.client_secret = text(fields, "client_secret").map(Secret::new);
        settings.email_domains = vec![text(fields, "email_domain").unwrap_or_default().to_ascii_lowercase()];
        settings.policies = policies;
        Ok(Customer { settings, colour })
    }

    /// Removes a customer, and ends its sessions.
    async fn remove(&self, id: &TenantId) -> Result<(), String> {
        // The tenant must be cached, because its sessions are ended after the row is deleted.
        let known = self.tenants.tenant(id).await.is_ok_and(|tenant| tenant.is_some());
        self.customers.remove(id).await.map_err(|error| format!("The database failed: {error}"))?;
        self.tenants.forget();
        if known {
            self.tenants.end_tenant(id).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// Returns the development org of a new customer, or its previous one.
    fn org(&self, orgs: &Org, id: &TenantId) -> Result<Org, String> {
        let origin = format!("http://{id}.localhost:{}", self.port);
        let customer = || OrgBuilder::customer(id.as_str()).redirect_origin(&origin).groups_claim_everywhere("groups");
        let new = || orgs.add_org(id.as_str(), customer());
        orgs.org(id.as_str()).map_or_else(new, Ok).map_err(|error| error.to_string())
    }
}

/// Returns the key from a `Cookie` header.
fn cookie(cookies: &str) -> Option<&str> {
    cookies.split(';').find_map(|pair| pair.trim().strip_prefix(COOKIE)?.strip_prefix('='))
}

/// Returns the trimmed value of a field, if it is not empty.
fn text<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.get(name).map(|text| text.trim()).filter(|text| !text.is_empty())
}

impl Customer {
    fn at(org: &Org, name: &str, colour: &str, policies: Option<String>) -> Result<Self, String> {
        let id = org.subdomain().and_then(TenantId::parse).ok_or("the org has no subdomain")?;
        let client = org.client();
        let mut settings = TenantSettings::new(id, org.issuer(), client.client_id);
        settings.name = Some(name.to_owned());
        settings.client_secret = client.client_secret.map(Secret::new);
        settings.email_domains = org.email_domain().into_iter().collect();
        settings.policies = policies;
        Ok(Self { settings, colour: colour.to_owned() })
    }
}
