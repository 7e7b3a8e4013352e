//! The active faults.
//!
//! An endpoint queries a fault at the moment it would apply it. So a one-time fault is consumed by the request that it
//! changes, not by an unrelated one.

use std::sync::Mutex;

use serde_json::{Map, Value};

use super::catalog::Fault;
use crate::sync::lock;

#[derive(Debug, Default)]
pub(crate) struct ActiveFaults {
    /// In the order of activation.
    armed: Mutex<Vec<Armed>>,
}

#[derive(Debug)]
struct Armed {
    fault: Fault,
    once: bool,
}

impl ActiveFaults {
    /// Activates a fault and replaces an earlier one of the same kind.
    pub(crate) fn arm(&self, fault: Fault, once: bool) {
        let mut armed = lock(&self.armed);
        armed.retain(|earlier| !fault.replaces(&earlier.fault));
        armed.push(Armed { fault, once });
    }

    /// The active faults, and whether each is cleared after one use.
    #[cfg(feature = "admin-api")]
    pub(crate) fn armed(&self) -> Vec<(Fault, bool)> {
        lock(&self.armed).iter().map(|armed| (armed.fault.clone(), armed.once)).collect()
    }

    pub(crate) fn clear(&self) {
        lock(&self.armed).clear();
    }

    /// Returns the closure's result for the first fault that it accepts.
    ///
    /// The closure runs while the faults are locked, so it must not access the faults.
    pub(crate) fn find<T>(&self, pick: impl Fn(&Fault) -> Option<T>) -> Option<T> {
        let mut found = None;
        self.consume_first(&mut |fault| {
            found = pick(fault);
            found.is_some()
        });
        found
    }

    // Not generic, because dozens of closures are passed to these functions.
    fn consume_first(&self, accepts: &mut dyn FnMut(&Fault) -> bool) {
        let mut armed = lock(&self.armed);
        let Some(index) = armed.iter().position(|armed| accepts(&armed.fault)) else { return };
        if armed.get(index).is_some_and(|armed| armed.once) {
            armed.remove(index);
        }
    }

    fn consume_if(&self, applied: &mut dyn FnMut(&Fault) -> bool) {
        lock(&self.armed).retain(|armed| !(applied(&armed.fault) && armed.once));
    }

    /// Passes every fault to the caller, in the order of activation. The caller returns whether it applied the fault.
    pub(crate) fn each<E>(&self, mut apply: impl FnMut(&Fault) -> Result<bool, E>) -> Result<(), E> {
        let mut failed = None;
        self.consume_if(&mut |fault| {
            apply(fault).unwrap_or_else(|error| {
                failed = Some(error);
                false
            })
        });
        failed.map_or(Ok(()), Err)
    }

    /// Sets or removes the members named by the faults that `of` selects.
    pub(crate) fn change_members(
        &self,
        members: &mut Map<String, Value>,
        of: impl Fn(&Fault) -> Option<(&String, &Value)>,
    ) {
        self.consume_if(&mut |fault| {
            let Some((name, value)) = of(fault) else { return false };
            match value {
                Value::Null => drop(members.remove(name)),
                value => drop(members.insert(name.clone(), value.clone())),
            }
            true
        });
    }

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
        let faults = ActiveFaults::default();
        faults.arm(Fault::KeysEmpty, false);
        faults.arm(Fault::KeysHtml, true);
        assert!(faults.hit(&Fault::KeysEmpty) && faults.hit(&Fault::KeysEmpty));
        assert!(faults.hit(&Fault::KeysHtml) && !faults.hit(&Fault::KeysHtml));
        faults.clear();
        assert!(!faults.hit(&Fault::KeysEmpty));
    }

    #[test]
    fn the_later_of_a_kind_replaces_the_earlier() {
        let faults = ActiveFaults::default();
        faults.arm(Fault::KeysStatus(500), false);
        faults.arm(Fault::KeysStatus(503), false);
        faults.arm(Fault::IdTokenClaim("a".into(), json!(1)), false);
        faults.arm(Fault::IdTokenClaim("b".into(), json!(2)), false);
        let mut count = 0;
        faults
            .each(|_| {
                Ok::<_, ()>({
                    count += 1;
                    false
                })
            })
            .unwrap();
        assert_eq!(count, 3);
        assert!(!faults.hit(&Fault::KeysStatus(500)));
    }
}
