//! A model of how replicas renew one session together, checked over every order in which things can happen.
//!
//! What can go wrong here lies between processes, their store and the issuer, so the model checker is `stateright`: it
//! visits every interleaving of the steps of several processes, with crashes, leases that end and a store that fails,
//! and prints the shortest trace to a state that must not be. `loom` and `shuttle` explore the memory accesses of
//! threads in one process; there the engine has one lock and one channel (`session::flights`, with tests of its own).
//!
//! A step of the model is what the code does between two awaits: one request to the store or to the issuer. The names
//! are those of `engine::renewal` and `engine::unsaved`. Time is not modelled: whatever may happen after a while may happen at any moment.
//! Tokens are numbers, in the order in which they were granted; 0 is what the sign-in brought.
//!
//! That the properties can fail is shown at the end: each change of the protocol that somebody might make violates one.

use stateright::{Checker, Model, Property};

/// So often somebody who waits looks again. The code does 400 times; more than a few add nothing here.
const LOOKS: u8 = 1;
/// So often a write that was overtaken is tried again.
const WRITES: u8 = 3;

/// What a session in the store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Record {
    version: u8,
    tokens: u8,
}

/// One request of the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Request {
    /// It has not come yet.
    Coming,
    /// It has read the session, whose tokens are due; it may note that the session was used.
    Loaded { entry: Record, touched: bool },
    /// It waits for the flight of its replica.
    Joined,
    /// It has gone on to its handler, with or without a session and new tokens, or its replica was killed.
    Done,
}

/// Where a renewal is: what it will do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    Claim,
    Look,
    /// It holds the lease from here on.
    Reload,
    /// The same for what could not be written down and nobody asks for.
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

/// Who holds the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Lease {
    /// The renewal that this replica is at.
    Of(usize),
    /// One that is no more.
    OfTheDead,
}

/// What came of a renewal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Outcome {
    Renewed(u8),
    Ended,
    Failed,
}

/// A renewal, for all requests of its replica that wait for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Flight {
    /// The tokens of the request that started it.
    before: Record,
    looks: u8,
    at: At,
    /// Whether it was started to write down what is kept, and not by a request.
    writes: bool,
}

/// One process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Replica {
    flight: Option<Flight>,
    /// What could not be written down, after what it was renewed from.
    unsaved: Option<(u8, u8)>,
}

/// What the issuer knows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Issuer {
    newest: u8,
    /// Which tokens have been replaced, one bit for each.
    replaced: u16,
    /// A replaced token was used after its leeway, and everything of this sign-in is revoked.
    killed: bool,
    /// A replaced token was used within its leeway.
    repeated: bool,
}

/// What has happened that a property asks about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Seen {
    crashed: bool,
    lease_ended: bool,
    store_failed: bool,
    answer_lost: bool,
    signed_out: bool,
    /// The session was ended because the issuer said so.
    refused: bool,
    /// A record was written where one had been removed.
    came_back: bool,
    /// Older tokens were written over newer ones.
    went_back: bool,
    /// Which tokens have been in the store, one bit for each.
    written: u16,
    /// A request went on with tokens that were not in the store.
    unwritten: bool,
    /// A request found no session.
    nobody: bool,
    /// A request went on with tokens that it did not come with.
    renewed: bool,
}

impl Seen {
    /// Whether nothing has gone wrong so far.
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
    /// Each with its replica.
    requests: Vec<(usize, Request)>,
    /// Tokens up to this number have expired.
    expired: u8,
    left: Mishaps,
    seen: Seen,
}

/// How often something may happen.
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

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Action {
    /// A request comes and reads the session.
    Arrive(usize),
    /// It notes that the session was used.
    Touch(usize),
    /// It wants new tokens.
    Join(usize),
    /// A replica tries to write down what it could not.
    WriteLater(usize),
    /// The renewal of a replica does its next step.
    Fly(usize),
    Expire,
    SignOut,
    /// The process is killed; another one takes its place.
    Crash(usize),
    /// The lease ends while somebody holds it or after that was killed.
    LeaseEnds,
    /// The holder renews a lease that had ended.
    Heartbeat(usize),
    /// The store does not do what a replica's renewal asks for next, or does it and its answer is lost.
    StoreFails(usize, Applied),
    /// The issuer grants, and its answer is lost.
    AnswerIsLost(usize),
}

