//! Compares the route patterns of routers to find misspelled routes in policies.
//!
//! A similar pattern can only deny or warn. Access always depends on the exact pattern that the router matched.

/// Normalizes a pattern: without names of parameters and without a trailing slash. The shape of both `/orders/{id}/`
/// and `/orders/{order}` is `/orders/{}`.
pub(super) fn shape(pattern: &str) -> String {
    let mut shape = String::with_capacity(pattern.len());
    let (mut depth, mut is_tail) = (0_usize, false);
    let mut characters = pattern.trim_end_matches('/').chars().peekable();
    while let Some(character) = characters.next() {
        match (character, depth) {
            ('{', 0) => {
                depth = 1;
                is_tail = characters.peek() == Some(&'*');
            }
            ('{', _) => depth = depth.saturating_add(1),
            ('}', 1) => {
                depth = 0;
                // actix-web writes `{tail}*` where axum writes `{*tail}`.
                is_tail |= characters.next_if_eq(&'*').is_some();
                shape.push_str(if is_tail { "{*}" } else { "{}" });
            }
            ('}', _) => depth = depth.saturating_sub(1),
            (character, 0) => shape.push(character),
            // The regular expression of a parameter: `{tail:.*}` is a tail too.
            ('*', _) => is_tail = true,
            _ => {}
        }
    }
    shape
}

/// Whether the shapes differ only by a prefix, as `/users` and `/admin/users` do.
pub(super) fn differs_by_prefix(one: &str, other: &str) -> bool {
    let below = |long: &str, short: &str| {
        let has_name = short.split('/').any(|segment| !segment.is_empty() && !segment.starts_with('{'));
        has_name && long.len() > short.len() && long.ends_with(short)
    };
    below(one, other) || below(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameter_names_and_trailing_slashes_are_ignored() {
        for (one, other) in [
            ("/orders/{id}", "/orders/{order}"),
            ("/orders/{id}/", "/orders/{order}"),
            ("/orders/", "/orders"),
            ("/files/{*path}", "/files/{tail:.*}"),
            ("/files/{*path}", "/files/{tail}*"),
            ("/users/{id:[0-9]{2}}/x", "/users/{id}/x"),
            ("/", ""),
        ] {
            assert_eq!(shape(one), shape(other), "{one} {other}");
        }
    }

    #[test]
    fn other_differences_are_significant() {
        for (one, other) in [
            ("/orders", "/Orders"),
            ("/orders/{id}", "/orders/id"),
            ("/orders/{id}", "/orders/{id}/items"),
            ("/files/{*path}", "/files/{path}"),
            ("/a-{id}", "/b-{id}"),
            ("/a//b", "/a/b"),
        ] {
            assert_ne!(shape(one), shape(other), "{one} {other}");
        }
    }

    #[test]
    fn a_prefix_consists_of_whole_segments_before_a_literal_segment() {
        assert!(differs_by_prefix("/app/users", "/users") && differs_by_prefix("/users", "/app/users"));
        assert!(differs_by_prefix("/app/users/{}", "/users/{}"));
        assert!(!differs_by_prefix("/users", "/users"));
        assert!(!differs_by_prefix("/superusers", "/users"));
        assert!(!differs_by_prefix("/users/{}", "/{}"), "a pattern of parameters alone is below everything");
        assert!(!differs_by_prefix("/users", ""));
    }
}
