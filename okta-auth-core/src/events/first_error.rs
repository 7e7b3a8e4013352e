//! A hint for applications without a log.
//!
//! Error pages have a reference that leads to a line in the log. Without a `tracing` subscriber there is no such line,
//! and a first-time user cannot find the reason.

use std::io::Write as _;
use std::sync::Once;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::NoSubscriber;

static HINT: Once = Once::new();

/// Writes a hint to stderr at the first error of the process if no subscriber is installed. Every error with a
/// reference calls this.
pub(crate) fn first_error() {
    // The first check is a single load, and false if any thread has a subscriber.
    if LevelFilter::current() != LevelFilter::OFF || !tracing::dispatcher::get_default(|it| it.is::<NoSubscriber>()) {
        return;
    }
    HINT.call_once(|| {
        // Ignore a closed stderr.
        let _ = writeln!(
            std::io::stderr(),
            "okta-auth: a request failed, and its reason is not logged, because no `tracing` subscriber is installed. \
             Add the crate `tracing-subscriber` and call `tracing_subscriber::fmt::init()` first in `main`"
        );
    });
}
