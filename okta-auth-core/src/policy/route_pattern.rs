//! Compares patterns of routers, to find a policy whose route is misspelled.
//!
//! Patterns are compared only to deny or to warn: a request is let in by the pattern
//! that the router matched, character by character.

/// A pattern without the names of its parameters and without a slash at its end:
/// `/orders/{id}/` and `/orders/{order}` are both `/orders/{}`.
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

/// Whether one shape is the other below a prefix: `/users` and `/admin/users`.
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
    fn names_of_parameters_and_a_slash_at_the_end_do_not_count() {
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
    fn everything_else_does() {
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
    fn a_prefix_is_whole_segments_before_a_pattern_that_has_a_name() {
        assert!(differs_by_prefix("/app/users", "/users") && differs_by_prefix("/users", "/app/users"));
        assert!(differs_by_prefix("/app/users/{}", "/users/{}"));
        assert!(!differs_by_prefix("/users", "/users"));
        assert!(!differs_by_prefix("/superusers", "/users"));
        assert!(!differs_by_prefix("/users/{}", "/{}"), "a pattern of parameters alone is below everything");
        assert!(!differs_by_prefix("/users", ""));
    }
}
