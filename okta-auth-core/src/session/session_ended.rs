//! The end of a session, for connections that outlive the request, such as a WebSocket or an event stream.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::record::Session;
use super::sessions::Sessions;
use super::watcher::ended;

/// Completes when a session has ended: by a limit, by a logout in any browser, by Okta, or because Okta rejected its
/// refresh token.
///
/// It completes immediately if this process ends the session, and within one second of a limit. If another replica ends
/// the session, it completes within about ten seconds, provided that both share the store or, for sessions in cookies,
/// the revocation list in `OKTA_REVOCATION_STORE`. Without either, it completes only at the limits.
///
/// With sessions in cookies, replicas do not see each other's requests: the idle limit counts from the last request to
/// this process.
///
/// All of these futures share one task. Dropping one releases its resources.
#[must_use = "futures do nothing unless they are awaited"]
pub struct SessionEnded(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl SessionEnded {
    pub(crate) fn watch(sessions: &Sessions, session: &Arc<Session>) -> Self {
        Self(Some(Box::pin(ended(sessions.watch(session)))))
    }
}

impl Future for SessionEnded {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(ended) = &mut self.0 {
            ready!(ended.as_mut().poll(cx));
            self.0 = None;
        }
        Poll::Ready(())
    }
}

impl fmt::Debug for SessionEnded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionEnded").field("is_over", &self.0.is_none()).finish()
    }
}
