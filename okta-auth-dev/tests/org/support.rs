//! A minimal client of the org. It shares no code with the crate, so that a bug in one
//! does not hide a bug in the other.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use okta_auth_dev::{Browser, Client, Org, Response};
use serde_json::Value;
use url::Url;
use url::form_urlencoded::Serializer;

pub(crate) const CALLBACK: &str = "http://localhost:8080/authorization-code/callback";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";

/// A response of the org.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: BTreeMap<String, String>,
    /// The names of the headers as sent, with repetitions.
    pub(crate) names: Vec<String>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", String::as_str)
    }
}

/// Sends one request over a new connection.
pub(crate) fn send(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let url = Url::parse(url).unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", url.port().unwrap())).unwrap();
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let host = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let mut head = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n", body.len());
    if !headers.iter().any(|(name, _)| *name == "host") {
        head.push_str(&format!("host: {host}\r\n"));
    }
    headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    let text = String::from_utf8(text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers: Vec<_> = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect();
    let names = headers.iter().map(|(name, _)| name.clone()).collect();
    Answer { status, headers: headers.into_iter().collect(), names, body: body.to_owned() }
}

pub(crate) fn get(url: &str) -> Answer {
    send("GET", url, &[], "")
}

pub(crate) fn encode(fields: &[(&str, &str)]) -> String {
    Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Posts a form, with the client in the `Authorization` header if there is one.
pub(crate) fn post(url: &str, client: Option<&Client>, fields: &[(&str, &str)]) -> Answer {
    let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
    let authorization = client.map(basic).unwrap_or_default();
    if client.is_some() {
        headers.push(("authorization", &authorization));
    }
    send("POST", url, &headers, &encode(fields))
}

pub(crate) fn basic(client: &Client) -> String {
    let pair = format!("{}:{}", client.client_id, client.client_secret.as_deref().unwrap_or_default());
    format!("Basic {}", STANDARD.encode(pair))
}

pub(crate) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()))
}

/// An authorization URL with ordered parameters and changes; an empty value omits a
/// parameter.
pub(crate) fn authorize_url(org: &Org, issuer: &str, changes: &[(&str, &str)]) -> String {
    let base = if issuer == org.org_issuer() { format!("{issuer}/oauth2") } else { issuer.to_owned() };
    let (client, challenge) = (org.client(), challenge(VERIFIER));
    let mut params = BTreeMap::from([
        ("client_id", client.client_id.as_str()),
        ("redirect_uri", CALLBACK),
        ("response_type", "code"),
        ("scope", "openid profile email"),
        ("state", "the-state"),
        ("nonce", "the-nonce"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
    ]);
    for (name, value) in changes {
        params.insert(name, value);
        if value.is_empty() {
            params.remove(name);
        }
    }
    let query = Serializer::new(String::new()).extend_pairs(params).finish();
    format!("{base}/v1/authorize?{query}")
}

/// Signs Ada in and returns the authorization response.
pub(crate) async fn sign_in(org: &Org, changes: &[(&str, &str)]) -> Response {
    org.sign_in(&authorize_url(org, &org.issuer(), changes), okta_auth_dev::ADA).await.unwrap()
}

/// Signs Ada in and exchanges the code.
pub(crate) async fn tokens(org: &Org, scope: &str) -> Answer {
    let code = sign_in(org, &[("scope", scope)]).await.param("code").unwrap();
    exchange(org, &code, &[])
}

/// Exchanges a code, with changes.
pub(crate) fn exchange(org: &Org, code: &str, changes: &[(&str, &str)]) -> Answer {
    exchange_at(org, &org.issuer(), code, changes)
}

pub(crate) fn exchange_at(org: &Org, issuer: &str, code: &str, changes: &[(&str, &str)]) -> Answer {
    let base = if issuer == org.org_issuer() { format!("{issuer}/oauth2") } else { issuer.to_owned() };
    let mut fields = BTreeMap::from([
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ]);
    for (name, value) in changes {
        fields.insert(name, value);
        if value.is_empty() {
            fields.remove(name);
        }
    }
    let fields: Vec<(&str, &str)> = fields.into_iter().collect();
    post(&format!("{base}/v1/token"), Some(&org.client()), &fields)
}

pub(crate) fn refresh(org: &Org, refresh_token: &str) -> Answer {
    let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh_token)];
    post(&format!("{}/v1/token", org.issuer()), Some(&org.client()), &fields)
}

pub(crate) fn userinfo(org: &Org, access_token: &str) -> Answer {
    let authorization = format!("Bearer {access_token}");
    send("GET", &format!("{}/v1/userinfo", org.issuer()), &[("authorization", &authorization)], "")
}

pub(crate) fn introspect(org: &Org, token: &str) -> Value {
    post(&format!("{}/v1/introspect", org.issuer()), Some(&org.client()), &[("token", token)]).json()
}

