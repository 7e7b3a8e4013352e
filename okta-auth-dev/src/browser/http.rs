//! A minimal HTTP/1.1 client that avoids a dependency.
//!
//! It supports only what the org's own server uses: no chunked encoding, no keep-alive, no TLS, no proxies.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use url::{Position, Url, form_urlencoded};

use crate::error::Error;

#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) url: &'a Url,
    pub(crate) cookies: String,
    pub(crate) authorization: Option<String>,
    /// The encoded form of a POST; `None` for a GET.
    pub(crate) form: Option<String>,
}

impl<'a> Request<'a> {
    pub(crate) fn get(url: &'a Url) -> Self {
        Self { url, cookies: String::new(), authorization: None, form: None }
    }

    pub(crate) fn post<V: AsRef<str>>(url: &'a Url, fields: &[(&str, V)]) -> Self {
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        Self { form: Some(form), ..Self::get(url) }
    }

    pub(crate) fn cookies(mut self, cookies: &BTreeMap<String, String>) -> Self {
        let pairs: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        self.cookies = pairs.join("; ");
        self
    }

    pub(crate) fn authorization(mut self, value: Option<String>) -> Self {
        self.authorization = value;
        self
    }

    fn text(&self) -> String {
        let authority = &self.url[Position::BeforeHost..Position::AfterPort];
        let target = &self.url[Position::BeforePath..Position::AfterQuery];
        let method = if self.form.is_some() { "POST" } else { "GET" };
        let mut head =
            format!("{method} {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\naccept: text/html\r\n");
        if !self.cookies.is_empty() {
            head.push_str(&format!("cookie: {}\r\n", self.cookies));
        }
        self.authorization.iter().for_each(|value| head.push_str(&format!("authorization: {value}\r\n")));
        let Some(body) = &self.form else { return format!("{head}\r\n") };
        head.push_str("content-type: application/x-www-form-urlencoded\r\n");
        format!("{head}content-length: {}\r\n\r\n{body}", body.len())
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Header names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Sends one request over a new connection and reads until the server closes it.
///
/// Connects to the server's address regardless of the URL's host, so `acme.localhost` needs no name resolution. The
/// host must still be a loopback name.
pub(crate) async fn exchange(address: SocketAddr, request: &Request<'_>) -> Result<Answer, Error> {
    let url = request.url;
    let host = url.host_str().unwrap_or_default();
    let here = host == "localhost" || host.ends_with(".localhost") || host == address.ip().to_string();
    if !here || url.port() != Some(address.port()) {
        return Err(Error::browser(format_args!(
            "{url} does not belong to this org: the browser visits only the org itself"
        )));
    }
    let failed = |error| Error::browser("the org does not respond; was it stopped?").because(error);
    let mut stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.write_all(request.text().as_bytes()).await.map_err(failed)?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.map_err(failed)?;
    parse(&String::from_utf8_lossy(&bytes)).ok_or_else(|| Error::browser("the response of the org is not HTTP"))
}

/// Parses a response whose body ends with the connection. The server never sends chunks, because its bodies are in
/// memory.
pub(crate) fn parse(text: &str) -> Option<Answer> {
    let (head, body) = text.split_once("\r\n\r\n")?;
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let headers = lines.filter_map(|line| line.split_once(':'));
    let headers = headers.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect();
    Some(Answer { status, headers, body: body.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_parsed() {
        let answer = parse("HTTP/1.1 302 Found\r\nLocation: /x\r\nSet-Cookie: a=b; Path=/\r\n\r\nbody").unwrap();
        assert_eq!((answer.status, answer.header("location"), answer.body.as_str()), (302, Some("/x"), "body"));
        assert!(parse("nonsense").is_none());
    }
}
