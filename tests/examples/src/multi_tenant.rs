//! Both examples, multi-tenant-axum and multi-tenant-actix, as processes, over HTTP.

use reqwest::Method;
use serde_json::Value;

use crate::browser::{Answer, Browser};
use crate::process::{Process, command, free_port};

/// The running example.
struct Example {
    process: Process,
    port: u16,
    /// The URL of the page that adds and removes customers.
    admin_page: String,
    /// The key of that page.
    key: String,
}

impl Example {
    /// Starts it without any `OKTA_*`, and waits until it serves.
    fn start(program: &str) -> Self {
        let port = free_port();
        let mut command = command(program, port);
        command.env_remove("CUSTOMERS_DB");
        let process = Process::start(command, "Open ");
        let lines = &process.lines;
        for known in ["ada@acme.test", "Globex is at http://globex.localhost", "sam@partner.test"] {
            assert!(lines.iter().any(|line| line.contains(known)), "{known}: {lines:?}");
        }
        let after = |words| lines.iter().find_map(|line| Some(line.split_once(words)?.1.to_owned()));
        let admin_page = after("remove customers at ").expect("no address of the admin page");
        let key = after("key of that page is ").expect("no key of the admin page");
        Self { process, port, admin_page, key }
    }

    /// A URL at a customer's address, or at the app's own.
    fn at(&self, customer: &str, path: &str) -> String {
        let dot = if customer.is_empty() { "" } else { "." };
        format!("http://{customer}{dot}localhost:{}{path}", self.port)
    }

    /// Sends a form of the admin page.
    async fn change(&self, browser: &mut Browser, form: &str) -> Answer {
        self.open_admin_page(browser).await;
        browser.post(&self.admin_page, &format!("token={}&{form}", self.key)).await
    }

    /// Enters the key.
    async fn open_admin_page(&self, browser: &mut Browser) {
        let opened = browser.post(&self.admin_page, &format!("key={}", self.key)).await;
        assert_eq!((opened.status, opened.location.as_str()), (303, "/tenants"));
    }
}

/// The user whom a customer recognizes in the browser.
async fn me(browser: &mut Browser, example: &Example, customer: &str) -> Option<Value> {
    let answer = browser.open(&example.at(customer, "/api/me")).await;
    (answer.status == 200).then(|| serde_json::from_str(&answer.body).unwrap())
}