/// A decoded part of a token: 0 is the header, 1 the claims.
pub(crate) fn part(token: &Value, index: usize) -> Value {
    let part = token.as_str().unwrap().split('.').nth(index).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn claims(token: &Value) -> Value {
    part(token, 1)
}

pub(crate) fn header(token: &Value) -> Value {
    part(token, 0)
}

/// Whether the published key in the header verifies the signature.
pub(crate) fn verifies(org: &Org, token: &Value) -> bool {
    let keys = get(&format!("{}/v1/keys", org.issuer())).json();
    verifies_with(&keys, token)
}

pub(crate) fn verifies_with(keys: &Value, token: &Value) -> bool {
    use aws_lc_rs::signature as sig;
    let (header, text) = (header(token), token.as_str().unwrap());
    let (message, signature) = text.rsplit_once('.').unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let Some(key) = keys["keys"].as_array().unwrap().iter().rfind(|key| key["kid"] == header["kid"]) else {
        return false;
    };
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(key[name].as_str().unwrap()).unwrap();
    let rsa = |parameters: &'static sig::RsaParameters| {
        let key = aws_lc_rs::rsa::PublicKeyComponents { n: bytes("n"), e: bytes("e") };
        key.verify(parameters, message.as_bytes(), &signature).is_ok()
    };
    let other = |algorithm: &'static dyn sig::VerificationAlgorithm, key: Vec<u8>| {
        sig::UnparsedPublicKey::new(algorithm, key).verify(message.as_bytes(), &signature).is_ok()
    };
    let point = || [vec![4], bytes("x"), bytes("y")].concat();
    match header["alg"].as_str().unwrap() {
        "RS256" => rsa(&sig::RSA_PKCS1_2048_8192_SHA256),
        "RS384" => rsa(&sig::RSA_PKCS1_2048_8192_SHA384),
        "RS512" => rsa(&sig::RSA_PKCS1_2048_8192_SHA512),
        "PS256" => rsa(&sig::RSA_PSS_2048_8192_SHA256),
        "ES256" => other(&sig::ECDSA_P256_SHA256_FIXED, point()),
        "ES384" => other(&sig::ECDSA_P384_SHA384_FIXED, point()),
        "EdDSA" => other(&sig::ED25519, bytes("x")),
        _ => false,
    }
}

/// A client's key pair, which signs with ES256.
pub(crate) struct Signer {
    key: aws_lc_rs::signature::EcdsaKeyPair,
}

impl Signer {
    pub(crate) const KEY_ID: &str = "k1";

    pub(crate) fn new() -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        Self { key: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap() }
    }

    pub(crate) fn from_pem(pem: &str) -> Self {
        use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
        let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let der = STANDARD.decode(lines).unwrap();
        Self { key: EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).unwrap() }
    }

    pub(crate) fn jwk(&self) -> Value {
        use aws_lc_rs::signature::KeyPair as _;
        let point = self.key.public_key().as_ref();
        let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
        serde_json::json!({"kty": "EC", "crv": "P-256", "kid": Self::KEY_ID, "x": x, "y": y})
    }

    /// A signed token with this header, to which `alg` is added.
    pub(crate) fn sign(&self, header: &Value, payload: &Value) -> String {
        let mut header = header.clone();
        header["alg"] = "ES256".into();
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", part(&header), part(payload));
        let signature = self.key.sign(&aws_lc_rs::rand::SystemRandom::new(), message.as_bytes()).unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }

    /// A fresh client assertion for an endpoint.
    pub(crate) fn assertion(&self, org: &Org, client_id: &str, audience: &str) -> String {
        self.sign(&serde_json::json!({"kid": Self::KEY_ID}), &assertion_claims(org, client_id, audience))
    }
}

pub(crate) fn assertion_claims(org: &Org, client_id: &str, audience: &str) -> Value {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let jti = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_string();
    serde_json::json!({"iss": client_id, "sub": client_id, "aud": audience, "exp": now(org) + 300, "jti": jti})
}

/// A client with DPoP: one key, and the nonce that it saw last.
pub(crate) struct Prover {
    pub(crate) signer: Signer,
    pub(crate) nonce: Option<String>,
}

impl Prover {
    pub(crate) fn new() -> Self {
        Self { signer: Signer::new(), nonce: None }
    }

    /// The thumbprint of the key (RFC 7638).
    pub(crate) fn jkt(&self) -> String {
        let jwk = self.signer.jwk();
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":{},"y":{}}}"#, jwk["x"], jwk["y"]);
        URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
    }

    pub(crate) fn header(&self) -> Value {
        serde_json::json!({"typ": "dpop+jwt", "jwk": self.signer.jwk()})
    }

    /// The claims of a fresh proof.
    pub(crate) fn claims(&self, org: &Org, method: &str, url: &str) -> Value {
        let jti = assertion_claims(org, "", "")["jti"].clone();
        let mut claims = serde_json::json!({"htm": method, "htu": url, "iat": now(org), "jti": jti});
        if let Some(nonce) = &self.nonce {
            claims["nonce"] = nonce.as_str().into();
        }
        claims
    }

