//! Refreshes the tokens of sessions, once per session for concurrent requests.
//!
//! ```text
//!  request        this process            store                 Okta
//!     |  due?          |                     |                     |
//!     |--------------->|  under way? wait    |                     |
//!     |                |  claim the lease    |                     |
//!     |                |-------------------->|                     |
//!     |                |  read again         |                     |
//!     |                |-------------------->|                     |
//!     |                |  still the same tokens: present them      |
//!     |                |------------------------------------------>|
//!     |                |  new tokens, verified                     |
//!     |                |<------------------------------------------|
//!     |                |  save, unless changed meanwhile           |
//!     |                |-------------------->|                     |
//!     |  new session   |  release the lease  |                     |
//!     |<---------------|-------------------->|                     |
//! ```
//!
//! `tests/it/refresh_model.rs` is a model of this protocol. It searches the interleavings for one that loses a token,
//! uses one twice or revives a session that was signed out.
//!
//! 1. Within one process, concurrent requests share the refresh of a session. It runs in a task of its own, so it
//!    survives the cancellation of a request.
//! 2. Between processes with a shared store, one holds a lease while it refreshes, and the others read the result. A
//!    lease expires a few seconds after its holder stops.
//! 3. The holder of the lease first reads the session again, because it may have been refreshed already.
//! 4. New tokens are persisted before they are used. If that fails, they are kept in memory and persisted as soon as
//!    the store works again ([`PendingWrites`](pending_writes)). Tokens that cannot be verified yet are kept as well
//!    ([`UnverifiedTokens`](token_request)), because the old refresh token may be used up.
//! 5. A request with replaced tokens gets the session with the new ones: always with a store, and during the grace
//!    period with cookies.
//! 6. `invalid_grant` ends a session only if no other process has refreshed it in the meantime. Temporary failures
//!    never end a session.
//!
//! With sessions in cookies, replicas cannot coordinate. Two replicas can refresh the same session only because of
//! Okta's own grace period for rotated refresh tokens.

mod lease;
mod pending_writes;
mod refresher;
mod token_request;

pub(crate) use refresher::{RefreshResult, RefreshState, Refresher};
