//! Checks issuers that come from a table of tenants.

use super::guard::EgressPolicy;
use crate::error::{Code, Error, Result};
use crate::issuer::Issuer;

impl EgressPolicy {
    /// Checks whether an issuer from a table of tenants may be used. Nothing is fetched and no name is resolved: the
    /// addresses are checked when a connection is opened.
    ///
    /// Besides the rules for every URL, the issuer must be written in the form in which it is used. The URL parser
    /// drops tabs, turns `\` into `/` and full-width letters into ASCII letters. An issuer that reads differently from
    /// where it leads would deceive the person who approves it.
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
