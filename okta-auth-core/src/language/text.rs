//! The names of all texts.

macro_rules! texts {
    ($($variant:ident $field:ident,)+) => {
        /// The name of a text.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Text { $($variant,)+ }

        /// All texts in one language.
        #[derive(Debug)]
        pub(super) struct Texts { $(pub(super) $field: &'static str,)+ }

        impl Text {
            pub(super) const ALL: &'static [(Self, &'static str)] = &[$((Self::$variant, stringify!($field)),)+];
        }

        impl Texts {
            pub(super) fn of(&self, text: Text) -> &'static str {
                match text { $(Text::$variant => self.$field,)+ }
            }
        }
    };
}

impl Text {
    /// The text with this name, as applications write it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, known)| *known == name).map(|(text, _)| *text)
    }
}

texts! {
    NothingHere nothing_here,
    LinkInvalid link_invalid,
    SignInExpired sign_in_expired,
    SignInRefused sign_in_refused,
    OtherSite other_site,
    NoAccess no_access,
    PageUnavailable page_unavailable,
    DataMissing data_missing,
    SignInFailed sign_in_failed,
    InternalError internal_error,
    Unavailable unavailable,
    SignedOutInBrowser signed_out_in_browser,
    SignInUnavailable sign_in_unavailable,
    TooMuchData too_much_data,
    SessionEndedAtOnce session_ended_at_once,
    NotSignedOutOnServer not_signed_out_on_server,
    SignedOutHere signed_out_here,
    AccessDenied access_denied,
    PleaseSignIn please_sign_in,
    StrongerSignIn stronger_sign_in,
    VerificationIncomplete verification_incomplete,
    SessionOver session_over,
    ConfirmSignOut confirm_sign_out,
    SignedOut signed_out,
    ChooseTenant choose_tenant,
    CheckAddress check_address,
    LinkUsed link_used,
    AllowCookies allow_cookies,
    TimeLimit time_limit,
    StartAgain start_again,
    NotLetIn not_let_in,
    RejectedForSafety rejected_for_safety,
    NoPermission no_permission,
    AskOperator ask_operator,
    AddressNotServed address_not_served,
    TellOperator tell_operator,
    StillSignedIn still_signed_in,
    TryLater try_later,
    SignOutCompletes sign_out_completes,
    ProviderUnreachable provider_unreachable,
    TooManyGroups too_many_groups,
    ProviderEndedSession provider_ended_session,
    RetryOrTellOperator retry_or_tell_operator,
    ProviderInvalid provider_invalid,
    ServerKeptSession server_kept_session,
    SharedDevice shared_device,
    SignOutLinkUsed sign_out_link_used,
    SignOutThereToo sign_out_there_too,
    NotVerified not_verified,
    PleaseTryAgain please_try_again,
    CancelledOrNotAllowed cancelled_or_not_allowed,
    Administrator administrator,
    ProviderNeedsSignIn provider_needs_sign_in,
    RequirementsUnmet requirements_unmet,
    ProviderRefused provider_refused,
    PageNeedsVerification page_needs_verification,
    ChangesLost changes_lost,
    EndProviderSession end_provider_session,
    WhichOrganization which_organization,
    EnterOrChoose enter_or_choose,
    EmailUnknown email_unknown,
    UseAnotherAccount use_another_account,
    SignInAgain sign_in_again,
    Home home,
    StartPage start_page,
    GoBack go_back,
    TryAgain try_again,
    SignIn sign_in,
    SignOut sign_out,
    ContinueLabel continue_label,
    EmailAddress email_address,
    CodeLabel code_label,
    ReferenceLabel reference_label,
    RequestFailed request_failed,
    ServiceUnreachable service_unreachable,
    RequestTooLarge request_too_large,
    RequestInvalid request_invalid,
    BackToApplication back_to_application,
    WindowCloses window_closes,
}
