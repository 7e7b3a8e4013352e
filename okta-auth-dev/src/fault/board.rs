//! The switchboard: which faults are on.
//!
//! Endpoints ask for a fault at the moment they would act on it. So a fault that is on
//! for one request goes off with the request that it changed, not with the next one
//! that happens to come.

use std::sync::Mutex;

use serde_json::{Map, Value};

use super::Fault;
use crate::sync::lock;

/// Which faults are on. Whoever is about to do something asks here first.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// In the order in which they were switched on.
    armed: Mutex<Vec<Armed>>,
}

/// A fault that is on.
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

    /// The faults that are on, and whether each goes off after it was met.
    pub(crate) fn armed(&self) -> Vec<(Fault, bool)> {
        lock(&self.armed).iter().map(|armed| (armed.fault.clone(), armed.once)).collect()
    }

    /// Switches all faults off.
    pub(crate) fn clear(&self) {
        lock(&self.armed).clear();
    }

    /// The first fault that the caller can use, as what the caller makes of it.
    ///
    /// The closure runs while the board is locked and must not ask the board again.
    pub(crate) fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut armed = lock(&self.armed);
        let (index, found) = armed.iter().enumerate().find_map(|(index, armed)| Some((index, pick(&armed.fault)?)))?;
        if armed.get(index).is_some_and(|armed| armed.once) {
            armed.remove(index);
        }
        Some(found)
    }

    /// Offers every fault to the caller, in the order in which they were switched on;
    /// the caller says whether it was one for it.
    pub(crate) fn each<E>(&self, mut apply: impl FnMut(&Fault) -> Result<bool, E>) -> Result<(), E> {
        let mut failed = None;
        lock(&self.armed).retain(|armed| match apply(&armed.fault) {
            Ok(applied) => !(applied && armed.once),
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        failed.map_or(Ok(()), Err)
    }

    /// Sets or removes the members that faults of one kind name; `of` picks the kind.
    pub(crate) fn change_members(
        &self,
        members: &mut Map<String, Value>,
        of: impl Fn(&Fault) -> Option<(&String, &Value)>,
    ) {
        lock(&self.armed).retain(|armed| {
            let Some((name, value)) = of(&armed.fault) else { return true };
            match value {
                Value::Null => drop(members.remove(name)),
                value => drop(members.insert(name.clone(), value.clone())),
            }
            !armed.once
        });
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
        let mut count = 0;
        board
            .each(|_| {
                Ok::<_, ()>({
                    count += 1;
                    false
                })
            })
            .unwrap();
        assert_eq!(count, 3);
        assert!(!board.hit(&Fault::KeysStatus(500)));
    }
}
