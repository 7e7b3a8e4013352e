//! Rules for secrets. A weak secret is rejected with a command that makes a good one. No message shows a secret.

use std::collections::BTreeMap;

use super::client_auth::SecretMethod;
use super::env::{CLIENT_SECRET, COOKIE_SECRET};
use super::placeholder::{is_placeholder, is_quoted};
use super::problem::Diagnostics;
use crate::secret::Secret;

const COMMAND: &str = "make one with `openssl rand -base64 48`";

/// What the cookie secrets protect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SecretUse {
    Sessions,
    /// The nonces of an API without sessions.
    Nonces,
    Nothing,
}

impl SecretUse {
    /// What happens without a secret.
    fn missing(self) -> Option<&'static str> {
        match self {
            Self::Sessions => Some(
                "it is not set, so a random one is used: a restart signs all users out, and replicas do not accept each \
                 other's sessions",
            ),
            Self::Nonces => Some(
                "it is not set, so a random one is used: replicas do not accept each other's nonces for DPoP proofs, \
                 and clients whose requests reach several replicas are refused",
            ),
            Self::Nothing => None,
        }
    }
}

/// In bytes.
const SHORTEST: usize = 32;

/// Minimum entropy of a cookie secret in bits, by the frequency of its characters. 32 random hexadecimal digits have
/// about 115.
const LEAST_ENTROPY: f64 = 96.0;

/// Sample values from this project's documentation, which are public.
const SAMPLES: [&str; 5] = [
    "from-a-vault",
    "32 random bytes or more, also from a vault",
    "a secret that all replicas share and nobody else",
    "an old cookie secret",
    "a new cookie secret",
];

/// Placeholders that people and tools write instead of a secret, in lower case and without separators. Each is long
/// enough that a random secret does not contain it by chance.
const WORDS: [&str; 14] = [
    "changeme",
    "changethis",
    "changeit",
    "replaceme",
    "replacethis",
    "replacewith",
    "placeholder",
    "randombytes",
    "randomstring",
    "yoursecret",
    "yourcookiesecret",
    "supersecret",
    "nevershowsecrets",
    "clientsecrethere",
];

/// Checks the client secret. Its value never appears in a message.
pub(super) fn client_secret(value: Option<&Secret>, findings: &mut Diagnostics) -> Option<Secret> {
    let value = value?;
    let text = value.expose();
    if is_sample(text) || is_one_character(text) {
        return findings
            .reject(CLIENT_SECRET, "it is still a placeholder; replace it with the Client Secret of your application");
    }
    if is_quoted(text) {
        return findings.reject(CLIENT_SECRET, "it is in quotes, which some tools do not remove; remove them");
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return findings
            .reject(CLIENT_SECRET, "it has spaces or characters that a Client Secret cannot have; copy it again");
    }
    Some(value.clone())
}

/// Checks that a secret is long enough for the HMAC of `client_secret_jwt` (RFC 7518 §3.2). Okta rejects shorter ones.
pub(super) fn assertion_secret(secret: &Secret, method: SecretMethod, findings: &mut Diagnostics) {
    let length = secret.expose().len();
    if method == SecretMethod::Jwt && length < SHORTEST {
        let message = format!(
            "it has {length} characters, and `client_secret_jwt` needs {SHORTEST} or more; rotate the secret at Okta, \
             or use another method"
        );
        findings.error(CLIENT_SECRET, message);
    }
}

