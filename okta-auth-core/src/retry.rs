//! Pauses between the attempts of background work that waits for a store.

use std::iter;
use std::time::Duration;

use crate::secret::random_bytes;

/// Pauses that double from `first` to `longest`. Each is shortened at random by up to a quarter, so that replicas do
/// not retry in step.
pub(crate) fn pauses(first: Duration, longest: Duration) -> impl Iterator<Item = Duration> + Send {
    iter::successors(Some(first), move |pause| Some(pause.saturating_mul(2).min(longest))).map(shortened)
}

fn shortened(pause: Duration) -> Duration {
    let [random] = random_bytes().unwrap_or_default();
    pause.saturating_sub(pause.saturating_mul(u32::from(random)) / 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_to_the_longest_and_are_shortened_by_less_than_a_quarter() {
        let (pauses, expected) = (pauses(Duration::from_secs(1), Duration::from_secs(6)), [1, 2, 4, 6, 6]);
        for (pause, seconds) in pauses.zip(expected.map(Duration::from_secs)) {
            assert!(pause <= seconds && pause > seconds * 3 / 4, "{pause:?} of {seconds:?}");
        }
    }
}
