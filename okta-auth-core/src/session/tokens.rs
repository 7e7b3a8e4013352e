//! The tokens of a session: bytes that are wiped, and looked into only when somebody asks.
//!
//! Most requests need none of the tokens, so they stay where decryption left them. A signed
//! token is three texts in base64url, and a cookie is in base64url once more: the record has the
//! bytes behind the three, which makes the cookie a quarter smaller.

use std::ops::Range;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::{Code, Error, Result};
use crate::protocol::TokenSet;
use crate::secret::{Secret, SecretBytes};

/// The tokens of one session. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// The tokens, with whatever else was decrypted along with them.
    bytes: Arc<SecretBytes>,
    /// Where in the bytes they are.
    range: Range<usize>,
}

/// What the bytes say.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    /// The hint at sign-out.
    #[serde(borrow)]
    id_token: Option<Packed<'a>>,
    /// For calls to other APIs.
    access_token: Option<Packed<'a>>,
    /// To be revoked at sign-out.
    refresh_token: Option<Packed<'a>>,
}

/// One token.
#[derive(Serialize, Deserialize)]
enum Packed<'a> {
    /// As it came.
    Text(&'a str),
    /// Header, payload and signature of a signed token (RFC 7515 §7.1), decoded.
    Signed(&'a [u8], &'a [u8], &'a [u8]),
}

impl Tokens {
    /// Keeps the tokens of a token response.
    pub(super) fn new(tokens: &TokenSet) -> Result<Self> {
        let access_token = Some(&tokens.access_token);
        Self::pack([tokens.id_token.as_ref(), access_token, tokens.refresh_token.as_ref()])
    }

    /// Keeps an ID token, an access token and a refresh token.
    fn pack(tokens: [Option<&Secret>; 3]) -> Result<Self> {
        let parts = tokens.map(|token| token.and_then(|token| decode(token.expose())));
        let packed = |at: usize| match (parts.get(at), tokens.get(at)) {
            (Some(Some([header, payload, signature])), _) => Some(Packed::Signed(header, payload, signature)),
            (_, Some(Some(token))) => Some(Packed::Text(token.expose())),
            _ => None,
        };
        let kept = Kept { id_token: packed(0), access_token: packed(1), refresh_token: packed(2) };
        let bytes = postcard::to_allocvec(&kept)
            .map_err(|error| Error::new(Code::Internal, "tokens cannot be kept").with_cause(error))?;
        let range = 0..bytes.len();
        Ok(Self { bytes: Arc::new(SecretBytes::new(bytes)), range })
    }

    /// The tokens in a part of what has been decrypted, if that is what they are.
    pub(super) fn read(bytes: SecretBytes, range: Range<usize>) -> Option<Self> {
        let tokens = Self { bytes: Arc::new(bytes), range };
        tokens.kept().is_some().then_some(tokens)
    }

    /// The bytes for the record.
    pub(super) fn as_bytes(&self) -> &[u8] {
        self.bytes.expose().get(self.range.clone()).unwrap_or_default()
    }

    /// What the bytes say.
    fn kept(&self) -> Option<Kept<'_>> {
        postcard::from_bytes(self.as_bytes()).ok()
    }

    /// The ID token.
    pub(super) fn id_token(&self) -> Option<Secret> {
        self.kept()?.id_token.map(Packed::unpack)
    }

    /// The claims of the ID token, as JSON.
    pub(super) fn id_token_payload(&self) -> Option<&[u8]> {
        match self.kept()?.id_token? {
            Packed::Signed(_, payload, _) => Some(payload),
            Packed::Text(_) => None,
        }
    }

    /// The access token.
    pub(super) fn access_token(&self) -> Option<Secret> {
        self.kept()?.access_token.map(Packed::unpack)
    }

    /// The refresh token.
    pub(super) fn refresh_token(&self) -> Option<Secret> {
        self.kept()?.refresh_token.map(Packed::unpack)
    }
}

/// The three parts of a signed token, if it is one and can be written again from them.
fn decode(token: &str) -> Option<[SecretBytes; 3]> {
    let (header, rest) = token.split_once('.')?;
    let (payload, signature) = rest.split_once('.')?;
    // The decoder takes one spelling only, so that encoding gives the same text again.
    let part = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().map(SecretBytes::new);
    Some([part(header)?, part(payload)?, part(signature)?])
}

impl Packed<'_> {
    /// The token as it came.
    fn unpack(self) -> Secret {
        match self {
            Self::Text(text) => Secret::new(text),
            Self::Signed(header, payload, signature) => {
                let length = header.len().saturating_add(payload.len()).saturating_add(signature.len());
                // Room for all of it: a text that grows leaves copies of itself behind.
                let mut token = String::with_capacity(length.saturating_mul(4).div_ceil(3).saturating_add(8));
                for (at, part) in [header, payload, signature].into_iter().enumerate() {
                    if at > 0 {
                        token.push('.');
                    }
                    URL_SAFE_NO_PAD.encode_string(part, &mut token);
                }
                Secret::new(token)
            }
        }
    }
}

#[cfg(test)]
impl Tokens {
    /// An ID token and an access token for tests.
    pub(super) fn sample() -> Self {
        Self::pack([Some(&Secret::new("id.token")), Some(&Secret::new("access.token")), None]).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_comes_back_as_it_was() {
        // Signed, opaque, almost signed: other alphabets, stray bits, padding, a fourth part.
        for text in
            ["eyJh.eyJi.c2ln", "..", "", "opaque", "a+b/.eyJi.c2ln", "eyJh.eyJi.c2lnZ", "YQ==.YQ.YQ", "YQ.YQ.YQ.YQ"]
        {
            let token = Secret::new(text);
            let tokens = Tokens::pack([Some(&token), None, Some(&token)]).unwrap();
            let read = SecretBytes::new(tokens.as_bytes().to_vec());
            let length = read.expose().len();
            let again = Tokens::read(read, 0..length).unwrap();
            assert_eq!((again.id_token(), again.access_token()), (Some(token.clone()), None), "{text}");
            assert_eq!(again.refresh_token(), Some(token), "{text}");
        }
    }

    #[test]
    fn a_signed_token_takes_less_room_and_shows_its_payload() {
        let payload = "x".repeat(600);
        let text = format!("{0}.{0}.{0}", URL_SAFE_NO_PAD.encode(&payload));
        let tokens = Tokens::pack([Some(&Secret::new(text.clone())), None, None]).unwrap();
        assert_eq!(tokens.id_token_payload(), Some(payload.as_bytes()));
        assert!(tokens.as_bytes().len() * 5 < text.len() * 4);
        assert_eq!(Tokens::sample().id_token_payload(), None);
    }

    #[test]
    fn what_is_no_tokens_is_none() {
        let tokens = Tokens::sample();
        for length in 0..tokens.as_bytes().len() {
            let cut = tokens.as_bytes().get(..length).unwrap().to_vec();
            assert!(Tokens::read(SecretBytes::new(cut), 0..length).is_none(), "{length}");
        }
        assert!(Tokens::read(SecretBytes::new(vec![0, 0, 0]), 0..9).is_none());
    }
}
