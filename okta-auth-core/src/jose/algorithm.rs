//! Signature algorithms (RFC 7518 §3.1, RFC 8037 §3.1).

use std::fmt;

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, RsaParameters, VerificationAlgorithm};

/// The algorithms that a token may be signed with. `none` and HMAC are not supported. With HMAC, every party that can
/// verify a token could also sign one.
///
/// | name | key | signature | notes |
/// |---|---|---|---|
/// | RS256, RS384, RS512 | RSA of 2048 to 8192 bits | as long as the key | Okta signs with RS256 |
/// | PS256 | RSA of 2048 to 8192 bits | as long as the key | the salt has exactly 32 bytes |
/// | ES256, ES384 | P-256, P-384 | 64, 96 bytes | two numbers of fixed size, not DER |
/// | EdDSA | Ed25519 | 64 bytes | no Ed448 |
///
/// The configuration has a list of allowed algorithms, by default only RS256. A token is accepted only if the algorithm
/// in its header is on the list and its key fits the algorithm (RFC 8725 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256: the algorithm that Okta uses.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// The type of key that an algorithm uses, including the curve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Rsa,
    P256,
    P384,
    Ed25519,
}

impl Algorithm {
    /// Returns the algorithm for the `alg` of a header or a key, if it is supported. `Ed25519` is the name of RFC 9864
    /// for what `EdDSA` means here.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "RS256" => Self::Rs256,
            "RS384" => Self::Rs384,
            "RS512" => Self::Rs512,
            "PS256" => Self::Ps256,
            "ES256" => Self::Es256,
            "ES384" => Self::Es384,
            "EdDSA" | "Ed25519" => Self::EdDsa,
            _ => return None,
        })
    }

    /// Returns the name for `alg`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    pub(super) const fn family(self) -> Family {
        match self {
            Self::Rs256 | Self::Rs384 | Self::Rs512 | Self::Ps256 => Family::Rsa,
            Self::Es256 => Family::P256,
            Self::Es384 => Family::P384,
            Self::EdDsa => Family::Ed25519,
        }
    }

    pub(super) const fn of(family: Family) -> &'static [Self] {
        match family {
            Family::Rsa => &[Self::Rs256, Self::Rs384, Self::Rs512, Self::Ps256],
            Family::P256 => &[Self::Es256],
            Family::P384 => &[Self::Es384],
            Family::Ed25519 => &[Self::EdDsa],
        }
    }

    pub(super) fn rsa_parameters(self) -> Option<&'static RsaParameters> {
        Some(match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Es256 | Self::Es384 | Self::EdDsa => return None,
        })
    }

    /// The verifier of an algorithm. ECDSA signatures are two fixed-size numbers (RFC 7518 §3.4), not DER.
    pub(super) fn verification(self) -> &'static (dyn VerificationAlgorithm + 'static) {
        match self {
            Self::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            Self::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
            Self::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
            Self::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Self::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Self::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Self::EdDsa => &signature::ED25519,
        }
    }

    /// The hash for `at_hash` (OIDC Core §3.1.3.6): that of the signature algorithm. For Ed25519 it is SHA-512, which
    /// Ed25519 uses internally.
    pub(super) fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 => &digest::SHA256,
            Self::Rs384 | Self::Es384 => &digest::SHA384,
            Self::Rs512 | Self::EdDsa => &digest::SHA512,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