pub async fn an_address_leads_to_the_sign_in_of_its_company(program: &str) {
    let example = Example::start(program);
    let mut browser = Browser::new();
    let front = browser.open(&example.at("", "/")).await;
    assert_eq!(browser.send(Method::HEAD, &example.at("", "/")).await.status, front.status);
    assert!(front.status == 200 && front.body.contains("name=\"email\""), "{}", front.body);
    let company = browser.post(&example.at("", "/login"), "email=ada%40acme.test").await;
    assert_eq!((company.status, company.location), (303, example.at("acme", "/login?login_hint=ada%40acme.test")));
    let wanted = browser.post(&example.at("", "/login"), "email=ada%40acme.test&return_to=%2Fprofile").await.location;
    assert_eq!(wanted, example.at("acme", "/login?return_to=%2Fprofile&login_hint=ada%40acme.test"));
    let org = browser.open(&example.at("acme", "/login?login_hint=ada%40acme.test")).await;
    assert!(org.status == 303 && org.location.starts_with("http://acme.localhost:"), "{}", org.location);
    assert!(org.location.contains("login_hint=ada%40acme.test"), "{}", org.location);
    // The redirect does not reveal whether a user exists. An unknown domain gets a friendly message.
    let unknown = browser.post(&example.at("", "/login"), "email=stranger%40acme.test").await;
    assert_eq!((unknown.status, unknown.location), (303, example.at("acme", "/login?login_hint=stranger%40acme.test")));
    let elsewhere = browser.post(&example.at("", "/login"), "email=ada%40elsewhere.test").await;
    assert!(elsewhere.status == 200 && elsewhere.body.contains("No organization uses"), "{}", elsewhere.body);
    let alert = elsewhere.body.contains("role=\"alert\"") && elsewhere.body.contains("aria-invalid=\"true\"");
    assert!(alert && elsewhere.body.contains("value=\"ada@elsewhere.test\""), "{}", elsewhere.body);
    let markup = browser.post(&example.at("", "/login"), "email=%22%3E%3Cscript%3E%40x.test").await.body;
    assert!(markup.contains("&quot;&gt;&lt;script&gt;@x.test") && !markup.contains("<script>"), "{markup}");
    // Each user who is printed for a customer is redirected to that customer.
    let logins = example.process.lines.iter().filter_map(|line| line.strip_prefix("  ")?.split_once("  "));
    let logins: Vec<&str> = logins.map(|(login, _)| login).filter(|login| !login.contains(' ')).collect();
    assert!(logins.len() >= 6, "{:?}", example.process.lines);
    for login in logins {
        let answer = browser.post(&example.at("", "/login"), &format!("email={login}")).await;
        assert_eq!(answer.status, 303, "{login}: {}", answer.body);
    }
    // The policy of the library's own page lets browsers follow the redirect.
    let page = browser.http.get(example.at("", "/login")).send().await.unwrap();
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("form-action 'self' https: http:;"), "{policy}");
    for customer in ["umbrella", "a.acme", "tenants"] {
        let nothing = browser.open(&example.at(customer, "/")).await;
        assert_eq!(nothing.status, 404, "{customer}: {}", nothing.body);
    }
}

pub async fn one_browser_is_signed_in_at_two_customers_and_refused_across_them(program: &str) {
    let example = Example::start(program);
    let mut browser = Browser::new();
    let (_, page) = browser.sign_in_as(&example.at("acme", "/profile"), "sam@").await;
    assert!(page.body.contains("the Okta of Acme") && page.body.contains("#1452cc"), "{}", page.body);
    let other = browser.open(&example.at("globex", "/profile")).await;
    assert!(other.status == 303 && other.location.starts_with("http://globex.localhost:"), "{}", other.location);
    let (_, page) = browser.sign_in_as(&example.at("globex", "/profile"), "sam@").await;
    assert!(page.body.contains("the Okta of Globex") && page.body.contains("#0b7a45"), "{}", page.body);
    let acme = me(&mut browser, &example, "acme").await.unwrap();
    let globex = me(&mut browser, &example, "globex").await.unwrap();
    assert_eq!((acme["tenant"].as_str(), globex["tenant"].as_str()), (Some("acme"), Some("globex")));
    assert_eq!((&acme["sub"], &acme["email"]), (&globex["sub"], &globex["email"]), "the same id and address");
    assert_ne!(acme["iss"], globex["iss"], "but not the same person");

    // A session at one customer is invalid at the other, under either cookie name.
    let mut thief = Browser::new();
    for ((_, name), value) in browser.jar.iter().filter(|((_, name), _)| name == "okta_session_acme") {
        thief.jar.insert(("globex.localhost".to_owned(), name.clone()), value.clone());
        thief.jar.insert(("globex.localhost".to_owned(), name.replace("acme", "globex")), value.clone());
    }
    assert_eq!(thief.jar.len(), 2);
    assert_eq!(me(&mut thief, &example, "globex").await, None);

    // The response to a sign-in is invalid at the other customer too.
    let mut fresh = Browser::new();
    let login = fresh.open(&example.at("acme", "/login")).await.location;
    fresh.open(&example.at("globex", "/login")).await;
    let state = login.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let crossed = example.at("globex", &format!("/authorization-code/callback?code=anything&state={state}"));
    assert_eq!(fresh.open(&crossed).await.status, 400);

    // Signing out at one customer keeps the session at the other.
    browser.origin = example.at("acme", "");
    assert_eq!(browser.post(&example.at("acme", "/logout"), "").await.status, 303);
    assert_eq!(me(&mut browser, &example, "acme").await, None);
    assert!(me(&mut browser, &example, "globex").await.is_some());
}

