//! The active outages, and the requests that wait because of them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::sync::watch;

use super::endpoint::{Endpoint, Outage};
use crate::sync::lock;

#[derive(Debug)]
pub(crate) struct ActiveOutages {
    states: Mutex<BTreeMap<Endpoint, State>>,
    /// Notifies requests that wait for a release, and tests that wait for a number of such requests.
    changed: watch::Sender<()>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// The outage, with the number of remaining requests if it is limited.
    pub(crate) outage: Option<(Outage, Option<usize>)>,
    /// The number of requests that an outage affected since the start.
    pub(crate) hits: usize,
    pub(crate) waiting: usize,
    /// The number of releases. A waiting request continues when it changes.
    releases: u64,
}

/// Counts a waiting request; dropped with the request, also when the client disconnects.
struct Waiting<'a> {
    outages: &'a ActiveOutages,
    endpoint: Endpoint,
    releases: u64,
}

impl Default for ActiveOutages {
    fn default() -> Self {
        Self { states: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl ActiveOutages {
    /// Starts an outage, for a number of requests or until it is ended.
    pub(crate) fn arm(&self, endpoint: Endpoint, outage: Outage, times: Option<usize>) {
        self.change(endpoint, |state| state.outage = Some((outage, times)).filter(|_| times != Some(0)));
    }

    /// Releases all waiting requests. The outage continues for later requests.
    pub(crate) fn release(&self, endpoint: Endpoint) {
        self.change(endpoint, |state| state.releases += 1);
    }

    /// Ends the outage and releases all waiting requests.
    pub(crate) fn restore(&self, endpoint: Endpoint) {
        self.change(endpoint, |state| (state.outage, state.releases) = (None, state.releases + 1));
    }

    pub(crate) fn state(&self, endpoint: Endpoint) -> State {
        lock(&self.states).get(&endpoint).copied().unwrap_or_default()
    }

    /// Returns the outage for a request, and counts the request.
    pub(crate) fn meet(&self, endpoint: Endpoint) -> Option<Outage> {
        self.change(endpoint, |state| {
            let (outage, left) = state.outage?;
            state.hits += 1;
            let left = left.map(|left| left.saturating_sub(1));
            state.outage = Some((outage, left)).filter(|_| left != Some(0));
            Some(outage)
        })
    }

    pub(crate) async fn wait(&self, endpoint: Endpoint) {
        // Subscribe before reading the number, so that no release is missed.
        let mut changed = self.changed.subscribe();
        let releases = self.change(endpoint, |state| {
            state.waiting += 1;
            state.releases
        });
        let waiting = Waiting { outages: self, endpoint, releases };
        while waiting.outages.state(endpoint).releases == waiting.releases && changed.changed().await.is_ok() {}
    }

    pub(crate) async fn until_waiting(&self, endpoint: Endpoint, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.state(endpoint).waiting < count && changed.changed().await.is_ok() {}
    }

    /// Changes the state of an endpoint and notifies all waiters.
    fn change<T>(&self, endpoint: Endpoint, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(lock(&self.states).entry(endpoint).or_default());
        self.changed.send_replace(());
        result
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.outages.change(self.endpoint, |state| state.waiting = state.waiting.saturating_sub(1));
    }
}
