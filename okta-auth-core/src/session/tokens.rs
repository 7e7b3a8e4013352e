//! The tokens of a session, decoded only on demand and wiped when dropped.
//!
//! Most requests need no token, so the tokens stay where decryption left them. A signed token is three base64url texts,
//! and a cookie is encoded in base64url again. The record therefore stores the decoded bytes, which makes the cookie a
//! quarter smaller.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

use super::reader::Reader;
use crate::base64url;
use crate::cookie::Sealer;
use crate::error::{Code, Error, Result};
use crate::protocol::{DpopKey, TokenSet};
use crate::secret::{Secret, SecretBytes};

/// The tokens of one session. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    place: Place,
    /// Their position in the bytes of `place`.
    range: Range<usize>,
}

#[derive(Clone, Debug)]
enum Place {
    /// In memory, with the rest of the decrypted record.
    Open(Arc<SecretBytes>),
    Sealed(SealedText),
}

#[derive(Clone, Debug)]
pub(super) struct SealedText {
    pub(super) sealer: Arc<Sealer>,
    /// The cookie name that it is sealed for.
    pub(super) name: Arc<str>,
    pub(super) text: Arc<[u8]>,
}

/// [`Kept::read`] decodes it.
#[derive(Serialize)]
struct Kept<'a> {
    /// For the `id_token_hint` at logout.
    id_token: Option<Packed<'a>>,
    /// For calls to other APIs.
    access_token: Option<Packed<'a>>,
    /// For refresh, and for revocation at logout.
    refresh_token: Option<Packed<'a>>,
}