pub async fn each_customer_has_its_policies(program: &str) {
    let example = Example::start(program);
    for (customer, login, status) in [
        ("acme", "ada@", 200),
        ("acme", "ben@", 403),
        ("initech", "ada@", 403), // strict: an admin, but not of `Security`
        ("initech", "eve@", 200),
    ] {
        let (_, page) = Browser::new().sign_in_as(&example.at(customer, "/admin"), login).await;
        assert_eq!(page.status, status, "{login} at {customer}: {}", page.body);
    }
}

pub async fn customers_are_added_and_removed_while_the_app_runs(program: &str) {
    let example = Example::start(program);
    let mut browser = Browser::new();
    browser.sign_in(&example.at("acme", "/profile")).await;
    assert_eq!(browser.open(&example.at("hooli", "/")).await.status, 404);
    let unknown = browser.post(&example.at("", "/login"), "email=ada%40hooli.test").await;
    assert_eq!(unknown.status, 200, "the domain is unknown before the customer is added");

    example.open_admin_page(&mut browser).await;
    let page = browser.open(&example.admin_page).await;
    assert!(page.status == 200 && page.body.contains("Initech"), "{}", page.body);
    let done = example.change(&mut browser, "id=hooli&name=Hooli+%3Cb%3E&colour=%23b3261e&add=").await;
    assert_eq!((done.status, example.at("", &done.location)), (303, example.admin_page.clone()));
    let (_, page) = browser.sign_in(&example.at("hooli", "/profile")).await;
    assert!(page.body.contains("the Okta of Hooli &lt;b&gt;") && page.body.contains("#b3261e"), "{}", page.body);
    assert_eq!(me(&mut browser, &example, "hooli").await.unwrap()["tenant"], "hooli");
    assert_eq!(browser.post(&example.at("", "/login"), "email=ada%40hooli.test").await.status, 303);
    let twice = example.change(&mut browser, "id=hooli").await;
    assert!(twice.status == 400 && twice.body.contains("already exists"), "{}", twice.body);
    let before = browser.jar.clone();

    assert_eq!(example.change(&mut browser, "id=hooli&remove=yes").await.status, 303);
    for path in ["/", "/profile", "/api/me", "/login", "/authorization-code/callback?code=x&state=y"] {
        assert_eq!(browser.open(&example.at("hooli", path)).await.status, 404, "{path}");
    }
    assert!(me(&mut browser, &example, "acme").await.is_some(), "users of other customers stay signed in");
    assert_eq!(example.change(&mut browser, "id=hooli").await.status, 303, "the customer is added again");
    browser.jar = before;
    assert_eq!(me(&mut browser, &example, "hooli").await, None, "the old sessions stay ended");
    let again = Browser::new().sign_in(&example.at("hooli", "/profile")).await.1;
    assert!(again.body.contains("Ada Lovelace"), "{}", again.body);
}

