//! The switchboard: which faults are on.

use std::sync::Mutex;

use super::Fault;
use crate::sync::lock;

/// Which faults are on. Whoever is about to do something asks here first.
#[derive(Debug, Default)]
pub(crate) struct Board {
    armed: Mutex<Vec<Armed>>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    /// Whether the fault goes off after it was met once.
    once: bool,
}

impl Board {
    /// Switches a fault on, in place of an earlier one of its kind.
    pub(crate) fn arm(&self, fault: Fault, once: bool) {
        let mut armed = lock(&self.armed);
        armed.retain(|earlier| !fault.replaces(&earlier.fault));
        armed.push(Armed { fault, once });
    }

    /// Switches all faults off.
    pub(crate) fn clear(&self) {
        lock(&self.armed).clear();
    }

    /// The first fault that the caller can use, as what the caller makes of it.
    pub(crate) fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut armed = lock(&self.armed);
        let (index, found) =
            armed.iter().enumerate().find_map(|(index, armed)| Some((index, pick(&armed.fault)?)))?;
        if armed.get(index).is_some_and(|armed| armed.once) {
            armed.remove(index);
        }
        Some(found)
    }

    /// All faults that the caller can use, in the order in which they were switched on.
    pub(crate) fn all(&self, pick: impl Fn(&Fault) -> bool) -> Vec<Fault> {
        let mut armed = lock(&self.armed);
        let found = armed.iter().map(|armed| &armed.fault).filter(|fault| pick(fault)).cloned().collect();
        armed.retain(|armed| !(armed.once && pick(&armed.fault)));
        found
    }

    /// Whether this fault is on.
    pub(crate) fn hit(&self, fault: &Fault) -> bool {
        self.find(|armed| (armed == fault).then_some(())).is_some()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fault_stays_on_until_cleared_and_a_single_one_goes_off() {
        let board = Board::default();
        board.arm(Fault::KeysEmpty, false);
        board.arm(Fault::KeysHtml, true);
        assert!(board.hit(&Fault::KeysEmpty) && board.hit(&Fault::KeysEmpty));
        assert!(board.hit(&Fault::KeysHtml) && !board.hit(&Fault::KeysHtml));
        board.clear();
        assert!(!board.hit(&Fault::KeysEmpty));
    }

    #[test]
    fn the_later_of_a_kind_replaces_the_earlier() {
        let board = Board::default();
        board.arm(Fault::KeysStatus(500), false);
        board.arm(Fault::KeysStatus(503), false);
        board.arm(Fault::IdTokenClaim("a".into(), json!(1)), false);
        board.arm(Fault::IdTokenClaim("b".into(), json!(2)), false);
        assert_eq!(board.all(|_| true).len(), 3);
        assert!(!board.hit(&Fault::KeysStatus(500)));
    }
}
