//! Calls of the example to itself.

use okta_auth::outgoing::Outgoing;
use okta_auth_dev::Org;
use okta_auth_tonic::AuthorizedChannel;
use tokio_stream::StreamExt;
use tonic::transport::Endpoint;

use crate::generated::orders_client::OrdersClient;
use crate::generated::{CancelRequest, ListRequest};

pub(crate) async fn call(org: &Org, port: u16) -> Result<(), Box<dyn std::error::Error>> {
    let url = format!("http://127.0.0.1:{port}");
    let endpoint = Endpoint::from_shared(url.clone())?;

    let mut anonymous = OrdersClient::new(endpoint.connect_lazy());
    if let Err(status) = anonymous.list(ListRequest {}).await {
        println!("List without a token: {:?}, {}", status.code(), status.message());
    }

    let service = org.service_client();
    let outgoing = Outgoing::builder().issuer(org.issuer()).client_id(&service.client_id);
    let outgoing = outgoing.client_secret(service.client_secret.unwrap_or_default()).build()?;
    let orders = outgoing.target(&url)?.for_machine(["orders:read"]);
    let mut machine = OrdersClient::new(AuthorizedChannel::new(&endpoint, orders));
    let mut listed = machine.list(ListRequest {}).await?.into_inner();
    while let Some(order) = listed.next().await {
        let order = order?;
        println!("List as a machine: order {}, {}", order.id, order.article);
    }
    if let Err(status) = machine.cancel(CancelRequest { id: 1 }).await {
        println!("Cancel as a machine: {:?}, {}", status.code(), status.message());
    }
    Ok(())
}
