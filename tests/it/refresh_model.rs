//! A model of how replicas refresh one session together, checked over every possible order of events.
//!
//! The failures of interest lie between processes, their store and the issuer, so the model checker is `stateright`. It
//! visits every interleaving of the steps of several processes, with crashes, leases that end and a store that fails,
//! and prints the shortest trace to a forbidden state. `loom` and `shuttle` explore the memory accesses of threads in
//! one process; there the library has one lock and one channel (`session::single_flight`, with its own tests).
//!
//! A step of the model is the code between two awaits: one request to the store or to the issuer. Time is not modelled:
//! an event that may happen after a while may happen at any moment. Tokens are numbers, in the order in which they were
//! granted; 0 is the token of the sign-in. It is not bound to a key, and all others are (DPoP).
//!
//! | here | in `session::refresh` |
//! |---|---|
//! | `At::Claim`, `At::Release` | `lease::under_lease` |
//! | `At::Look` | `Refresher::refresh_in_store` |
//! | `At::Reload`, `At::Ask`, `At::Refused`, `At::Remove` | `Refresher::refresh_under_lease` |
//! | `At::Recall` | `Refresher::write_under_lease` |
//! | `At::Write`, `At::Overtaken` | `Refresher::persist` |
//! | `Replica::unsaved` | `PendingWrites` |
//!
//! The last test shows that the properties can fail: each plausible change of the protocol violates one.

use stateright::{Checker, Model, Property};

/// How often a waiting request looks again. The code does so 400 times; more than a few add nothing here.
const LOOKS: u8 = 1;
/// How often a write that was overtaken is retried.
const WRITES: u8 = 3;

/// A session record in the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Record {
    version: u8,
    tokens: u8,
    /// The key that the tokens are bound to (DPoP, RFC 9449): the number of the tokens that were first requested with
    /// it. 0 is none: the session is from before DPoP.
    key: u8,
}

/// One request of the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Request {
    /// It has not arrived yet.
    Coming,
    /// It has read the session, whose tokens are due; it may record the use of the session.
    Loaded { entry: Record, touched: bool },
    /// It waits for the flight of its replica.
    Joined,
    /// It has continued to its handler, with or without a session and new tokens, or its replica was killed.
    Done,
}

/// The next step of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Claim,
    Look,
    /// It holds the lease from here on.
    Reload,
    /// It holds the lease, to save pending tokens without a request.
    Recall,
    Ask {
        current: Record,
    },
    Write {
        current: Record,
        next: u8,
        tries: u8,
    },
    Overtaken {
        current: Record,
        next: u8,
        tries: u8,
    },
    Refused {
        current: Record,
    },
    Remove,
    Release(Outcome),
}

/// The holder of the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lease {
    /// The refresh of this replica.
    Of(usize),
    /// A refresh that no longer exists.
    OfTheDead,
}

/// The result of a refresh.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Renewed(u8),
    Ended,
    Failed,
}

/// A refresh, for all requests of its replica that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flight {
    /// The tokens of the request that started it.
    before: Record,
    looks: u8,
    at: At,
    /// Whether it was started to save pending tokens, and not by a request.
    writes: bool,
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Replica {
    flight: Option<Flight>,
    /// The unsaved tokens, and before them the tokens that were refreshed.
    unsaved: Option<(u8, u8)>,
}

/// The state of the issuer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Issuer {
    newest: u8,
    /// Which tokens have been replaced, one bit for each.
    replaced: u16,
    /// A replaced token was used after its grace period, and the whole grant is revoked.
    killed: bool,
    /// A replaced token was used within its grace period.
    repeated: bool,
    /// The key of each token.
    keys: [u8; 8],
    /// A bound token was presented with another key.
    foreign_key: bool,
}

/// Past events that the properties refer to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Seen {
    crashed: bool,
    lease_ended: bool,
    store_failed: bool,
    answer_lost: bool,
    signed_out: bool,
    /// The session was ended because the issuer rejected the refresh.
    refused: bool,
    /// A record was written after its removal.
    came_back: bool,
    /// Older tokens overwrote newer ones.
    went_back: bool,
    /// Which tokens have been in the store, one bit for each.
    written: u16,
    /// A request continued with tokens that were not in the store.
    unwritten: bool,
    /// A request found no session.
    no_session: bool,
    /// A request continued with tokens that it did not arrive with.
    renewed: bool,
}

