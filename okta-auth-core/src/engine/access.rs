//! Determines the caller of a request and evaluates policies for it.
//!
//! Extractors and policies ask several times in one request and in any order, and always get the same result: the
//! session was loaded before, a token is verified once, and both are checked at the same point in time.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use super::context::{NoTenant, RequestContext, RequestState, Tenancy};
use super::signed_in::SignedIn;
use crate::bearer::{BearerToken, RequestTarget};
use crate::error::{Code, Error, Result};
use crate::jose::VerifiedAccessToken;
use crate::policy::{AcceptedCredentials, Caller, MatchedRoute, Policy, RouteClass, signed_in};
use crate::response::Challenge;
use crate::session::Session;
use crate::tenant::TenantSettings;

pub(super) fn user<C: DeserializeOwned + 'static>(context: &RequestContext) -> Result<Option<SignedIn<C>>> {
    context.inner().mark_personal();
    // A policy allowed the holder of a token. The session may belong to another user.
    if context.inner().is_decided_by_token() {
        return Ok(None);
    }
    let Some((session, auth)) = own_session(context)?.zip(context.auth()) else { return Ok(None) };
    SignedIn::new(session, auth, context).map(Some)
}

pub(super) fn tenant(context: &RequestContext) -> Result<Arc<TenantSettings>, Challenge> {
    // A cookie may have selected the tenant.
    context.inner().mark_personal();
    match &context.inner().tenancy {
        Tenancy::Engine(auth) => auth.0.tenant.clone().ok_or_else(|| {
            Challenge::error(Error::new(Code::TenantUnknown, "the application has a single Okta and no tenants"))
        }),
        Tenancy::NoTenant(NoTenant::Discover(_), _) => Err(Challenge::sign_in()),
        Tenancy::NoTenant(NoTenant::Rejected(error) | NoTenant::Public(error), _) => {
            Err(Challenge::error(Error::clone(error)))
        }
    }
}

pub(super) async fn access_token<C: DeserializeOwned + 'static>(
    context: &RequestContext,
) -> Result<BearerToken<C>, Challenge> {
    let state = context.inner();
    state.mark_depends_on_token();
    if !state.credentials.is_present() {
        return Err(Challenge::no_token());
    }
    let token = verified_token(state).await.map_err(Challenge::token)?;
    let (leeway, tenant) = (leeway(context), context.auth().and_then(|auth| auth.0.tenant.clone()));
    BearerToken::new(token, (context.now(), leeway), tenant).map_err(Challenge::error)
}

pub(super) async fn caller(context: &RequestContext, accepts: AcceptedCredentials) -> Result<Caller, Challenge> {
    let (state, leeway) = (context.inner(), leeway(context));
    let accepts = accepted(context, accepts);
    if accepts != AcceptedCredentials::BearerOnly {
        context.inner().mark_personal();
    }
    if accepts != AcceptedCredentials::Session {
        state.mark_depends_on_token();
        if state.credentials.is_present() {
            let token = verified_token(context.inner()).await.map_err(Challenge::token)?;
            return Ok(Caller::token(token, context.now(), leeway));
        }
    }
    let anonymous = || Caller::anonymous(context.now(), leeway);
    if accepts == AcceptedCredentials::BearerOnly {
        return Ok(anonymous());
    }
    let session = own_session(context).map_err(Challenge::error)?;
    Ok(session.map_or_else(anonymous, |session| context.user_caller(session)))
}

/// Returns the verified token. It is verified once, and the first result counts for the whole request.
async fn verified_token(state: &RequestState) -> Result<VerifiedAccessToken, Arc<Error>> {
    if let Some(known) = state.token.get() {
        return known.clone();
    }
    let outcome = verify_token(state).await.map_err(Arc::new);
    state.token.get_or_init(|| outcome).clone()
}

