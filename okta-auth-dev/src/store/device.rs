//! Devices that wait for a user (RFC 8628).
//!
//! A device knows its device code, and the user types the user code. A page that asks for a decision has a handle that
//! is bound to the Okta session of its browser.

use std::collections::HashMap;

use super::grant::Grant;
use super::session::Session;
use crate::random;

/// How long a device code lives at Okta, in seconds.
const LIFETIME: i64 = 600;

/// The initial polling interval, and what `slow_down` adds to it, in seconds.
const INTERVAL: i64 = 5;

#[derive(Clone, Debug)]
pub(crate) struct Device {
    pub(crate) client_id: String,
    pub(crate) server: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) user_code: String,
    expires_at: i64,
    interval: i64,
    /// When the device last asked.
    polled_at: Option<i64>,
    decision: Decision,
}

#[derive(Clone, Debug)]
enum Decision {
    Pending,
    Denied,
    Granted(Box<Grant>),
}

/// The answer to a device that asks for its tokens.
#[derive(Debug)]
pub(crate) enum Poll {
    Pending,
    TooFast,
    Expired,
    /// The user refused. The device code is consumed.
    Denied,
    /// The user agreed. The device code is consumed.
    Granted(Box<Grant>),
}

#[derive(Debug, Default)]
pub(crate) struct Devices {
    /// By device code.
    waiting: HashMap<String, Device>,
    /// User codes of pages that ask for a decision, with the session of the page, by handle.
    pages: HashMap<String, (String, String)>,
}

impl Device {
    pub(crate) fn new(client_id: &str, server: &str, scopes: Vec<String>, now: i64) -> Self {
        Self {
            client_id: client_id.to_owned(),
            server: server.to_owned(),
            scopes,
            user_code: random::user_code(),
            expires_at: now + LIFETIME,
            interval: INTERVAL,
            polled_at: None,
            decision: Decision::Pending,
        }
    }

    pub(crate) fn lifetime() -> i64 {
        LIFETIME
    }

    pub(crate) fn interval() -> i64 {
        INTERVAL
    }

    fn waits(&self, now: i64) -> bool {
        self.expires_at > now && matches!(self.decision, Decision::Pending)
    }
}

impl Devices {
    /// Adds a device, and returns its device code.
    pub(crate) fn add(&mut self, device: Device) -> String {
        let code = random::uuid();
        self.waiting.insert(code.clone(), device);
        code
    }

    pub(crate) fn find(&self, device_code: &str) -> Option<&Device> {
        self.waiting.get(device_code)
    }

    /// Returns the device that waits with this user code.
    pub(crate) fn by_user_code(&self, user_code: &str, now: i64) -> Option<&Device> {
        self.waiting.values().find(|device| device.user_code == user_code && device.waits(now))
    }

    /// The devices that wait for a decision.
    #[cfg(feature = "admin-api")]
    pub(crate) fn waiting(&self, now: i64) -> Vec<Device> {
        self.waiting.values().filter(|device| device.waits(now)).cloned().collect()
    }

    /// Answers a poll. A device that asks within its interval must wait five seconds longer from now on (RFC 8628
    /// §3.5).
    pub(crate) fn poll(&mut self, device_code: &str, now: i64) -> Poll {
        let Some(device) = self.waiting.get_mut(device_code) else { return Poll::Expired };
        if device.expires_at <= now {
            return Poll::Expired;
        }
        let too_fast = device.polled_at.is_some_and(|polled_at| now < polled_at + device.interval);
        device.polled_at = Some(now);
        if too_fast {
            device.interval += INTERVAL;
            return Poll::TooFast;
        }
        match std::mem::replace(&mut device.decision, Decision::Pending) {
            Decision::Pending => return Poll::Pending,
            Decision::Denied => drop(self.waiting.remove(device_code)),
            Decision::Granted(grant) => {
                self.waiting.remove(device_code);
                return Poll::Granted(grant);
            }
        }
        Poll::Denied
    }

    /// Starts a page that asks for a decision, and returns its handle.
    pub(crate) fn begin_page(&mut self, user_code: &str, session: &Session) -> String {
        let handle = random::token();
        self.pages.insert(handle.clone(), (user_code.to_owned(), session.root.clone()));
        handle
    }

    /// Ends a page, and returns its device if the browser has the same session and the device still waits.
    pub(crate) fn end_page(&mut self, handle: &str, session: &Session, now: i64) -> Option<Device> {
        let (user_code, root) = self.pages.get(handle)?;
        if *root != session.root {
            return None;
        }
        let device = self.by_user_code(user_code, now).cloned();
        self.pages.remove(handle);
        device
    }

    /// Records the user's decision: a grant, or a refusal.
    pub(crate) fn decide(&mut self, user_code: &str, grant: Option<Grant>) {
        let decision = grant.map_or(Decision::Denied, |grant| Decision::Granted(Box::new(grant)));
        if let Some(device) = self.waiting.values_mut().find(|device| device.user_code == user_code) {
            device.decision = decision;
        }
    }
}
