//! Conversions between `http` 0.2, which actix-web uses, and `http` 1, which the core uses. Only this module of the
//! crate uses both.

use actix_web::http::header as old;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder};
use http::header::{CACHE_CONTROL, VARY};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use okta_auth_core::adapter::{
    Admission, Candidates, Challenge, Head, HeaderText, Headers, Incoming, Layer, Reply, RequestContext, RequestRoute,
};

/// Headers of `http` 0.2, read in place.
struct Old<'a>(&'a old::HeaderMap);

impl Headers for Old<'_> {
    type Value = old::HeaderValue;

    fn each(&self) -> impl Iterator<Item = (&str, &old::HeaderValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value))
    }

    fn keep(value: &old::HeaderValue) -> HeaderText {
        HeaderText::new(value.clone())
    }
}

/// Decides whether a request reaches its handler.
pub(crate) fn admit(layer: &Layer, request: &HttpRequest, candidates: Candidates) -> Admission {
    // Path and query as the client sent them. Scopes do not strip a prefix.
    let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
    let authority = request.uri().authority().map(|authority| authority.as_str());
    let (method, headers) = (&method(request), &Old(request.headers()));
    layer.admit(Incoming {
        head: Head { method, authority, target, headers },
        routed_path: request.path(),
        route: RequestRoute::Candidates(candidates),
        outer: request.extensions().get(),
    })
}

fn method(request: &HttpRequest) -> Method {
    Method::from_bytes(request.method().as_str().as_bytes()).unwrap_or_default()
}

fn version(request: &HttpRequest) -> Version {
    match request.version() {
        actix_web::http::Version::HTTP_10 => Version::HTTP_10,
        actix_web::http::Version::HTTP_2 => Version::HTTP_2,
        _ => Version::HTTP_11,
    }
}

/// Converts a request's method, URI, version and headers. Repeated headers keep their order, and the query keeps its
/// bytes.
pub(crate) fn parts(request: &HttpRequest) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = method(request);
    parts.version = version(request);
    parts.uri = Uri::try_from(request.uri().to_string()).unwrap_or_default();
    for (name, value) in request.headers() {
        let name = HeaderName::from_bytes(name.as_str().as_bytes());
        // Headers that `http` 0.2 accepts are valid in `http` 1 too.
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.as_bytes())) {
            parts.headers.append(name, value);
        }
    }
    parts
}

/// Converts a response, with the challenge that it carries.
pub(crate) fn into_response(reply: Reply) -> HttpResponse {
    let (mut parts, body) = reply.into_parts();
    let status = actix_web::http::StatusCode::from_u16(parts.status.as_u16()).unwrap_or_default();
    let mut response = HttpResponseBuilder::new(status);
    for (name, value) in &parts.headers {
        if let Some(value) = old_value(value) {
            response.append_header((name.as_str(), value));
        }
    }
    let mut response = response.body(body);
    if let Some(challenge) = parts.extensions.remove::<Challenge>() {
        response.extensions_mut().insert(challenge);
    }
    response
}

pub(crate) async fn answer(context: &RequestContext, challenge: Challenge, replaced: &HttpResponse) -> HttpResponse {
    into_response(context.answer_in_place_of(challenge, &Old(replaced.headers())).await)
}

pub(crate) fn finish(context: &RequestContext, response: &mut HttpResponse) {
    let finish = context.header_changes_for(&Old(response.headers()));
    let headers = response.headers_mut();
    finish.removed.iter().for_each(|name| drop(headers.remove(name.as_str())));
    for header in finish.fixed {
        headers.append(old_name(&header.name), old::HeaderValue::from_static(header.text));
    }
    for cookie in finish.cookies.iter().filter_map(old_value) {
        headers.append(old::SET_COOKIE, cookie);
    }
    for (name, value) in &finish.others {
        if let (Ok(name), Some(value)) = (old::HeaderName::try_from(name.as_str()), old_value(value)) {
            headers.append(name, value);
        }
    }
}

/// Parses no name for the headers of nearly every response.
fn old_name(name: &'static HeaderName) -> old::HeaderName {
    match *name {
        VARY => old::VARY,
        CACHE_CONTROL => old::CACHE_CONTROL,
        _ => old::HeaderName::from_static(name.as_str()),
    }
}

fn old_value(value: &HeaderValue) -> Option<old::HeaderValue> {
    old::HeaderValue::from_bytes(value.as_bytes()).ok()
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn repeated_headers_and_the_query_survive() {
        let request = TestRequest::with_uri("/a%2Fb?x=%20&&y=a+b&z=%zz'()")
            .method(actix_web::http::Method::PATCH)
            .append_header(("cookie", "a=1"))
            .append_header(("cookie", "b=2; c=\u{e9}"))
            .append_header(("x-binary", old::HeaderValue::from_bytes(&[0x80, 0xff]).unwrap()))
            .to_http_request();
        let parts = parts(&request);
        assert_eq!(parts.method, Method::PATCH);
        assert_eq!(parts.uri.to_string(), "/a%2Fb?x=%20&&y=a+b&z=%zz'()");
        let cookies: Vec<_> = parts.headers.get_all("cookie").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(cookies, [b"a=1".as_slice(), "b=2; c=\u{e9}".as_bytes()]);
        assert_eq!(parts.headers["x-binary"].as_bytes(), [0x80, 0xff]);
    }

    #[test]
    fn repeated_headers_of_a_response_survive() {
        let mut reply = Reply::new(bytes::Bytes::from_static(b"body"));
        *reply.status_mut() = http::StatusCode::SEE_OTHER;
        for value in ["a=1; Path=/", "b=2; Path=/"] {
            reply.headers_mut().append("set-cookie", HeaderValue::from_static(value));
        }
        let response = into_response(reply);
        let cookies: Vec<_> = response.headers().get_all("set-cookie").map(|value| value.to_str().unwrap()).collect();
        assert_eq!((response.status().as_u16(), cookies), (303, vec!["a=1; Path=/", "b=2; Path=/"]));
    }
}
