//! Redirects after sign-in: the browser stays on the application's origin for every
//! requested target.
//!
//! The corpus is derived by rule from hosts, prefixes and encodings. Each target is
//! judged differentially, by how the `url` crate, like a browser, resolves the resulting
//! `Location`.

use std::collections::BTreeSet;

use url::Url;
use url::form_urlencoded::byte_serialize;

use crate::support::{ADA, App};

/// Prefixes that do not start a path, or are not recognizable as one.
const PREFIXES: &[&str] = &[
    "//",
    "///",
    "////",
    "/\\",
    "\\\\",
    "\\/",
    "\\",
    "/\t/",
    "/\n/",
    "/\r/",
    "/\r\n/",
    "\t//",
    " //",
    "\u{a0}//",
    "/.//",
    "/..//",
    "/./\\",
    "/a/..//",
    "/%2e//",
    "/%2e%2e//",
    "/%2f",
    "/%2f/",
    "//%2f",
    "/%5c",
    "/%5c/",
    "/%09/",
    "/%0d%0a/",
    "/\u{0}/",
    "/\u{b}/",
    "/\u{2028}/",
    "/\u{ff0f}",
    "\u{ff0f}\u{ff0f}",
    "/\u{3002}/",
    "/;//",
    "/:///",
    "/?//",
    "/#//",
    "http://",
    "https://",
    "HTTP://",
    "http:",
    "https:",
    "http:/",
    "https:/\\",
    "http:\\\\",
    "ftp://",
    "ws://",
    "//user@",
    "//user:pw@",
    "/@",
    "@",
    "//[",
    "blob:http://",
    "file://",
    "data:text/html,",
    "javascript:",
    "javascript://",
    "java\tscript:",
    "vbscript:",
    "jar:http://",
    "view-source:http://",
];

/// Hosts of an attacker, in several forms.
const HOSTS: &[&str] =
    &["evil.example", "evil.example/", "evil.example/path?a=b", "evil%2eexample", "127.0.0.1.evil.example"];

/// Valid targets that must survive unchanged.
const GOOD: &[(&str, &str)] = &[
    ("/", "/"),
    ("/profile", "/profile"),
    ("/orders?page=2&sort=a%20b", "/orders?page=2&sort=a%20b"),
    ("/a/b/../c", "/a/c"),
    ("/search?q=http://evil.example/", "/search?q=http://evil.example/"),
    ("/search?q=//evil.example", "/search?q=//evil.example"),
    ("/p?next=%2F%2Fevil.example", "/p?next=%2F%2Fevil.example"),
    ("/caf\u{e9}", "/caf%C3%A9"),
    ("/page#part", "/page#part"),
    ("/a//b", "/a//b"),
];

fn corpus(base: &str) -> BTreeSet<String> {
    let own = base.trim_start_matches("http://");
    let mut all = BTreeSet::new();
    for prefix in PREFIXES {
        for host in HOSTS {
            all.insert(format!("{prefix}{host}"));
        }
        all.insert(format!("{prefix}{own}@evil.example"));
        all.insert(format!("{prefix}{own}.evil.example/"));
    }
    all.extend(
        [
            "",
            " ",
            "profile",
            "..",
            "?a",
            "#a",
            "evil.example",
            "login",
            "/login",
            "/logout",
            "/authorization-code/callback",
        ]
        .map(str::to_owned),
    );
    all.insert(format!("{base}@evil.example/"));
    all.insert("/".repeat(5_000));
    all.insert(format!("/{}", "a".repeat(5_000)));
    all
}

async fn location_after(app: &App, target: &str) -> String {
    let encoded: String = byte_serialize(target.as_bytes()).collect();
    let mut browser = app.browser();
    let answer = browser.sign_in(&app.org, ADA, &format!("/login?return_to={encoded}")).await;
    assert_eq!(answer.status, 303, "{target:?}: {}", answer.body);
    assert!(browser.is_signed_in().await);
    answer.location().to_owned()
}

#[tokio::test]
async fn the_location_after_sign_in_stays_on_our_origin() {
    let app = App::start().await;
    let corpus = corpus(&app.base);
    assert!(corpus.len() >= 200, "{} targets", corpus.len());
    let base = Url::parse(&app.base).unwrap();
    for target in corpus {
        let location = location_after(&app, &target).await;
        let followed = base.join(&location).unwrap();
        assert_eq!(followed.origin(), base.origin(), "{target:?} leads to {location}");
        assert!(location.starts_with('/') && !location.starts_with("//") && !location.contains('\\'), "{location}");
        // The `Location` resolves to the same URL from every page of the application.
        assert_eq!(base.join("/deep/page?x").unwrap().join(&location).unwrap(), followed);
        let own = ["/login", "/logout", "/authorization-code/callback"];
        assert!(!own.contains(&followed.path()), "{target:?} would loop");
    }
}

#[tokio::test]
async fn good_targets_survive() {
    let app = App::start().await;
    for (target, expected) in GOOD {
        assert_eq!(location_after(&app, target).await, *expected);
    }
}

#[tokio::test]
async fn the_browser_returns_to_the_page_that_required_the_user() {
    let app = App::start().await;
    let answer = app.browser().sign_in(&app.org, ADA, "/profile?tab=2&q=a%2Fb").await;
    assert_eq!(answer.location(), "/profile?tab=2&q=a%2Fb");
    // A path that begins with two slashes would name a foreign host in a `Location`.
    let answer = app.browser().navigate("//evil.example/profile").await;
    assert_ne!(answer.status, 303);
}
