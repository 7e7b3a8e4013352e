//! What an application does with tokens once it has them: ask userinfo, and renew them.

pub(crate) mod refresh;
pub(crate) mod userinfo;
