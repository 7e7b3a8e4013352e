//! Faults of encrypted ID tokens (RFC 7516).

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A wrong or unusual encryption of ID tokens, for clients with
/// [`id_token_encrypted_response_alg`](crate::Client::id_token_encrypted_response_alg). See
/// [`Fault::Jwe`](crate::Fault::Jwe).
///
/// Unless the documentation says otherwise, the rest of the token is valid, and a client that rejects it must have
/// checked the one thing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum JweFault {
    /// The token is signed but not encrypted. A client that registered for encryption must reject it.
    NotEncrypted,
    /// Sets the member of the JWE header to the value, or removes it if the value is null. The header is authenticated,
    /// so the encryption stays valid.
    Header(String, Value),
    /// Encrypted with RSA1_5, which padding oracles break (RFC 8017 §7.2).
    Rsa15,
    /// Encrypted with RSA-OAEP and SHA-1, which the client did not register for.
    RsaOaepSha1,
    /// The content is encrypted with A128GCM instead of A256GCM.
    A128Gcm,
    /// The header claims another key encryption than the one in use: RSA-OAEP-512, or RSA-OAEP-256 if that is the one
    /// in use.
    AlgSwap,
    /// `zip` is `DEF`, and the payload is compressed. Compression reveals secrets and lets a small token expand to any
    /// size (RFC 8725 §3.6).
    Zip,
    /// Encrypted for another key with the same `kid`.
    WrongKey,
    /// `kid` names a key that the client does not have.
    UnknownKid,
    /// No `kid`: unusual, but correct. A client with one key must accept it.
    NoKid,
    /// Every byte of the authentication tag is XORed with `0x5A`.
    BadTag,
    /// A byte of the header is changed after the encryption; the header is the additional authenticated data (RFC 7516
    /// §5.1).
    HeaderNotAuthenticated,
    /// The initialization vector has 8 bytes instead of 12 (RFC 7518 §5.3).
    ShortIv,
    /// The authentication tag has 8 bytes instead of 16 (RFC 7518 §5.3).
    ShortTag,
    /// The nested token has `alg` `none` and no signature.
    NestedNone,
    /// The payload is the claims without a signature; `cty` is missing.
    NestedClaims,
    /// The payload is another encrypted token. A client must not decrypt without end.
    NestedTwice,
    /// The nested token has more than 2 MiB.
    Huge,
    /// A sixth part is appended. An encrypted token has exactly five (RFC 7516 §7.1).
    SixParts,
    /// `crit` names an unknown member, which a client must reject (RFC 7516 §4.1.13).
    Critical,
    /// The ephemeral key of ECDH-ES is not on the curve. A client that does not check this reveals its private key (RFC
    /// 8725 §3.4). Only with [`JweAlgorithm::EcdhEsA256Kw`](crate::JweAlgorithm::EcdhEsA256Kw).
    PointNotOnCurve,
}
