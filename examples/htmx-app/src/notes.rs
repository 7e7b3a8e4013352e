//! The notes of all users, in memory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

#[derive(Clone)]
pub(crate) struct Notes {
    by_user: Arc<Mutex<HashMap<String, Vec<String>>>>,
    changed: watch::Sender<()>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self { by_user: Arc::default(), changed: watch::Sender::new(()) }
    }

    pub(crate) fn add(&self, user: &str, text: String) {
        let mut notes = self.by_user.lock().unwrap_or_else(PoisonError::into_inner);
        notes.entry(user.to_owned()).or_default().push(text);
        drop(notes);
        self.changed.send_replace(());
    }

    pub(crate) fn of(&self, user: &str) -> Vec<String> {
        self.by_user.lock().unwrap_or_else(PoisonError::into_inner).get(user).cloned().unwrap_or_default()
    }

    /// Returns a receiver that is notified of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<()> {
        let mut changes = self.changed.subscribe();
        changes.mark_changed();
        changes
    }
}
