//! Clients whose id is the URL of a metadata document, and clients with keys at a URL.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use okta_auth_dev::{Client, Org};
use serde_json::{Value, json};

use crate::support::*;

const PATH: &str = "/.well-known/client.json";
const GRANT: (&str, &str) = ("grant_type", "client_credentials");
const ORDERS: (&str, &str) = ("scope", "orders:read");

/// A server with two documents, at [`PATH`] and at `/keys`, which count their requests.
#[derive(Clone)]
struct Publisher {
    origin: String,
    document: Arc<Mutex<String>>,
    keys: Arc<Mutex<String>>,
    count: Arc<Mutex<usize>>,
}

impl Publisher {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let publisher = Self { origin, document: Arc::default(), keys: Arc::default(), count: Arc::default() };
        let same = publisher.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut bytes = [0; 4096];
                let length = stream.read(&mut bytes).unwrap();
                let at_keys = bytes[..length].starts_with(b"GET /keys ");
                let body = if at_keys { same.keys.lock() } else { same.document.lock() }.unwrap().clone();
                *same.count.lock().unwrap() += 1;
                let status = if body.is_empty() { "404 Not Found" } else { "200 OK" };
                let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
                stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
            }
        });
        publisher
    }

    fn id(&self) -> String {
        format!("{}{PATH}", self.origin)
    }

    fn publish(&self, document: &Value) {
        *self.document.lock().unwrap() = document.to_string();
    }

    /// A document of a confidential client.
    fn confidential(&self, signer: &Signer) -> Value {
        json!({
            "client_id": self.id(),
            "client_name": "Self-described",
            "redirect_uris": [CALLBACK],
            "grant_types": ["authorization_code", "client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "jwks": {"keys": [signer.jwk()]},
        })
    }
}

