//! What HTTP has beside paths and bodies, through the proxy of an API: attacks over raw sockets, on both frameworks.

use okta_auth_core::proxy::ProxyBuilder;
use tokio::io::AsyncWriteExt as _;

use crate::proxy::{Api, app, app_with, header, ok, plain_api, read_to_end, read_until, status};
use crate::support::site::BOTH;

/// `Connection` of a client strips headers that the proxy itself adds (CVE-2022-1388 and others).
#[tokio::test]
async fn connection_removes_no_header_of_the_proxy() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = app_with(framework, &api, |proxy| proxy.forward_header("x-tenant"), |config| config).await;
        let more = "Connection: close, Authorization, Host, X-Tenant, Content-Length, Transfer-Encoding\r\nX-Tenant: 7\r\n\
                    Content-Length: 3\r\n";
        let answer = app.raw(&(app.head("POST /api/orders", more) + "abc")).await;
        assert_eq!(status(&answer), 200, "{framework:?}: {answer}");
        let seen = api.seen()[0].clone();
        assert!(seen.header("authorization").unwrap().starts_with("Bearer "), "{framework:?}");
        assert_eq!((seen.header("host"), seen.header("x-tenant")), (Some(&*api.address), None), "{framework:?}");
        assert_eq!(seen.body, "abc", "{framework:?}");
        // The session and the header cannot be removed either: the request would be another one.
        let more = "Connection: close, Cookie, X-CSRF, Sec-Fetch-Site\r\n";
        assert_eq!(status(&app.raw(&app.head("GET /api/orders", more)).await), 200, "{framework:?}");
    }
}

#[tokio::test]
async fn duplicate_and_folded_headers() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = app(framework, &api).await;
        for more in [
            "Sec-Fetch-Site: cross-site\r\n".to_owned(),
            format!("Origin: http://{}\r\nOrigin: https://evil.example\r\n", app.host),
            "Origin: https://evil.example\r\nOrigin: null\r\n".to_owned(),
        ] {
            let answer = app.raw(&app.head("GET /api/orders", &format!("{more}Connection: close\r\n"))).await;
            assert_eq!(status(&answer), 403, "{framework:?} {more}: {answer}");
        }
        for more in [
            "Transfer-Encoding:\r\n chunked\r\n",
            "Transfer-Encoding: identity,\r\n chunked\r\n",
            "Content-Length: 3\r\n 4\r\n",
            " Content-Length: 3\r\n",
        ] {
            let body = "0\r\n\r\nGET /api/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
            let head = app.head("POST /api/orders", &format!("{more}Connection: close\r\n"));
            let answer = app.raw(&(head + body)).await;
            assert!(answer.matches("HTTP/1.1 200").count() <= 1, "{framework:?} {more}: {answer}");
        }
        assert!(
            api.seen().iter().all(|seen| seen.line == "POST /v1/orders HTTP/1.1"),
            "{framework:?}: {:?}",
            api.seen()
        );
        assert!(api.seen().iter().all(|seen| !seen.body.contains("GET")), "{framework:?}: {:?}", api.seen());
    }
}

#[tokio::test]
async fn expect_continue_is_answered_here() {
    for framework in BOTH {
        let api = plain_api().await;
        let app = app_with(framework, &api, |proxy| proxy.max_request_size(100), |config| config).await;
        let head = app.head("POST /api/orders", "Expect: 100-continue\r\nContent-Length: 3\r\nConnection: close\r\n");
        let mut socket = app.open(&head).await;
        read_until(&mut socket, "HTTP/1.1 100 Continue\r\n\r\n").await;
        socket.write_all(b"abc").await.unwrap();
        let answer = read_to_end(&mut socket).await;
        assert_eq!(status(&answer), 200, "{framework:?}: {answer}");
        let seen = api.seen()[0].clone();
        assert_eq!((seen.header("expect"), seen.body.as_str()), (None, "abc"), "{framework:?}");
        // The client sends no body after a final status. It must not be awaited.
        let head = app.head("POST /api/orders", "Expect: 100-continue\r\nContent-Length: 101\r\nConnection: close\r\n");
        let mut socket = app.open(&head).await;
        let refused = read_until(&mut socket, "proxy_too_large").await;
        assert!(refused.contains(" 413 "), "{framework:?}: {refused}");
        assert_eq!(api.seen().len(), 1, "{framework:?}");
    }
}

