//! An issuer that somebody else typed.

use super::issuer::Issuer;
use crate::error::{Code, Error, Result};
use crate::http::EgressPolicy;

impl EgressPolicy {
    /// Whether an issuer that comes from a table of tenants may be used at all. Nothing
    /// is fetched and no name is resolved: the addresses are looked at when a
    /// connection is made.
    ///
    /// Besides the rules for every URL, the issuer must be written as it is used. The
    /// parser of URLs drops tabs, turns `\` into `/` and full-width letters into plain
    /// ones, and an issuer that reads differently from where it leads deceives whoever
    /// approves it.
    ///
    /// # Errors
    /// [`Code::ConfigInvalid`], with the fix.
    pub fn check_issuer(&self, issuer: &Issuer) -> Result<()> {
        self.finish()?;
        let url = issuer.url();
        let refusal = self.refusal(url).or_else(|| {
            let parsed = url.as_str();
            let same = parsed.strip_suffix('/').unwrap_or(parsed) == issuer.as_str();
            (!same).then(|| format!("it is not written as it is used; write `{}`", parsed.trim_end_matches('/')))
        });
        refusal.map_or(Ok(()), |problem| {
            let message = format!("the issuer `{}` cannot be used: {problem}", issuer.as_str().escape_default());
            Err(Error::new(Code::ConfigInvalid, message))
        })
    }
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