#[tokio::test]
async fn a_registered_document_is_the_whole_registration() {
    let (publisher, signer) = (Publisher::start(), Signer::new());
    let id = publisher.id();
    let org = Org::builder().client(Client::metadata_document(&id)).start().await.unwrap();
    publisher.publish(&publisher.confidential(&signer));
    let url = authorize_url(&org, &org.issuer(), &[("client_id", &id)]);
    let code = org.sign_in(&url, okta_auth_dev::ADA).await.unwrap().param("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let url = token_url(&org, Some("default"));
    let tokens = post_signed(&org, &signer, &id, &url, &fields).json();
    assert_eq!(
        (&claims(&tokens["access_token"])["cid"], &claims(&tokens["id_token"])["aud"]),
        (&json!(id), &json!(id))
    );
    assert_eq!(post_signed(&org, &signer, &id, &url, &[GRANT, ORDERS]).status, 200);
    let mut narrowed = publisher.confidential(&signer);
    narrowed["grant_types"] = json!(["authorization_code"]);
    publisher.publish(&narrowed);
    let refused = post_signed(&org, &signer, &id, &url, &[GRANT, ORDERS]);
    assert_eq!(refusal(&refused).1, "unauthorized_client", "the document counts at once");
    let at_org = token_url(&org, None);
    let refused = refusal(&post_signed(&org, &signer, &id, &at_org, &[GRANT, ORDERS]));
    assert_eq!(refused.2, "The issuer claim for client_assertion is not a valid client_id.", "custom servers only");
}

#[tokio::test]
async fn a_public_document_needs_pkce_and_no_keys() {
    let publisher = Publisher::start();
    let id = publisher.id();
    let org = Org::builder().client(Client::metadata_document(&id)).start().await.unwrap();
    publisher.publish(&json!({"client_id": id, "redirect_uris": [CALLBACK]}));
    let url = authorize_url(
        &org,
        &org.issuer(),
        &[("client_id", &id), ("code_challenge", ""), ("code_challenge_method", "")],
    );
    let refused = org.sign_in(&url, okta_auth_dev::ADA).await.unwrap();
    assert_eq!(
        refused.param("error_description").as_deref(),
        Some("PKCE code challenge is required by the application.")
    );
    let url = authorize_url(&org, &org.issuer(), &[("client_id", &id)]);
    let code = org.sign_in(&url, okta_auth_dev::ADA).await.unwrap().param("code").unwrap();
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_id", &id),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    assert_eq!(post(&token_url(&org, Some("default")), None, &fields).status, 200);
}

#[tokio::test]
async fn every_wrong_document_is_explained() {
    let (publisher, signer) = (Publisher::start(), Signer::new());
    let id = publisher.id();
    let org = Org::builder().client(Client::metadata_document(&id)).start().await.unwrap();
    let url = token_url(&org, Some("default"));
    let good = publisher.confidential(&signer);
    let with = |name: &str, value: Value| {
        let mut document = good.clone();
        document[name] = value;
        document.to_string()
    };
    let mut keyless = good.clone();
    keyless.as_object_mut().unwrap().remove("jwks");
    let requirements = "The CIMD metadata document is invalid based on the configured metadata document requirements.";
    let details = "The metadata document contains invalid client configuration details.";
    for (document, description) in [
        (String::new(), details),
        ("<html>".to_owned(), "The metadata document could not be parsed as valid JSON."),
        (
            with("client_id", json!(format!("{id}/"))),
            "The 'client_id' in the metadata document does not match the URL used to fetch it.",
        ),
        (with("redirect_uris", json!([])), "The metadata document is missing the required 'redirect_uris' field."),
        (with("redirect_uris", json!([1])), details),
        (with("grant_types", json!(["unknown"])), details),
        (with("token_endpoint_auth_method", json!("client_secret_basic")), requirements),
        (with("client_secret", json!("x")), requirements),
        (keyless.to_string(), requirements),
        (format!("{good}{}", " ".repeat(70_000)), details),
    ] {
        *publisher.document.lock().unwrap() = document.clone();
        let answer = post_signed(&org, &signer, &id, &url, &[GRANT, ORDERS]);
        let expected = (400, "invalid_client_metadata".to_owned(), description.to_owned());
        assert_eq!(refusal(&answer), expected, "{document}");
        // The failures must not add up to throttling.
        org.clock().advance(Duration::from_secs(60));
    }
    *publisher.document.lock().unwrap() = with("jwks", json!("none"));
    let answer = post_signed(&org, &signer, &id, &url, &[GRANT, ORDERS]);
    assert_eq!(refusal(&answer), (401, "invalid_client".to_owned(), "The client JWKSet is invalid.".to_owned()));
}

#[tokio::test]
async fn repeated_failures_stop_the_fetches() {
    let (publisher, signer) = (Publisher::start(), Signer::new());
    let id = publisher.id();
    let org = Org::builder().client(Client::metadata_document(&id)).start().await.unwrap();
    org.clock().stop();
    let ask = || refusal(&post_signed(&org, &signer, &id, &token_url(&org, Some("default")), &[GRANT, ORDERS])).2;
    for _ in 0..5 {
        assert_eq!(ask(), "The metadata document contains invalid client configuration details.");
    }
    publisher.publish(&publisher.confidential(&signer));
    assert_eq!(ask(), "Request throttled due to repeated invalid client errors.");
    assert_eq!(*publisher.count.lock().unwrap(), 5);
    org.clock().advance(Duration::from_secs(60));
    assert_eq!(ask(), "", "the window has ended");
}

#[tokio::test]
async fn nothing_is_fetched_for_an_unregistered_url() {
    let (publisher, signer) = (Publisher::start(), Signer::new());
    let id = publisher.id();
    publisher.publish(&publisher.confidential(&signer));
    let org = Org::start().await.unwrap();
    let url = authorize_url(&org, &org.issuer(), &[("client_id", &id)]);
    let page = get(&url);
    assert!(
        page.status == 400 && page.body.contains("does not match any configured CIMD client entity"),
        "{}",
        page.body
    );
    let fields = [("grant_type", "authorization_code"), ("client_id", id.as_str()), ("code", "x")];
    let answer = refusal(&post(&token_url(&org, Some("default")), None, &fields));
    assert_eq!((answer.0, answer.1.as_str()), (400, "invalid_client_metadata"));
    assert_eq!(*publisher.count.lock().unwrap(), 0);
    org.put_client(Client::metadata_document("https://p.example/client.json"));
    let fields = [("grant_type", "authorization_code"), ("client_id", "https://p.example/client.json"), ("code", "x")];
    let elsewhere = refusal(&post(&token_url(&org, Some("default")), None, &fields)).2;
    assert_eq!(elsewhere, "The metadata document contains invalid client configuration details.", "another machine");
}

#[tokio::test]
async fn keys_at_a_url_are_fetched_for_each_request() {
    let (publisher, first, second) = (Publisher::start(), Signer::new(), Signer::new());
    let client = Client::service("0oakeys", "").jwks_uri(format!("{}/keys", publisher.origin));
    let org = Org::builder().client(client).start().await.unwrap();
    let ask =
        |signer: &Signer| post_signed(&org, signer, "0oakeys", &token_url(&org, Some("default")), &[GRANT, ORDERS]);
    assert_eq!(refusal(&ask(&first)).2, "The client JWKSet is invalid.");
    *publisher.keys.lock().unwrap() = json!({"keys": [first.jwk()]}).to_string();
    assert_eq!(ask(&first).status, 200);
    *publisher.keys.lock().unwrap() = json!({"keys": [second.jwk()]}).to_string();
    assert_eq!((ask(&first).status, ask(&second).status), (401, 200), "the keys were rotated");
}

#[tokio::test]
async fn a_document_may_refer_to_its_keys_and_settings_name_documents() {
    let (publisher, signer) = (Publisher::start(), Signer::new());
    let id = publisher.id();
    let text = format!("[[client]]\nid = \"{id}\"\ntype = \"metadata_document\"");
    let org = okta_auth_dev::OrgBuilder::from_toml(&text).unwrap().start().await.unwrap();
    let mut document = publisher.confidential(&signer);
    document.as_object_mut().unwrap().remove("jwks");
    document["jwks_uri"] = json!(format!("{}/keys", publisher.origin));
    publisher.publish(&document);
    *publisher.keys.lock().unwrap() = json!({"keys": [signer.jwk()]}).to_string();
    assert_eq!(post_signed(&org, &signer, &id, &token_url(&org, Some("default")), &[GRANT, ORDERS]).status, 200);
    let clients = get(&format!("{}/dev/clients", org.url())).json();
    assert_eq!((&clients[0]["id"], &clients[0]["type"]), (&json!(id), &json!("metadata_document")));
}
