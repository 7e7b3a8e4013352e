//! The sign-in from the redirect to Okta to a verified user.
//!
//! [`LoginFlow`] joins the steps of [`login`](crate::login) and [`callback`](crate::callback) with one provider, and
//! runs the application's hook. It knows cookies and parameters, but no request, and it returns outcomes. The engine
//! creates the session, the responses and the events.
//!
//! | method | outcome |
//! |---|---|
//! | [`LoginFlow::start`] | a URL of the provider, and the cookie of the pending login |
//! | [`LoginFlow::complete`] | a verified user, a rejection by the hook, or an error |
//!
//! 1. No request is sent before the state of a callback is validated, so a forged callback costs only the decryption of
//!    one cookie.
//! 2. After that there is one request for the code, at most one for new keys, and at most one for userinfo. The pending
//!    login is consumed before the first of them.

mod flow;
mod future_sessions;
mod hook;
mod short_sessions;
mod third_party;

pub(crate) use flow::{CallbackOutcome, CallbackResult, CompletedLogin, FinishedAttempt, LoginFlow};
pub use hook::{Refusal, SignIn, SignInHook};
pub(crate) use short_sessions::ended_early;
pub(crate) use third_party::InitiateLoginRequest;
