//! The checks of every page of the library, the development org and the examples: axe-core without a violation, no
//! horizontal scrolling, no layout shift, and a visible focus on each control, in both colour schemes and at three
//! widths.
//!
//! Screenshots of all are in `target/screenshots`, or in the folder that the variable `SCREENSHOTS` names.
//! `tests/browser/update-pictures` makes the pictures of the book from those in its folder `book`.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::{Driver, ELEMENT, browser, end, until};

const CHECKS: &str = include_str!("checks.js");

const SCHEMES: [&str; 2] = ["light", "dark"];
const WIDTHS: [u32; 3] = [320, 768, 1280];

/// The keys of WebDriver (§17.4.2).
const TAB: &str = "\u{E004}";
pub(crate) const ENTER: &str = "\u{E007}";

/// A browser that checks one page after the other and collects what is wrong.
pub(crate) struct Inspector {
    pub(crate) driver: Driver,
    profile: PathBuf,
    /// The source of axe-core.
    axe: String,
    /// The first part of the names of screenshots.
    name: String,
    /// Whether every scheme and width is checked, and not only the narrowest page.
    pub(crate) thorough: bool,
    /// Whether the pictures of the book are taken.
    pub(crate) for_book: bool,
    problems: Vec<String>,
    checked: usize,
}

impl Inspector {
    /// Starts a browser that accepts this language.
    pub(crate) async fn start(name: &str, language: &str) -> Self {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/browser/node_modules/axe-core/axe.min.js");
        let axe = std::fs::read_to_string(path).expect("run `npm ci --prefix tests/browser` first");
        let (driver, profile) = browser(&format!("{name}-{language}")).await;
        let for_book = language == "en";
        let name = if for_book { name.to_owned() } else { format!("{name}-{language}") };
        let inspector = Self { driver, profile, axe, name, thorough: true, for_book, problems: Vec::new(), checked: 0 };
        inspector.cdp("Network.setExtraHTTPHeaders", json!({ "headers": { "Accept-Language": language } })).await;
        // Phones show no scroll bars.
        inspector.cdp("Emulation.setScrollbarsHidden", json!({ "hidden": true })).await;
        inspector
    }

    async fn cdp(&self, command: &str, parameters: Value) -> Value {
        self.driver.post("/goog/cdp/execute", json!({ "cmd": command, "params": parameters })).await
    }

    /// Opens a page whose script would leave it at once, and waits for this element.
    pub(crate) async fn open_without_scripts(&self, css: &str, open: impl AsyncFnOnce(&Driver)) {
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        open(&self.driver).await;
        let element = json!({ "using": "css selector", "value": css });
        let is_there = || async { self.driver.post("/element", element.clone()).await[ELEMENT].is_string() };
        until(&format!("a page has `{css}`"), is_there).await;
        self.cdp("Emulation.setScriptExecutionDisabled", json!({ "value": false })).await;
    }

    /// Waits until the page has an element that matches the selector.
    pub(crate) async fn has(&self, css: &str) {
        let count = format!("return document.querySelectorAll({}).length", json!(css));
        until(&format!("a page has `{css}`"), || async { self.driver.run(&count).await.as_u64() > Some(0) }).await;
    }

    /// Sends keys to an element, which gets the focus.
    pub(crate) async fn press(&self, css: &str, keys: &str) {
        self.driver.write(css, keys).await;
    }