/// Whether the store did what it gave no answer to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Applied {
    No,
    Yes,
}

/// A change of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mutation {
    None,
    /// Nobody takes the lease.
    NoLease,
    /// Whoever has the lease trusts what the request had read.
    NoReload,
    /// A save looks at no version.
    SaveWithoutVersion,
    /// A save that finds no record writes one.
    CreateInsteadOfSave,
    /// That a session was used is written without looking at the version.
    TouchWithoutVersion,
    /// New tokens are handed out while they are written.
    HandOutFirst,
    /// What could not be written down waits for a request.
    NoWriteLater,
    /// What could not be written down is forgotten.
    ForgetUnsaved,
    /// What could not be written down is written whatever has happened since.
    UnsavedWithoutOrigin,
    /// Whoever waits waits for the tokens alone, and never takes the lease of the dead.
    NoTakeover,
}

/// The protocol in one setting.
#[derive(Clone, Copy, Debug)]
struct Refresh {
    /// To which replica each request goes.
    requests: &'static [usize],
    /// Whether the issuer lets a replaced token be used again for a while.
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
        let next = Record { version: before.version + 1, tokens };
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

    /// A refresh token is presented.
    fn grant(&self, issuer: &mut Issuer, token: u8) -> Option<u8> {
        let replaced = issuer.replaced & (1 << token) != 0;
        issuer.killed |= replaced && !self.lenient;
        if issuer.killed {
            return None;
        }
        issuer.repeated |= replaced;
        issuer.replaced |= 1 << token;
        issuer.newest += 1;
        Some(issuer.newest)
    }

    // -- a renewal -------------------------------------------------------------------------------------------------

    /// The next step of the renewal of a replica.
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
            At::Ask { current } => match self.grant(&mut state.issuer, current.tokens) {
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

    /// `Renewals::unsaved`.
    fn unsaved(&self, replica: &Replica, current: Record) -> Option<u8> {
        let (before, next) = replica.unsaved?;
        (before == current.tokens || self.is(Mutation::UnsavedWithoutOrigin)).then_some(next)
    }

    /// The store fails a renewal.
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

    /// Whether a renewal may do something: with a mutation it may wait for something that never comes.
    fn can_fly(&self, state: &State, flight: &Flight) -> bool {
        let changed = state.record.is_none_or(|record| record.tokens != flight.before.tokens);
        !self.is(Mutation::NoTakeover) || flight.at != At::Look || changed
    }
}

impl State {
    /// All who wait on a replica learn what came of it.
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
            Outcome::Ended => self.seen.nobody = true,
            Outcome::Failed => {}
        }
        for request in self.requests.iter_mut().filter(|request| waits(request)) {
            request.1 = Request::Done;
        }
    }

    /// A renewal is over.
    fn land(&mut self, replica: usize, outcome: Outcome) {
        self.replicas[replica].flight = None;
        self.bury(replica);
        self.tell(replica, outcome);
    }
}

impl State {
    /// A renewal is no more, and its lease may be there still.
    fn bury(&mut self, replica: usize) {
        if self.lease == Some(Lease::Of(replica)) {
            self.lease = Some(Lease::OfTheDead);
        }
    }
}

impl Model for Refresh {
    type State = State;
    type Action = Action;