impl Seen {
    /// Whether no failure has happened so far.
    fn is_calm(&self) -> bool {
        !(self.crashed || self.lease_ended || self.store_failed || self.answer_lost)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct State {
    record: Option<Record>,
    lease: Option<Lease>,
    issuer: Issuer,
    replicas: Vec<Replica>,
    /// The requests with their replicas.
    requests: Vec<(usize, Request)>,
    /// Tokens up to this number have expired.
    expired: u8,
    left: Mishaps,
    seen: Seen,
}

/// How often each event may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
struct Mishaps {
    /// The tokens in the store expire once more.
    expiries: u8,
    sign_outs: u8,
    crashes: u8,
    lease_ends: u8,
    store_failures: u8,
    lost_answers: u8,
}

/// The next event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    /// A request arrives and reads the session.
    Arrive(usize),
    /// It records the use of the session.
    Touch(usize),
    /// It waits for new tokens.
    Join(usize),
    /// A replica tries to save pending tokens.
    WriteLater(usize),
    /// The refresh of a replica takes its next step.
    Fly(usize),
    Expire,
    SignOut,
    /// The process is killed; another one replaces it.
    Crash(usize),
    /// The lease ends, while it is held or after its holder was killed.
    LeaseEnds,
    /// The holder renews a lease that had ended.
    Heartbeat(usize),
    /// The store fails the next request of a refresh, or executes it and its response is lost.
    StoreFails(usize, Applied),
    /// The issuer grants, and its response is lost.
    AnswerIsLost(usize),
}

/// Whether the store executed the request without a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Applied {
    No,
    Yes,
}

/// A change of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutation {
    None,
    /// No lease is taken.
    NoLease,
    /// The holder of the lease trusts the record that the request had read.
    NoReload,
    /// A save ignores the version.
    SaveWithoutVersion,
    /// A save without an existing record creates one.
    CreateInsteadOfSave,
    /// The use of a session is written without checking the version.
    TouchWithoutVersion,
    /// New tokens are handed out before they are saved.
    HandOutFirst,
    /// Pending tokens are saved only by a request.
    NoWriteLater,
    /// Tokens that could not be saved are discarded.
    ForgetUnsaved,
    /// Pending tokens are saved even if the session has changed.
    UnsavedWithoutOrigin,
    /// The key of new tokens is not saved with them.
    KeyStaysBehind,
    /// Each request has a new key, also with a bound token.
    NewKeyEachTime,
    /// A waiting request waits only for the tokens, and never takes over the lease of a dead holder.
    NoTakeover,
}

/// The protocol in one configuration.
#[derive(Clone, Copy, Debug)]
struct Refresh {
    /// The replica of each request.
    requests: &'static [usize],
    /// Whether the issuer has a grace period for replaced tokens.
    lenient: bool,
    mishaps: Mishaps,
    mutation: Mutation,
}

impl Refresh {
    fn new(requests: &'static [usize], lenient: bool, mishaps: Mishaps) -> Self {
        Self { requests, lenient, mishaps, mutation: Mutation::None }
    }