/// Checks that cookie secrets are long enough and, if browsers use https (`secure`), not predictable.
///
/// The cookie keys are derived from these secrets, so an attacker who guesses one can forge cookies. Randomness cannot
/// be verified, but obvious weakness can be detected. Messages name the position in the list, counted from one.
pub(super) fn cookie_secrets(secrets: &[Secret], (secure, used): (bool, SecretUse), findings: &mut Diagnostics) {
    for (secret, nth) in secrets.iter().zip(1_usize..) {
        let text = secret.expose();
        let why = if text.len() < SHORTEST {
            format!("has {} bytes; use {SHORTEST} or more", text.len())
        } else if is_one_character(text) {
            "is one character repeated".to_owned()
        } else {
            match weakness(text).filter(|_| secure && used != SecretUse::Nothing) {
                Some(weakness) => weakness.to_owned(),
                None => continue,
            }
        };
        findings.error(COOKIE_SECRET, format!("secret {nth} {why}; {COMMAND}"));
    }
    if let Some(missing) = used.missing().filter(|_| secrets.is_empty()) {
        findings.warning(COOKIE_SECRET, format!("{missing}; {COMMAND}"));
    }
}

/// Logs at startup that the cookie secret is random, for several tenants that share it.
pub(super) fn warn_of_random(used: SecretUse) {
    if let Some(missing) = used.missing() {
        tracing::warn!(target: "okta_auth", "{COOKIE_SECRET}: {missing}; {COMMAND}");
    }
}

fn weakness(text: &str) -> Option<&'static str> {
    if is_sample(text) {
        return Some("is a placeholder or a sample");
    }
    if has_period(text.as_bytes()) {
        return Some("repeats itself");
    }
    if is_sequence(text.as_bytes()) {
        return Some("is a sequence of characters");
    }
    (entropy(text.as_bytes()) < LEAST_ENTROPY).then_some("has too few different characters")
}

fn is_sample(text: &str) -> bool {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SAMPLES.contains(&text)
        || is_placeholder(text)
        || text.ends_with("..")
        || WORDS.iter().any(|word| plain.contains(word))
}

fn is_one_character(text: &str) -> bool {
    let first = text.chars().next();
    text.chars().count() > 1 && text.chars().all(|c| Some(c) == first)
}

fn has_period(bytes: &[u8]) -> bool {
    (1..=bytes.len() / 2).any(|period| bytes.iter().zip(bytes.iter().skip(period)).all(|(one, other)| one == other))
}

/// Whether most characters are adjacent to their predecessor, as in `abcdef` and `987654`.
fn is_sequence(bytes: &[u8]) -> bool {
    let near = bytes.iter().zip(bytes.iter().skip(1)).filter(|(one, other)| one.abs_diff(**other) <= 1).count();
    near.saturating_mul(10) > bytes.len().saturating_mul(6)
}

/// The entropy of a text by the frequency of its bytes (Shannon), in bits. This is an upper bound; a lower bound would
/// require knowledge of how the text was generated.
#[allow(clippy::cast_precision_loss, reason = "lengths of secrets are far below 2^52")]
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts: BTreeMap<u8, usize> = BTreeMap::new();
    for byte in bytes {
        let count = counts.entry(*byte).or_default();
        *count = count.saturating_add(1);
    }
    let length = bytes.len() as f64;
    counts.values().map(|count| *count as f64).map(|count| -count * (count / length).log2()).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn weak_secrets_are_detected() {
        for weak in [
            "<put 32 random bytes or more here>",
            "changeme-changeme-changeme-changeme!",
            "ChangeMe please, it is the cookie secret",
            "a secret that all replicas share and nobody else",
            "32 random bytes or more, also from a vault",
            "abababababababababababababababababab",
            "0123456789abcdef0123456789abcdef",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
            "aabbccddaabbccddaabbccddaabbccddaacc",
        ] {
            assert!(weakness(weak).is_some(), "{weak}");
        }
    }

    proptest! {
        /// Output of `openssl rand`, `uuidgen` and password managers is accepted.
        #[test]
        fn random_secrets_are_accepted(bytes: [u8; 32], more: [u8; 16]) {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            prop_assume!(bytes.iter().collect::<std::collections::BTreeSet<_>>().len() > 24);
            prop_assert_eq!(weakness(&hex), None, "{}", hex);
            let text = crate::base64url::encode([bytes.as_slice(), &more].concat());
            prop_assert_eq!(weakness(&text), None, "{}", text);
        }
    }
}