    /// Somebody has signed in some time ago, and the tokens have expired.
    fn init_states(&self) -> Vec<State> {
        let replicas = vec![Replica::default(); self.requests.iter().max().unwrap() + 1];
        let requests = self.requests.iter().map(|replica| (*replica, Request::Coming)).collect();
        vec![State {
            record: Some(Record { version: 1, tokens: 0 }),
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
                state.seen.nobody |= state.record.is_none();
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
                let before = Record { version: 0, tokens: state.replicas[replica].unsaved?.0 };
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
                // Granted or refused: nobody here knows.
                let _ = self.grant(&mut state.issuer, current.tokens);
                flight.at = At::Release(Outcome::Failed);
                state.replicas[replica].flight = Some(flight);
            }
        }
        // Requests to one replica that are equally far are the same.
        state.requests.sort_unstable();
        Some(state)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        let mut properties = vec![
            Property::always(CALM, |_: &Self, state: &State| {
                let lost = state.issuer.killed || state.issuer.repeated || state.seen.refused;
                !state.seen.is_calm() || !lost && (!state.seen.nobody || state.seen.signed_out)
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
            Property::sometimes("somebody has new tokens", |_: &Self, state: &State| state.seen.renewed),
        ];
        if self.mishaps.store_failures > 0 && self.requests.contains(&1) {
            // What the issuer's leeway is for, besides answers that are lost and processes that are killed.
            let name = "a store that fails between grant and save can cost a second grant";
            properties.push(Property::sometimes(name, |_: &Self, state: &State| {
                let other = state.seen.lease_ended || state.seen.answer_lost || state.seen.crashed;
                !other && (state.issuer.repeated || state.issuer.killed)
            }));
        }
        properties
    }
}

/// 1. While nothing fails the issuer sees no token twice, and nobody is signed out who did not sign out.
const CALM: &str = "while nothing fails nobody is signed out";
/// 2. A second grant for the same token needs a lease that ended, a store that failed or an answer that was lost.
const ONE_GRANT: &str = "one grant for each token";
/// 3. Nobody uses tokens that are not in the store.
const WRITTEN_FIRST: &str = "tokens are written before they are used";
/// 4. A session that has ended never comes back.
const STAYS_OUT: &str = "a session that has ended stays away";
/// 5. Newer tokens are never written over, and while nothing fails the newest are those in the store.
const NO_LOST_UPDATE: &str = "no update is lost";
/// 6. Every request ends.
const ENDS: &str = "every request ends";
/// 7. With one replica a store that fails costs no tokens: they are kept until they can be written.
const KEPT: &str = "what could not be written is kept";
/// 8. And in the end it is written, whoever asks for it.
const NOTHING_KEPT: &str = "what was kept is written in the end";

impl Refresh {
    /// What may happen to one renewal.
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

    /// Whether a replica can write down what it could not. While somebody holds the lease a try changes nothing.
    fn can_write_later(&self, state: &State, replica: &Replica) -> bool {
        let has_lease = state.lease.is_none();
        replica.flight.is_none() && replica.unsaved.is_some() && has_lease && !self.is(Mutation::NoWriteLater)
    }

    /// Whether nobody will do anything by itself any more.
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

/// What nobody would call a failure.
const EVERYDAY: Mishaps =
    Mishaps { expiries: 1, sign_outs: 0, crashes: 0, lease_ends: 0, store_failures: 0, lost_answers: 0 };

/// Everything, once.
const STORM: Mishaps =
    Mishaps { expiries: 1, sign_outs: 1, crashes: 1, lease_ends: 1, store_failures: 1, lost_answers: 0 };

fn assert_holds(refresh: Refresh) {
    let checker = refresh.check();
    println!("{} states of {refresh:?}", checker.unique_state_count());
    checker.assert_properties();
}

#[test]
fn while_nothing_fails() {
    assert_holds(Refresh::new(&[0, 0, 1, 1], false, EVERYDAY));
    assert_holds(Refresh::new(&[0, 1, 2], false, EVERYDAY));
}

#[test]
fn while_somebody_signs_out() {
    assert_holds(Refresh::new(&[0, 0, 1], false, Mishaps { sign_outs: 1, ..EVERYDAY }));
}

/// Mishaps in company.
#[test]
fn through_bad_weather() {
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

/// All of them at once.
#[test]
#[ignore = "millions of states: minutes without optimization"]
fn through_a_storm() {
    for lenient in [false, true] {
        assert_holds(Refresh::new(&[0, 0, 1], lenient, STORM));
    }
}

#[test]
fn with_one_replica_a_store_that_fails_costs_nothing() {
    assert_holds(Refresh::new(&[0, 0, 0], false, Mishaps { store_failures: 2, ..EVERYDAY }));
}

#[test]
fn an_answer_that_is_lost_needs_the_leeway_of_the_issuer() {
    assert_holds(Refresh::new(&[0, 0, 1], true, Mishaps { lost_answers: 1, ..EVERYDAY }));
}

/// Each change of the protocol, a setting in which it matters, and the property that it breaks.
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
    ];
    for (mutation, setting, property) in cases {
        let good = setting.check();
        assert!(good.discovery(property).is_none(), "{property} without {mutation:?}");
        let checker = setting.mutated(mutation).check();
        assert!(checker.discovery(property).is_some(), "{mutation:?} does not break `{property}`");
    }
}
