//! A server with a policy for each kind of caller, and a client that shows all of a status.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue};
use okta_auth_core::config::ConfigBuilder;
use okta_auth_core::engine::OktaAuthBuilder;
use okta_auth_core::multi_tenant::Tenants;
use okta_auth_core::policy::{anyone, no_actor, scope, user};
use okta_auth_dev::Org;
use okta_auth_tonic::{OktaAuthLayer, RequestExt as _};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt as _};
use tonic::body::Body;
use tonic::codegen::Service;
use tonic::metadata::MetadataMap;
use tonic::server::NamedService;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_prost::ProstCodec;
use tower::service_fn;

pub(crate) type Texts = Pin<Box<dyn Stream<Item = Result<String, Status>> + Send>>;

/// A gRPC server with the services `test.Open`, `test.Admin` and `test.Echo`, and its development org.
pub(crate) struct Server {
    pub(crate) org: Org,
    pub(crate) url: String,
    /// The calls that reached a method.
    pub(crate) calls: Arc<AtomicUsize>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let org = Org::start().await.unwrap();
        let (clock, config) = (org.clock(), ConfigBuilder::default().issuer(org.issuer()).api_only());
        Self::with(&org, OktaAuthBuilder::from(config).clock(move || clock.now()).build().unwrap()).await
    }

    pub(crate) async fn with(org: &Org, auth: impl Into<Tenants>) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), org, auth)
    }

    pub(crate) fn on(listener: TcpListener, org: &Org, auth: impl Into<Tenants>) -> Self {
        let url = format!("http://{}", listener.local_addr().unwrap());
        let calls = Arc::new(AtomicUsize::new(0));
        let layer = OktaAuthLayer::new(auth)
            .require("test.Open", anyone())
            .and_then(|layer| layer.require("test.Echo/Orders", scope("orders:read")))
            .and_then(|layer| layer.require("test.Echo/Person", user()))
            .and_then(|layer| layer.require("test.Echo/Person", no_actor()))
            .and_then(|layer| layer.require("test.Admin", scope("admin")))
            .and_then(|layer| layer.require("test.Admin/Delete", user()));
        let router = tonic::transport::Server::builder()
            .layer(layer.unwrap())
            .add_service(Named::<ECHO>(Arc::clone(&calls)))
            .add_service(Named::<OPEN>(Arc::clone(&calls)))
            .add_service(Named::<ADMIN>(Arc::clone(&calls)));
        tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
        Self { org: org.clone(), url, calls }
    }

    pub(crate) fn client(&self) -> Client {
        Client(tonic::client::Grpc::new(self.channel()))
    }

    pub(crate) fn channel(&self) -> Channel {
        Endpoint::from_shared(self.url.clone()).unwrap().connect_lazy()
    }

    pub(crate) fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn token(&self, scopes: &[&str]) -> String {
        self.org.token().access_token(okta_auth_dev::ADA, scopes).sign()
    }
}

const ECHO: u8 = 0;
const OPEN: u8 = 1;
const ADMIN: u8 = 2;

/// A service whose methods say who calls. Its router takes a method in any spelling, unlike one that tonic generates.
#[derive(Clone)]
struct Named<const NAME: u8>(Arc<AtomicUsize>);

impl<const NAME: u8> NamedService for Named<NAME> {
    const NAME: &'static str = match NAME {
        ECHO => "test.Echo",
        OPEN => "test.Open",
        _ => "test.Admin",
    };
}

fn caller<T>(request: &Request<T>) -> String {
    let Ok(token) = request.access_token() else { return "anonymous".to_owned() };
    let actor = token.actor().map_or(String::new(), |actor| format!(" by {}", actor.subject()));
    let tenant = token.tenant().map_or(String::new(), |tenant| format!(" of {}", tenant.id));
    format!("{}{actor}{tenant}, machine: {}", token.subject(), token.is_machine())
}

async fn unary(request: Request<String>) -> Result<Response<String>, Status> {
    Ok(Response::new(caller(&request)))
}

async fn count(request: Request<String>) -> Result<Response<Texts>, Status> {
    let texts: Vec<_> = (1..=3).map(|number| Ok(format!("{number} {}", caller(&request)))).collect();
    Ok(Response::new(Box::pin(tokio_stream::iter(texts))))
}

async fn collect(request: Request<Streaming<String>>) -> Result<Response<String>, Status> {
    let caller = caller(&request);
    let texts: Vec<String> = request.into_inner().collect::<Result<_, _>>().await?;
    Ok(Response::new(format!("{} for {caller}", texts.join("+"))))
}

async fn answer(request: Request<Streaming<String>>) -> Result<Response<Texts>, Status> {
    let caller = caller(&request);
    let texts = request.into_inner().map(move |text| Ok(format!("{} for {caller}", text?)));
    Ok(Response::new(Box::pin(texts)))
}

impl<const NAME: u8> Service<http::Request<Body>> for Named<NAME> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        self.0.fetch_add(1, Ordering::Relaxed);
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<String, String>::default());
        Box::pin(async move {
            let method = request.uri().path().rsplit('/').next().unwrap().to_owned();
            Ok(match method.as_str() {
                "Count" => grpc.server_streaming(service_fn(count), request).await,
                "Collect" => grpc.client_streaming(service_fn(collect), request).await,
                "Answer" => grpc.streaming(service_fn(answer), request).await,
                _ => grpc.unary(service_fn(unary), request).await,
            })
        })
    }
}

/// A status with the metadata of the library.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) status: Code,
    pub(crate) code: Option<String>,
    pub(crate) challenge: Option<String>,
}

impl Refused {
    pub(crate) fn of(status: &Status) -> Self {
        let text = |name: &str| status.metadata().get(name).map(|value| value.to_str().unwrap().to_owned());
        Self { status: status.code(), code: text("okta-auth-code"), challenge: text("www-authenticate") }
    }
}

pub(crate) fn bearer(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("authorization", HeaderValue::from_str(&format!("Bearer {token}")).unwrap());
    headers
}

pub(crate) fn request<T>(message: T, headers: HeaderMap) -> Request<T> {
    Request::from_parts(MetadataMap::from_headers(headers), tonic::Extensions::default(), message)
}

/// tonic's client.
#[derive(Clone)]
pub(crate) struct Client<T = Channel>(pub(crate) tonic::client::Grpc<T>);

impl Client {
    pub(crate) async fn call(&self, path: &str, headers: HeaderMap) -> Result<String, Status> {
        let (mut grpc, path) = (self.0.clone(), PathAndQuery::try_from(path).unwrap());
        grpc.ready().await.unwrap();
        let codec = ProstCodec::<String, String>::default();
        Ok(grpc.unary(request("hello".to_owned(), headers), path, codec).await?.into_inner())
    }

    /// Calls a method that must be refused.
    pub(crate) async fn refused(&self, path: &str, headers: HeaderMap) -> Refused {
        match self.call(path, headers).await {
            Ok(text) => panic!("{path} returned {text}"),
            Err(status) => Refused::of(&status),
        }
    }

    pub(crate) async fn with(&self, path: &str, token: &str) -> Result<String, Status> {
        self.call(path, bearer(token)).await
    }
}
