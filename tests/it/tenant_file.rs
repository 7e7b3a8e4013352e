//! Tenants in `tenants.toml`, which is edited while the application runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use okta_auth_core::multi_tenant::{Resolver, TenantFile, Tenants};
use okta_auth_core::tenant::TenantSettings;

use crate::support::log::ThreadLog;
use crate::support::site::{Framework, Plan, Site, local};
use crate::support::{ADA, Gate, SharedStore, eventually};

const NAMES: [&str; 2] = ["acme", "globex"];

/// More than the time between two checks of the file.
const LOOK: Duration = Duration::from_secs(2);

/// A file that is removed with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("okta-auth-{name}-{}.toml", std::process::id())))
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    /// Replaces the file atomically, like deployment tools, so that no reader sees a
    /// partial file.
    fn replace(&self, text: &str) {
        let next = self.0.with_extension("next");
        std::fs::write(&next, text).unwrap();
        std::fs::rename(&next, &self.0).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

fn section(tenant: &TenantSettings, name: &str) -> String {
    let secret = tenant.client_secret.as_ref().unwrap().expose();
    format!(
        "[{}]\nissuer = {:?}\nclient_id = {:?}\nclient_secret = {secret:?}\nname = {name:?}\n",
        tenant.id, tenant.issuer, tenant.client_id
    )
}

/// A section for each org, in the order of the plan.
fn sections(plan: &Plan) -> Vec<String> {
    plan.all().iter().map(|tenant| section(tenant, tenant.id.as_str())).collect()
}

fn build(plan: &Plan, file: &Path, store: &str) -> Tenants {
    for (name, org) in &plan.orgs {
        org.allow_redirect(&format!("{}/t/{name}", plan.base));
    }
    let builder = Tenants::builder(plan.shared(&plan.base, store)).egress(local()).file(TenantFile::new(file));
    builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
}

/// An application with a file of two tenants.
async fn site(file: &Scratch, store: &str) -> Site {
    Site::start(Framework::Axum, &NAMES, |plan| {
        file.write(&sections(plan).concat());
        build(plan, &file.0, store)
    })
    .await
}

/// An application with sessions in a store that can fail or wait.
async fn site_with_store(file: &Scratch) -> (Site, SharedStore) {
    let mut store = None;
    let site = Site::start(Framework::Axum, &NAMES, |plan| {
        file.write(&sections(plan).concat());
        let shared = store.insert(SharedStore::new(plan.org("acme"))).clone();
        let builder = plan.shared(&plan.base, "memory").session_store(shared);
        for (name, org) in &plan.orgs {
            org.allow_redirect(&format!("{}/t/{name}", plan.base));
        }
        let builder = Tenants::builder(builder).egress(local()).file(TenantFile::new(&file.0));
        builder.resolve(Resolver::Path("/t".to_owned())).build().unwrap()
    })
    .await;
    (site, store.unwrap())
}

async fn status(site: &Site, tenant: &str) -> u16 {
    site.who("localhost", &format!("/t/{tenant}/who"), &[]).await.0
}

#[tokio::test]
async fn an_edit_applies_with_the_next_check() {
    let file = Scratch::new("edit");
    let site = site(&file, "cookie").await;
    site.stop_clock();
    let name = async || {
        let answer = site.browser().fetch("/t/acme/who").await;
        answer.json()["tenant"]["name"].as_str().unwrap().to_owned()
    };
    let tenants = site.plan.all();
    assert_eq!(name().await, "acme");
    file.write(&format!("{}{}", section(&tenants[0], "Acme Inc."), section(&tenants[1], "globex")));
    assert_eq!(name().await, "acme", "the file is checked at most once per second");
    site.advance(LOOK);
    assert_eq!(name().await, "Acme Inc.");
    // A new name does not require users to sign in again.
    let mut browser = site.signed_in("acme", ADA).await;
    file.replace(&format!("{}{}", section(&tenants[0], "Acme Ltd."), section(&tenants[1], "globex")));
    site.advance(LOOK);
    assert_eq!(name().await, "Acme Ltd.");
    assert_eq!(browser.fetch("/t/acme/me").await.status, 200);
}

#[tokio::test]
async fn a_bad_edit_changes_nothing_and_is_logged_once() {
    let log = ThreadLog::start();
    let file = Scratch::new("bad");
    let site = site(&file, "memory").await;
    let mut browser = site.signed_in("acme", ADA).await;
    let good = sections(&site.plan).concat();
    let path = file.0.file_name().unwrap().to_str().unwrap().to_owned();
    for (bad, line, why) in [
        (format!("{good}[initech\n"), ":11", ""),
        (format!("{good}hsots = []\n"), ":11", "hsots"),
        (good.replace("[globex]", "[Globex]"), ":6", "Globex"),
        (format!("{good}[acme]\nissuer = \"https://x.okta.com\"\n"), ":11", ""),
        (
            good.replace("[globex]", "[acme2]").replace(&site.org("globex").issuer(), &site.org("acme").issuer()),
            "",
            "acme2",
        ),
        (good.replace("[globex]", "[globex]\npolicies = \"nowhere\""), "", "nowhere"),
        (good.replace(&site.org("globex").issuer(), "https://globex.internal"), "", "globex.internal"),
        // An editor that is about to write, and one in the middle of writing.
        (String::new(), "", "empty"),
        (good[..good.len() / 2].to_owned(), "", ""),
    ] {
        log.clear();
        file.write(&bad);
        for _ in 0..3 {
            site.advance(LOOK);
            assert_eq!((status(&site, "acme").await, status(&site, "globex").await), (200, 200), "{bad}");
        }
        let told = log.text();
        assert_eq!(told.matches("the current tenants stay in use").count(), 1, "{bad}: {told}");
        assert!(told.contains(&format!("{path}{line}")) || line.is_empty(), "{bad}: {told}");
        assert!(told.contains(why), "{bad}: {told}");
        assert!(!told.contains("dev-client-secret") && !told.contains(secret(&site).as_str()), "a secret: {told}");
    }
    std::fs::remove_file(&file.0).unwrap();
    site.advance(LOOK);
    assert_eq!(status(&site, "acme").await, 200, "a missing file is a bad edit too");
    assert_eq!(browser.fetch("/t/acme/me").await.status, 200, "none of these edits ended a session");
    // The next valid edit applies.
    file.write(&sections(&site.plan)[0]);
    site.advance(LOOK);
    status(&site, "acme").await;
    assert_eq!((status(&site, "acme").await, status(&site, "globex").await), (200, 404));
    // An empty table with a comment is valid and removes all tenants.
    file.write("# no tenants\n");
    site.advance(LOOK);
    assert_eq!(status(&site, "acme").await, 404);
}

fn secret(site: &Site) -> String {
    site.org("acme").client().client_secret.unwrap()
}

#[tokio::test]
async fn removing_a_section_ends_the_sessions_of_its_tenant_for_good() {
    for store in ["cookie", "memory"] {
        let file = Scratch::new(&format!("removal-{store}"));
        let site = site(&file, store).await;
        let (mut acme, mut globex) = (site.signed_in("acme", ADA).await, site.signed_in("globex", ADA).await);
        let copy = acme.clone();
        let [first, second] = [sections(&site.plan)[0].clone(), sections(&site.plan)[1].clone()];
        file.write(&second);
        site.advance(LOOK);
        assert_eq!(acme.fetch("/t/acme/me").await.status, 404, "{store}");
        // The tenant returns, with the very next request.
        file.write(&format!("{first}{second}\n"));
        site.advance(LOOK);
        assert_eq!(copy.clone().fetch("/t/acme/me").await.status, 401, "{store}: a copy of the cookie is still valid");
        assert_eq!(copy.clone().fetch("/t/acme/me").await.status, 401, "{store}");
        // A new sign-in succeeds.
        site.sign_in(&mut acme, "acme", ADA).await;
        assert_eq!(acme.fetch("/t/acme/me").await.status, 200, "{store}");
        assert_eq!(globex.fetch("/t/globex/me").await.status, 200, "{store}");
    }
}

/// The request that detects a removal waits until the sessions have ended, because the
/// next edit may restore the tenant.
#[tokio::test]
async fn the_request_that_detects_a_removal_waits_until_the_sessions_have_ended() {
    let file = Scratch::new("removal-first");
    let (site, store) = site_with_store(&file).await;
    let (_acme, mut globex) = (site.signed_in("acme", ADA).await, site.browser());
    file.write(&sections(&site.plan)[1]);
    site.advance(LOOK);
    store.gate(Gate::Shut);
    let mut first = pin!(status(&site, "globex"));
    tokio::select! {
        biased;
        answer = &mut first => panic!("{answer} before the sessions had ended"),
        () = store.until_a_reader_waits() => {}
    }
    // One request, because a store that does not respond for five seconds counts as unavailable, and a busy machine takes
    // that long for a few.
    tokio::select! {
        biased;
        answer = &mut first => panic!("{answer} before the sessions had ended"),
        other = globex.fetch("/t/globex/who") => assert_eq!(other.status, 200, "other tenants are not affected"),
    }
    assert_eq!(store.len(), 1, "the premise");
    store.gate(Gate::Open);
    assert_eq!(first.await, 200);
    assert_eq!(store.len(), 0, "it was answered first");
}

/// The store fails when a tenant is removed. No request waits for it, and the sessions
/// end when it recovers.
#[tokio::test]
async fn the_sessions_of_a_removed_tenant_end_when_the_store_recovers() {
    let file = Scratch::new("removal-later");
    let (site, store) = site_with_store(&file).await;
    let (mut acme, mut globex) = (site.signed_in("acme", ADA).await, site.signed_in("globex", ADA).await);
    let all = sections(&site.plan);
    file.write(&all[1]);
    site.advance(LOOK);
    store.fail(&["linked"]);
    assert_eq!(acme.fetch("/t/acme/me").await.status, 404);
    assert_eq!(store.len(), 2, "the premise");
    store.fail(&[]);
    eventually("the session has ended", || store.len() == 1).await;
    file.write(&format!("{}\n", all.concat()));
    site.advance(LOOK);
    assert_eq!(acme.fetch("/t/acme/me").await.status, 401, "the earlier session is valid again");
    assert_eq!(globex.fetch("/t/globex/me").await.status, 200);
}

#[tokio::test]
async fn sessions_do_not_survive_a_temporary_change_of_the_tenants_client() {
    for store in ["cookie", "memory"] {
        let file = Scratch::new(&format!("stranger-{store}"));
        let site = site(&file, store).await;
        let mut acme = site.signed_in("acme", ADA).await;
        let good = sections(&site.plan).concat();
        let client = site.org("acme").client().client_id;
        // The tenant gets another client, is used, and gets its client back.
        file.write(&good.replacen(&client, "0oaanother", 1));
        site.advance(LOOK);
        for _ in 0..2 {
            assert_eq!(site.browser().fetch("/t/acme/me").await.status, 401, "{store}");
        }
        file.write(&format!("{good}\n"));
        site.advance(LOOK);
        for _ in 0..2 {
            assert_eq!(acme.fetch("/t/acme/me").await.status, 401, "{store}: the earlier session is valid again");
        }
    }
}

/// One state of the file: a number for each tenant id, used in its name and its issuer,
/// so that a response that mixes two states is detected.
type State = BTreeMap<String, usize>;

fn text(state: &State) -> String {
    let section = |(id, number): (&String, &usize)| {
        format!(
            "[{id}]\nissuer = \"http://127.0.0.1:9/oauth2/{id}-{number}\"\nclient_id = \"{id}-{number}\"\n\
             name = \"{id} {number}\"\nhosts = [\"{id}-{number}.localhost\"]\n"
        )
    };
    format!("# {} tenants\n{}", state.len(), state.iter().map(section).collect::<String>())
}

/// Adds, changes or removes one tenant. Deterministic, with each operation frequent.
fn operate(state: &mut State, step: usize) {
    let id = format!("t{}", step * 7 % 12);
    match step % 3 {
        0 if state.len() > 1 => state.remove(&id),
        _ => state.insert(id, step),
    };
}

/// Requests tenants repeatedly, and returns the inconsistencies.
async fn client(site: Arc<Site>, seed: usize, done: Arc<AtomicBool>, answers: Arc<AtomicUsize>) -> Vec<String> {
    let (mut browser, mut wrong, mut turn) = (site.browser(), Vec::new(), seed);
    while !done.load(Ordering::SeqCst) {
        turn += 1;
        let id = format!("t{}", turn % 12);
        let answer = browser.fetch(&format!("/t/{id}/who")).await;
        answers.fetch_add(1, Ordering::SeqCst);
        if answer.status == 404 {
            continue;
        }
        let said: serde_json::Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let tenant = &said["tenant"];
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        let number = text(&tenant["name"]).split(' ').nth(1).unwrap_or_default().to_owned();
        // The name comes from the settings, and `issuer` from the engine that was built
        // from them.
        let issuer = format!("http://127.0.0.1:9/oauth2/{id}-{number}");
        let fits = text(&tenant["id"]) == id && text(&tenant["issuer"]) == issuer && text(&said["issuer"]) == issuer;
        if answer.status != 200 || !fits {
            wrong.push(format!("{id}: {} {}", answer.status, answer.body));
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_edits_during_traffic() {
    let file = Scratch::new("traffic");
    let mut state: State = (0..6).map(|n| (format!("t{n}"), n)).collect();
    // One tenant exists in every state, with a signed-in user.
    let mut kept = String::new();
    let site = Site::start(Framework::Axum, &["keep"], |plan| {
        kept = sections(plan).concat();
        file.write(&format!("{kept}{}", text(&state)));
        build(plan, &file.0, "memory")
    })
    .await;
    let site = Arc::new(site);
    let mut keep = site.signed_in("keep", ADA).await;
    let text = |state: &State| format!("{kept}{}", text(state));
    let (done, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let clients = (0..4).map(|seed| tokio::spawn(client(site.clone(), seed * 3, done.clone(), answers.clone())));
    let clients: Vec<_> = clients.collect();
    for step in 6..1_006 {
        operate(&mut state, step);
        // Alternates between writing in place and renaming, with occasional invalid
        // files.
        match step % 10 {
            0 => file.write("[t0\n"),
            1..5 => file.write(&text(&state)),
            _ => file.replace(&text(&state)),
        }
        site.advance(LOOK);
        // The clients run before the next edit.
        assert_eq!(keep.fetch("/t/keep/me").await.status, 200, "step {step}");
        let before = answers.load(Ordering::SeqCst);
        while answers.load(Ordering::SeqCst) < before + 2 {
            tokio::task::yield_now().await;
        }
    }
    file.replace(&text(&state));
    site.advance(LOOK);
    done.store(true, Ordering::SeqCst);
    for client in clients {
        assert_eq!(client.await.unwrap(), Vec::<String>::new());
    }
    assert!(answers.load(Ordering::SeqCst) >= 2_000);
    // At the end, all tenants match the last edit.
    site.browser().fetch("/t/t0/who").await;
    for n in 0..12 {
        let id = format!("t{n}");
        let answer = site.browser().fetch(&format!("/t/{id}/who")).await;
        match state.get(&id) {
            Some(number) => assert_eq!(answer.json()["tenant"]["name"], format!("{id} {number}")),
            None => assert_eq!(answer.status, 404, "{id}"),
        }
    }
}
