//! What an application does with tokens once it has them. For now: ask userinfo.

pub(crate) mod userinfo;