    /// Checks the page that the browser shows.
    pub(crate) async fn check(&mut self, page: &str) {
        self.has("main h1").await;
        self.driver.run(&self.axe).await;
        self.checked += 1;
        let mut problems = Vec::new();
        problems.extend(self.found(&format!("{}-{page}", self.name), "shifts()").await);
        let (schemes, widths) = if self.thorough { (&SCHEMES[..], &WIDTHS[..]) } else { (&SCHEMES[..1], &WIDTHS[..1]) };
        for scheme in schemes {
            for width in widths {
                self.resize(scheme, *width, 600).await;
                let place = format!("{}-{page}-{scheme}-{width}", self.name);
                problems.extend(self.found(&place, "problems()").await);
                self.screenshot(&place, *width).await;
            }
            problems.extend(self.focus_problems(&format!("{}-{page}-{scheme}", self.name)).await);
        }
        if self.for_book {
            self.driver.run("document.activeElement.blur()").await;
            let is_wide = self.driver.run("return !!document.querySelector('main.wide')").await;
            let width = if is_wide == true { 640 } else { 480 };
            for scheme in SCHEMES {
                self.resize(scheme, width, 100).await;
                self.screenshot(&format!("book/{}-{page}-{scheme}", self.name), width).await;
            }
        }
        self.cdp("Emulation.clearDeviceMetricsOverride", json!({})).await;
        self.problems.extend(problems);
    }

    /// Ends the browser. Fails if a page has a problem.
    pub(crate) async fn finish(self, pages: usize) {
        end(&self.driver, &self.profile).await;
        assert!(self.problems.is_empty(), "{} problems:\n{}", self.problems.len(), self.problems.join("\n"));
        assert_eq!(self.checked, pages, "pages of {}", self.name);
    }

    async fn resize(&self, scheme: &str, width: u32, height: u32) {
        let features = json!([{ "name": "prefers-color-scheme", "value": scheme }]);
        self.cdp("Emulation.setEmulatedMedia", json!({ "features": features })).await;
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// Calls a function of the checks that returns a list of problems.
    async fn found(&self, place: &str, call: &str) -> Vec<String> {
        let found = self.evaluate(call).await;
        let found = found.as_array().unwrap_or_else(|| panic!("{place}: {found}"));
        found.iter().map(|problem| format!("{place}: {}", problem.as_str().unwrap())).collect()
    }

    /// Calls a function of the checks.
    async fn evaluate(&self, call: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1];\
             Promise.resolve().then(() => {CHECKS}.{call}).then(done, error => done(String(error.stack)));"
        );
        self.driver.post("/execute/async", json!({ "script": script, "args": [] })).await
    }

    /// Presses Tab until every control had the focus.
    async fn focus_problems(&self, place: &str) -> Vec<String> {
        self.driver.run("document.activeElement.blur()").await;
        let controls = self.evaluate("controls().length").await.as_u64().unwrap();
        let (mut problems, mut order) = (Vec::new(), Vec::new());
        // Between the last control and the first one, the focus is on the browser itself.
        for _ in 0..controls * 2 + 2 {
            self.tab().await;
            let focused = self.evaluate("focused()").await;
            let Some(at) = focused["at"].as_u64() else { continue };
            if order.contains(&at) {
                break;
            }
            order.push(at);
            if let Some(problem) = focused["problem"].as_str() {
                problems.push(format!("{place}: the focus on {} {problem}", focused["name"]));
            }
        }
        let first = order.first().copied().unwrap_or(0);
        let expected: Vec<u64> = (0..controls).map(|at| (first + at) % controls).collect();
        if order != expected {
            problems.push(format!("{place}: Tab reaches the controls {order:?} of {controls}"));
        }
        problems
    }

    async fn tab(&self) {
        let keys = json!([{ "type": "keyDown", "value": TAB }, { "type": "keyUp", "value": TAB }]);
        self.driver.post("/actions", json!({ "actions": [{ "type": "key", "id": "keys", "actions": keys }] })).await;
    }

    /// Saves a picture of the whole page.
    async fn screenshot(&self, name: &str, width: u32) {
        let height = self.driver.run("return document.documentElement.scrollHeight").await;
        let clip = json!({ "x": 0, "y": 0, "width": width, "height": height, "scale": 1 });
        let picture = self.cdp("Page.captureScreenshot", json!({ "captureBeyondViewport": true, "clip": clip })).await;
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap()).unwrap();
        let folder = std::env::var_os("SCREENSHOTS")
            .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/target/screenshots")), PathBuf::from);
        let file = folder.join(format!("{name}.png"));
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
}
