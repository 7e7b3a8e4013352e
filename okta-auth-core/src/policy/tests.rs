//! Tests the algebra of policies by property, against an independent evaluation of the rules.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::condition::Verdict;
use super::*;
use crate::clock::Timestamp;
use crate::session::Session;

const NOW: i64 = 1_800_000_000;
const LEEWAY: Duration = Duration::from_secs(60);

/// A rule as a tree, from which both a policy and the expected result are derived.
#[derive(Clone, Debug)]
enum Expr {
    Atom(usize),
    Not(Box<Expr>),
    All(Vec<Expr>),
    Any(Vec<Expr>),
}

/// The conditions in the rules. `judge` evaluates each of them.
fn atom(number: usize) -> Policy {
    match number {
        0 => group("A"),
        1 => group("B"),
        2 => acr("high"),
        3 => amr("mfa"),
        4 => signed_in_within(Duration::from_secs(300)),
        5 => claim("level").equals(3),
        6 => claim("tags").contains("x"),
        7 => claim("dept").one_of(["Sales", "Support"]),
        8 => claim("/address/country").is_present(),
        _ => scope("openid"),
    }
}

/// The expected three-valued result of a condition, computed directly from the claims.
fn judge(number: usize, claims: &Map<String, Value>) -> Option<bool> {
    let in_list = |list: &[Value], name: &str| {
        list.contains(&json!(name)).then_some(true).or(list.iter().all(Value::is_string).then_some(false))
    };
    let listed = |claim: &str, name: &str| match claims.get(claim)? {
        Value::String(only) => Some(only == name),
        Value::Array(list) => in_list(list, name),
        _ => None,
    };
    match number {
        0 => listed("groups", "A"),
        1 => listed("groups", "B"),
        2 => Some(claims.get("acr")?.as_str()? == "high"),
        3 => listed("amr", "mfa"),
        4 => {
            let at = claims.get("auth_time")?.as_f64()?.floor() as i64;
            (at <= NOW + 60).then_some(NOW - at <= 360)
        }
        5 => claims.get("level").filter(|level| level.is_number()).map(|level| *level == json!(3)),
        6 => in_list(claims.get("tags")?.as_array()?, "x"),
        7 => claims.get("dept")?.as_str().map(|dept| dept == "Sales" || dept == "Support"),
        8 => claims.get("address")?.get("country").filter(|country| !country.is_null()).map(|_| true),
        _ => Some(true),
    }
}

/// Evaluates the tree by Kleene's logic.
fn truth(expr: &Expr, claims: &Map<String, Value>) -> Option<bool> {
    let all = |parts: &[Expr], stop: bool| {
        let values: Vec<_> = parts.iter().map(|part| truth(part, claims)).collect();
        if values.contains(&Some(stop)) {
            Some(stop)
        } else if values.contains(&None) {
            None
        } else {
            Some(!stop)
        }
    };
    match expr {
        Expr::Atom(number) => judge(*number, claims),
        Expr::Not(inner) => truth(inner, claims).map(|value| !value),
        Expr::All(parts) => all(parts, false),
        Expr::Any(parts) => all(parts, true),
    }
}

fn policy(expr: &Expr) -> Policy {
    match expr {
        Expr::Atom(number) => atom(*number),
        Expr::Not(inner) => !policy(inner),
        Expr::All(parts) => Policy::all(parts.iter().map(policy)),
        Expr::Any(parts) => Policy::any(parts.iter().map(policy)),
    }
}

fn caller(claims: &Map<String, Value>) -> Caller {
    let now = Timestamp::from_seconds(NOW);
    Caller::user(std::sync::Arc::new(Session::with_claims(claims, now)), now, LEEWAY)
}

/// Decides without a runtime, because none of these rules waits.
fn decide(policy: &Policy, caller: &Caller) -> Decision {
    let mut future = std::pin::pin!(policy.decide(caller));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(decision) => decision,
        std::task::Poll::Pending => panic!("the decision waits"),
    }
}