pub async fn the_admin_page_opens_only_with_its_key_and_at_its_own_address(program: &str) {
    let example = Example::start(program);
    let mut browser = Browser::new();
    browser.sign_in(&example.at("acme", "/admin")).await;
    assert!(!example.admin_page.contains('?'), "no secret in a URL: {}", example.admin_page);
    let closed = browser.open(&example.admin_page).await;
    assert!(closed.status == 403 && closed.body.contains("name=\"key\""), "{}", closed.body);
    for url in [
        example.admin_page.replace("localhost", "acme.localhost"),
        example.admin_page.replace("localhost", "127.0.0.1"),
    ] {
        assert_eq!(browser.open(&url).await.status, 404, "{url}");
    }
    let page = browser.http.get(example.at("acme", "/")).send().await.unwrap();
    for (name, value) in [("cache-control", "no-store"), ("content-security-policy", "default-src 'none'")] {
        assert!(page.headers()[name].to_str().unwrap().contains(value), "{name}: {:?}", page.headers());
    }
    let guess = browser.post(&example.admin_page, &format!("key={}0", example.key)).await;
    assert!(guess.status == 403 && guess.body.contains("role=\"alert\""), "{}", guess.body);
    let forged = format!("token={}&id=acme&remove=yes", example.key);
    assert_eq!(browser.post(&example.admin_page, &forged).await.status, 403, "the token without the cookie");
    example.open_admin_page(&mut browser).await;
    assert_eq!(
        browser.post(&example.admin_page, "id=acme&remove=yes").await.status,
        403,
        "the cookie without the token"
    );
    let at_acme = example.admin_page.replace("localhost", "acme.localhost");
    assert_eq!(browser.post(&at_acme, &format!("key={}", example.key)).await.status, 404);
    assert_eq!(browser.post(&at_acme, &forged).await.status, 404);
    let page = browser.open(&example.admin_page).await;
    assert!(page.status == 200 && page.body.contains("Acme") && page.body.contains("Globex"), "{}", page.body);
    for (form, words) in [
        ("id=A+B", "lower-case"),
        ("id=evil&issuer=http%3A%2F%2Fevil.example&client_id=x&email_domain=evil.test", "http"),
        ("id=evil&issuer=https%3A%2F%2F169.254.169.254&client_id=x&email_domain=evil.test", "169.254.169.254"),
        ("id=evil&issuer=https%3A%2F%2Fevil.example&client_id=x&email_domain=evil.test", "evil.example"),
        ("id=evil&issuer=https%3A%2F%2Fevil.okta.com&client_id=x", "domain"),
        ("id=evil&issuer=https%3A%2F%2Fevil.okta.com&client_id=x&email_domain=acme.test", "already exists"),
    ] {
        let wrong = example.change(&mut browser, form).await;
        assert!(wrong.status == 400 && wrong.body.contains(words), "{form}: {} {}", wrong.status, wrong.body);
    }
    // A rejected form keeps the entered values, except the secret.
    let form = "id=evil&name=Evil+%22Inc%22&colour=%236b3fc9&strict=yes&issuer=https%3A%2F%2Fevil.okta.com&client_id=x\
                &client_secret=secret-of-evil";
    let wrong = example.change(&mut browser, form).await.body;
    for kept in [
        "name=\"name\" placeholder=\"Hooli\" value=\"Evil &quot;Inc&quot;\"",
        "value=\"https://evil.okta.com\"",
        "<option value=\"#6b3fc9\" selected>",
        "value=\"yes\" checked",
        "<details open>",
    ] {
        assert!(wrong.contains(kept) && !wrong.contains("secret-of-evil"), "{kept}: {wrong}");
    }
    // These customers have never had a request.
    assert_eq!(example.change(&mut browser, "id=globex&remove=yes").await.status, 303);
    assert_eq!(browser.open(&example.at("globex", "/")).await.status, 404);
    assert_eq!(example.change(&mut browser, "id=unheard-of&remove=yes").await.status, 303);
    assert_eq!(browser.open(&example.at("acme", "/profile")).await.status, 200);
}

/// Declares the tests of `multi-tenant-axum` and `multi-tenant-actix`.
#[macro_export]
macro_rules! multi_tenant {
    ($program:expr) => {
        $crate::tests! {
            $program, multi_tenant,
            an_address_leads_to_the_sign_in_of_its_company
            one_browser_is_signed_in_at_two_customers_and_refused_across_them
            each_customer_has_its_policies
            customers_are_added_and_removed_while_the_app_runs
            the_admin_page_opens_only_with_its_key_and_at_its_own_address
        }
    };
}