    fn mutated(self, mutation: Mutation) -> Self {
        Self { mutation, ..self }
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    // -- the store -------------------------------------------------------------------------------------------------

    /// `SessionStore::save` with the version after that of `before`.
    fn save(&self, state: &mut State, before: Record, tokens: u8, anyway: bool) -> bool {
        let key = if self.is(Mutation::KeyStaysBehind) { before.key } else { state.issuer.keys[usize::from(tokens)] };
        let next = Record { version: before.version + 1, tokens, key };
        let fits = match state.record {
            Some(there) => anyway || there.version == before.version,
            None => anyway || self.is(Mutation::CreateInsteadOfSave),
        };
        if fits {
            state.seen.came_back |= state.record.is_none();
            state.seen.went_back |= state.record.is_some_and(|there| there.tokens > tokens);
            state.seen.written |= 1 << tokens;
            state.record = Some(next);
        }
        fits
    }

    // -- the issuer ------------------------------------------------------------------------------------------------

    /// The refresh token of a record is presented, with a proof of its key or of a new one.
    fn grant(&self, issuer: &mut Issuer, current: Record) -> Option<u8> {
        let (token, bound) = (current.tokens, issuer.keys[usize::from(current.tokens)]);
        let is_new = current.key == 0 || self.is(Mutation::NewKeyEachTime);
        let key = if is_new { issuer.newest + 1 } else { current.key };
        if bound != 0 && bound != key {
            issuer.foreign_key = true;
            return None;
        }
        let replaced = issuer.replaced & (1 << token) != 0;
        issuer.killed |= replaced && !self.lenient;
        if issuer.killed {
            return None;
        }
        issuer.repeated |= replaced;
        issuer.replaced |= 1 << token;
        issuer.newest += 1;
        issuer.keys[usize::from(issuer.newest)] = key;
        Some(issuer.newest)
    }

    // -- a refresh --------------------------------------------------------------------------------------------------

    /// The next step of the refresh of a replica.
    #[allow(clippy::too_many_lines, reason = "it is a table of steps")]
    fn fly(&self, state: &mut State, replica: usize) {
        let mut flight = state.replicas[replica].flight.unwrap();
        let (record, tokens) = (state.record, flight.before.tokens);
        flight.at = match flight.at {
            At::Claim if state.lease.is_none() || self.is(Mutation::NoLease) => {
                state.lease = Some(Lease::Of(replica));
                if flight.writes {
                    At::Recall
                } else if self.is(Mutation::NoReload) {
                    At::Ask { current: flight.before }
                } else {
                    At::Reload
                }
            }
            At::Claim if flight.writes => return state.land(replica, Outcome::Failed),
            At::Claim => At::Look,
            At::Look => match record {
                None => return state.land(replica, Outcome::Ended),
                Some(now) if now.tokens != tokens => return state.land(replica, Outcome::Renewed(now.tokens)),
                Some(_) if flight.looks == LOOKS => return state.land(replica, Outcome::Failed),
                Some(_) => {
                    flight.looks += 1;
                    if self.is(Mutation::NoTakeover) { At::Look } else { At::Claim }
                }
            },
            At::Reload => match record {
                None => At::Release(Outcome::Ended),
                Some(now) if now.tokens != tokens => At::Release(Outcome::Renewed(now.tokens)),
                Some(current) => match self.unsaved(&state.replicas[replica], current) {
                    Some(next) => At::Write { current, next, tries: 0 },
                    None => At::Ask { current },
                },
            },
            At::Recall => match record.map(|current| (current, self.unsaved(&state.replicas[replica], current))) {
                Some((current, Some(next))) => At::Write { current, next, tries: 0 },
                other => {
                    state.replicas[replica].unsaved = None;
                    At::Release(other.map_or(Outcome::Ended, |(now, _)| Outcome::Renewed(now.tokens)))
                }
            },
            At::Ask { current } => match self.grant(&mut state.issuer, current) {
                None => At::Refused { current },
                Some(next) => {
                    state.replicas[replica].unsaved = Some((current.tokens, next));
                    if self.is(Mutation::HandOutFirst) {
                        state.tell(replica, Outcome::Renewed(next));
                    }
                    At::Write { current, next, tries: 0 }
                }
            },
            At::Write { current, next, tries } => {
                if self.save(state, current, next, self.is(Mutation::SaveWithoutVersion)) {
                    state.replicas[replica].unsaved = None;
                    At::Release(Outcome::Renewed(next))
                } else if tries == WRITES {
                    At::Release(Outcome::Failed)
                } else {
                    At::Overtaken { current, next, tries: tries + 1 }
                }
            }
            At::Overtaken { current, next, tries } => match record {
                Some(now) if now.tokens == current.tokens => At::Write { current: now, next, tries },
                other => {
                    state.replicas[replica].unsaved = None;
                    At::Release(other.map_or(Outcome::Ended, |now| Outcome::Renewed(now.tokens)))
                }
            },
            At::Refused { current } => match record {
                Some(now) if now.tokens != current.tokens => At::Release(Outcome::Renewed(now.tokens)),
                _ => At::Remove,
            },
            At::Remove => {
                (state.record, state.seen.refused) = (None, true);
                At::Release(Outcome::Ended)
            }
            At::Release(outcome) => {
                state.lease = state.lease.filter(|owner| *owner != Lease::Of(replica));
                return state.land(replica, outcome);
            }
        };
        state.replicas[replica].flight = Some(flight);
    }

    /// `PendingWrites::successor`.
    fn unsaved(&self, replica: &Replica, current: Record) -> Option<u8> {
        let (before, next) = replica.unsaved?;
        (before == current.tokens || self.is(Mutation::UnsavedWithoutOrigin)).then_some(next)
    }

    /// The store fails a request of a refresh.
    fn fail(&self, state: &mut State, replica: usize, applied: Applied) {
        let mut flight = state.replicas[replica].flight.unwrap();
        state.left.store_failures -= 1;
        state.seen.store_failed = true;
        match (flight.at, applied) {
            (At::Write { current, next, .. }, Applied::Yes) => drop(self.save(state, current, next, false)),
            (At::Remove, Applied::Yes) => (state.record, state.seen.refused) = (None, true),
            (At::Claim, Applied::Yes) if state.lease.is_none() => state.lease = Some(Lease::Of(replica)),
            _ => {}
        }
        if self.is(Mutation::ForgetUnsaved) {
            state.replicas[replica].unsaved = None;
        }
        if matches!(flight.at, At::Claim | At::Look) {
            return state.land(replica, Outcome::Failed);
        }
        flight.at = At::Release(Outcome::Failed);
        state.replicas[replica].flight = Some(flight);
    }

    /// Whether a refresh can continue: with a mutation it may wait for an event that never happens.
    fn can_fly(&self, state: &State, flight: &Flight) -> bool {
        let changed = state.record.is_none_or(|record| record.tokens != flight.before.tokens);
        !self.is(Mutation::NoTakeover) || flight.at != At::Look || changed
    }
}

impl State {
    /// All waiting requests of a replica receive the result.
    fn tell(&mut self, replica: usize, outcome: Outcome) {
        let waits = |request: &(usize, Request)| *request == (replica, Request::Joined);
        if !self.requests.iter().any(waits) {
            return;
        }
        match outcome {
            Outcome::Renewed(tokens) => {
                self.seen.renewed = true;
                self.seen.unwritten |= self.seen.written & (1 << tokens) == 0;
            }
            Outcome::Ended => self.seen.no_session = true,
            Outcome::Failed => {}
        }
        for request in self.requests.iter_mut().filter(|request| waits(request)) {
            request.1 = Request::Done;
        }
    }

