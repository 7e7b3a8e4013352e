//! Relays between an application and the network: a forward proxy, a reverse proxy that
//! strips a prefix, and the internal address of a service. Each request has its own
//! connection, and is recorded.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A relay that runs until the test ends.
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// The head of a request.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The target without its query.
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap()
    }
}

/// Where the relay sends requests.
#[derive(Clone)]
enum Role {
    /// To one address.
    Inside(SocketAddr),
    /// To one address, with a prefix stripped from the path.
    Strip(String, SocketAddr),
    /// To the requested host.
    Forward,
}

impl Relay {
    /// Another address of this machine for the server at `target`.
    pub(crate) async fn inside(ip: &str, target: SocketAddr) -> Self {
        Self::start(ip, Role::Inside(target)).await
    }

    /// A reverse proxy that strips `prefix` before it forwards requests to `target`.
    pub(crate) async fn stripping(prefix: &str, target: SocketAddr) -> Self {
        Self::start("127.0.0.1", Role::Strip(prefix.to_owned(), target)).await
    }

    /// A forward proxy. It does not resolve names, and responds 502 to hosts that are not
    /// IP addresses.
    pub(crate) async fn forward() -> Self {
        Self::start("127.0.0.1", Role::Forward).await
    }

    async fn start(ip: &str, role: Role) -> Self {
        let listener = TcpListener::bind((ip, 0)).await.unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let known = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(relay(client, role.clone(), Arc::clone(&known)));
            }
        });
        Self { address, seen }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

/// Handles one connection with one request.
async fn relay(mut client: TcpStream, role: Role, seen: Arc<Mutex<Vec<Seen>>>) -> std::io::Result<()> {
    let Some((head, mut body)) = read_head(&mut client).await? else { return Ok(()) };
    seen.lock().unwrap().push(head.clone());
    let target = match &role {
        Role::Inside(target) | Role::Strip(_, target) => Some(*target),
        Role::Forward if head.method == "CONNECT" => head.target.parse().ok(),
        Role::Forward => url::Url::parse(&head.target).ok().and_then(|url| url.socket_addrs(|| None).ok()?.pop()),
    };
    let Some(target) = target else {
        return client.write_all(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
    };
    let mut server = TcpStream::connect(target).await?;
    if head.method == "CONNECT" {
        client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?;
        tokio::io::copy_bidirectional(&mut client, &mut server).await?;
        return Ok(());
    }
    let length = head.header("content-length").map_or(0, |length| length.parse::<usize>().unwrap());
    let received = body.len();
    body.resize(length, 0);
    if received < length {
        client.read_exact(&mut body[received..]).await?;
    }
    let path = match &role {
        Role::Strip(prefix, _) => head.target.strip_prefix(prefix.as_str()).unwrap_or(&head.target).to_owned(),
        Role::Forward => url::Url::parse(&head.target).map(|url| url[url::Position::BeforePath..].to_owned()).unwrap(),
        Role::Inside(_) => head.target.clone(),
    };
    let mut request = format!("{} {path} HTTP/1.1\r\nconnection: close\r\n", head.method);
    let others = head.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("connection"));
    others.for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
    server.write_all(format!("{request}\r\n").as_bytes()).await?;
    server.write_all(&body).await?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer).await?;
    client.write_all(&answer).await
}

/// Reads the head of a request, and the part of the body that arrived with it.
async fn read_head(client: &mut TcpStream) -> std::io::Result<Option<(Seen, Vec<u8>)>> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        let mut part = [0; 4096];
        match client.read(&mut part).await? {
            0 => return Ok(None),
            length => bytes.extend_from_slice(&part[..length]),
        }
    };
    let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let (method, target) = (first.next().unwrap().to_owned(), first.next().unwrap().to_owned());
    let headers =
        lines.filter_map(|line| line.split_once(": ")).map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(Some((Seen { method, target, headers: headers.collect() }, bytes[end + 4..].to_vec())))
}
