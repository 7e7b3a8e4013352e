//! A gRPC API for Okta access tokens. It needs only `OKTA_ISSUER_URI` and `OKTA_AUDIENCE`. Without them it starts a
//! development org, and calls itself.

#[rustfmt::skip]
mod generated;
mod demo;
mod port;

use generated::orders_server::{Orders, OrdersServer};
use generated::{CancelReply, CancelRequest, ListRequest, Order};
use okta_auth::OktaAuth;
use okta_auth::policy::{scope, user};
use okta_auth_tonic::{OktaAuthLayer, RequestExt};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init(); // the log has the reason of a rejected token
    let port = port::port()?;
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.map_err(port::taken(port))?;
    let builder = OktaAuth::builder().from_env();
    // A variable of another Okta library is an error that names the right one, and starts no org.
    let org = if builder.names_an_org() { None } else { Some(okta_auth_dev::Org::start().await?) };
    let builder = match &org {
        Some(org) => builder.from_variables(org.env()),
        None => builder,
    };
    let auth = builder.base_url(port::base(port)).api_only().build()?;
    let layer = OktaAuthLayer::new(&auth)
        .require("shop.v1.Orders", scope("orders:read"))? // every method
        .require("shop.v1.Orders/Cancel", user())?; // this one needs a user too
    let server = Server::builder().layer(layer).add_service(OrdersServer::new(Shop));
    let server = tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    if let Some(org) = &org {
        demo::call(org, port).await?;
    }
    println!("Listening on {}", auth.config().base_url());
    Ok(server.await??)
}

struct Shop;

#[tonic::async_trait]
impl Orders for Shop {
    type ListStream = tokio_stream::Iter<std::vec::IntoIter<Result<Order, Status>>>;

    async fn list(&self, _request: Request<ListRequest>) -> Result<Response<Self::ListStream>, Status> {
        let orders = [(1, "tea"), (2, "coffee")].map(|(id, article)| Ok(Order { id, article: article.to_owned() }));
        Ok(Response::new(tokio_stream::iter(Vec::from(orders))))
    }

    async fn cancel(&self, request: Request<CancelRequest>) -> Result<Response<CancelReply>, Status> {
        let by = request.access_token()?.subject().to_owned();
        Ok(Response::new(CancelReply { by }))
    }
}
