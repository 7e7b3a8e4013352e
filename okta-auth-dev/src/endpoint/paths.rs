//! The paths of the sign-in forms. They are specific to this org: Okta's are undocumented.

/// The org's own page, and the form with the password.
pub(super) const SIGN_IN: &str = "signin";
/// The form with the username only.
pub(super) const IDENTIFY: &str = "signin/identify";
/// The form with the code of the second factor.
pub(super) const VERIFY: &str = "signin/verify";
/// The page of the user code, with Okta's path.
pub(super) const ACTIVATE: &str = "activate";
/// The form with the user's decision about a device.
pub(super) const ACTIVATE_DECIDE: &str = "activate/decide";
