//! Sessions that end right after their sign-in.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Code, Error};

/// A session that ends sooner than this after its sign-in does not start another sign-in.
const SHORT: Duration = Duration::from_secs(60);

/// Returns an error if a session that began at `began` has ended right after its sign-in. Another sign-in would end in
/// the same way, in an endless redirect loop.
pub(crate) fn ended_early(began: Timestamp, now: Timestamp) -> Option<Arc<Error>> {
    let message = "a session ended within a minute of its sign-in because Okta rejected its refresh token, so no other \
                   sign-in is started; check the lifetime of access tokens and the refresh token settings at Okta";
    (now.since(began) < SHORT).then(|| Arc::new(Error::new(Code::SessionNotRenewable, message)))
}
