//! Calls with tokens that are bound to a key (DPoP, RFC 9449): the method is POST, and the URL that of the gRPC method.

#[path = "../../../tests/support/prover.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod prover;

use std::time::Duration;

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::outgoing::OutgoingBuilder;
use okta_auth_dev::{ADA, Client as OrgClient, Org};
use okta_auth_tonic::AuthorizedChannel;
use tokio::net::TcpListener;
use tonic::Code;
use tonic::transport::Endpoint;
use tonic_prost::ProstCodec;

use self::prover::Prover;
use crate::support::{Refused, Server, bearer, request};

const BASE: &str = "https://grpc.example.com";
const PATH: &str = "/test.Echo/Any";

/// A server with a public URL of its own, and a client with a bound token.
struct Caller {
    server: Server,
    prover: Prover,
    token: String,
}

impl Caller {
    async fn start(change: impl FnOnce(ConfigBuilder) -> ConfigBuilder) -> Self {
        let org = Org::start().await.unwrap();
        let config = ConfigBuilder::default().issuer(org.issuer()).base_url(BASE).api_only();
        let clock = org.clock();
        let auth = OktaAuthBuilder::from(change(config)).clock(move || clock.now()).build().unwrap();
        let (server, prover) = (Server::with(&org, auth).await, Prover::new());
        let token = prover.token(&org, &["orders:read"]);
        Self { server, prover, token }
    }

    fn proof(&self, method: &str, url: &str) -> String {
        self.prover.proof(&self.server.org, method, url, &self.token)
    }

    fn fresh(&self) -> String {
        self.proof("POST", &format!("{BASE}{PATH}"))
    }

    /// The metadata of a call with these proofs.
    fn sent(&self, proofs: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", HeaderValue::from_str(&format!("DPoP {}", self.token)).unwrap());
        for proof in proofs {
            headers.append("dpop", HeaderValue::from_str(proof).unwrap());
        }
        headers
    }

    async fn refused(&self, sent: HeaderMap) -> Refused {
        self.server.client().refused(PATH, sent).await
    }
}

fn assert_refused(refused: &Refused, error: &str, what: &str) {
    let challenge = refused.challenge.as_deref().unwrap_or_default();
    assert_eq!((refused.status, refused.code.as_deref()), (Code::Unauthenticated, Some(error)), "{what}");
    assert!(challenge.starts_with(&format!("DPoP error=\"{error}\"")), "{what}: {challenge}");
    assert!(challenge.contains("algs=\"ES256 EdDSA "), "{what}: {challenge}");
}

#[tokio::test]
async fn a_bound_token_with_its_proof_reaches_the_method() {
    let caller = Caller::start(|config| config).await;
    let client = caller.server.client();
    for _ in 0..2 {
        assert!(client.call(PATH, caller.sent(&[&caller.fresh()])).await.unwrap().starts_with(ADA));
    }
    // Two policies of a method evaluate one proof.
    let path = "/test.Echo/Person";
    let proof = caller.proof("POST", &format!("{BASE}{path}"));
    assert!(client.call(path, caller.sent(&[&proof])).await.unwrap().starts_with(ADA));
    assert_eq!(caller.server.calls(), 3);
}

#[tokio::test]
async fn a_proof_for_another_call_or_used_before() {
    let caller = Caller::start(|config| config).await;
    for (what, proof) in [
        ("another method of HTTP", caller.proof("GET", &format!("{BASE}{PATH}"))),
        ("another method of the service", caller.proof("POST", &format!("{BASE}/test.Echo/Orders"))),
        ("another service", caller.proof("POST", &format!("{BASE}/test.Admin/Any"))),
        ("the address behind the proxy", caller.proof("POST", &format!("{}{PATH}", caller.server.url))),
        ("without the method", caller.proof("POST", BASE)),
    ] {
        assert_refused(&caller.refused(caller.sent(&[&proof])).await, "invalid_dpop_proof", what);
    }
    let proof = caller.fresh();
    caller.server.client().call(PATH, caller.sent(&[&proof])).await.unwrap();
    assert_refused(&caller.refused(caller.sent(&[&proof])).await, "invalid_dpop_proof", "used before");
    let two = caller.sent(&[&caller.fresh(), &caller.fresh()]);
    assert_refused(&caller.refused(two).await, "invalid_dpop_proof", "two proofs");
    let late = caller.fresh();
    caller.server.org.clock().advance(Duration::from_secs(120));
    assert_refused(&caller.refused(caller.sent(&[&late])).await, "invalid_dpop_proof", "too old");
    assert_eq!(caller.server.calls(), 1);
}

