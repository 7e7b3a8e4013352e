//! The program as a process, over HTTP.

use example_tests::{Browser, Process, command, free_port, run};
use okta_auth_dev::{Org, Response};

const ADA: &str = "ada@example.test";

/// Sends a form as htmx does.
async fn post(browser: &Browser, url: &str, kind: &str, body: &str) -> (u16, String, String) {
    let cookies: Vec<String> = browser.jar.iter().map(|((_, name), value)| format!("{name}={value}")).collect();
    let request = browser.http.post(url).header("content-type", kind).header("hx-request", "true");
    let (base, path) = url.split_at(url.rfind('/').unwrap());
    assert!(["/notes", "/files"].contains(&path));
    let request = request.header("hx-current-url", format!("{base}/notes")).header("origin", base);
    let answer = request.header("cookie", cookies.join("; ")).body(body.to_owned()).send().await.unwrap();
    let redirect = answer.headers().get("hx-redirect").map_or("", |value| value.to_str().unwrap()).to_owned();
    (answer.status().as_u16(), redirect, answer.text().await.unwrap())
}

#[test]
fn notes_uploads_and_the_end_of_a_session() {
    run(async {
        let org = Org::start().await.unwrap();
        let port = free_port();
        let base = format!("http://localhost:{port}");
        org.allow_redirect(&base);
        let mut command = command(env!("CARGO_BIN_EXE_htmx-app"), port);
        command.envs(org.env()).env("OKTA_COOKIE_SECRET", "a cookie secret for tests of 32 bytes or more");
        let _process = Process::start(command, "Open ");
        let mut browser = Browser::new();
        assert!(browser.open(&format!("{base}/")).await.body.contains("Hello, stranger"));
        let login = browser.open(&format!("{base}/notes")).await;
        let Response::Redirect(back) = org.sign_in(&login.location, ADA).await.unwrap() else { panic!("no redirect") };
        assert_eq!(browser.open(&back).await.location, "/notes");
        assert!(browser.open(&format!("{base}/notes")).await.body.contains("Notes of Ada Lovelace"));

        let form = "application/x-www-form-urlencoded";
        let (status, _, body) = post(&browser, &format!("{base}/notes"), form, "text=%3Cb%3Emilk").await;
        assert_eq!((status, body.as_str()), (200, "<li>&lt;b&gt;milk</li>"));
        let multipart =
            "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nabc\r\n--x--\r\n";
        let kind = "multipart/form-data; boundary=x";
        let (status, _, body) = post(&browser, &format!("{base}/files"), kind, multipart).await;
        assert_eq!((status, body.as_str()), (200, "<li>a.txt, 3 bytes</li>"));
        assert!(browser.open(&format!("{base}/notes")).await.body.contains("<li>a.txt, 3 bytes</li>"));

        browser.jar.clear();
        for (path, kind, body) in [("notes", form, "text=milk"), ("files", kind, multipart)] {
            let (status, redirect, _) = post(&browser, &format!("{base}/{path}"), kind, body).await;
            assert_eq!((status, redirect.as_str()), (401, "/login?return_to=%2Fnotes"), "{path}");
        }
        assert!(browser.open(&format!("{base}/app.js")).await.body.contains("BroadcastChannel"));
        assert!(browser.open(&format!("{base}/htmx.js")).await.body.starts_with("var htmx="));
    });
}