#[derive(Serialize)]
enum Packed<'a> {
    /// An opaque token.
    Text(&'a str),
    /// Header, payload and signature of a signed token (RFC 7515 §7.1), decoded.
    Signed(&'a [u8], &'a [u8], &'a [u8]),
}

impl Tokens {
    pub(super) fn new(tokens: &TokenSet) -> Result<Self> {
        let access_token = Some(&tokens.access_token);
        let packed = [tokens.id_token.as_ref(), access_token, tokens.refresh_token.as_ref()];
        Self::pack(packed, tokens.dpop_key.as_ref())
    }

    /// Packs the tokens of a refresh. Tokens that the refresh does not replace stay.
    pub(super) fn renewed(&self, tokens: &TokenSet) -> Result<Self> {
        let (id_token, refresh_token) = (self.id_token(), self.refresh_token());
        let id_token = tokens.id_token.as_ref().or(id_token.as_ref());
        let packed = [id_token, Some(&tokens.access_token), tokens.refresh_token.as_ref().or(refresh_token.as_ref())];
        Self::pack(packed, tokens.dpop_key.as_ref())
    }

    /// Whether the access and refresh tokens are the same.
    pub(super) fn same_as(&self, other: &Self) -> bool {
        (self.access_token(), self.refresh_token()) == (other.access_token(), other.refresh_token())
    }

    /// The key that the tokens are bound to follows them. Records from before DPoP have none.
    fn pack(tokens: [Option<&Secret>; 3], key: Option<&DpopKey>) -> Result<Self> {
        let parts = tokens.map(|token| token.and_then(|token| decode(token.expose())));
        let packed = |at: usize| match (parts.get(at), tokens.get(at)) {
            (Some(Some([header, payload, signature])), _) => Some(Packed::Signed(header, payload, signature)),
            (_, Some(Some(token))) => Some(Packed::Text(token.expose())),
            _ => None,
        };
        let kept = Kept { id_token: packed(0), access_token: packed(1), refresh_token: packed(2) };
        let bytes = postcard::to_allocvec(&kept).map_err(|error| {
            Error::new(Code::Internal, "the tokens of a session cannot be encoded").with_cause(error)
        })?;
        let mut bytes = SecretBytes::new(bytes);
        if let Some(key) = key {
            bytes.append(&key.to_bytes()?);
        }
        let range = 0..bytes.len();
        Ok(Self { place: Place::Open(Arc::new(bytes)), range })
    }

    /// Reads tokens from a range of decrypted bytes. Returns `None` if the range does not decode.
    pub(super) fn read(bytes: SecretBytes, range: Range<usize>) -> Option<Self> {
        let tokens = Self { place: Place::Open(Arc::new(bytes)), range };
        let is_valid = tokens.with_parts(|_, key| key.is_empty() || key.len() == DpopKey::LENGTH)?;
        is_valid.then_some(tokens)
    }

    /// Drops the decrypted tokens and refers to their sealed cookie.
    pub(super) fn sealed(&self, text: SealedText) -> Self {
        Self { place: Place::Sealed(text), range: self.range.clone() }
    }

    /// The encoded size in bytes.
    pub(super) fn size(&self) -> usize {
        self.range.len()
    }

    pub(super) fn append_to(&self, record: &mut SecretBytes) {
        self.with_bytes(|bytes| record.append(bytes));
    }

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

    fn with<T>(&self, look: impl FnOnce(Kept<'_>) -> T) -> Option<T> {
        self.with_parts(|kept, _| look(kept))
    }

    /// Passes the tokens and the bytes of their key.
    fn with_parts<T>(&self, look: impl FnOnce(Kept<'_>, &[u8]) -> T) -> Option<T> {
        self.with_bytes(|bytes| Kept::read(bytes).map(|(kept, key)| look(kept, key))).flatten()
    }

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

    pub(super) fn access_token(&self) -> Option<Secret> {
        self.with(|kept| kept.access_token.map(Packed::unpack)).flatten()
    }

    pub(super) fn refresh_token(&self) -> Option<Secret> {
        self.with(|kept| kept.refresh_token.map(Packed::unpack)).flatten()
    }

    /// Returns the key that the access and refresh tokens are bound to (RFC 9449 §5).
    pub(super) fn dpop_key(&self) -> Option<DpopKey> {
        self.with_parts(|_, key| DpopKey::from_bytes(key)).flatten()
    }
}

impl<'a> Kept<'a> {
    /// Reads the tokens, and returns the bytes after them.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let mut reader = Reader::new(bytes);
        let [id_token, access_token, refresh_token] =
            [Packed::read(&mut reader)?, Packed::read(&mut reader)?, Packed::read(&mut reader)?];
        Some((Self { id_token, access_token, refresh_token }, reader.rest()?))
    }
}

/// The three decoded parts of a signed token, if encoding them gives the same token again.
fn decode(token: &str) -> Option<[SecretBytes; 3]> {
    let (header, rest) = token.split_once('.')?;
    let (payload, signature) = rest.split_once('.')?;
    // The decoder accepts only the canonical encoding, so encoding reproduces the text.
    let part = |text: &str| base64url::decode(text).ok().map(SecretBytes::new);
    Some([part(header)?, part(payload)?, part(signature)?])
}

impl<'a> Packed<'a> {
    /// Reads an optional token: whether it is present, the number of its variant, and the fields.
    fn read(reader: &mut Reader<'a>) -> Option<Option<Self>> {
        if !reader.next::<bool>()? {
            return Some(None);
        }
        let packed = match reader.next::<u32>()? {
            0 => Self::Text(reader.next()?),
            1 => Self::Signed(reader.next()?, reader.next()?, reader.next()?),
            _ => return None,
        };
        Some(Some(packed))
    }

    fn unpack(self) -> Secret {
        match self {
            Self::Text(text) => Secret::new(text),
            Self::Signed(header, payload, signature) => {
                let length = header.len().saturating_add(payload.len()).saturating_add(signature.len());
                // Reserve the full size: a text that grows leaves copies of itself behind.
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
    pub(super) fn sample() -> Self {
        Self::pack([Some(&Secret::new("id.token")), Some(&Secret::new("access.token")), None], None).unwrap()
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
    fn every_token_survives_a_round_trip() {
        // Signed, opaque, and almost signed: other alphabets, stray bits, padding, a fourth part.
        for text in
            ["eyJh.eyJi.c2ln", "..", "", "opaque", "a+b/.eyJi.c2ln", "eyJh.eyJi.c2lnZ", "YQ==.YQ.YQ", "YQ.YQ.YQ.YQ"]
        {
            let token = Secret::new(text);
            let tokens = Tokens::pack([Some(&token), None, Some(&token)], None).unwrap();
            let again = read(bytes(&tokens)).unwrap();
            assert_eq!((again.id_token(), again.access_token()), (Some(token.clone()), None), "{text}");
            assert_eq!(again.refresh_token(), Some(token), "{text}");
        }
    }

    #[test]
    fn a_signed_token_is_stored_smaller_and_its_payload_can_be_read() {
        let payload = "x".repeat(600);
        let text = format!("{0}.{0}.{0}", base64url::encode(&payload));
        let tokens = Tokens::pack([Some(&Secret::new(text.clone())), None, None], None).unwrap();
        assert_eq!(tokens.id_token_payload(), Some(payload.into_bytes()));
        assert!(bytes(&tokens).len() * 5 < text.len() * 4);
        assert_eq!(Tokens::sample().id_token_payload(), None);
    }

    #[test]
    fn bytes_that_are_not_tokens_are_rejected() {
        let tokens = Tokens::sample();
        for length in 0..bytes(&tokens).len() {
            let mut cut = bytes(&tokens);
            cut.truncate(length);
            assert!(read(cut).is_none(), "{length}");
        }
        assert!(read(vec![1, 0, 0, 0, 0]).is_some(), "an empty opaque token");
        assert!(read(vec![2, 0, 0, 0, 0]).is_none(), "neither present nor absent");
        assert!(read(vec![1, 2, 0, 0, 0]).is_none(), "neither opaque nor signed");
        assert!(Tokens::read(SecretBytes::new(vec![0, 0, 0]), 0..9).is_none());
    }

    #[test]
    fn the_key_follows_the_tokens_and_may_be_absent() {
        let (token, key) = (Secret::new("opaque"), DpopKey::generate().unwrap());
        let before = Tokens::pack([None, Some(&token), None], None).unwrap();
        assert!(read(bytes(&before)).unwrap().dpop_key().is_none());
        let bound = Tokens::pack([None, Some(&token), None], Some(&key)).unwrap();
        assert_eq!(bytes(&bound).len(), bytes(&before).len() + 32);
        let again = read(bytes(&bound)).unwrap();
        assert_eq!(again.dpop_key().unwrap().thumbprint(), key.thumbprint());
        assert_eq!(again.access_token(), Some(token));
        for length in 1..32 {
            let mut cut = bytes(&bound);
            cut.truncate(cut.len() - length);
            assert!(read(cut).is_none(), "{length}");
        }
    }
}
