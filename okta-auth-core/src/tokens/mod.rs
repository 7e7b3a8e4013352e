//! What an application does with tokens once it has them.

pub(crate) mod userinfo;