    /// A refresh ends.
    fn land(&mut self, replica: usize, outcome: Outcome) {
        self.replicas[replica].flight = None;
        self.bury(replica);
        self.tell(replica, outcome);
    }
}

impl State {
    /// A refresh no longer exists, but its lease may still exist.
    fn bury(&mut self, replica: usize) {
        if self.lease == Some(Lease::Of(replica)) {
            self.lease = Some(Lease::OfTheDead);
        }
    }
}

impl Model for Refresh {
    type State = State;
    type Action = Action;

    /// The user signed in some time ago, and the tokens have expired.
    fn init_states(&self) -> Vec<State> {
        let replicas = vec![Replica::default(); self.requests.iter().max().unwrap() + 1];
        let requests = self.requests.iter().map(|replica| (*replica, Request::Coming)).collect();
        vec![State {
            record: Some(Record { version: 1, tokens: 0, key: 0 }),
            lease: None,
            issuer: Issuer::default(),
            replicas,
            requests,
            expired: 0,
            left: self.mishaps,
            seen: Seen { written: 1, ..Seen::default() },
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        for (number, (_, request)) in state.requests.iter().enumerate() {
            match request {
                Request::Coming => actions.push(Action::Arrive(number)),
                Request::Loaded { touched, .. } => {
                    actions.push(Action::Join(number));
                    actions.extend((!touched).then_some(Action::Touch(number)));
                }
                _ => {}
            }
        }
        for (number, replica) in state.replicas.iter().enumerate() {
            let Some(flight) = &replica.flight else {
                actions.extend(self.can_write_later(state, replica).then_some(Action::WriteLater(number)));
                continue;
            };
            if self.can_fly(state, flight) {
                actions.push(Action::Fly(number));
            }
            self.mishaps_of(state, number, flight, actions);
        }
        let left = state.left;
        let newest = state.record.is_some_and(|record| record.tokens > state.expired);
        actions.extend((left.expiries > 0 && newest).then_some(Action::Expire));
        actions.extend((left.sign_outs > 0 && state.record.is_some()).then_some(Action::SignOut));
        actions.extend((left.lease_ends > 0 && state.lease.is_some()).then_some(Action::LeaseEnds));
    }

    #[allow(clippy::too_many_lines, reason = "it is a table of actions")]
    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut state = last.clone();
        match action {
            Action::Arrive(number) => {
                state.seen.no_session |= state.record.is_none();
                state.requests[number].1 = match state.record {
                    None => Request::Done,
                    Some(now) if now.tokens > state.expired => Request::Done,
                    Some(entry) => Request::Loaded { entry, touched: false },
                };
            }
            Action::Touch(number) => {
                if let (_, Request::Loaded { entry, touched }) = &mut state.requests[number] {
                    *touched = true;
                    let entry = *entry;
                    self.save(&mut state, entry, entry.tokens, self.is(Mutation::TouchWithoutVersion));
                }
            }
            Action::Join(number) => {
                let (replica, request) = &mut state.requests[number];
                if let Request::Loaded { entry: before, .. } = std::mem::replace(request, Request::Joined)
                    && state.replicas[*replica].flight.is_none()
                {
                    let flight = Flight { before, looks: 0, at: At::Claim, writes: false };
                    state.replicas[*replica].flight = Some(flight);
                }
            }
            Action::WriteLater(replica) => {
                let before = Record { version: 0, tokens: state.replicas[replica].unsaved?.0, key: 0 };
                let flight = Flight { before, looks: 0, at: At::Claim, writes: true };
                state.replicas[replica].flight = Some(flight);
            }
            Action::Fly(replica) => self.fly(&mut state, replica),
            Action::Expire => {
                state.left.expiries -= 1;
                state.expired = state.record?.tokens;
            }
            Action::SignOut => {
                state.left.sign_outs -= 1;
                (state.record, state.seen.signed_out) = (None, true);
            }
            Action::Crash(replica) => {
                state.left.crashes -= 1;
                state.seen.crashed = true;
                state.replicas[replica] = Replica::default();
                state.bury(replica);
                for (at, request) in &mut state.requests {
                    if *at == replica && matches!(request, Request::Loaded { .. } | Request::Joined) {
                        *request = Request::Done;
                    }
                }
            }
            Action::LeaseEnds => {
                state.left.lease_ends -= 1;
                state.seen.lease_ended = true;
                state.lease = None;
            }
            Action::Heartbeat(replica) => state.lease = Some(Lease::Of(replica)),
            Action::StoreFails(replica, applied) => self.fail(&mut state, replica, applied),
            Action::AnswerIsLost(replica) => {
                state.left.lost_answers -= 1;
                state.seen.answer_lost = true;
                let mut flight = state.replicas[replica].flight?;
                let At::Ask { current } = flight.at else { return None };
                // The replica does not learn whether the issuer granted or rejected.
                let _ = self.grant(&mut state.issuer, current);
                flight.at = At::Release(Outcome::Failed);
                state.replicas[replica].flight = Some(flight);
            }
        }
        // Requests to one replica in the same state are equivalent.
        state.requests.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(CALM, |_: &Self, state: &State| {
                let lost = state.issuer.killed || state.issuer.repeated || state.seen.refused;
                !state.seen.is_calm() || !lost && (!state.seen.no_session || state.seen.signed_out)
            }),
            Property::always(ONE_GRANT, |_: &Self, state: &State| {
                let Seen { lease_ended, store_failed, answer_lost, .. } = state.seen;
                let twice = state.issuer.repeated || state.issuer.killed;
                !twice || lease_ended || store_failed || answer_lost
            }),
            Property::always(WRITTEN_FIRST, |_: &Self, state: &State| !state.seen.unwritten),
            Property::always(STAYS_OUT, |_: &Self, state: &State| !state.seen.came_back),
            Property::always(NO_LOST_UPDATE, |model: &Self, state: &State| {
                let newest = state.record.is_none_or(|record| record.tokens == state.issuer.newest);
                let over = model.is_over(state) && state.seen.is_calm();
                !state.seen.went_back && (!over || newest)
            }),
            Property::always(ENDS, |model: &Self, state: &State| {
                let waiting = |request: &Request| matches!(request, Request::Coming | Request::Joined);
                !model.is_over(state) || !state.requests.iter().any(|(_, request)| waiting(request))
            }),
            Property::always(KEPT, |model: &Self, state: &State| {
                let alone = state.replicas.len() == 1 && !state.seen.crashed && !state.seen.answer_lost;
                let twice = state.issuer.repeated || state.issuer.killed;
                !alone || model.mishaps.lease_ends > 0 || !twice
            }),
            Property::always(NOTHING_KEPT, |model: &Self, state: &State| {
                let kept = |replica: &Replica| replica.unsaved.is_some();
                !model.is_over(state) || state.lease.is_some() || !state.replicas.iter().any(kept)
            }),
            Property::always(OWN_KEY, |_: &Self, state: &State| !state.issuer.foreign_key),
            Property::sometimes("a bound token is refreshed", |_: &Self, state: &State| {
                state.issuer.keys.iter().zip(0..).any(|(key, token)| *key != 0 && *key != token)
            }),
            Property::sometimes("a request gets new tokens", |_: &Self, state: &State| state.seen.renewed),
        ];
        if self.mishaps.store_failures > 0 && self.requests.contains(&1) {
            // The issuer's grace period also covers this case, besides lost responses and killed processes.
            let name = "a store that fails between grant and save can cost a second grant";
            properties.push(Property::sometimes(name, |_: &Self, state: &State| {
                let other = state.seen.lease_ended || state.seen.answer_lost || state.seen.crashed;
                !other && (state.issuer.repeated || state.issuer.killed)
            }));
        }
        properties
    }
}

/// 1. Without failures, the issuer sees no token twice, and only a sign-out ends the session.
const CALM: &str = "without failures no session is lost";
/// 2. A second grant for the same token requires a lease that ended, a store that failed or a response that was lost.
const ONE_GRANT: &str = "one grant for each token";
/// 3. Only tokens in the store are used.
const WRITTEN_FIRST: &str = "tokens are written before they are used";
/// 4. A session that has ended never comes back.
const STAYS_OUT: &str = "a session that has ended stays away";
/// 5. Newer tokens are never overwritten, and without failures the store has the newest tokens.
const NO_LOST_UPDATE: &str = "no update is lost";
/// 6. Every request ends.
const ENDS: &str = "every request ends";
/// 7. With one replica, a failing store loses no tokens: they are kept until they can be saved.
const KEPT: &str = "unsaved tokens are kept";
/// 8. Pending tokens are eventually saved, without a request.
const NOTHING_KEPT: &str = "pending tokens are eventually saved";
/// 9. The key of a refresh token is known wherever the token is.
const OWN_KEY: &str = "a bound token is presented with its key";

impl Refresh {
    /// The failures that may happen to one refresh.
    fn mishaps_of(&self, state: &State, replica: usize, flight: &Flight, actions: &mut Vec<Action>) {
        let holds = !matches!(flight.at, At::Claim | At::Look);
        let left = state.left;
        actions.extend((left.crashes > 0).then_some(Action::Crash(replica)));
        actions.extend((holds && state.lease.is_none()).then_some(Action::Heartbeat(replica)));
        let asks = matches!(flight.at, At::Ask { .. });
        actions.extend((left.lost_answers > 0 && asks).then_some(Action::AnswerIsLost(replica)));
        if left.store_failures > 0 && !asks && !matches!(flight.at, At::Release(_)) {
            actions.push(Action::StoreFails(replica, Applied::No));
            let writes = matches!(flight.at, At::Write { .. } | At::Remove | At::Claim);
            actions.extend(writes.then_some(Action::StoreFails(replica, Applied::Yes)));
        }
    }