#[tokio::test]
async fn a_stolen_bound_token_without_the_key() {
    let caller = Caller::start(|config| config).await;
    let mut sent = bearer(&caller.token);
    for proof in [None, Some(caller.fresh())] {
        sent.extend(proof.map(|proof| (http::HeaderName::from_static("dpop"), proof.parse().unwrap())));
        let refused = caller.refused(sent.clone()).await;
        assert_eq!((refused.status, refused.code.as_deref()), (Code::Unauthenticated, Some("invalid_token")));
        let challenge = refused.challenge.unwrap();
        assert!(challenge.starts_with("Bearer error=\"invalid_token\""), "{challenge}");
    }
    let status = caller.server.client().call(PATH, bearer(&caller.token)).await.unwrap_err();
    let challenges: Vec<_> = status.metadata().get_all("www-authenticate").iter().collect();
    assert!(challenges.len() == 2 && challenges[1].to_str().unwrap().starts_with("DPoP algs="), "{challenges:?}");
    let thief = Prover::new();
    let proof = thief.proof(&caller.server.org, "POST", &format!("{BASE}{PATH}"), &caller.token);
    assert_refused(&caller.refused(caller.sent(&[&proof])).await, "invalid_dpop_proof", "another key");
    assert_eq!(caller.refused(caller.sent(&[])).await.code.unwrap(), "login_required");
    assert_eq!(caller.server.calls(), 0);
    caller.server.client().call(PATH, caller.sent(&[&caller.fresh()])).await.unwrap();
}

#[tokio::test]
async fn a_server_that_requires_bound_tokens() {
    let caller = Caller::start(ConfigBuilder::require_dpop).await;
    let unbound = caller.server.token(&["orders:read"]);
    assert_refused(&caller.refused(bearer(&unbound)).await, "invalid_token", "a token without a key");
    caller.server.client().call(PATH, caller.sent(&[&caller.fresh()])).await.unwrap();
}

#[tokio::test]
async fn a_server_that_requires_nonces() {
    let caller = Caller::start(|config| config.require_dpop_nonce(Duration::from_secs(300))).await;
    let client = caller.server.client();
    let with_nonce = |nonce: &str| {
        let mut claims = caller.prover.claims(&caller.server.org, "POST", &format!("{BASE}{PATH}"), &caller.token);
        claims["nonce"] = nonce.into();
        caller.sent(&[&caller.prover.sign(&caller.prover.header(), &claims)])
    };
    let nonce = |metadata: &tonic::metadata::MetadataMap| -> String {
        metadata.get("dpop-nonce").map_or("", |nonce| nonce.to_str().unwrap()).to_owned()
    };
    let status = client.call(PATH, with_nonce("of another server")).await.unwrap_err();
    assert_refused(&Refused::of(&status), "use_dpop_nonce", "another server");
    let first = nonce(status.metadata());
    let mut grpc = client.0.clone();
    let mut call = async |sent| {
        grpc.ready().await.unwrap();
        let (codec, path) = (ProstCodec::<String, String>::default(), PathAndQuery::from_static(PATH));
        grpc.unary(request("hello".to_owned(), sent), path, codec).await
    };
    assert_eq!(nonce(call(with_nonce(&first)).await.unwrap().metadata()), "");
    caller.server.org.clock().advance(Duration::from_secs(200));
    let next = nonce(call(with_nonce(&first)).await.unwrap().metadata());
    caller.server.org.clock().advance(Duration::from_secs(150));
    assert_refused(&caller.refused(with_nonce(&first)).await, "use_dpop_nonce", "expired");
    call(with_nonce(&next)).await.unwrap();
}

/// The server's nonces, and the library's own client. It repeats no call, so the first one fails.
#[tokio::test]
async fn a_channel_keeps_the_nonces_of_the_server() {
    let org = Org::start().await.unwrap();
    let secret = "kq3Yl0Zs8Xw5Rt2Vb7Nm4Jh1Gf6Dc9Pa";
    org.put_client(OrgClient::service("0oajob", secret).dpop_bound_access_tokens(true));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let config = ConfigBuilder::default().issuer(org.issuer());
    let api = config.clone().base_url(&url).api_only().require_dpop_nonce(Duration::from_secs(300));
    let (clock, clients) = (org.clock(), org.clock());
    let auth = OktaAuthBuilder::from(api).clock(move || clock.now()).build().unwrap();
    let server = Server::on(listener, &org, auth);
    let job = config.client_id("0oajob").client_secret(secret).dpop(true);
    let outgoing = OutgoingBuilder::from(job).clock(move || clients.now()).build().unwrap();
    let orders = outgoing.target(&url).unwrap().for_machine(["orders:read"]);
    let channel = AuthorizedChannel::new(&Endpoint::from_shared(url).unwrap(), orders);
    let status = crate::channel::call(&channel).await.unwrap_err();
    assert_refused(&Refused::of(&status), "use_dpop_nonce", "the first call");
    crate::channel::call(&channel).await.unwrap();
    // A call that succeeds brings the next nonce.
    for seconds in [200, 150, 150] {
        org.clock().advance(Duration::from_secs(seconds));
        crate::channel::call(&channel).await.unwrap();
    }
    assert_eq!((server.calls(), org.count("/v1/token")), (4, 2));
}
