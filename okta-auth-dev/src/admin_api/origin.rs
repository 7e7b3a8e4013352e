//! Protection against pages of other sites.

use crate::org_state::OrgState;
use crate::request_log::Recorded;

/// Whether the request comes from the org's own page or not from a page at all.
///
/// Browsers send `Sec-Fetch-Site`; the check of `Origin` covers browsers that do not.
pub(super) fn is_local(org: &OrgState, request: &Recorded) -> bool {
    match request.header("sec-fetch-site") {
        Some(site) => site == "same-origin" || site == "none",
        None => request.header("origin").is_none_or(|origin| origin == org.url),
    }
}
