//! Parameters of queries and forms.

use url::form_urlencoded;

/// Returns the named parameters of queries and forms, and ignores others. Returns `None` if one of them comes twice,
/// even with the same value: parsers disagree on which one counts (RFC 6749 §3.1).
pub(crate) fn unique_params<const N: usize>(encoded: &[&[u8]], names: [&str; N]) -> Option<[Option<String>; N]> {
    let mut values = [const { None }; N];
    for (name, value) in encoded.iter().flat_map(|part| form_urlencoded::parse(part)) {
        let slot = names.iter().position(|known| *known == name).and_then(|at| values.get_mut(at));
        if let Some(slot) = slot
            && slot.replace(value.into_owned()).is_some()
        {
            return None;
        }
    }
    Some(values)
}
