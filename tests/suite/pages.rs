//! The library's pages: their language, the application's branding, and texts of attackers.

use okta_auth_dev::Org;
use reqwest::Method;

use crate::app::{App, Framework};
use crate::support::{Answer, Browser, CALLBACK};

/// Opens a page as a browser with these preferred languages does.
async fn open(browser: &mut Browser, target: &str, languages: &str) -> Answer {
    let headers = [
        ("accept", "text/html"),
        ("accept-language", languages),
        ("sec-fetch-mode", "navigate"),
        ("sec-fetch-dest", "document"),
    ];
    browser.send(Method::GET, target, &headers, String::new()).await
}

pub(crate) async fn pages_are_in_the_browsers_language<F: Framework>() {
    let app = App::start::<F>().await;
    let mut browser = app.browser();
    for (header, tag, text) in [
        ("de-AT,de;q=0.9,en;q=0.8", "de", "Möchten Sie sich abmelden?"),
        ("it,fr;q=0.5", "fr", "Voulez-vous vous déconnecter\u{a0}?"),
        ("es", "es", "¿Desea cerrar la sesión?"),
        ("ja", "ja", "サインアウトしますか?"),
        ("it", "en", "Do you want to sign out?"),
        ("de;q=0", "en", "Do you want to sign out?"),
    ] {
        let page = open(&mut browser, "/logout", header).await;
        assert_eq!((page.status.as_u16(), page.header("content-language")), (405, tag), "{header}");
        assert!(page.header("vary").contains("Accept-Language") && page.header("cache-control") == "no-store");
        assert!(page.body.contains(&format!("<html lang=\"{tag}\" dir=\"ltr\">")) && page.body.contains(text));
    }
    let error = open(&mut browser, &format!("{CALLBACK}?code=x&state=y"), "de").await;
    assert_eq!((error.status.as_u16(), error.header("content-language")), (400, "de"));
    assert!(error.body.contains("Dieser Anmeldelink ist nicht mehr gültig"), "{}", error.body);
    assert!(error.body.contains("Code: attempt_unknown<") && error.body.contains("Erneut anmelden"));
    // JSON is for developers.
    let headers = [("accept", "application/json"), ("accept-language", "de"), ("sec-fetch-mode", "cors")];
    let json = browser.send(Method::GET, &format!("{CALLBACK}?code=x&state=y"), &headers, String::new()).await;
    assert_eq!((json.header("content-language"), json.header("vary")), ("", ""));
    assert!(json.json()["message"].as_str().unwrap().starts_with("The sign-in was started"));
}

pub(crate) async fn an_application_sets_name_logo_colours_and_texts<F: Framework>() {
    let app = App::with::<F>(Org::start().await.unwrap(), |config| {
        config
            .brand_name("Ada & Sons")
            .brand_logo("https://cdn.example/logo.svg")
            .brand_colors("#0f6b4f", "#6fd6b0")
            .page_texts("nl", [("confirm_sign_out", "Wilt u zich afmelden?")])
            .page_languages(["nl", "en"])
    })
    .await;
    let page = open(&mut app.browser(), "/logout", "de, nl;q=0.1").await;
    assert_eq!(page.header("content-language"), "nl");
    for part in [
        "<title>Wilt u zich afmelden? - Ada &amp; Sons</title>",
        "<img src=\"https://cdn.example/logo.svg\" alt=\"Ada &amp; Sons\" width=\"160\" height=\"40\">",
        "--act:#0f6b4f",
        "<button>Sign out</button>",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; style-src 'unsafe-inline'; img-src https://cdn.example; base-uri 'none'; \
         form-action 'self' https: http:; frame-ancestors 'none'"
    );
}

pub(crate) async fn a_template_of_the_application_may_load_its_own_styles<F: Framework>() {
    const TEMPLATE: &str = "<!doctype html><html lang=\"{{lang}}\"><title>{{title}}</title>\
                            <link rel=\"stylesheet\" href=\"/app.css\"><main>{{content}}</main></html>";
    let app =
        App::with::<F>(Org::start().await.unwrap(), |config| config.page_template(TEMPLATE).page_languages(["en"]))
            .await;
    let page = open(&mut app.browser(), &format!("{CALLBACK}?code=x&state=y"), "de").await;
    assert_eq!((page.header("content-language"), page.header("vary")), ("en", ""));
    let start = "<!doctype html><html lang=\"en\"><title>This sign-in link is no longer valid</title>\
                 <link rel=\"stylesheet\" href=\"/app.css\"><main><h1>";
    assert!(page.body.starts_with(start), "{}", page.body);
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; style-src 'unsafe-inline' 'self'; img-src 'self' data:; font-src 'self'; base-uri 'none'; \
         form-action 'self'; frame-ancestors 'none'"
    );
}

/// Markup in every parameter and header that an attacker controls, for pages with and without a form.
pub(crate) async fn no_page_contains_markup_of_a_request<F: Framework>() {
    const MARKUP: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{content}}";
    let app = App::start::<F>().await;
    let encoded: String = url::form_urlencoded::byte_serialize(MARKUP.as_bytes()).collect();
    let parameters = [
        "code",
        "state",
        "error",
        "error_description",
        "iss",
        "return_to",
        "prompt",
        "login_hint",
        "x",
        "target_link_uri",
    ];
    let query: Vec<String> = parameters.iter().map(|name| format!("{name}={encoded}")).collect();
    let query = query.join("&");
    for path in [CALLBACK, "/logout", "/login/initiate", "/frontchannel-logout", "/admin", "/teapot"] {
        for one in parameters.iter().map(|name| format!("{name}={encoded}")).chain([query.clone()]) {
            let headers = [
                ("accept", "text/html"),
                ("sec-fetch-mode", "navigate"),
                ("sec-fetch-dest", "document"),
                ("accept-language", "de\"><script>alert(1)</script>, <script>;q=0.5"),
                ("referer", "http://x/\"><script>alert(1)</script>"),
                ("user-agent", MARKUP),
            ];
            let mut browser = app.browser();
            let page = browser.send(Method::GET, &format!("{path}?{one}"), &headers, String::new()).await;
            let is_clean = !page.body.contains("<script") && !page.body.contains("<img");
            assert!(is_clean, "{path}?{one}: {}", page.body);
            assert!(!page.header("content-language").contains('<'), "{}", page.header("content-language"));
        }
    }
}