async fn verify_token(state: &RequestState) -> Result<VerifiedAccessToken> {
    let Tenancy::Engine(auth) = &state.tenancy else {
        // Without a tenant there is no issuer to verify the token with.
        let no_issuer = Error::invalid_claim("iss", "is not the issuer of any tenant");
        return state.credentials.token().and(Err(no_issuer));
    };
    let target = RequestTarget { method: &state.method, path_and_query: &state.target };
    auth.0.bearer.verify_presented(&state.credentials, target, state.session.now).await
}

fn leeway(context: &RequestContext) -> Duration {
    context.site().config.options.leeway
}

/// An application without sessions accepts only tokens.
fn accepted(context: &RequestContext, accepts: AcceptedCredentials) -> AcceptedCredentials {
    if context.site().config.api_only { AcceptedCredentials::BearerOnly } else { accepts }
}

pub(super) async fn require(
    context: &RequestContext,
    policy: &Policy,
    accepts: AcceptedCredentials,
) -> Result<(), Challenge> {
    let accepts = accepted(context, accepts);
    if let (AcceptedCredentials::SessionOrBearer, Some(auth)) = (accepts, context.auth()) {
        auth.0.bearer.warn_of_tokens_on_pages();
    }
    let for_tokens = accepts == AcceptedCredentials::BearerOnly;
    let caller = caller(context, accepts).await.map_err(|challenge| challenge.for_policy(policy))?;
    let decision = policy.decide(&caller).await;
    let by_token = caller.is_token();
    match Challenge::decision(decision, by_token || for_tokens) {
        Some(challenge) => return Err(challenge.for_policy(policy)),
        None if by_token => context.inner().mark_decided_by_token(),
        None => {}
    }
    Ok(())
}

pub(super) async fn require_route(context: &RequestContext, route: MatchedRoute<'_>) -> Result<(), Challenge> {
    if let Some(outcome) = try_require_route(context, route) {
        return outcome;
    }
    let policy = match route {
        MatchedRoute::Chosen(pattern) | MatchedRoute::Candidate(pattern) => context.site().access.route_policy(pattern),
        MatchedRoute::None => None,
    };
    match policy {
        Some(route) => require(context, &route.policy, route.accepts).await,
        None => require(context, &signed_in(), AcceptedCredentials::Session).await,
    }
}

pub(super) fn try_require_route(context: &RequestContext, route: MatchedRoute<'_>) -> Option<Result<(), Challenge>> {
    let class = context.site().access.class(route);
    if let Tenancy::NoTenant(NoTenant::Discover(realms), _) = &context.inner().tenancy {
        // Without a tenant there is no user, so a policy cannot allow the request.
        let is_open = class == RouteClass::Open && !realms.has_guard_of_tenant(route);
        return Some(match class {
            RouteClass::Denied(denial) => Err(Challenge::route(denial)),
            _ if is_open => Ok(()),
            _ => Err(Challenge::sign_in()),
        });
    }
    match class {
        RouteClass::Open => Some(Ok(())),
        RouteClass::Policy => None,
        RouteClass::Denied(denial) => Some(Err(Challenge::route(denial))),
        // An API needs a token here, whose verification may need a request.
        RouteClass::SignedIn => try_require_session(context),
    }
}

fn try_require_session(context: &RequestContext) -> Option<Result<(), Challenge>> {
    if context.site().config.api_only {
        return None;
    }
    context.inner().mark_personal();
    Some(match own_session(context) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => Err(Challenge::sign_in()),
        Err(error) => Err(Challenge::error(error)),
    })
}

/// Returns the session if the request may act for it. A state-changing request must come from the application's own
/// pages, because the browser attaches the cookie to requests of every site.
pub(super) fn own_session(context: &RequestContext) -> Result<Option<&Arc<Session>>> {
    let Some(session) = context.session()? else { return Ok(None) };
    let config = &context.site().config;
    if !context.inner().own {
        return Err(config.cross_origin(match config.options.csrf_header {
            None => "a request with a session",
            Some(_) => "a request with a session lacks the header that `csrf_header` asks for, or",
        }));
    }
    Ok(Some(session))
}
