//! Errors of the Redis store, with messages that are safe to log.
//!
//! Some server errors repeat arguments, and an argument may be a password or a record. So only the first word of a
//! server error is kept, which is its code.

use std::time::Duration;

use fred::error::{Error as RedisError, ErrorKind};

use crate::session::StoreError;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Failure {
    #[error("Redis cannot be reached ({0}); is it running, and is its address right?")]
    Away(String),
    #[error("Redis did not answer within {} ms; it is paused, overloaded or far away", .0.as_millis())]
    Late(Duration),
    #[error("Redis rejected a command, or the connection broke ({0})")]
    Refused(String),
    #[error("a Redis key of okta-auth has a foreign value; does another program write to the same database?")]
    Foreign,
    #[error("the connections to Redis have ended")]
    Ended,
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        Self::Refused(describe(&error))
    }
}

impl From<Failure> for StoreError {
    fn from(failure: Failure) -> Self {
        Self::new(failure)
    }
}

/// Describes an error without any text that the server may have repeated.
pub(super) fn describe(error: &RedisError) -> String {
    let kind = error.kind().to_str();
    match error.kind() {
        // These texts come from the operating system and from TLS.
        ErrorKind::IO | ErrorKind::Tls => format!("{kind}: {}", error.details()),
        _ => server_code(error.details()).map_or_else(|| kind.to_owned(), |code| format!("{kind}: {code}")),
    }
}

/// Whether the server is no longer the primary, so that the client must reconnect to the new one.
pub(super) fn is_demoted(error: &RedisError) -> bool {
    server_code(error.details()) == Some("READONLY")
}

/// The code in front of a server's error, such as `WRONGTYPE`, `OOM` or `NOAUTH`.
///
/// | code | what it means for the operator |
/// |---|---|
/// | `NOAUTH`, `WRONGPASS`, `NOPERM` | user or password of the URL are wrong, or the user may not run scripts |
/// | `OOM` | the server is full; see `maxmemory` |
/// | `READONLY` | the server is a replica, and a primary is needed |
/// | `LOADING`, `MASTERDOWN`, `CLUSTERDOWN` | the server is temporarily not ready |
fn server_code(details: &str) -> Option<&str> {
    let code = details.split(' ').next()?;
    let plain = (2..=16).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_uppercase());
    plain.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_in_server_errors_are_not_logged() {
        let text = "ERR unknown command 'AUTH', with args beginning with: 'hunter2'";
        let failure = Failure::from(RedisError::new(ErrorKind::Unknown, text));
        assert!(failure.to_string().contains("ERR"), "{failure}");
        assert!(!format!("{failure} {failure:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_in_place_of_a_code_is_not_taken_for_a_code() {
        assert_eq!(server_code("hunter2"), None);
        assert_eq!(server_code("WRONGTYPE Operation against a key"), Some("WRONGTYPE"));
    }
}
