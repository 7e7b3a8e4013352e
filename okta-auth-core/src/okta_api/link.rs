//! The link to the next page (RFC 8288).

use http::HeaderMap;
use http::header::LINK;
use url::Url;

use super::path::PREFIX;
use crate::error::{Code, Error, Result};

/// Returns the URL of the page after `current`; `None` if that was the last one.
///
/// # Errors
/// [`Code::ProviderResponse`] if the link leads out of the API of the org, or to the same page again.
pub(super) fn next_page(current: &Url, headers: &HeaderMap) -> Result<Option<Url>> {
    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
    let Some(target) = values.into_iter().find_map(next_target) else { return Ok(None) };
    let wrong = |why: &str| Err(Error::new(Code::ProviderResponse, format!("the link to the next page {why}")));
    let Ok(next) = current.join(target) else { return wrong("is not a URL") };
    let has_userinfo = !next.username().is_empty() || next.password().is_some();
    if next.origin() != current.origin() || has_userinfo || !next.path().starts_with(PREFIX) {
        return wrong("leads out of the org's API, so it is not followed; only the org may receive the token");
    }
    if next == *current {
        return wrong("leads to the same page again");
    }
    Ok(Some(next))
}

/// Returns the target of the first link with the relation `next`.
fn next_target(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (target, after) = rest.split_once('<')?.1.split_once('>')?;
        let (parameters, others) = split_unquoted(after, ',');
        if is_next(parameters) {
            return Some(target);
        }
        rest = others;
    }
}

fn is_next(mut parameters: &str) -> bool {
    while !parameters.is_empty() {
        let (parameter, others) = split_unquoted(parameters, ';');
        parameters = others;
        let Some((name, value)) = parameter.split_once('=') else { continue };
        if name.trim().eq_ignore_ascii_case("rel") {
            // Further occurrences do not count (RFC 8288 §3.3).
            let relations = value.trim().trim_matches('"');
            return relations.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next"));
        }
    }
    false
}

/// Splits at the first separator that is not in a quoted string.
fn split_unquoted(text: &str, separator: char) -> (&str, &str) {
    let (mut quoted, mut escaped) = (false, false);
    let split = text.split_once(|c| {
        let is_end = c == separator && !quoted;
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        is_end
    });
    split.unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(links: &[&str]) -> Result<Option<String>> {
        let current = Url::parse("https://acme.okta.com/api/v1/users?limit=2").unwrap();
        let headers = links.iter().map(|link| (LINK, link.parse().unwrap())).collect();
        next_page(&current, &headers).map(|next| next.map(String::from))
    }

    #[test]
    fn the_next_link_is_found_among_others() {
        let expected = Some("https://acme.okta.com/api/v1/users?after=x,y&limit=2".to_owned());
        let (own, after) = ("https://acme.okta.com/api/v1/users?limit=2", expected.as_deref().unwrap());
        for links in [
            &[&*format!("<{own}>; rel=\"self\""), &format!("<{after}>; rel=\"next\"")][..],
            &[&format!("<{after}>; title=\"a, b; rel=self \\\" c\"; rel=next, <{own}>; rel=\"self\"")],
            &[&format!("<{own}>; title=\"<x>; rel=next\"; rel=self,<{after}>;REL=\"prefetch NEXT\"")],
            &["</api/v1/users?after=x,y&limit=2>; rel=next"],
        ] {
            assert_eq!(next(links).unwrap(), expected, "{links:?}");
        }
        let without: [&[&str]; 7] =
            [&[], &[""], &["next"], &["<x"], &["<x>"], &["<x>; rel=self; rel=next"], &["<x>; title=\"; rel=next"]];
        for links in without {
            assert_eq!(next(links).unwrap(), None, "{links:?}");
        }
    }

    #[test]
    fn a_link_out_of_the_api_is_an_error() {
        for target in [
            "https://evil.example/api/v1/users",
            "https://acme.okta.com.evil.example/api/v1/users",
            "https://acme.okta.com@evil.example/api/v1/users",
            "https://me@acme.okta.com/api/v1/users?after=x",
            "http://acme.okta.com/api/v1/users?after=x",
            "https://acme.okta.com:8443/api/v1/users?after=x",
            "//evil.example/api/v1/users",
            "/\\evil.example/api/v1/users",
            "https://acme.okta.com/oauth2/v1/token",
            "https://acme.okta.com/api/v1/../../oauth2",
            "https://acme.okta.com/api/v1/users?limit=2",
            "javascript:alert(1)",
            "https://",
        ] {
            let error = next(&[&format!("<{target}>; rel=\"next\"")]).unwrap_err();
            assert_eq!(error.code(), Code::ProviderResponse, "{target}");
        }
    }
}
