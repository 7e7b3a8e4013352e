//! The end of a session, for connections that outlive the request, such as a WebSocket or
//! an event stream.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::context::{CookieUpdate, Inner};
use super::signed_in::SignedIn;
use crate::clock::Timestamp;
use crate::session::{self, Activity, Entry, Session, Sessions};

/// Completes when a session has ended: by a limit, by a logout in any browser, by Okta, or
/// because Okta rejected its refresh token.
///
/// It completes immediately if this process ends the session, and within one second of a
/// limit. If another replica ends the session, it completes within about ten seconds,
/// provided that both share the store or, for sessions in cookies, the revocation list in
/// `OKTA_REVOCATION_STORE`. Without either, it completes only at the limits.
///
/// With sessions in cookies, replicas do not see each other's requests: the idle limit
/// counts from the last request to this process.
///
/// All of these futures share one task. Dropping one releases its resources.
#[must_use = "futures do nothing unless they are awaited"]
pub struct SessionEnded(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl<C> SignedIn<C> {
    /// Returns when the session ends without further activity: the earliest of the idle
    /// limit, the absolute limit, and Okta's `session_expiry`.
    ///
    /// Each request extends the idle limit, with a delay of up to a twentieth of it. To
    /// close a connection in time, wait for [`session_ended`](Self::session_ended), which
    /// also reacts to logout.
    pub fn session_ends_at(&self) -> Timestamp {
        let inner = self.context().inner();
        let entry = inner.entry();
        let session = entry.map_or_else(|| Arc::clone(self.shared_session()), |entry| inner.as_written(&entry));
        inner.auth.0.sessions.ends_at(&session)
    }

    /// Waits for the end of the session, for connections that outlive their request.
    ///
    /// The open connection does not count as activity: without other requests the session
    /// reaches its idle limit.
    ///
    /// ```
    /// use okta_auth_core::engine::SignedIn;
    /// use tokio::sync::mpsc::Receiver;
    ///
    /// async fn forward(user: SignedIn, mut news: Receiver<String>) {
    ///     let mut ended = user.session_ended();
    ///     loop {
    ///         tokio::select! {
    ///             () = &mut ended => break, // close the connection
    ///             next = news.recv() => match next {
    ///                 Some(text) => println!("{text}"),
    ///                 None => break,
    ///             },
    ///         }
    ///     }
    /// }
    /// # let _ = forward;
    /// ```
    pub fn session_ended(&self) -> SessionEnded {
        let watch = self.context().auth().0.sessions.watch(self.shared_session());
        SessionEnded(Some(Box::pin(session::ended(watch))))
    }
}

impl Inner {
    /// Returns the session as this response writes it: with updated activity, unless the
    /// store has that already or nothing is written.
    pub(super) fn as_written(&self, entry: &Entry) -> Arc<Session> {
        let in_cookie = matches!(*self.auth.0.sessions, Sessions::Cookie { .. });
        let written = matches!(self.cookie_update(), CookieUpdate::Reseal | CookieUpdate::Replace);
        if in_cookie && written && self.activity == Activity::Active {
            Arc::new(entry.session.touched(self.now))
        } else {
            Arc::clone(&entry.session)
        }
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
