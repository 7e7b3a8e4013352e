//! Uses of issued tokens: userinfo, and the refresh of a session's tokens.

pub(crate) mod refresh;
pub(crate) mod userinfo;
