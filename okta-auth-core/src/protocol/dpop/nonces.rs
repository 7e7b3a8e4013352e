//! The nonces that servers issued (RFC 9449 §8 and §9).

use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderName};
use quick_cache::sync::Cache;

/// The number of servers whose nonce is kept. An application calls few APIs.
const SERVERS: usize = 256;
/// The maximum length of a nonce. Okta's have less than 50 characters.
const MAX_NONCE: usize = 512;

const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// The last nonce of each server. The cache is created with the first one, because each tenant has its own.
#[derive(Default)]
pub(super) struct Nonces(OnceLock<Cache<String, Arc<str>>>);

impl Nonces {
    pub(super) fn of(&self, server: &str) -> Option<Arc<str>> {
        self.0.get()?.get(server)
    }

    /// Keeps the nonce of a response; returns false if it has none. A response with two of them is malformed (RFC 9449
    /// §8.1), and has none.
    pub(super) fn learn_nonce(&self, server: &str, headers: &HeaderMap) -> bool {
        let mut values = headers.get_all(DPOP_NONCE).iter();
        let (Some(value), None) = (values.next(), values.next()) else { return false };
        let Some(nonce) = value.to_str().ok().filter(|nonce| is_nonce(nonce)) else { return false };
        if self.of(server).as_deref() != Some(nonce) {
            self.0.get_or_init(|| Cache::new(SERVERS)).insert(server.to_owned(), nonce.into());
        }
        true
    }
}

/// The characters of a nonce (RFC 9449 §8.1).
fn is_nonce(text: &str) -> bool {
    let is_allowed = |byte: u8| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    !text.is_empty() && text.len() <= MAX_NONCE && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values.iter().map(|value| (DPOP_NONCE, value.parse().unwrap())).collect()
    }

    #[test]
    fn one_nonce_of_visible_characters_is_kept_for_its_server() {
        let (nonces, long) = (Nonces::default(), "n".repeat(MAX_NONCE + 1));
        for bad in [&[][..], &["a", "b"], &["a", "a"], &[""], &["a b"], &["a\"b"], &["a\\b"], &[long.as_str()]] {
            assert!(!nonces.learn_nonce("https://a.example", &headers(bad)), "{bad:?}");
        }
        assert_eq!(nonces.of("https://a.example"), None);
        for good in ["n-1", "!#[]~", long.split_at(1).1] {
            assert!(nonces.learn_nonce("https://a.example", &headers(&[good])), "{good}");
            assert_eq!(nonces.of("https://a.example").as_deref(), Some(good));
        }
        assert_eq!(nonces.of("https://b.example"), None);
    }

    #[test]
    fn the_number_of_servers_is_bounded() {
        let nonces = Nonces::default();
        for server in 0..SERVERS * 4 {
            nonces.learn_nonce(&format!("https://{server}.example"), &headers(&["n"]));
        }
        assert!(nonces.0.get().unwrap().len() <= SERVERS);
    }
}