    pub(crate) fn proof(&self, org: &Org, method: &str, url: &str) -> String {
        self.signer.sign(&self.header(), &self.claims(org, method, url))
    }

    /// A fresh proof for a request with an access token.
    pub(crate) fn proof_for(&self, org: &Org, url: &str, access_token: &str) -> String {
        let mut claims = self.claims(org, "GET", url);
        claims["ath"] = URL_SAFE_NO_PAD.encode(digest(&SHA256, access_token.as_bytes())).into();
        self.signer.sign(&self.header(), &claims)
    }

    /// Posts a form with a fresh proof, and once more if the org names another nonce.
    pub(crate) fn post(&mut self, org: &Org, client: Option<&Client>, url: &str, fields: &[(&str, &str)]) -> Answer {
        let answer = post_with(url, client, &[("dpop", &self.proof(org, "POST", url))], fields);
        let refused = answer.body.contains("use_dpop_nonce");
        if let Some(nonce) = answer.headers.get("dpop-nonce") {
            self.nonce = Some(nonce.clone());
        }
        if !refused {
            return answer;
        }
        post_with(url, client, &[("dpop", &self.proof(org, "POST", url))], fields)
    }
}

/// Posts a form with more headers.
pub(crate) fn post_with(
    url: &str,
    client: Option<&Client>,
    headers: &[(&str, &str)],
    fields: &[(&str, &str)],
) -> Answer {
    let authorization = client.map(basic).unwrap_or_default();
    let mut all = vec![("content-type", "application/x-www-form-urlencoded")];
    if client.is_some() {
        all.push(("authorization", &authorization));
    }
    all.extend(headers);
    send("POST", url, &all, &encode(fields))
}

/// The org's time in seconds.
pub(crate) fn now(org: &Org) -> u64 {
    org.clock().now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

/// The token endpoint of a server; `None` for the org's own.
pub(crate) fn token_url(org: &Org, server: Option<&str>) -> String {
    match server {
        Some(id) => format!("{}/v1/token", org.custom_issuer(id)),
        None => format!("{}/oauth2/v1/token", org.url()),
    }
}

/// Posts a form with a fresh client assertion.
pub(crate) fn post_signed(org: &Org, signer: &Signer, client_id: &str, url: &str, fields: &[(&str, &str)]) -> Answer {
    post_assertion(url, &signer.assertion(org, client_id, url), fields)
}

pub(crate) fn post_assertion(url: &str, assertion: &str, fields: &[(&str, &str)]) -> Answer {
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    post(url, None, &[fields, &[kind, ("client_assertion", assertion)]].concat())
}

/// Status, `error` and `error_description` of an OAuth error.
pub(crate) fn refusal(answer: &Answer) -> (u16, String, String) {
    let body = answer.json();
    let member = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
    (answer.status, member("error"), member("error_description"))
}

/// An app that records requests and answers with these statuses in turn; the last one
/// repeats.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) origin: String,
    received: std::sync::Arc<std::sync::Mutex<Vec<Received>>>,
}

/// A request that the app received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) line: String,
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl App {
    pub(crate) fn start(statuses: &'static [u16]) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let app = Self { origin, received: std::sync::Arc::default() };
        let same = app.clone();
        // The thread ends with the process.
        std::thread::spawn(move || {
            for (index, stream) in listener.incoming().enumerate() {
                same.answer(stream.unwrap(), statuses[index.min(statuses.len() - 1)]);
            }
        });
        app
    }

    fn answer(&self, mut stream: TcpStream, status: u16) {
        let mut bytes = Vec::new();
        let (head, length) = loop {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            bytes.extend(byte);
            if let Some(head) = bytes.strip_suffix(b"\r\n\r\n") {
                let head = String::from_utf8(head.to_vec()).unwrap();
                let length = head
                    .split("content-length: ")
                    .nth(1)
                    .map_or(0, |rest| rest.split("\r\n").next().unwrap().parse().unwrap());
                break (head, length);
            }
        };
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        let (line, headers) = head.split_once("\r\n").unwrap();
        let headers = headers.split("\r\n").map(|line| line.split_once(": ").unwrap());
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let body = String::from_utf8(body).unwrap();
        self.received.lock().unwrap().push(Received { line: line.to_owned(), headers, body });
        let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: 2\r\nX-App: yes\r\n\r\nok");
        stream.write_all(answer.as_bytes()).unwrap();
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

/// The program, killed at the end of a test.
pub(crate) struct Program(pub(crate) std::process::Child);

impl Drop for Program {
    fn drop(&mut self) {
        drop((self.0.kill(), self.0.wait()));
    }
}

/// The session cookie that the browser sends.
pub(crate) async fn cookie_of(org: &Org, browser: &mut Browser) -> String {
    browser.open(&authorize_url(org, &org.issuer(), &[("prompt", "none")])).await.unwrap();
    let cookie = org.request_log().last().unwrap().header("cookie").unwrap().to_owned();
    cookie.split("idx=").nth(1).unwrap().split(';').next().unwrap().to_owned()
}
