//! The rules of the circuit breaker, on a clock that the test advances.

use super::*;

const TOKEN: &str = "/v1/token";
const KEYS: &str = "/v1/keys";

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

/// One complete request.
fn request(endpoints: &mut Endpoints, outcome: Outcome, now: i64) -> Result<()> {
    let turn = endpoints.enter(TOKEN, at(now))?;
    endpoints.note(TOKEN, turn, outcome, at(now));
    Ok(())
}

fn given_up() -> Endpoints {
    let mut endpoints = Endpoints::default();
    for _ in 0..FAILURES {
        request(&mut endpoints, Outcome::Failed, 0).unwrap();
    }
    endpoints
}

#[test]
fn eight_failures_or_three_timeouts_in_a_row_open_the_circuit() {
    for (outcome, enough) in [(Outcome::Failed, 8), (Outcome::TimedOut, 3)] {
        let mut endpoints = Endpoints::default();
        for _ in 0..enough {
            request(&mut endpoints, outcome, 0).unwrap();
        }
        let error = request(&mut endpoints, outcome, 0).unwrap_err();
        assert_eq!(error.code(), Code::ProviderUnavailable);
        assert_eq!(error.retry_after(), Some(PAUSE));
        assert_eq!(request(&mut endpoints, outcome, 2).unwrap_err().retry_after(), Some(Duration::from_secs(3)));
    }
}

#[test]
fn one_response_resets_the_failures() {
    let mut endpoints = Endpoints::default();
    for _ in 0..5 {
        for _ in 0..FAILURES - 1 {
            request(&mut endpoints, Outcome::Failed, 0).unwrap();
        }
        request(&mut endpoints, Outcome::Answered, 0).unwrap();
    }
    request(&mut endpoints, Outcome::Failed, 0).unwrap();
}

#[test]
fn local_errors_do_not_count() {
    let mut endpoints = Endpoints::default();
    for _ in 0..FAILURES - 1 {
        request(&mut endpoints, Outcome::Failed, 0).unwrap();
    }
    for _ in 0..20 {
        request(&mut endpoints, Outcome::Unknown, 0).unwrap();
    }
    request(&mut endpoints, Outcome::Failed, 0).unwrap();
    assert!(request(&mut endpoints, Outcome::Failed, 0).is_err(), "local errors do not reset the counter");
}

#[test]
fn one_probe_for_each_pause_even_if_it_is_abandoned() {
    let mut endpoints = given_up();
    assert!(endpoints.enter(TOKEN, at(4)).is_err());
    endpoints.enter(TOKEN, at(5)).unwrap();
    // The caller of the probe disconnected. The next probe waits until the next pause is
    // over.
    for now in 5..10 {
        assert!(endpoints.enter(TOKEN, at(now)).is_err(), "{now}");
    }
    request(&mut endpoints, Outcome::Failed, 10).unwrap();
    assert!(endpoints.enter(TOKEN, at(14)).is_err());
    endpoints.enter(TOKEN, at(15)).unwrap();
}

#[test]
fn a_probe_that_fails_late_does_not_postpone_the_next_one() {
    let mut endpoints = given_up();
    let turn = endpoints.enter(TOKEN, at(5)).unwrap();
    endpoints.note(TOKEN, turn, Outcome::TimedOut, at(9));
    endpoints.enter(TOKEN, at(10)).unwrap();
}

#[test]
fn the_first_response_closes_the_circuit() {
    let mut endpoints = given_up();
    request(&mut endpoints, Outcome::Answered, 5).unwrap();
    for _ in 0..100 {
        request(&mut endpoints, Outcome::Answered, 5).unwrap();
    }
}

#[test]
fn timeouts_that_arrive_after_the_recovery_do_not_count() {
    let mut endpoints = Endpoints::default();
    let before: Vec<u64> = (0..64).map(|_| endpoints.enter(TOKEN, at(0)).unwrap()).collect();
    let (first, late) = before.split_at(10);
    for turn in first {
        endpoints.note(TOKEN, *turn, Outcome::TimedOut, at(1));
    }
    request(&mut endpoints, Outcome::Answered, 6).unwrap();
    for turn in late {
        endpoints.note(TOKEN, *turn, Outcome::TimedOut, at(6));
    }
    request(&mut endpoints, Outcome::Answered, 6).unwrap();
}

#[test]
fn endpoints_have_separate_circuits() {
    let endpoints = given_up();
    assert!(endpoints.look(TOKEN, at(0)).is_err());
    endpoints.look(KEYS, at(0)).unwrap();
}

#[test]
fn rate_limits_are_not_failures_and_may_apply_to_one_user() {
    let mut endpoints = Endpoints::default();
    let minute = Outcome::Limited(Duration::from_secs(60));
    for _ in 0..50 {
        request(&mut endpoints, minute, 0).unwrap();
        request(&mut endpoints, minute, 0).unwrap();
        request(&mut endpoints, Outcome::Answered, 0).unwrap();
    }
    for _ in 0..LIMITED {
        request(&mut endpoints, minute, 0).unwrap();
    }
    let error = request(&mut endpoints, minute, 0).unwrap_err();
    assert_eq!(error.code(), Code::ProviderRateLimited);
    assert_eq!(error.retry_after(), Some(Duration::from_secs(60)), "the time that Okta stated");
    request(&mut endpoints, minute, 5).unwrap();
    assert_eq!(request(&mut endpoints, minute, 6).unwrap_err().retry_after(), Some(Duration::from_secs(59)));
    request(&mut endpoints, Outcome::Answered, 10).unwrap();
    request(&mut endpoints, Outcome::Answered, 10).unwrap();
}

#[test]
fn a_limit_ends_at_the_time_that_okta_states() {
    let mut endpoints = Endpoints::default();
    for _ in 0..LIMITED {
        request(&mut endpoints, Outcome::Limited(Duration::from_secs(3)), 0).unwrap();
    }
    assert!(endpoints.enter(TOKEN, at(2)).is_err());
    for _ in 0..10 {
        endpoints.enter(TOKEN, at(3)).unwrap();
    }
}

#[test]
fn a_clock_that_jumps_backwards_closes_the_circuit() {
    let mut endpoints = given_up();
    endpoints.enter(TOKEN, at(-500_000)).unwrap();
}

#[test]
fn a_hostile_origin_cannot_exhaust_the_memory() {
    let mut endpoints = Endpoints::default();
    for number in 0..1_000 {
        let path = format!("/{number}");
        let turn = endpoints.enter(&path, at(0)).unwrap();
        for _ in 0..FAILURES {
            endpoints.note(&path, turn, Outcome::Failed, at(0));
        }
    }
    assert!(endpoints.known.len() <= MOST);
    let mut well = Endpoints::default();
    for _ in 0..10 {
        request(&mut well, Outcome::Answered, 0).unwrap();
    }
    assert!(well.known.is_empty(), "a healthy endpoint has no state");
}
