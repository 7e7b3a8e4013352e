//! The HTML pages: sign-in, second factor, devices, errors, home. They have light and dark styles and load no external
//! assets.
//!
//! The pages pass an accessibility checker: every field has a label, errors are announced and tied to the fields, the
//! focus is visible, and everything works without scripts. All external text is escaped.
//!
//! Every page has a content security policy that allows only its own styles. Three pages need more and have their own
//! policy: those that send a form or a message to the app, and the one that notifies apps through the front channel.
//! Each has at most one script, allowed by its nonce.

mod activate;
mod error;
mod front_channel;
mod home;
mod layout;
mod response;
mod sign_in;
mod verify;

pub(super) use activate::{Activate, Connect, connected};
pub(super) use error::{error, expired};
pub(super) use front_channel::front_channel;
pub(super) use home::home;
#[cfg(any(test, feature = "admin-api"))]
pub(crate) use layout::escape;
#[cfg(feature = "admin-api")]
pub(crate) use layout::page;
pub(super) use response::{form_post, post_message};
pub(super) use sign_in::{Password, SignIn};
pub(super) use verify::Verify;
