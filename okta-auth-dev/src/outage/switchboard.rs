//! Which endpoints have an outage, and who waits at them.

use std::collections::BTreeMap;
use std::sync::Mutex;

use tokio::sync::watch;

use super::{Endpoint, Outage};
use crate::sync::lock;

/// Which endpoints have an outage.
#[derive(Debug)]
pub(crate) struct Switchboard {
    states: Mutex<BTreeMap<Endpoint, State>>,
    /// Wakes whoever waits for a release, and whoever waits for somebody to wait.
    changed: watch::Sender<()>,
}

/// How an endpoint is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct State {
    /// What is wrong with it, and for how many more requests if not for all.
    pub(crate) outage: Option<(Outage, Option<usize>)>,
    /// How many requests an outage hit since the start.
    pub(crate) hits: usize,
    /// How many requests wait for a release now.
    pub(crate) waiting: usize,
    /// How often it was released. Who waits remembers the number and waits for another
    /// one.
    releases: u64,
}

/// Somebody waits. Gone with the request: also when the client hangs up.
struct Waiting<'a> {
    board: &'a Switchboard,
    endpoint: Endpoint,
    releases: u64,
}

impl Default for Switchboard {
    /// Everything works.
    fn default() -> Self {
        Self { states: Mutex::default(), changed: watch::Sender::new(()) }
    }
}

impl Switchboard {
    /// Switches an outage on, for so many requests or until it is switched off.
    pub(crate) fn arm(&self, endpoint: Endpoint, outage: Outage, times: Option<usize>) {
        self.change(endpoint, |state| state.outage = Some((outage, times)).filter(|_| times != Some(0)));
    }

    /// Lets everybody go on who waits. The outage stays for those who come.
    pub(crate) fn release(&self, endpoint: Endpoint) {
        self.change(endpoint, |state| state.releases += 1);
    }

    /// Switches the outage off, and lets everybody go on who waits.
    pub(crate) fn restore(&self, endpoint: Endpoint) {
        self.change(endpoint, |state| (state.outage, state.releases) = (None, state.releases + 1));
    }

    /// How the endpoint is.
    pub(crate) fn state(&self, endpoint: Endpoint) -> State {
        lock(&self.states).get(&endpoint).copied().unwrap_or_default()
    }

    /// The outage that a request meets.
    pub(crate) fn meet(&self, endpoint: Endpoint) -> Option<Outage> {
        self.change(endpoint, |state| {
            let (outage, left) = state.outage?;
            state.hits += 1;
            let left = left.map(|left| left.saturating_sub(1));
            state.outage = Some((outage, left)).filter(|_| left != Some(0));
            Some(outage)
        })
    }

    /// Waits for a release.
    pub(crate) async fn wait(&self, endpoint: Endpoint) {
        // Subscribed before the number is read, so no release is missed.
        let mut changed = self.changed.subscribe();
        let releases = self.change(endpoint, |state| {
            state.waiting += 1;
            state.releases
        });
        let waiting = Waiting { board: self, endpoint, releases };
        while waiting.board.state(endpoint).releases == waiting.releases && changed.changed().await.is_ok() {}
    }

    /// Waits until so many requests wait.
    pub(crate) async fn until_waiting(&self, endpoint: Endpoint, count: usize) {
        let mut changed = self.changed.subscribe();
        while self.state(endpoint).waiting < count && changed.changed().await.is_ok() {}
    }

    /// Changes how an endpoint is, and tells everybody.
    fn change<T>(&self, endpoint: Endpoint, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(lock(&self.states).entry(endpoint).or_default());
        self.changed.send_replace(());
        result
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.board.change(self.endpoint, |state| state.waiting = state.waiting.saturating_sub(1));
    }
}
