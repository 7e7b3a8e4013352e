//! One behaviour, two frameworks: every test runs against axum and against actix-web.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

#[path = "../support/mod.rs"]
mod support;

mod access_tokens;
mod actix_app;
mod app;
mod axum_app;
mod browser_kit;
mod deployment;
mod dpop;
mod first_minutes;
mod log_noise;
mod pages;
mod parity;
mod policies;
mod provider_data;
mod pushed_requests;
mod refresh;
mod route_access;
mod session_end;
mod session_storage;
mod sessions;
mod setup_mistakes;
mod sign_in;
mod sign_out;
mod sites;

/// Compiles each behaviour into one test for each framework.
macro_rules! on_both {
    ($($module:ident: $($name:ident),+;)+) => {
        mod on_axum {
            $($(#[tokio::test] async fn $name() { crate::$module::$name::<crate::axum_app::Axum>().await; })+)+
        }
        mod on_actix {
            $($(#[tokio::test] async fn $name() { crate::$module::$name::<crate::actix_app::Actix>().await; })+)+
        }
    };
}

on_both! {
    first_minutes: a_handler_passes_on_every_error_of_an_extractor, a_user_is_json_without_tokens;
    sessions: signs_in_and_out, an_application_with_one_okta_has_no_tenant, pages_and_apis_are_told_apart,
        scripts_and_prefetches_are_no_navigations, a_page_for_everybody_keeps_sessions_alive_and_takes_dead_ones_away,
        claims_of_the_applications_own_type, browsers_get_pages_where_nothing_can_be_redirected, a_body_that_is_broken_is_400_and_a_large_one_413, a_middleware_of_the_applications_own_may_ask_for_a_user,
        unsafe_methods_must_come_from_our_own_pages, a_csrf_header_can_be_asked_for, a_websocket_must_come_from_our_own_pages, several_cookie_headers_are_one_jar,
        personal_pages_are_not_cached, the_metadata_of_the_resource, an_api_without_sessions;
    browser_kit: the_session_address_answers_every_request, the_session_has_what_a_page_needs,
        only_a_post_uses_the_session, using_the_session_needs_the_csrf_header,
        the_session_address_is_there_only_if_it_is_turned_on, a_store_that_is_down_is_503_and_not_a_sign_out,
        the_script_is_served_with_a_tag_and_at_an_address_of_its_own, a_sign_in_in_a_window_ends_on_a_page_that_says_only_that,
        a_silent_sign_in_asks_okta_once_and_never_the_user, a_silent_sign_in_that_fails_leads_to_the_page,
        a_route_may_begin_a_silent_sign_in, an_outage_of_okta_does_not_hide_pages_with_silent_sign_in;
    session_storage: cookies_of_version_0_1_are_sessions_until_they_end,
        records_of_version_0_1_are_sessions_until_they_end, raised_limits_revive_no_session,
        a_session_in_use_outlives_a_raised_idle_limit, an_older_record_with_a_newer_number_is_no_session,
        a_clock_that_jumps_revives_no_session_that_was_signed_out;
    session_end: a_page_that_polls_does_not_keep_a_session_alive, a_refresh_for_a_polling_page_does_not_extend_the_idle_limit,
        handlers_can_read_when_the_session_ends, a_stream_ends_with_its_session,
        a_stream_ends_when_okta_refuses_to_refresh, a_stream_ends_with_a_sign_out_at_another_replica;
    log_noise: unauthenticated_junk_causes_no_warning, many_failures_of_one_kind_are_one_warning_a_second,
        a_session_from_the_future_is_one_warning_that_names_the_clock;
    access_tokens: a_good_token_is_let_in, without_a_token_the_challenge_is_bare, bad_tokens_are_refused,
        tokens_of_other_kinds_are_refused, one_credential_in_one_place, malformed_requests_are_400,
        user_tokens_and_machine_tokens_are_distinguished, a_token_in_the_hands_of_an_agent_is_no_machines_and_not_the_users_own,
        scopes_in_both_forms, a_session_is_not_a_token,
        an_issuer_that_is_away_is_503_and_never_401, several_issuers_and_audiences,
        tokens_of_the_org_server_are_introspected, introspection_results_are_cached_for_a_bounded_time, concurrent_introspections_are_bounded,
        junk_does_not_block_good_tokens_of_the_org, a_bad_answer_keeps_its_place_for_a_while, tokens_with_invalid_claims_are_not_introspected,
        introspection_accepts_only_active_bearer_tokens,
        a_client_may_be_the_audience_and_its_id_tokens_stay_out, a_response_without_scope_opens_only_routes_without_one, a_verified_token_is_cached_until_its_keys_are_withdrawn,
        a_verified_token_is_not_remembered_past_its_expiry, the_memory_can_be_turned_off, skew_is_tolerated_at_the_edges;
    dpop: an_api_with_fapi2_accepts_only_the_algorithms_of_the_profile,
        a_bound_token_needs_a_new_proof_for_each_request, an_api_can_require_bound_tokens,
        an_api_can_require_nonces;
    pushed_requests: a_slow_endpoint_costs_one_timeout_and_leaves_nothing_behind,
        an_expired_request_is_shown_by_okta_and_the_next_sign_in_works;
    deployment: a_backchannel_is_used_by_the_application_and_never_by_browsers, introspection_goes_inside_too,
        requests_to_okta_go_through_the_proxy_that_is_set, an_https_issuer_is_reached_through_a_tunnel,
        hosts_of_no_proxy_and_this_machine_are_reached_directly, behind_a_proxy_that_takes_a_prefix_off;
    refresh: new_tokens_reach_the_browser_though_the_handler_fails, a_handler_that_panics_loses_no_tokens,
        a_shared_page_that_carries_new_tokens_is_not_stored, a_handler_has_tokens_renewed_and_the_browser_learns_of_it,
        one_refresh_for_many_workers,
        a_refusal_without_a_known_reason_ends_the_session_after_the_grace,
        a_session_that_okta_does_not_renew_ends_on_both_kinds_of_request;
    pages: pages_are_in_the_browsers_language, an_application_sets_name_logo_colours_and_texts,
        a_template_of_the_application_may_load_its_own_styles, no_page_contains_markup_of_a_request;
    policies: a_group_opens_a_page, a_policy_on_a_nest_covers_it, a_policy_by_route, a_policy_in_a_handler,
        a_missing_scope_is_named, step_up_goes_to_okta_and_comes_back, step_up_refused_does_not_loop,
        a_step_up_with_an_old_auth_time_leads_to_a_forced_sign_in,
        api_clients_get_a_step_up_challenge, recent_sign_in_by_auth_time, one_caller_per_request,
        session_or_token, a_policy_may_ask_the_application;
    sign_out: a_form_on_a_page_without_a_referrer_is_our_own, pages_with_a_form_send_their_origin,
        a_strict_origin_check_refuses_requests_that_say_nothing, a_front_channel_logout_without_names_ends_nothing,
        the_bare_front_channel_form_counts_for_a_frame_alone, dropped_front_channel_messages_are_logged_once, the_length_of_the_url_decides_between_redirect_and_form,
        a_list_of_audiences_is_sent_with_the_client_id, a_long_id_token_is_posted_to_okta,
        the_form_to_okta_escapes_what_it_carries, a_script_gets_an_address_that_leads_to_okta_once,
        the_address_of_a_script_works_for_a_minute_in_its_browser, without_fetch_metadata_what_a_client_accepts_decides, a_browser_that_is_signed_in_again_is_asked_first,
        a_script_signs_out_with_a_long_id_token, a_script_that_need_not_go_to_okta_gets_the_landing_page,
        the_state_of_a_sign_out_leaves_the_address_once, an_application_says_once_that_the_user_is_signed_out,
        a_page_of_the_library_says_that_the_user_is_signed_out, universal_logout_by_email_needs_the_email;
    sign_in: two_applications_on_one_host_leave_each_other_alone, a_cookie_that_does_not_open_is_left_alone, a_session_under_the_previous_name_moves_when_it_is_written, an_answer_deletes_few_cookies, only_navigations_start_a_sign_in, twelve_restored_tabs_all_end_in_the_application, expired_attempts_make_room_for_new_ones, tabs_that_start_at_the_same_moment_are_trimmed_by_the_next_request, of_several_attempts_with_one_name_the_one_that_opens_counts, a_clock_that_is_far_ahead_costs_one_more_sign_in_and_no_loop, long_targets_come_back_whole_or_as_their_path, a_second_call_of_the_callback_leads_into_the_application, a_sign_in_that_took_too_long_leads_back_to_its_page, a_step_up_that_is_cancelled_leads_back, a_sign_out_recorded_by_a_clock_ahead_ends_on_a_page, a_session_of_a_replica_with_a_clock_ahead_ends_on_a_page, tokens_born_expired_whose_refresh_is_refused_end_on_a_page, a_hook_that_fails_is_503_and_leads_back, an_account_with_too_much_data_gets_a_page_that_says_so, a_webview_and_a_service_worker_are_sent_to_sign_in, htmx_is_told_where_to_sign_in, another_loopback_name_is_redirected_before_the_sign_in, the_dashboard_may_name_the_org, login_passes_on_what_the_application_allows, login_parameters_are_sent_with_every_sign_in;
    route_access: a_whole_application_is_protected_but_for_named_routes, a_public_pattern_opens_no_other_route,
        an_api_without_sessions_is_protected_as_a_whole, a_misspelled_route_is_denied,
        a_request_without_a_route_is_denied_while_routes_have_policies, a_layer_outside_of_the_router_lets_nothing_through,
        a_route_that_differs_by_a_prefix_is_logged, routes_that_no_request_has_matched_are_listed,
        a_policy_on_a_whole_router_covers_its_fallback, pages_accept_only_sessions,
        routes_of_a_file_accept_tokens_where_it_says_so, headers_of_other_layers_stay_when_an_answer_is_replaced,
        responses_that_depend_on_a_token_vary_by_it, the_metadata_of_a_resource_with_a_path,
        contradictions_are_errors_when_the_application_is_built;
    provider_data: dates_are_any_numbers, every_refusal_names_its_claim, groups_and_methods_of_any_shape,
        methods_of_a_sign_in_are_the_strings_of_their_list,
        a_check_that_cannot_tell_denies_under_not_too, token_responses_are_read_by_their_members, an_empty_token_counts_as_absent,
        a_private_key_that_was_published_verifies_nothing,
        metadata_and_userinfo_name_what_is_wrong, a_long_sid_names_a_session, a_subject_is_any_text_without_control_characters,
        an_org_server_is_asked_as_the_application, what_okta_says_of_an_error_is_in_the_log_alone,
        failures_to_connect_are_logged_with_all_their_causes, a_slash_at_the_end_of_the_issuer_is_up_to_its_metadata,
        a_refresh_of_another_sign_in_is_a_warning, keys_serve_for_48_hours_while_the_org_is_away;
}