    /// Whether a replica can save pending tokens. While the lease is held, an attempt changes nothing.
    fn can_write_later(&self, state: &State, replica: &Replica) -> bool {
        let has_lease = state.lease.is_none();
        replica.flight.is_none() && replica.unsaved.is_some() && has_lease && !self.is(Mutation::NoWriteLater)
    }

    /// Whether no further event happens without external input.
    fn is_over(&self, state: &State) -> bool {
        let flies = |replica: &Replica| match &replica.flight {
            Some(flight) => self.can_fly(state, flight),
            None => self.can_write_later(state, replica),
        };
        let acts = |request: &Request| matches!(request, Request::Coming | Request::Loaded { .. });
        !state.replicas.iter().any(flies) && !state.requests.iter().any(|(_, request)| acts(request))
    }

    /// Visits every state.
    fn check(self) -> impl Checker<Self> {
        self.checker().threads(2).spawn_bfs().join()
    }
}

/// Events of normal operation.
const EVERYDAY: Mishaps =
    Mishaps { expiries: 1, sign_outs: 0, crashes: 0, lease_ends: 0, store_failures: 0, lost_answers: 0 };

/// Every failure once.
const STORM: Mishaps =
    Mishaps { expiries: 1, sign_outs: 1, crashes: 1, lease_ends: 1, store_failures: 1, lost_answers: 0 };

fn assert_holds(refresh: Refresh) {
    let checker = refresh.check();
    println!("{} states of {refresh:?}", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn without_failures() {
    assert_holds(Refresh::new(&[0, 0, 1, 1], false, EVERYDAY));
    assert_holds(Refresh::new(&[0, 1, 2], false, EVERYDAY));
}

#[test]
fn during_a_sign_out() {
    assert_holds(Refresh::new(&[0, 0, 1], false, Mishaps { sign_outs: 1, ..EVERYDAY }));
}

/// Combinations of failures.
#[test]
fn with_combined_failures() {
    let calm = Mishaps { sign_outs: 0, crashes: 0, lease_ends: 0, store_failures: 0, ..STORM };
    let together = [
        Mishaps { crashes: 1, lease_ends: 1, ..calm },
        Mishaps { lease_ends: 1, store_failures: 1, ..calm },
        Mishaps { sign_outs: 1, lease_ends: 1, ..calm },
        Mishaps { sign_outs: 1, store_failures: 1, ..calm },
    ];
    for mishaps in together {
        for lenient in [false, true] {
            assert_holds(Refresh::new(&[0, 0, 1], lenient, mishaps));
        }
    }
}

/// All failures at once.
#[test]
#[ignore = "millions of states: minutes without optimization"]
fn through_a_storm() {
    for lenient in [false, true] {
        assert_holds(Refresh::new(&[0, 0, 1], lenient, STORM));
    }
}

#[test]
fn with_one_replica_a_failing_store_loses_no_tokens() {
    assert_holds(Refresh::new(&[0, 0, 0], false, Mishaps { store_failures: 2, ..EVERYDAY }));
}

#[test]
fn an_answer_that_is_lost_needs_the_leeway_of_the_issuer() {
    assert_holds(Refresh::new(&[0, 0, 1], true, Mishaps { lost_answers: 1, ..EVERYDAY }));
}

/// Each change of the protocol, a configuration in which it matters, and the property that it violates.
#[test]
fn the_model_can_fail() {
    let calm = Refresh::new(&[0, 0, 1], false, EVERYDAY);
    let sign_out = Refresh::new(&[0, 1], false, Mishaps { sign_outs: 1, ..EVERYDAY });
    let one = Refresh::new(&[0, 0], false, Mishaps { store_failures: 1, ..EVERYDAY });
    let failing = Refresh::new(&[0, 0, 1], true, Mishaps { store_failures: 1, ..EVERYDAY });
    let killed = Refresh::new(&[0, 1], true, Mishaps { crashes: 1, lease_ends: 1, ..EVERYDAY });
    let lost_lease = Refresh::new(&[0, 1], true, Mishaps { lease_ends: 1, ..EVERYDAY });
    let cases = [
        (Mutation::NoLease, calm, CALM),
        (Mutation::NoLease, calm, ONE_GRANT),
        (Mutation::NoReload, calm, CALM),
        (Mutation::NoReload, calm, ONE_GRANT),
        (Mutation::SaveWithoutVersion, sign_out, STAYS_OUT),
        (Mutation::SaveWithoutVersion, lost_lease, NO_LOST_UPDATE),
        (Mutation::CreateInsteadOfSave, sign_out, STAYS_OUT),
        (Mutation::TouchWithoutVersion, calm, NO_LOST_UPDATE),
        (Mutation::HandOutFirst, calm, WRITTEN_FIRST),
        (Mutation::ForgetUnsaved, one, KEPT),
        (Mutation::UnsavedWithoutOrigin, failing, NO_LOST_UPDATE),
        (Mutation::NoWriteLater, failing, NOTHING_KEPT),
        (Mutation::NoTakeover, killed, ENDS),
        (Mutation::KeyStaysBehind, calm, OWN_KEY),
        (Mutation::NewKeyEachTime, calm, OWN_KEY),
    ];
    for (mutation, setting, property) in cases {
        let good = setting.check();
        assert!(good.discovery(property).is_none(), "{property} without {mutation:?}");
        let checker = setting.mutated(mutation).check();
        assert!(checker.discovery(property).is_some(), "{mutation:?} does not break `{property}`");
    }
}
