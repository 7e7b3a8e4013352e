//! The cookie of the Okta session.

use crate::org_state::OrgState;

/// The cookie of the Okta session, with Identity Engine's name.
///
/// All servers of an org share it, which gives its apps single sign-on. Cookies ignore ports, so two orgs at the same
/// loopback address overwrite each other's session.
pub(super) const SESSION_COOKIE: &str = "idx";

/// The session cookie. It ends with the browser session, as at Okta unless users choose to stay signed in.
pub(super) fn session_cookie(org: &OrgState, id: &str) -> String {
    format!("{SESSION_COOKIE}={id}; Path=/; HttpOnly; {}", same_site(org))
}

/// The cookie that removes the session cookie from the browser.
pub(super) fn ended_cookie(org: &OrgState) -> String {
    format!("{SESSION_COOKIE}=; Path=/; HttpOnly; {}; Max-Age=0", same_site(org))
}

/// The `SameSite` attribute of the session cookie. As at Okta, requests from frames of other sites carry the cookie,
/// where browsers still allow it. On plain HTTP it is `Lax`, because Safari and many scripted clients drop `Secure`
/// cookies there.
fn same_site(org: &OrgState) -> &'static str {
    let secure = org.url.starts_with("https:") || org.options.cross_site_cookies;
    if secure { "SameSite=None; Secure" } else { "SameSite=Lax" }
}
