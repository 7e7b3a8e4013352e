//! The authorization response on its way to the app.
//!
//! Errors are delivered in the same way as codes: in the requested mode, with the state.

use url::{Url, form_urlencoded};

use crate::authorize_request::{AuthorizeRequest, ResponseMode};
use crate::cors::origin_of;
use crate::endpoint::page;
use crate::fault::Fault;
use crate::oauth_error::OAuthError;
use crate::org_state::OrgState;
use crate::random;
use crate::reply::Reply;

type Fields = Vec<(String, String)>;

/// Sends an error to the app.
///
/// The response has `error` and `error_description`; Okta sends no `error_uri`.
pub(crate) fn refuse(org: &OrgState, request: &AuthorizeRequest, error: &OAuthError) -> Reply {
    let fields = [("error", &error.error), ("error_description", &error.description)];
    let fields = fields.into_iter().map(|(name, value)| (name.to_owned(), value.clone().into_owned()));
    respond(org, request, fields.collect()).refused(&error.error, &error.description)
}

/// Sends a response to the app, with `state` and the active faults.
pub(crate) fn respond(org: &OrgState, request: &AuthorizeRequest, mut fields: Fields) -> Reply {
    fields.extend(request.state.iter().map(|state| ("state".to_owned(), state.clone())));
    fields.extend(issuer(org, request).map(|issuer| ("iss".to_owned(), issuer)));
    distort(org, &mut fields);
    match request.response_mode {
        ResponseMode::Query => redirect(with_query(&request.redirect_uri, &fields)),
        ResponseMode::Fragment => redirect(with_fragment(&request.redirect_uri, &fields)),
        ResponseMode::FormPost => {
            let nonce = random::token();
            let page = page::form_post(org, &request.redirect_uri, &fields, &nonce);
            scripted(page, &nonce, "'none'")
        }
        ResponseMode::PostMessage => {
            let nonce = random::token();
            // A page cannot have a custom scheme, so the message would have no receiver.
            let origin = origin_of(&request.redirect_uri).unwrap_or_else(|| org.url.clone());
            scripted(page::post_message(org, &origin, &fields, &nonce), &nonce, &origin)
        }
    }
}

/// The issuer (RFC 9207), which Okta does not send.
fn issuer(org: &OrgState, request: &AuthorizeRequest) -> Option<String> {
    let server = org.server(&request.server).filter(|_| org.options.rfc_extensions)?;
    (!org.faults.hit(&Fault::AuthorizeNoIss)).then(|| server.settings.issuer(&org.url))
}

/// A redirect to the app. The policy keeps the code out of referrers.
fn redirect(location: String) -> Reply {
    Reply::redirect(location).header("referrer-policy", "no-referrer")
}

/// A page with one script, which pages of `ancestors` may frame.
fn scripted(page: String, nonce: &str, ancestors: &str) -> Reply {
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'nonce-{nonce}'; base-uri 'none'; \
         frame-ancestors {ancestors}"
    );
    Reply::html(200, page).header("content-security-policy", policy)
}

/// Appends fields to the query, which the registered URI may already have.
pub(crate) fn with_query(uri: &str, fields: &[(String, String)]) -> String {
    let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
    if !fields.is_empty() {
        url.query_pairs_mut().extend_pairs(fields);
    }
    url.to_string()
}

fn with_fragment(uri: &str, fields: &[(String, String)]) -> String {
    let Ok(mut url) = Url::parse(uri) else { return uri.to_owned() };
    let fragment = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    url.set_fragment(Some(&fragment));
    url.to_string()
}

fn distort(org: &OrgState, fields: &mut Fields) {
    let faults = &org.faults;
    if faults.hit(&Fault::AuthorizeState) {
        for (_, value) in fields.iter_mut().filter(|(name, _)| name == "state") {
            value.push('1');
        }
    }
    if faults.hit(&Fault::AuthorizeNoState) {
        fields.retain(|(name, _)| name != "state");
    }
    let mut add = |name: &str, value: String| fields.push((name.to_owned(), value));
    if faults.hit(&Fault::AuthorizeDuplicateState) {
        add("state", random::token());
    }
    if faults.hit(&Fault::AuthorizeDuplicateCode) {
        add("code", random::token());
    }
    if faults.hit(&Fault::AuthorizeErrorAndCode) {
        add("error", "access_denied".to_owned());
        add("error_description", "The resource owner or authorization server denied the request.".to_owned());
    }
    if let Some(issuer) =
        faults.find(|fault| if let Fault::AuthorizeIss(iss) = fault { Some(iss.clone()) } else { None })
    {
        fields.retain(|(name, _)| name != "iss");
        fields.push(("iss".to_owned(), issuer));
    }
}
