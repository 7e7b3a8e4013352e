//! A hint for applications without a log.
//!
//! Error pages have a reference that leads to a line in the log. Without a `tracing`
//! subscriber there is no such line, and a first-time user has nothing to go on.

use std::io::Write as _;
use std::sync::Once;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::NoSubscriber;

/// Written once, whatever happens after it.
static HINT: Once = Once::new();

/// Says on stderr that nothing is logged, at the first error of the process and if no
/// subscriber is installed. Every error that an answer refers to comes by here.
pub(crate) fn first_error() {
    // The first check is one load, and false where any thread has a subscriber.
    if LevelFilter::current() != LevelFilter::OFF || !tracing::dispatcher::get_default(|it| it.is::<NoSubscriber>()) {
        return;
    }
    HINT.call_once(|| {
        // A closed stderr is no reason to fail.
        let _ = writeln!(
            std::io::stderr(),
            "okta-auth: a request failed, and its reason is not logged, because no `tracing` subscriber is installed. \
             Add the crate `tracing-subscriber` and call `tracing_subscriber::fmt::init()` first in `main`"
        );
    });
}
