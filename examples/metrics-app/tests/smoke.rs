//! The program as a process, with an org of the test. After a good and a bad sign-in it has the metrics of the guide.

use example_tests::{Browser, Process, command, free_port, run};
use okta_auth_dev::{ADA, Endpoint, Org, Outage, Response};

/// Signs a new browser in, or tries to.
async fn sign_in(org: &Org, base: &str) -> String {
    let mut browser = Browser::new();
    let login = browser.open(&format!("{base}/profile")).await;
    let Response::Redirect(back) = org.sign_in(&login.location, ADA).await.unwrap() else { panic!("no redirect") };
    browser.open(&back).await;
    browser.open(&format!("{base}/profile")).await.body
}

#[test]
fn sign_ins_are_counted() {
    run(async {
        let (org, port, metrics_port) = (Org::start().await.unwrap(), free_port(), free_port());
        let base = format!("http://localhost:{port}");
        org.allow_redirect(&base);
        let mut program = command(env!("CARGO_BIN_EXE_metrics-app"), port);
        program.envs(org.env()).env("OKTA_BASE_URL", &base).env("METRICS_PORT", metrics_port.to_string());
        let _example = Process::start(program, "Open ");
        assert_eq!(sign_in(&org, &base).await, "Hello Ada Lovelace");
        org.outage(Endpoint::Token, Outage::Status(503));
        assert_ne!(sign_in(&org, &base).await, "Hello Ada Lovelace");
        let page = Browser::new().open(&format!("http://localhost:{metrics_port}/metrics")).await.body;
        for line in [
            "okta_auth_events_total{event=\"sign_in_succeeded\",reason=\"ok\"} 1\n",
            "okta_auth_events_total{event=\"sign_in_failed\",reason=\"provider_unavailable\"} 1\n",
            "okta_auth_provider_request_seconds_count{endpoint=\"token\",outcome=\"ok\"} 1\n",
            "okta_auth_provider_request_seconds_bucket{endpoint=\"token\",outcome=\"ok\",le=\"10\"} 1\n",
        ] {
            assert!(page.contains(line), "{line}: {page}");
        }
        assert_eq!(Browser::new().open(&format!("{base}/metrics")).await.status, 404, "not at the app's port");
    });
}
