//! Sends notices to apps on this machine. Other targets are rejected, because the signatures of the org are worthless
//! elsewhere.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Position, Url};

use super::notice::{Delivery, Notice};
use crate::browser::http::{Answer, parse};
use crate::local_address::local_address;

const PATIENCE: Duration = Duration::from_secs(10);

/// The size limit of an app's response, in bytes.
const LIMIT: u64 = 1 << 20;

impl Notice {
    /// Sends the notice and waits at most 10 s of real time. Apps on other machines or without plain HTTP are not
    /// contacted; the delivery then has a problem.
    pub async fn send(&self) -> Delivery {
        let delivery = Delivery { client_id: self.client_id.clone(), uri: self.uri.clone(), ..Delivery::default() };
        match send(self).await {
            Ok(answer) => {
                Delivery { status: Some(answer.status), headers: answer.headers, body: answer.body, ..delivery }
            }
            Err(problem) => Delivery { problem: Some(problem), ..delivery },
        }
    }
}

/// Sends several notices concurrently, and returns the deliveries in their order.
pub(crate) async fn send_all(notices: Vec<Notice>) -> Vec<Delivery> {
    let sending: Vec<_> = notices.into_iter().map(|notice| tokio::spawn(async move { notice.send().await })).collect();
    let mut deliveries = Vec::new();
    for delivery in sending {
        // Sending does not panic; a task fails only if the runtime shuts down.
        deliveries.extend(delivery.await);
    }
    deliveries
}

/// Sends a notice; the error says why there is no response.
async fn send(notice: &Notice) -> Result<Answer, String> {
    let url = Url::parse(&notice.uri).map_err(|error| format!("`{}` is not a URL: {error}", notice.uri))?;
    let address = local_address(&url).ok_or("the org sends only to http URLs on this machine")?;
    let answer = tokio::time::timeout(PATIENCE, exchange(address, &request(&url, notice))).await;
    let bytes = answer.map_err(|_| "the app did not respond in time")?.map_err(|error| error.to_string())?;
    parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| "the response of the app is not HTTP".to_owned())
}

fn request(url: &Url, notice: &Notice) -> String {
    let (host, target) =
        (&url[Position::BeforeHost..Position::AfterPort], &url[Position::BeforePath..Position::AfterQuery]);
    let authorization = notice.authorization.as_ref().map(|value| format!("authorization: {value}\r\n"));
    format!(
        "{} {target} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\naccept: */*\r\ncontent-type: {}\r\n\
         {}content-length: {}\r\n\r\n{}",
        notice.method,
        notice.content_type,
        authorization.unwrap_or_default(),
        notice.body.len(),
        notice.body,
    )
}

/// Sends over one connection and reads until the app closes it.
async fn exchange(address: SocketAddr, request: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(LIMIT).read_to_end(&mut bytes).await?;
    Ok(bytes)
}
