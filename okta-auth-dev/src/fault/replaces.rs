//! Which faults exclude each other.

use std::mem::discriminant;

use super::catalog::Fault;
use super::device::DeviceFault;
use super::id_jag::IdJagFault;
use super::jwe::JweFault;
use super::par::ParFault;

impl Fault {
    /// Whether two faults are of the same kind, so that the later one replaces the earlier one. Faults of claims,
    /// headers and members are of the same kind if they have the same name.
    pub(super) fn replaces(&self, earlier: &Self) -> bool {
        match (self, earlier) {
            (Self::ContentType(one, _), Self::ContentType(other, _)) => one == other,
            (Self::IdTokenClaim(one, _), Self::IdTokenClaim(other, _))
            | (Self::IdTokenHeader(one, _), Self::IdTokenHeader(other, _))
            | (Self::KeysMember(one, _), Self::KeysMember(other, _))
            | (Self::DiscoveryMember(one, _), Self::DiscoveryMember(other, _))
            | (Self::DiscoveryMemberForClient(one, _), Self::DiscoveryMemberForClient(other, _))
            | (Self::TokenMember(one, _), Self::TokenMember(other, _))
            | (Self::AccessTokenClaim(one, _), Self::AccessTokenClaim(other, _))
            | (Self::UserinfoMember(one, _), Self::UserinfoMember(other, _))
            | (Self::IntrospectMember(one, _), Self::IntrospectMember(other, _)) => one == other,
            (Self::Device(DeviceFault::Member(one, _)), Self::Device(DeviceFault::Member(other, _)))
            | (Self::Par(ParFault::Member(one, _)), Self::Par(ParFault::Member(other, _)))
            | (Self::Jwe(JweFault::Header(one, _)), Self::Jwe(JweFault::Header(other, _)))
            | (Self::IdJag(IdJagFault::Claim(one, _)), Self::IdJag(IdJagFault::Claim(other, _)))
            | (Self::IdJag(IdJagFault::Header(one, _)), Self::IdJag(IdJagFault::Header(other, _))) => one == other,
            (Self::IdJag(one), Self::IdJag(other)) => discriminant(one) == discriminant(other),
            (Self::Device(one), Self::Device(other)) => discriminant(one) == discriminant(other),
            (Self::Api(one), Self::Api(other)) => discriminant(one) == discriminant(other),
            (Self::Dpop(one), Self::Dpop(other)) => discriminant(one) == discriminant(other),
            (Self::Par(one), Self::Par(other)) => discriminant(one) == discriminant(other),
            (Self::Jwe(one), Self::Jwe(other)) => discriminant(one) == discriminant(other),
            _ => discriminant(self) == discriminant(earlier),
        }
    }
}
