//! The tokens of a session: bytes that are wiped, and looked into only when somebody
//! asks.
//!
//! Most requests need none of the tokens, so they stay where decryption left them. A
//! signed token is three texts in base64url, and a cookie is in base64url once more:
//! the record has the bytes behind the three, which makes the cookie a quarter smaller.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::base64url;
use crate::cookie::Sealer;
use crate::error::{Code, Error, Result};
use crate::protocol::TokenSet;
use crate::secret::{Secret, SecretBytes};

/// The tokens of one session. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    /// What they are in.
    place: Place,
    /// Where in its bytes they are.
    range: Range<usize>,
}

/// What tokens are kept in.
#[derive(Clone, Debug)]
enum Place {
    /// Memory, with whatever else was decrypted along with them.
    Open(Arc<SecretBytes>),
    /// The cookie that they came in.
    Sealed(SealedText),
}

/// A sealed text, and what opens it.
#[derive(Clone, Debug)]
pub(super) struct SealedText {
    /// What opens it.
    pub(super) sealer: Arc<Sealer>,
    /// The name that it is sealed for.
    pub(super) name: Arc<str>,
    /// The text.
    pub(super) text: Arc<[u8]>,
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

    /// Keeps the tokens of a refresh, and of those before it what it does not replace.
    pub(super) fn renewed(&self, tokens: &TokenSet) -> Result<Self> {
        let (id_token, refresh_token) = (self.id_token(), self.refresh_token());
        let id_token = tokens.id_token.as_ref().or(id_token.as_ref());
        Self::pack([id_token, Some(&tokens.access_token), tokens.refresh_token.as_ref().or(refresh_token.as_ref())])
    }

    /// Whether the access and refresh tokens are the same.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        (self.access_token(), self.refresh_token()) == (other.access_token(), other.refresh_token())
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
        Ok(Self { place: Place::Open(Arc::new(SecretBytes::new(bytes))), range })
    }

    /// The tokens in a part of what has been decrypted, if that is what they are.
    pub(super) fn read(bytes: SecretBytes, range: Range<usize>) -> Option<Self> {
        let tokens = Self { place: Place::Open(Arc::new(bytes)), range };
        tokens.with(|_| ()).map(|()| tokens)
    }

    /// The same tokens, in the cookie that they came in and nowhere else.
    pub(super) fn sealed(&self, text: SealedText) -> Self {
        Self { place: Place::Sealed(text), range: self.range.clone() }
    }

    /// How many bytes they are.
    pub(super) fn size(&self) -> usize {
        self.range.len()
    }

    /// Appends the bytes for the record.
    pub(super) fn append_to(&self, record: &mut SecretBytes) {
        self.with_bytes(|bytes| record.append(bytes));
    }

    /// Looks at the bytes.
    fn with_bytes<T>(&self, look: impl FnOnce(&[u8]) -> T) -> Option<T> {
        match &self.place {
            Place::Open(bytes) => bytes.get(self.range.clone()).map(look),
            Place::Sealed(sealed) => {
                let opened = sealed.sealer.open(&sealed.name, &sealed.text)?;
                let (bytes, _) = opened.into_parts();
                bytes.get(self.range.clone()).map(look)
            }
        }
    }

    /// Looks at what the bytes say.
    fn with<T>(&self, look: impl FnOnce(Kept<'_>) -> T) -> Option<T> {
        self.with_bytes(|bytes| postcard::from_bytes(bytes).ok().map(look)).flatten()
    }

    /// The ID token.
    pub(super) fn id_token(&self) -> Option<Secret> {
        self.with(|kept| kept.id_token.map(Packed::unpack)).flatten()
    }

    /// The claims of the ID token, as JSON.
    pub(super) fn id_token_payload(&self) -> Option<Vec<u8>> {
        let payload = |kept: Kept<'_>| match kept.id_token? {
            Packed::Signed(_, payload, _) => Some(payload.to_vec()),
            Packed::Text(_) => None,
        };
        self.with(payload).flatten()
    }

    /// The access token.
    pub(super) fn access_token(&self) -> Option<Secret> {
        self.with(|kept| kept.access_token.map(Packed::unpack)).flatten()
    }

    /// The refresh token.
    pub(super) fn refresh_token(&self) -> Option<Secret> {
        self.with(|kept| kept.refresh_token.map(Packed::unpack)).flatten()
    }
}

/// The three parts of a signed token, if it is one and can be written again from them.
fn decode(token: &str) -> Option<[SecretBytes; 3]> {
    let (header, rest) = token.split_once('.')?;
    let (payload, signature) = rest.split_once('.')?;
    // The decoder takes one spelling only, so that encoding gives the same text again.
    let part = |text: &str| base64url::decode(text).ok().map(SecretBytes::new);
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
                    base64url::append(part, &mut token);
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

    fn bytes(tokens: &Tokens) -> Vec<u8> {
        tokens.with_bytes(<[u8]>::to_vec).unwrap()
    }

    fn read(bytes: Vec<u8>) -> Option<Tokens> {
        let range = 0..bytes.len();
        Tokens::read(SecretBytes::new(bytes), range)
    }

    #[test]
    fn every_token_comes_back_as_it_was() {
        // Signed, opaque, almost signed: other alphabets, stray bits, padding, a fourth part.
        for text in
            ["eyJh.eyJi.c2ln", "..", "", "opaque", "a+b/.eyJi.c2ln", "eyJh.eyJi.c2lnZ", "YQ==.YQ.YQ", "YQ.YQ.YQ.YQ"]
        {
            let token = Secret::new(text);
            let tokens = Tokens::pack([Some(&token), None, Some(&token)]).unwrap();
            let again = read(bytes(&tokens)).unwrap();
            assert_eq!((again.id_token(), again.access_token()), (Some(token.clone()), None), "{text}");
            assert_eq!(again.refresh_token(), Some(token), "{text}");
        }
    }

    #[test]
    fn a_signed_token_takes_less_room_and_shows_its_payload() {
        let payload = "x".repeat(600);
        let text = format!("{0}.{0}.{0}", base64url::encode(&payload));
        let tokens = Tokens::pack([Some(&Secret::new(text.clone())), None, None]).unwrap();
        assert_eq!(tokens.id_token_payload(), Some(payload.into_bytes()));
        assert!(bytes(&tokens).len() * 5 < text.len() * 4);
        assert_eq!(Tokens::sample().id_token_payload(), None);
    }

    #[test]
    fn what_is_no_tokens_is_none() {
        let tokens = Tokens::sample();
        for length in 0..bytes(&tokens).len() {
            let mut cut = bytes(&tokens);
            cut.truncate(length);
            assert!(read(cut).is_none(), "{length}");
        }
        assert!(Tokens::read(SecretBytes::new(vec![0, 0, 0]), 0..9).is_none());
    }
}