fn exprs(negations: bool) -> impl Strategy<Value = Expr> {
    (0..10_usize).prop_map(Expr::Atom).prop_recursive(4, 24, 3, move |inner| {
        let several = proptest::collection::vec(inner.clone(), 1..4);
        let composed = prop_oneof![several.clone().prop_map(Expr::All), several.prop_map(Expr::Any)];
        if negations {
            prop_oneof![composed, inner.prop_map(|inner| Expr::Not(Box::new(inner)))].boxed()
        } else {
            composed.boxed()
        }
    })
}

fn all_claims() -> impl Strategy<Value = Map<String, Value>> {
    let strategies = [
        ("groups", json!([["A"], ["B", "C"], ["A", "B"], [], "A", ["A", 1]])),
        ("acr", json!(["high", "low", 1, null])),
        ("amr", json!([["mfa", "pwd"], ["pwd"], "mfa", {"mfa": true}, ["pwd", 7], ["mfa", null]])),
        ("auth_time", json!([NOW, NOW - 1_000, NOW + 999, "now", 1.5, NOW as f64 - 0.5, 1e300])),
        ("level", json!([3, 4, "3", [3]])),
        ("tags", json!([["x"], ["y", 1], "x"])),
        ("dept", json!(["Sales", "HR", ["Sales"]])),
        ("address", json!([{"country": "SE"}, {"country": null}, {}, "SE"])),
    ];
    let strategies = strategies.map(|(name, values)| {
        (name, proptest::option::of(proptest::sample::select(values.as_array().unwrap().clone())))
    });
    let (names, values): (Vec<_>, Vec<_>) = strategies.into_iter().unzip();
    values.prop_map(move |values| {
        let pairs = names.iter().zip(values).filter_map(|(name, value)| Some(((*name).to_owned(), value?)));
        pairs.collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_decision_allows_exactly_what_the_rule_allows(expr in exprs(true), claims in all_claims()) {
        let decision = decide(&policy(&expr), &caller(&claims));
        prop_assert_eq!(decision.is_allowed(), truth(&expr, &claims) == Some(true), "{}", decision.explain());
    }

    #[test]
    fn de_morgan(a in exprs(true), b in exprs(true), claims in all_claims()) {
        let (a, b, caller) = (policy(&a), policy(&b), caller(&claims));
        let effect = |policy: Policy| decide(&policy, &caller).effect().clone();
        prop_assert_eq!(effect(!(a.clone() & b.clone())), effect(!a.clone() | !b.clone()));
        prop_assert_eq!(effect(!(a.clone() | b.clone())), effect(!a.clone() & !b));
        prop_assert_eq!(effect(!!a.clone()), effect(a));
    }

    #[test]
    fn absorption(a in exprs(true), b in exprs(true), claims in all_claims()) {
        let (a, b, caller) = (policy(&a), policy(&b), caller(&claims));
        let allowed = |policy: Policy| decide(&policy, &caller).is_allowed();
        let alone = allowed(a.clone());
        prop_assert_eq!(allowed(a.clone() & (a.clone() | b.clone())), alone);
        prop_assert_eq!(allowed(a.clone() | (a.clone() & b)), alone);
        prop_assert_eq!(allowed(a.clone() & a.clone()), alone);
    }

    #[test]
    fn without_not_removing_a_claim_never_grants_access(expr in exprs(false), claims in all_claims(), at in 0..8_usize) {
        let policy = policy(&expr);
        if !decide(&policy, &caller(&claims)).is_allowed() {
            let mut fewer = claims.clone();
            if let Some(name) = claims.keys().nth(at) {
                fewer.remove(name);
            }
            prop_assert!(!decide(&policy, &caller(&fewer)).is_allowed());
        }
    }

    #[test]
    fn missing_and_malformed_claims_deny_also_under_negation(number in 0..9_usize, claims in all_claims()) {
        if judge(number, &claims).is_none() {
            let caller = caller(&claims);
            prop_assert!(!decide(&atom(number), &caller).is_allowed());
            prop_assert_eq!(decide(&!atom(number), &caller).effect().clone(), Effect::Deny);
        }
    }

    /// Each reason is correct, and all of them support the decision.
    #[test]
    fn every_reason_is_correct(expr in exprs(true), claims in all_claims()) {
        let decision = decide(&policy(&expr), &caller(&claims));
        prop_assert!(!decision.reasons().is_empty());
        for reason in decision.reasons() {
            let number = (0..10).find(|number| atom(*number).to_string() == reason.condition.to_string()).unwrap();
            let is = judge(number, &claims).map(|value| value != reason.negated);
            match reason.verdict {
                Verdict::Met => prop_assert_eq!(is, Some(true)),
                Verdict::NotMet => prop_assert_eq!(is, Some(false)),
                Verdict::Missing | Verdict::Malformed => prop_assert_eq!(is, None),
                Verdict::Anonymous | Verdict::Unknown => prop_assert!(false, "the caller is signed in"),
            }
            prop_assert_eq!(reason.is_met(), decision.is_allowed());
            prop_assert!(decision.explain().contains(&reason.to_string()));
        }
    }

    /// The reasons suffice: the decision depends only on the claims that they name.
    #[test]
    fn the_reasons_suffice(expr in exprs(true), claims in all_claims(), others in all_claims()) {
        let policy = policy(&expr);
        let decision = decide(&policy, &caller(&claims));
        let spoken: Vec<String> = decision.reasons().iter().map(|reason| reason.condition.to_string()).collect();
        let speaks_of = |names: &[&str]| spoken.iter().any(|text| names.iter().any(|name| text.contains(name)));
        let mut mixed = others;
        for (name, words) in [
            ("groups", ["group("].as_slice()), ("acr", &["acr("]), ("amr", &["amr("]), ("auth_time", &["within"]),
            ("level", &["level"]), ("tags", &["tags"]), ("dept", &["dept"]), ("address", &["address"]),
        ] {
            if speaks_of(words) {
                mixed.remove(name);
                mixed.extend(claims.get(name).map(|value| (name.to_owned(), value.clone())));
            }
        }
        if decision.is_allowed() {
            prop_assert!(decide(&policy, &caller(&mixed)).is_allowed(), "{}", decision.explain());
        }
    }

    #[test]
    fn an_anonymous_caller_always_has_to_sign_in(expr in exprs(true)) {
        let anonymous = Caller::anonymous(Timestamp::from_seconds(NOW), LEEWAY);
        prop_assert_eq!(decide(&policy(&expr), &anonymous).effect().clone(), Effect::Login);
    }
}

fn claims(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

#[test]
fn step_ups_combine_and_preserve_met_conditions() {
    let policy = acr_one_of(["high", "higher"]) & signed_in_within(Duration::from_secs(300)) & acr("high");
    let asked = |caller: &Caller| match decide(&policy, caller).effect() {
        Effect::StepUp(step_up) => step_up.clone(),
        other => panic!("{other:?}"),
    };
    let both = StepUp { acr_values: vec!["high".to_owned()], max_age: Some(Duration::from_secs(300)) };
    assert_eq!(asked(&caller(&claims(&json!({"acr": "low", "auth_time": NOW - 9_000})))), both);
    assert_eq!(
        asked(&caller(&claims(&json!({"acr": "high", "auth_time": NOW - 9_000})))),
        both,
        "the step-up preserves acr"
    );
    let impossible = acr("high") & acr("low");
    assert_eq!(decide(&impossible, &caller(&claims(&json!({})))).effect(), &Effect::Deny, "no sign-in satisfies both");
    let hopeless = group("A") & acr("high");
    assert_eq!(decide(&hopeless, &caller(&claims(&json!({"groups": []})))).effect(), &Effect::Deny);
}

#[test]
fn a_check_is_called_at_most_once_and_only_if_needed() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let asked = check("counted", |_| async {
        CALLS.fetch_add(1, Ordering::SeqCst);
        true
    });
    let caller = caller(&claims(&json!({"groups": ["A"]})));
    assert!(decide(&(group("A") | asked.clone()), &caller).is_allowed());
    assert!(!decide(&(group("B") & asked.clone()), &caller).is_allowed());
    let anonymous = Caller::anonymous(Timestamp::from_seconds(NOW), LEEWAY);
    assert_eq!(decide(&asked, &anonymous).effect(), &Effect::Login);
    assert_eq!(CALLS.load(Ordering::SeqCst), 0);
    assert!(decide(&((asked.clone() & asked.clone()) | asked), &caller).is_allowed());
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
}

#[test]
fn an_undecided_check_denies_also_under_negation() {
    let ada = caller(&claims(&json!({"groups": ["A"]})));
    let none = || check("none", |_| async { None::<bool> });
    let failed = || check("failed", |_| async { Err::<bool, _>("the database is down") });
    for policy in [none(), !none(), failed(), !failed(), group("A") & !failed(), failed() | !failed()] {
        let decision = decide(&policy, &ada);
        assert_eq!((decision.effect(), decision.code()), (&Effect::Deny, "check_unknown"), "{policy}");
        assert!(decision.explain().contains("could not decide"), "{}", decision.explain());
    }
    for policy in [none() | group("A"), !(failed() & group("B")), check("yes", |_| async { Ok::<_, ()>(true) })] {
        assert!(decide(&policy, &ada).is_allowed(), "{policy}");
    }
    assert!(decide(&!check("no", |_| async { Some(false) }), &ada).is_allowed());
}

#[test]
fn decisions_have_stable_codes_and_explain_themselves() {
    let ada = caller(&claims(&json!({"groups": ["A"], "dept": 7})));
    let told = |policy: Policy| {
        let decision = decide(&policy.named("p"), &ada);
        assert_eq!(decision.policy(), Some("p"));
        (decision.code(), decision.explain())
    };
    let one = |code, text: &str| (code, text.to_owned());
    assert_eq!(told(group("A")), one("allowed", r#"allowed: group("A") holds"#));
    assert_eq!(told(group("B")), one("not_met", r#"denied: group("B") does not hold"#));
    assert_eq!(told(!group("A")), one("not_met", r#"denied: !group("A") does not hold"#));
    assert_eq!(told(amr("x")), one("claim_missing", r#"denied: amr("x") is unknown: the claim is missing"#));
    assert_eq!(
        told(claim("dept").equals("x")),
        one("claim_malformed", r#"denied: claim("dept").equals("x") is unknown: the claim has another type"#)
    );
    assert_eq!(told(scope("x") & group("B")).0, "insufficient_scope");
    assert_eq!(told(acr("x")).0, "step_up_required");
    assert_eq!((told(nobody()).0, told(anyone()).0), ("not_met", "allowed"));
}

#[test]
fn claims_by_name_and_by_pointer() {
    let caller = caller(&claims(&json!({"a/b": 1, "x": {"y": ["z"], "": 2}, "https://x.example/role": "r"})));
    assert_eq!(caller.claim("a/b"), Some(&json!(1)), "a name may contain slashes");
    assert_eq!(caller.claim("/a~1b"), Some(&json!(1)));
    assert_eq!(caller.claim("/x/y/0"), Some(&json!("z")));
    assert_eq!(caller.claim("https://x.example/role"), Some(&json!("r")));
    assert_eq!((caller.claim("/x/q"), caller.claim("/"), caller.claim("")), (None, None, None));
}

#[cfg(feature = "toml")]
mod file {
    use super::*;

    fn problem(text: &str) -> String {
        PolicySet::parse(text).unwrap_err().to_string()
    }

    #[test]
    fn every_kind_of_rule() {
        let text = r#"
            [all]
            rule = { all = [
                { group = "A" }, { scope = "openid" }, { acr = "x" }, { acr = ["x", "y"] }, { amr = "mfa" },
                { signed_in_within = 300 }, { tenant = "https://x" }, "signed_in", "user", "machine", "anyone", "nobody",
                { not = { any = [{ group = "B" }, "machine"] } },
                { claim = { name = "/a/b", equals = 3 } }, { claim = { name = "t", contains = "x" } },
                { claim = { name = "d", one_of = ["Sales", "Support"] } }, { claim = { name = "p", present = true } },
            ] }
        "#;
        let policy = PolicySet::parse(text).unwrap().policy("all").unwrap();
        let expected = r#"group("A") & scope("openid") & acr("x") & acr_one_of(["x", "y"]) & amr("mfa") & signed_in_within(300 s) & tenant("https://x") & signed_in() & user() & machine() & anyone() & nobody() & !(group("B") | machine()) & claim("/a/b").equals(3) & claim("t").contains("x") & claim("d").one_of(["Sales","Support"]) & claim("p").is_present()"#;
        assert_eq!(policy.to_string(), expected);
    }

    #[test]
    fn errors_name_the_line_and_the_accepted_values() {
        for (text, line, words) in [
            ("[a]\nrule = { grup = \"A\" }", 2, "`group`"),
            ("[a]\nrule = {}", 2, ""),
            ("[a]\nrule = { group = \"A\", scope = \"b\" }", 2, "combine several with `all` or `any`"),
            ("[a]\nrule = { acr = 5 }", 2, "`acr` is a text, or a list of texts"),
            ("[a]\nroutes = [\"/a\"]", 1, "rule"),
            ("[a]\nrule = { group = \"A\" }\nroute = \"/a\"", 3, "routes"),
            ("[a]\nrule = { group = \"A\" }\nroutes = [\"/a\",\n \"b\"]", 4, "`/b`"),
            ("[a]\nrule = { group = 1 }", 2, "string"),
            ("[a]\n\nrule = { group = \" \" }", 3, "empty"),
            ("[a]\nrule = { any = [] }", 2, "empty"),
            ("[a]\nrule = { signed_in_within = -1 }", 2, "`-1`, expected a whole number of seconds, such as 300"),
            ("[a]\nrule = { signed_in_within = \"5 min\" }", 2, "a whole number of seconds, such as 300"),
            ("[a]\nrule = { signed_in_within = 1.5 }", 2, "a whole number of seconds, such as 300"),
            ("[a]\nrule = { claim = { name = \"x\" } }", 2, "equals"),
            ("[a]\nrule = { claim = { name = \"x\", equals = 1, contains = 2 } }", 2, "one of"),
            ("[a]\nrule = \"admin\"", 2, "signed_in"),
            ("[a]\nrule = \"user\"\n[a]\nrule = \"user\"", 3, "duplicate"),
            ("[a\n", 1, ""),
        ] {
            let message = problem(text);
            assert!(message.contains(&format!("line {line}")), "{text}\n{message}");
            assert!(message.contains(words), "{text}\n{message}");
        }
        let missing = PolicySet::read("/no/such/policies.toml").unwrap_err();
        assert!(missing.to_string().contains("/no/such/policies.toml"));
    }

    #[test]
    fn two_policies_of_a_route_both_apply() {
        let text = "[a]\nrule = { group = \"A\" }\nroutes = [\"/x\"]\n[b]\nrule = { group = \"B\" }\nroutes = [\"/x\"]";
        let set = PolicySet::parse(text).unwrap();
        assert_eq!(set.route("/x").unwrap().to_string(), r#"group("A") & group("B")"#);
        assert!(set.route("/y").is_none() && set.policy("c").unwrap_err().to_string().contains("a, b"));
    }
}
