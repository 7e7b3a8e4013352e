//! Tenants in `tenants.toml`, which is edited while the application runs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use okta_auth_core::engine::Tenants;
use okta_auth_core::tenant::{Resolver, TenantFile, TenantSettings};

use crate::support::log::ThreadLog;
use crate::support::site::{Framework, Plan, Site, local};
use crate::support::{ADA, Gate, SharedStore, eventually};

const NAMES: [&str; 2] = ["acme", "globex"];

/// More than what lies between two looks at the file.
const LOOK: Duration = Duration::from_secs(2);

/// A file that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        Self(std::env::temp_dir().join(format!("okta-auth-{name}-{}.toml", std::process::id())))
    }

    fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }

    /// As deployment tools do it: nobody ever sees half of a file.
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

/// The same with sessions in a store that can be told to fail or to wait.
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
async fn an_edit_counts_with_the_next_look() {
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
    assert_eq!(name().await, "acme", "nobody looks twice within a second");
    site.advance(LOOK);
    assert_eq!(name().await, "Acme Inc.");
    // A name is no reason for anybody to sign in again.
    let mut browser = site.signed_in("acme", ADA).await;
    file.replace(&format!("{}{}", section(&tenants[0], "Acme Ltd."), section(&tenants[1], "globex")));
    site.advance(LOOK);
    assert_eq!(name().await, "Acme Ltd.");
    assert_eq!(browser.fetch("/t/acme/me").await.status, 200);
}

#[tokio::test]
async fn a_bad_edit_leaves_everything_as_it_was_and_says_why_once() {
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
        // An editor that is about to write, and one that has not got far.
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
    assert_eq!(status(&site, "acme").await, 200, "a file that is gone is a bad edit too");
    assert_eq!(browser.fetch("/t/acme/me").await.status, 200, "nobody was signed out by any of this");
    // And the next good edit counts.
    file.write(&sections(&site.plan)[0]);
    site.advance(LOOK);
    status(&site, "acme").await;
    assert_eq!((status(&site, "acme").await, status(&site, "globex").await), (200, 404));
    // A file that says of itself that there is nobody is believed.
    file.write("# nobody left\n");
    site.advance(LOOK);
    assert_eq!(status(&site, "acme").await, 404);
}

fn secret(site: &Site) -> String {
    site.org("acme").client().client_secret.unwrap()
}

#[tokio::test]
async fn the_sessions_of_a_tenant_end_with_its_section_and_stay_ended() {
    for store in ["cookie", "memory"] {
        let file = Scratch::new(&format!("removal-{store}"));
        let site = site(&file, store).await;
        let (mut acme, mut globex) = (site.signed_in("acme", ADA).await, site.signed_in("globex", ADA).await);
        let copy = acme.clone();
        let [first, second] = [sections(&site.plan)[0].clone(), sections(&site.plan)[1].clone()];
        file.write(&second);
        site.advance(LOOK);
        assert_eq!(acme.fetch("/t/acme/me").await.status, 404, "{store}");
        // It comes back, with the very next request.
        file.write(&format!("{first}{second}\n"));
        site.advance(LOOK);
        assert_eq!(copy.clone().fetch("/t/acme/me").await.status, 401, "{store}: a copy of the cookie lives on");
        assert_eq!(copy.clone().fetch("/t/acme/me").await.status, 401, "{store}");
        // Whoever signs in again is in.
        site.sign_in(&mut acme, "acme", ADA).await;
        assert_eq!(acme.fetch("/t/acme/me").await.status, 200, "{store}");
        assert_eq!(globex.fetch("/t/globex/me").await.status, 200, "{store}");
    }
}

/// Whoever notices that a tenant has gone is answered when its sessions have ended: by the next edit it may be back.
#[tokio::test]
async fn whoever_notices_a_removal_waits_until_the_sessions_have_ended() {
    let file = Scratch::new("removal-first");
    let (site, store) = site_with_store(&file).await;
    let _acme = site.signed_in("acme", ADA).await;
    file.write(&sections(&site.plan)[1]);
    site.advance(LOOK);
    store.gate(Gate::Shut);
    let mut first = pin!(status(&site, "globex"));
    tokio::select! {
        biased;
        answer = &mut first => panic!("{answer} before anything had ended"),
        () = store.until_somebody_waits() => {}
    }
    for _ in 0..20 {
        tokio::select! {
            biased;
            answer = &mut first => panic!("{answer} before the sessions had ended"),
            other = status(&site, "globex") => assert_eq!(other, 200, "the others go on"),
        }
    }
    assert_eq!(store.len(), 1, "the premise");
    store.gate(Gate::Open);
    assert_eq!(first.await, 200);
    assert_eq!(store.len(), 0, "it was answered first");
}

/// The store fails when a tenant goes. Nobody waits for it, and the sessions end all the same.
#[tokio::test]
async fn the_sessions_of_a_removed_tenant_end_when_the_store_is_back() {
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
    assert_eq!(acme.fetch("/t/acme/me").await.status, 401, "the session of before is back");
    assert_eq!(globex.fetch("/t/globex/me").await.status, 200);
}

#[tokio::test]
async fn a_tenant_that_becomes_somebody_else_and_comes_back_is_a_stranger() {
    for store in ["cookie", "memory"] {
        let file = Scratch::new(&format!("stranger-{store}"));
        let site = site(&file, store).await;
        let mut acme = site.signed_in("acme", ADA).await;
        let good = sections(&site.plan).concat();
        let client = site.org("acme").client().client_id;
        // Another client under the name, used by somebody, and back.
        file.write(&good.replacen(&client, "0oaanother", 1));
        site.advance(LOOK);
        for _ in 0..2 {
            assert_eq!(site.browser().fetch("/t/acme/me").await.status, 401, "{store}");
        }
        file.write(&format!("{good}\n"));
        site.advance(LOOK);
        for _ in 0..2 {
            assert_eq!(acme.fetch("/t/acme/me").await.status, 401, "{store}: the session of before is back");
        }
    }
}

/// One state of the file: what each tenant is called, by its id. The issuer has the same number as the name, so that
/// an answer made from two states can be told.
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

/// Adds, changes or removes one tenant. Deterministic, and everything happens often.
fn operate(state: &mut State, step: usize) {
    let id = format!("t{}", step * 7 % 12);
    match step % 3 {
        0 if state.len() > 1 => state.remove(&id),
        _ => state.insert(id, step),
    };
}

/// Asks for tenants again and again; returns how many answers there were, and what was wrong.
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
        // The name is of the settings, and `issuer` beside it of the engine that was made from them.
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
    // One tenant is in every state, and somebody is signed in there.
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
        // In place and by renaming in turn; now and then something that is no table.
        match step % 10 {
            0 => file.write("[t0\n"),
            1..5 => file.write(&text(&state)),
            _ => file.replace(&text(&state)),
        }
        site.advance(LOOK);
        // The clients come by before the next edit.
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
    // In the end everything is as the last edit says.
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
