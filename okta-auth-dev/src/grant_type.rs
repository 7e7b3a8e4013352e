//! The grants of the token endpoint.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A grant that a client may use at the token endpoint.
///
/// The org answers a grant that it does not serve with Okta's error for a disabled feature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum GrantType {
    /// `authorization_code`: a user signs in.
    AuthorizationCode,
    /// `refresh_token`: a user signed in earlier, with the scope `offline_access`.
    RefreshToken,
    /// `client_credentials`: a service acts for itself, without a user.
    ClientCredentials,
    /// `implicit`: tokens in the authorization response. Not served.
    Implicit,
    /// `password`. Not served.
    Password,
    /// `urn:ietf:params:oauth:grant-type:device_code` (RFC 8628): a user signs in on another device.
    DeviceCode,
    /// `urn:ietf:params:oauth:grant-type:token-exchange` (RFC 8693): an API acts for the user whose access token it
    /// received.
    TokenExchange,
    /// `urn:ietf:params:oauth:grant-type:jwt-bearer` (RFC 7523): an ID-JAG becomes an access token (Cross App Access).
    JwtBearer,
    /// `urn:ietf:params:oauth:grant-type:saml2-bearer` (RFC 7522). Not served.
    Saml2Bearer,
    /// `urn:openid:params:grant-type:ciba`. Not served.
    Ciba,
    /// `interaction_code`. Not served.
    InteractionCode,
    /// `urn:okta:params:oauth:grant-type:otp`. Not served.
    Otp,
    /// `urn:okta:params:oauth:grant-type:oob`. Not served.
    Oob,
    /// `http://auth0.com/oauth/grant-type/mfa-otp`. Not served.
    MfaOtp,
    /// `http://auth0.com/oauth/grant-type/mfa-oob`. Not served.
    MfaOob,
}

impl Serialize for GrantType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for GrantType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::named(&name).ok_or_else(|| D::Error::custom(format_args!("`{name}` is not a grant type of Okta")))
    }
}

impl GrantType {
    pub(crate) const ALL: [Self; 15] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::Implicit,
        Self::Password,
        Self::DeviceCode,
        Self::TokenExchange,
        Self::JwtBearer,
        Self::Saml2Bearer,
        Self::Ciba,
        Self::InteractionCode,
        Self::Otp,
        Self::Oob,
        Self::MfaOtp,
        Self::MfaOob,
    ];

    /// Returns the value of the parameter `grant_type`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::Implicit => "implicit",
            Self::Password => "password",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::TokenExchange => "urn:ietf:params:oauth:grant-type:token-exchange",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
            Self::Saml2Bearer => "urn:ietf:params:oauth:grant-type:saml2-bearer",
            Self::Ciba => "urn:openid:params:grant-type:ciba",
            Self::InteractionCode => "interaction_code",
            Self::Otp => "urn:okta:params:oauth:grant-type:otp",
            Self::Oob => "urn:okta:params:oauth:grant-type:oob",
            Self::MfaOtp => "http://auth0.com/oauth/grant-type/mfa-otp",
            Self::MfaOob => "http://auth0.com/oauth/grant-type/mfa-oob",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == name)
    }
}
