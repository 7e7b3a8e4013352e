//! Sign-outs that the store did not take.
//!
//! The browser has forgotten its session by then: whoever leaves a machine to somebody
//! else must not find it signed in. So nobody can try again, and a copy of the cookie
//! would be good until its limits. It is tried here until the store works.
//!
//! What cannot be prevented: a process that ends while the store is away.

use std::time::Duration;

use tokio::sync::Semaphore;

use super::OktaAuth;
use super::reply::Reply;
use super::visit::Visit;
use crate::error::{Code, Error, Result};
use crate::events::{About, EndReason, Reference};
use crate::session::{Activity, Found, Look, Ticket};

/// So many may wait for their store at a time. A cookie can be made up, and whose it is
/// nobody knows while the store is away.
static WAITING: Semaphore = Semaphore::const_new(1024);
/// How long before the first try; each further one comes after twice as long.
const FIRST: Duration = Duration::from_secs(1);
/// The longest time between two tries.
const LONGEST: Duration = Duration::from_secs(60);
/// How often it is tried: for an hour.
const TRIES: usize = 65;

impl Visit {
    /// Ends the session of this request as soon as that can be done, and says so.
    pub(super) fn sign_out_later(&self, error: Error) -> Reply {
        match (self.auth().0.sessions.look(self.cookies(), self.now(), Activity::Passive), WAITING.try_acquire()) {
            (Look::Wait(ticket), Ok(permit)) => {
                let (auth, reference) = (self.auth().clone(), self.reference());
                tokio::spawn(async move {
                    auth.sign_out_until_it_works(ticket, reference).await;
                    drop(permit);
                });
            }
            (Look::Wait(_), Err(_)) => {
                tracing::error!(target: "okta_auth", "too many sign-outs wait for the store: one of them is given up");
            }
            _ => {}
        }
        let message = "the browser is signed out, and the session store did not end the session; it is tried again";
        self.error_told(&Error::new(Code::SignOutPending, message).with_cause(error))
    }
}

impl OktaAuth {
    /// Tries for an hour.
    async fn sign_out_until_it_works(&self, ticket: Ticket, reference: Reference) {
        let mut wait = FIRST;
        for _ in 0..TRIES {
            tokio::time::sleep(wait).await;
            match self.sign_out(&ticket, reference).await {
                Err(error) if error.is_temporary() => wait = LONGEST.min(wait * 2),
                _ => return,
            }
        }
        tracing::error!(target: "okta_auth", %reference, "the store did not work for an hour: a sign-out is given up");
    }

    /// Ends the session that a cookie leads to, if there still is one.
    async fn sign_out(&self, ticket: &Ticket, reference: Reference) -> Result<()> {
        let (sessions, now) = (&self.0.sessions, self.0.clock.now());
        let Found::Here { entry, .. } = sessions.find(ticket.clone(), now, Activity::Passive).await? else {
            return Ok(());
        };
        if sessions.end(&entry.session, now).await? {
            self.tell_ended(About::session(&entry.session), EndReason::SignedOut, reference);
            self.revoke_later(entry.session);
        }
        Ok(())
    }
}