#[tokio::test]
async fn trailers_are_dropped() {
    let with_trailer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Set-Cookie\r\n\r\n4\r\ndone\r\n0\r\n\
                        Set-Cookie: __Host-okta_session=evil\r\nX-Injected: 1\r\n\r\n";
    for framework in BOTH {
        let api = Api::start(|_| with_trailer.to_owned()).await;
        let app = app(framework, &api).await;
        let trailers = "Authorization: Bearer forged\r\nX-Injected: 1\r\nContent-Length: 9\r\n\r\n";
        let more = "Transfer-Encoding: chunked\r\nTrailer: Authorization\r\nTE: trailers\r\nConnection: close, TE\r\n";
        let answer = app.raw(&format!("{}3\r\nabc\r\n0\r\n{trailers}", app.head("POST /api/orders", more))).await;
        assert!(status(&answer) == 200 && answer.contains("done"), "{framework:?}: {answer}");
        assert!(!answer.contains("evil") && !answer.to_lowercase().contains("x-injected"), "{framework:?}: {answer}");
        // The API has read a later request, so a trailer would be in front of it.
        assert_eq!(status(&app.get("/api/x").await), 200, "{framework:?}");
        let seen = api.seen();
        assert_eq!((seen.len(), seen[0].body.as_str()), (2, "abc"), "{framework:?}: {seen:?}");
        assert_eq!(seen[1].line, "GET /v1/x HTTP/1.1", "{framework:?}");
        assert!(seen[0].header("trailer").is_none() && seen[0].header("te").is_none(), "{framework:?}");
    }
}

#[tokio::test]
async fn interim_responses_of_the_api_are_dropped() {
    let early = "HTTP/1.1 103 Early Hints\r\nLink: </evil.js>; rel=preload\r\nSet-Cookie: a=b\r\n\r\n";
    let interim = format!("HTTP/1.1 100 Continue\r\nX-Interim: 1\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n{early}{early}");
    for framework in BOTH {
        let sent = interim.clone();
        let api = Api::start(move |_| sent.clone() + &ok("", "done")).await;
        let app = app(framework, &api).await;
        let answer = app.get("/api/x").await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("done"), "{framework:?}: {answer}");
        let head = answer.to_ascii_lowercase();
        for name in ["x-interim", "link:", "set-cookie: a=b"] {
            assert!(!head.contains(name), "{framework:?} {name}: {answer}");
        }
    }
}

/// Bytes after a response are the response to the next request of the same connection, which may be another user's.
#[tokio::test]
async fn bytes_after_a_response_answer_no_other_request() {
    let poison = "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\npoisoned";
    for framework in BOTH {
        let api = Api::start(move |seen| match seen.line.split(' ').nth(1).unwrap() {
            "/v1/head" => format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{poison}", poison.len()),
            "/v1/none" => format!("HTTP/1.1 204 No Content\r\n\r\n{poison}"),
            "/v1/same" => format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n{poison}"),
            "/v1/long" => ok("", "done") + poison,
            "/v1/chunked" => {
                format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\ndone\r\n0\r\n\r\n{poison}")
            }
            _ => ok("", "own"),
        })
        .await;
        let app = app(framework, &api).await;
        for (method, target) in [
            ("HEAD", "/api/head"),
            ("GET", "/api/none"),
            ("GET", "/api/same"),
            ("GET", "/api/long"),
            ("GET", "/api/chunked"),
        ] {
            let first = app.raw(&app.head(&format!("{method} {target}"), "Connection: close\r\n")).await;
            assert!(!first.contains("poisoned"), "{framework:?} {target}: {first}");
            for _ in 0..2 {
                let next = app.get("/api/x").await;
                assert!(next.ends_with("\r\n\r\nown"), "{framework:?} after {target}: {next}");
            }
        }
    }
}

#[tokio::test]
async fn head_and_options() {
    for framework in BOTH {
        let api = Api::start(|seen| match seen.line.split(' ').next().unwrap() {
            "HEAD" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nETag: \"a\"\r\n\r\n".to_owned(),
            _ => ok("Allow: GET, POST\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: *\r\n", ""),
        })
        .await;
        let app = app(framework, &api).await;
        let head = app.raw(&app.head("HEAD /api/x", "Connection: close\r\n")).await;
        assert!(status(&head) == 200 && head.ends_with("\r\n\r\n"), "{framework:?}: {head}");
        assert_eq!(header(&head, "etag"), Some("\"a\""), "{framework:?}: {head}");
        let options = app.raw(&app.head("OPTIONS /api/x", "Connection: close\r\n")).await;
        assert_eq!((status(&options), header(&options, "allow")), (200, Some("GET, POST")), "{framework:?}");
        assert!(!options.to_ascii_lowercase().contains("access-control"), "{framework:?}: {options}");
        // A preflight has neither the session nor the header, and its answer allows nothing.
        let preflight = format!(
            "OPTIONS /api/x HTTP/1.1\r\nHost: {}\r\nOrigin: https://evil.example\r\nAccess-Control-Request-Method: GET\r\n\
             Access-Control-Request-Headers: x-csrf\r\nSec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n",
            app.host
        );
        let answer = app.raw(&preflight).await;
        assert!(
            status(&answer) == 403 && !answer.to_ascii_lowercase().contains("access-control"),
            "{framework:?}: {answer}"
        );
        assert_eq!(api.seen().len(), 2, "{framework:?}");
        let star = app.raw(&app.head("OPTIONS *", "Connection: close\r\n")).await;
        assert!((400..500).contains(&status(&star)) && api.seen().len() == 2, "{framework:?}: {star}");
    }
}

