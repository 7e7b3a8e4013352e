//! Which parameters of the authorization request an application may set.

use super::problem::Diagnostics;

/// Parameters that the protocol sets, or that have their own setting. Two values of one parameter are an error (RFC
/// 6749 §3.1), and another `state`, `nonce` or challenge would disable the protection of the pending login.
const RESERVED: [&str; 16] = [
    "acr_values",
    "client_assertion",
    "client_assertion_type",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "login_hint",
    "max_age",
    "nonce",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
];

/// In bytes.
const MAX_VALUE: usize = 2_048;

/// Checks whether an application may send this parameter with this value.
pub(crate) fn check_parameter(name: &str, value: &str) -> Result<(), String> {
    check_name(name)?;
    if value.is_empty() || value.len() > MAX_VALUE || value.contains(char::is_control) {
        return Err(format!("the value of `{name}` must have 1 to {MAX_VALUE} bytes and no control characters"));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), String> {
    let reserved = RESERVED.iter().chain(&["state"]).any(|known| known.eq_ignore_ascii_case(name));
    if reserved {
        return Err(format!(
            "`{name}` is set by the protocol or has its own setting (`scopes`, `LoginOptions::login_hint`, ..); \
             leave it out"
        ));
    }
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if name.is_empty() || name.len() > 64 || !name.bytes().all(fits) {
        return Err(format!("`{}` is not a parameter of an authorization request", name.escape_default()));
    }
    Ok(())
}

pub(super) fn check_allowed(names: &[String], findings: &mut Diagnostics) {
    for message in names.iter().filter_map(|name| check_name(name).err()) {
        findings.error("allow_login_parameters", message);
    }
}
