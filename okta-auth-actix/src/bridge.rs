//! Between `http` 0.2, which actix-web speaks, and `http` 1, which the core speaks. Nothing else
//! in this crate knows both.

use actix_web::http::header as old;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use http::header::{ACCEPT, AUTHORIZATION, COOKIE};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};
use okta_auth_core::engine::{Reply, Visit};

/// The headers of a response that the engine reads or writes when it finishes one.
static FINISHED: [&str; 6] =
    ["set-cookie", "cache-control", "vary", "expires", "cdn-cache-control", "surrogate-control"];

/// Headers of nearly every request that the engine looks at: their names need not be read.
static LOOKED_AT: [HeaderName; 3] = [COOKIE, AUTHORIZATION, ACCEPT];

/// A request's method, query and headers. Repeated headers stay apart and in order, and the query is
/// the client's, byte for byte. Headers whose names `keep` refuses are left out, and so is a path
/// alone: the engine gets [`target`] for that.
pub(crate) fn parts(request: &HttpRequest, keep: impl Fn(&str) -> bool) -> Parts {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = Method::from_bytes(request.method().as_str().as_bytes()).unwrap_or_default();
    let uri = request.uri();
    if uri.query().is_some() || uri.authority().is_some() {
        parts.uri = Uri::try_from(uri.to_string()).unwrap_or_default();
    }
    for (name, value) in request.headers() {
        let known = LOOKED_AT.iter().find(|known| known.as_str() == name.as_str()).cloned();
        let read = || keep(name.as_str()).then(|| HeaderName::from_bytes(name.as_str().as_bytes()).ok())?;
        // What `http` 0.2 has accepted is accepted here too.
        if let (Some(name), Ok(value)) = (known.or_else(read), HeaderValue::from_bytes(value.as_bytes())) {
            parts.headers.append(name, value);
        }
    }
    parts
}

/// Path and query as the client sent them; no scope takes a prefix away from them.
pub(crate) fn target(request: &HttpRequest) -> &str {
    request.uri().path_and_query().map_or("/", |target| target.as_str())
}

/// An answer of the engine as a response of actix-web.
pub(crate) fn into_response(reply: Reply) -> HttpResponse {
    let (parts, body) = reply.into_parts();
    let status = actix_web::http::StatusCode::from_u16(parts.status.as_u16()).unwrap_or_default();
    let mut response = HttpResponseBuilder::new(status);
    for (name, value) in &parts.headers {
        if let Some((name, value)) = old_header(name, value) {
            response.append_header((name, value));
        }
    }
    response.body(body)
}

/// Lets the engine add to a response what the session needs.
pub(crate) fn finish<B>(visit: &Visit, response: &mut HttpResponse<B>) {
    if !visit.has_to_finish() {
        return;
    }
    // One look at what there is: nearly no response has any of these.
    let mut headers = HeaderMap::new();
    for (name, value) in response.headers() {
        let Some(name) = FINISHED.iter().find(|known| **known == name.as_str()) else { continue };
        if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
            headers.append(*name, value);
        }
    }
    let before: Vec<HeaderName> = headers.keys().cloned().collect();
    visit.finish(&mut headers);
    for name in before {
        response.headers_mut().remove(name.as_str());
    }
    for (name, value) in &headers {
        if let Some((name, value)) = old_header(name, value) {
            response.headers_mut().append(name, value);
        }
    }
}

/// A header of `http` 0.2.
fn old_header(name: &HeaderName, value: &HeaderValue) -> Option<(old::HeaderName, old::HeaderValue)> {
    let name = old::HeaderName::from_bytes(name.as_str().as_bytes()).ok()?;
    Some((name, old::HeaderValue::from_bytes(value.as_bytes()).ok()?))
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
        let parts = parts(&request, |_| true);
        assert_eq!(parts.method, Method::PATCH);
        assert_eq!(parts.uri.to_string(), "/a%2Fb?x=%20&&y=a+b&z=%zz'()");
        let cookies: Vec<_> = parts.headers.get_all("cookie").iter().map(HeaderValue::as_bytes).collect();
        assert_eq!(cookies, [b"a=1".as_slice(), "b=2; c=\u{e9}".as_bytes()]);
        assert_eq!(parts.headers["x-binary"].as_bytes(), [0x80, 0xff]);
    }

    #[test]
    fn repeated_headers_of_an_answer_survive() {
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
