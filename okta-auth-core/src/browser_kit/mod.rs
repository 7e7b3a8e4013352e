//! The server's part of the browser kit: the state of the session for scripts, the script, the page that ends a sign-in
//! in a window, and silent sign-in.

mod assets;
mod session_status;
mod silent;
mod user_tag;

pub(crate) use assets::{ScriptCaching, popup_page, script};
pub(crate) use session_status::anonymous_status;
use silent::SilentLogins;
pub(crate) use silent::needs_the_user;
use user_tag::UserTags;

use crate::config::Config;
use crate::cookie::CookieKeys;
use crate::error::Result;

/// The browser kit of one application, or of one tenant.
#[derive(Debug)]
pub(crate) struct BrowserKit {
    /// Only the session address shows them.
    tags: Option<Box<UserTags>>,
    pub(crate) silent: SilentLogins,
}

impl BrowserKit {
    /// Creates it for an application with or without routes that begin silent sign-ins.
    pub(crate) fn new(keys: &CookieKeys, config: &Config, has_silent_routes: bool) -> Result<Self> {
        let tags =
            config.app.options.browser_kit.is_on.then(|| UserTags::new(keys, config).map(Box::new)).transpose()?;
        Ok(Self { tags, silent: SilentLogins::new(config, has_silent_routes) })
    }
}
