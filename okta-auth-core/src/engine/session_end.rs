//! When a session ends, and the wait for it: for what outlives the request that it began
//! with, such as a WebSocket or a stream of events.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use super::signed_in::SignedIn;
use super::visit::{Inner, Upkeep};
use crate::clock::Timestamp;
use crate::session::{self, Activity, Entry, Session, Sessions};

/// Completes when a session has ended: by a limit, by a sign-out in this or any other
/// browser, by Okta, or because Okta refused to refresh its tokens.
///
/// It completes at once if the session ends in this process, within a second of a limit,
/// and within about ten seconds if another replica ends the session and both share the
/// store, or with sessions in cookies the list of `OKTA_REVOCATION_STORE`. Without
/// either, what another replica ends is not seen here, and the future completes at the
/// limits.
///
/// With sessions in cookies the replicas do not know of each other's requests either: the
/// idle limit counts from the last request to this process.
///
/// Thousands of these futures share one task. A dropped one leaves nothing behind.
#[must_use = "futures do nothing unless they are awaited"]
pub struct SessionEnded(Option<Pin<Box<dyn Future<Output = ()> + Send>>>);

impl<C> SignedIn<C> {
    /// When the session ends unless it is used again: the earliest of the idle limit,
    /// the absolute limit, and the moment that Okta named (`session_expiry`).
    ///
    /// Each request moves the idle limit, up to a twentieth of it late. To close a
    /// connection in time, wait for [`session_ended`](Self::session_ended), which also
    /// knows of sign-outs.
    pub fn session_ends_at(&self) -> Timestamp {
        let inner = self.visit().inner();
        let entry = inner.entry();
        let session = entry.map_or_else(|| Arc::clone(self.shared_session()), |entry| inner.as_written(&entry));
        inner.auth.0.sessions.ends_at(&session)
    }

    /// Waits for the end of the session, for connections that outlive their request.
    ///
    /// The connection itself is no use of the session: while it is open and nothing else
    /// is asked for, the idle limit passes.
    ///
    /// ```
    /// use okta_auth_core::engine::SignedIn;
    /// use tokio::sync::mpsc::Receiver;
    ///
    /// async fn forward(user: SignedIn, mut news: Receiver<String>) {
    ///     let mut ended = user.session_ended();
    ///     loop {
    ///         tokio::select! {
    ///             () = &mut ended => break, // and the connection is closed
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
        let watch = self.visit().auth().0.sessions.watch(self.shared_session());
        SessionEnded(Some(Box::pin(session::ended(watch))))
    }
}

impl Inner {
    /// The session as the answer to this request writes it: used now, unless the store
    /// has that already or nothing is written.
    pub(super) fn as_written(&self, entry: &Entry) -> Arc<Session> {
        let in_cookie = matches!(self.auth.0.sessions, Sessions::Cookie { .. });
        let written = matches!(self.upkeep(), Upkeep::Rewrite | Upkeep::Renewed);
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