#[tokio::test]
async fn encodings_and_ranges_pass_unchanged() {
    for framework in BOTH {
        let api = Api::start(|seen| match seen.header("range") {
            Some(range) => {
                assert_eq!(range, "bytes=1-2");
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 1-2/4\r\nContent-Length: 2\r\n\r\non".to_owned()
            }
            None => ok("Content-Encoding: gzip\r\nVary: Accept-Encoding\r\n", "not really gzip"),
        })
        .await;
        let app = app_with(framework, &api, |proxy: ProxyBuilder| proxy.max_response_size(100), |config| config).await;
        let zipped = app.raw(&app.head("GET /api/x", "Accept-Encoding: gzip\r\nConnection: close\r\n")).await;
        assert_eq!(header(&zipped, "content-encoding"), Some("gzip"), "{framework:?}");
        assert!(zipped.ends_with("not really gzip"), "{framework:?}: {zipped}");
        assert_eq!(api.seen()[0].header("accept-encoding"), Some("gzip"), "{framework:?}");
        app.get("/api/x").await;
        assert_eq!(api.seen()[1].header("accept-encoding"), None, "{framework:?}: the proxy decodes nothing");
        let head = app.head("POST /api/x", "Content-Encoding: gzip\r\nContent-Length: 3\r\nConnection: close\r\n");
        app.raw(&(head + "abc")).await;
        let seen = api.seen()[2].clone();
        assert_eq!((seen.header("content-encoding"), seen.body.as_str()), (Some("gzip"), "abc"), "{framework:?}");
        let part = app.raw(&app.head("GET /api/x", "Range: bytes=1-2\r\nConnection: close\r\n")).await;
        assert_eq!((status(&part), header(&part, "content-range")), (206, Some("bytes 1-2/4")), "{framework:?}");
        assert!(part.ends_with("\r\n\r\non"), "{framework:?}: {part}");
    }
}

/// A shared cache must not give an error, or data, of one user to another one.
#[tokio::test]
async fn no_response_is_cached() {
    for framework in BOTH {
        let api = Api::start(|seen| {
            let cached =
                "Cache-Control: public, max-age=600, s-maxage=600\r\nExpires: Thu, 01 Jan 2099 00:00:00 GMT\r\n";
            match seen.line.split(' ').nth(1).unwrap() {
                "/v1/missing" => ok(cached, "").replace("200 OK", "404 Not Found"),
                "/v1/moved" => {
                    ok(&format!("{cached}Location: /v1/x\r\n"), "").replace("200 OK", "301 Moved Permanently")
                }
                "/v1/away" => ok(&format!("{cached}Location: /\r\n"), "").replace("200 OK", "301 Moved Permanently"),
                "/v1/broken" => "nonsense\r\n\r\n".to_owned(),
                _ => ok(cached, "data"),
            }
        })
        .await;
        let app = app_with(framework, &api, |proxy| proxy.max_request_size(1), |config| config).await;
        let get = |target: &str| app.head(&format!("GET {target}"), "Connection: close\r\n");
        for (request, expected) in [
            (get("/api/x"), 200),
            (get("/api/missing"), 404),
            (get("/api/moved"), 301),
            (get("/api/away"), 502),
            (get("/api/broken"), 502),
            (get("/api/x//y"), 400),
            (get("/api/x").replace("X-CSRF: 1\r\n", ""), 403),
            (get("/api/x").replace(&app.cookies, "a=b"), 401),
            (app.head("POST /api/x", "Content-Length: 2\r\nConnection: close\r\n") + "ab", 413),
        ] {
            let answer = app.raw(&request).await;
            assert_eq!(status(&answer), expected, "{framework:?} {request}: {answer}");
            let cache = header(&answer, "cache-control").unwrap_or_default();
            assert!(cache.contains("no-store") && !cache.contains("public"), "{framework:?} {request}: {answer}");
            assert_eq!(header(&answer, "expires"), None, "{framework:?} {request}: {answer}");
        }
    }
}

#[tokio::test]
async fn malformed_responses_of_the_api_are_502() {
    let many: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
    let large = format!("X-Request-Id: {}\r\n", "x".repeat(1_000_000));
    for framework in BOTH {
        let (many, large) = (many.clone(), large.clone());
        let api = Api::start(move |seen| match seen.line.split(' ').nth(1).unwrap() {
            "/v1/folded" => ok("X-Request-Id: a\r\n Set-Cookie: b\r\n", "x"),
            "/v1/negative" => "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_owned(),
            "/v1/many" => ok(&many, "x"),
            "/v1/large" => ok(&large, "x"),
            "/v1/status" => "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "/v1/version" => "HTTP/3.0 200 OK\r\nContent-Length: 0\r\n\r\n".to_owned(),
            _ => ok("", "control"),
        })
        .await;
        let app = app(framework, &api).await;
        for target in ["/api/folded", "/api/negative", "/api/many", "/api/large", "/api/status", "/api/version"] {
            let answer = app.get(target).await;
            assert!(status(&answer) == 502 && answer.contains("proxy_unavailable"), "{framework:?} {target}: {answer}");
        }
        assert!(app.get("/api/x").await.ends_with("control"), "{framework:?}");
    }
}
