//! Forbidden destinations, in the spellings that attackers use.

use proptest::prelude::*;

use super::*;

fn policy() -> EgressPolicy {
    EgressPolicy::default().allow_domain("login.acme.com").allow_subdomains_of("corp.example").allow_port(8443)
}

/// A URL that does not parse is rejected.
fn passes(policy: &EgressPolicy, url: &str) -> bool {
    policy.finish().unwrap();
    Url::parse(url).is_ok_and(|url| policy.check_url(&url).is_ok())
}

/// Every spelling of an address that URL parsers, resolvers and C libraries have accepted.
const ADDRESSES: &str = "
    127.0.0.1 127.1 127.0.1 127.000.000.001 0177.0.0.1 0177.0.0.01 017700000001 0x7f.0.0.1 0x7f.1 0x7f000001 0X7F000001
    2130706433 127.0.0.1. 0 0.0.0.0 169.254.169.254 0xa9fea9fe 2852039166 0251.0376.0251.0376 169.254.43518 ①②⑦.⓪.⓪.①
    １２７.０.０.１ 127。0。0。1 %31%32%37.0.0.1 8.8.8.8 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1]
    [::ffff:0:127.0.0.1] [::127.0.0.1] [64:ff9b::127.0.0.1] [64:ff9b:1::7f00:1] [2002:7f00:1::] [fe80::1]
    [fe80::1%25eth0] [fe80::1%eth0] [fd00:ec2::254] [2001:4860:4860::8888]
";

#[test]
fn addresses_are_rejected_in_every_spelling() {
    let private = policy().dangerous().allow_private_addresses();
    for address in ADDRESSES.split_whitespace() {
        for form in ["https://{}", "https://{}/oauth2/default", "https://{}:443/", "https://{}:8443/", "http://{}/"] {
            let url = form.replace("{}", address);
            assert!(!passes(&policy(), &url) && !passes(&private, &url), "{url}");
        }
    }
}

#[test]
fn orgs_and_allowed_domains_pass() {
    let urls = "
        https://acme.okta.com https://acme.okta.com:443/oauth2/default https://ACME.okta.com/
        https://acme.oktapreview.com/ https://acme.okta-emea.com/ https://acme.okta-gov.com/ https://acme.okta.mil/
        https://login.acme.com/oauth2/default/v1/token https://login.acme.com:8443/ https://a.corp.example/
        https://a.b.corp.example/
    ";
    for url in urls.split_whitespace() {
        assert!(passes(&policy(), url), "{url}");
    }
}

#[test]
fn neighbours_of_allowed_names_do_not_pass() {
    // Some have letters of other alphabets that look like Latin ones.
    let urls = "
        https://okta.com/ https://.okta.com/ https://evilokta.com/ https://acme-okta.com/
        https://acme.okta.com.evil.example/ https://acme.okta.com./ https://acme.okta.com../ https://login.acme.com./
        https://acme.okta.co/ https://acme.okta.community/ https://okta.com.acme.okta.example/ https://xlogin.acme.com/
        https://x.login.acme.com/ https://acme.com/ https://corp.example/ https://evilcorp.example/
        https://evil.example/acme.okta.com https://evil.example/?acme.okta.com https://evil.example#.okta.com
        https://evil.example\\.okta.com/ https://evil.example%2f.okta.com/ https://evil.example%00.okta.com/
        https://evil.example\u{ff0f}.okta.com/ https://acme.\u{43e}kta.com/ https://acme.okta.\u{441}om/
        https://xn--kta-9ed.com/ https://localhost/ https://acme.localhost/ https://metadata.google.internal/
        https:///etc/passwd https://
    ";
    for url in urls.split_whitespace() {
        assert!(!passes(&policy(), url), "{url}");
    }
    let long = format!("https://{}okta.com/", "a.".repeat(200));
    assert!(!passes(&policy(), &long));
}

/// The policy compares the host that the URL parser produces, and the connection uses the same host.
#[test]
fn spellings_of_an_allowed_name_are_that_name() {
    for url in
        ["https://ａｃｍｅ.okta.com/", "https://acme。okta.com/", "https://%61cme.okta.com/", "https:acme.okta.com"]
    {
        assert!(passes(&policy(), url), "{url}");
        assert_eq!(Url::parse(url).unwrap().host_str(), Some("acme.okta.com"), "{url}");
    }
    // Looks like another host but is a name in Okta's own zone. `check_issuer` rejects the spelling.
    let url = Url::parse("https://evil.example\u{2044}.okta.com/").unwrap();
    assert!(url.host_str().unwrap().ends_with(".okta.com") && policy().check_url(&url).is_ok());
}

#[test]
fn schemes_users_and_ports() {
    let urls = "
        http://acme.okta.com/ ftp://acme.okta.com/ file://acme.okta.com/etc/passwd gopher://acme.okta.com/
        wss://acme.okta.com/ https://user@acme.okta.com/ https://:secret@acme.okta.com/
        https://acme.okta.com@evil.example/ https://evil.example:443@acme.okta.com/ https://acme.okta.com:80/
        https://acme.okta.com:22/ https://acme.okta.com:6379/ https://acme.okta.com:8444/ https://acme.okta.com:0/
    ";
    for url in urls.split_whitespace() {
        assert!(!passes(&policy(), url), "{url}");
    }
}

#[test]
fn loopback_must_be_allowed_and_allows_only_loopback() {
    let local = policy().dangerous().allow_loopback();
    for url in ["http://127.0.0.1:7/", "http://localhost:7/", "https://[::1]/", "http://acme.localhost:7/"] {
        assert!(!passes(&policy(), url) && passes(&local, url), "{url}");
        assert!(!passes(&policy().dangerous().allow_private_addresses(), url), "{url}");
    }
    for url in
        ["http://10.0.0.1/", "http://0.0.0.0/", "http://acme.okta.com/", "ftp://localhost/", "http://a@localhost/"]
    {
        assert!(!passes(&local, url), "{url}");
    }
    let localhost = |address: &str| local.admits("localhost", address.parse().unwrap());
    assert!(localhost("127.0.0.1") && localhost("::1"));
    assert!(!localhost("10.0.0.1") && !localhost("8.8.8.8"), "localhost must resolve to this machine");
    assert!(!local.admits("acme.okta.com", "127.0.0.1".parse().unwrap()), "no other name may resolve to this machine");
}

#[test]
fn addresses_by_policy() {
    let (strict, private) = (policy(), policy().dangerous().allow_private_addresses());
    let admits = |policy: &EgressPolicy, address: &str| policy.admits("acme.okta.com", address.parse().unwrap());
    for address in ["10.0.0.1", "127.0.0.1", "100.64.0.1", "fd00::1", "::1"] {
        assert!(!admits(&strict, address) && admits(&private, address), "{address}");
    }
    for address in ["169.254.169.254", "fd00:ec2::254", "0.0.0.0", "::", "224.0.0.1", "192.0.2.1", "fe80::1"] {
        assert!(!admits(&strict, address) && !admits(&private, address), "{address}");
    }
    assert!(admits(&strict, "8.8.8.8") && admits(&strict, "2600::1"));
}

#[test]
fn issuers_of_the_operator_are_not_restricted() {
    let operator = EgressPolicy::operator();
    for url in ["https://okta.internal:8443/", "https://10.0.0.1/", "http://localhost:7/", "http://127.0.0.1:7/"] {
        assert!(passes(&operator, url), "{url}");
    }
    for url in ["http://okta.internal/", "https://user@acme.okta.com/", "ftp://localhost/"] {
        assert!(!passes(&operator, url), "{url}");
    }
    assert!(operator.admits("okta.internal", "10.0.0.1".parse().unwrap()));
}

#[test]
fn invalid_domains_allow_nothing_and_are_reported() {
    let names = "
        https://login.acme.com login.acme.com:443 login.acme.com/ login.acme.com. .acme.com *.acme.com a..b 10.0.0.1
        0x7f.1 ::1 [::1] user@acme.com
    ";
    for name in names.split_whitespace().chain([""]) {
        for policy in [EgressPolicy::default().allow_domain(name), EgressPolicy::default().allow_subdomains_of(name)] {
            let error = policy.finish().unwrap_err();
            assert_eq!(error.code(), Code::ConfigInvalid, "{name}");
            assert!(error.to_string().contains("write one name"), "{error}");
            assert_eq!(policy.domains.len(), okta::DOMAINS.len());
        }
    }
    assert!(
        EgressPolicy::default().allow_subdomains_of("com").finish().is_err(),
        "it would allow half of the internet"
    );
}

#[test]
fn allowed_names_are_compared_in_ascii() {
    let policy = EgressPolicy::default().allow_domain("Login.BÜCHER.example");
    assert!(
        passes(&policy, "https://login.xn--bcher-kva.example/") && passes(&policy, "https://login.bücher.example/")
    );
}

#[test]
fn rejections_name_the_fix() {
    let told = |url: &str| policy().check_url(&url.parse().unwrap()).unwrap_err().to_string();
    for (url, fix) in [
        ("https://sso.globex.com/", "allow_domain"),
        ("https://acme.okta.com:9443/", "allow_port"),
        ("http://acme.okta.com/", "use https"),
        ("https://10.0.0.1/", "use the name"),
        ("https://acme.okta.com./", "remove it"),
        ("https://u@acme.okta.com/", "remove everything before the `@`"),
    ] {
        assert!(told(url).contains(fix), "{url}: {}", told(url));
    }
}

/// A second implementation of the rules, on the text of the host.
fn may_pass(url: &Url) -> bool {
    let Some(Host::Domain(name)) = url.host() else { return false };
    // An empty label does not count: `.okta.com` is not below `okta.com`.
    let below = |domain: &str| name.strip_suffix(&format!(".{domain}")).is_some_and(|label| !label.is_empty());
    let listed = name == "login.acme.com" || okta::DOMAINS.iter().any(|domain| below(domain)) || below("corp.example");
    let port = matches!(url.port(), None | Some(443 | 8443));
    url.scheme() == "https" && url.username().is_empty() && url.password().is_none() && listed && port
}

proptest! {
    #[test]
    fn only_urls_within_the_rules_pass(
        scheme in "https?|ftp",
        user in "(|u@|u:p@|acme\\.okta\\.com@|@)",
        before in "[a-z0-9.@:/\\\\%#?\\-\u{ff0e}\u{3002}]{0,12}",
        domain in "(okta\\.com|login\\.acme\\.com|corp\\.example|okta\\.mil|127\\.1|\\[::1\\])",
        after in "[a-z0-9.@:/\\\\%#?\\-]{0,12}",
    ) {
        let text = format!("{scheme}://{user}{before}{domain}{after}");
        if let Ok(url) = Url::parse(&text) {
            prop_assert_eq!(policy().check_url(&url).is_ok(), may_pass(&url), "{}", text);
        }
    }

    #[test]
    fn numbers_are_never_host_names(bits: u32, form in 0..6) {
        let [a, b, c, d] = bits.to_be_bytes();
        let low = u16::from_be_bytes([c, d]);
        let host = match form {
            0 => bits.to_string(),
            1 => format!("{bits:#x}"),
            2 => format!("0{bits:o}"),
            3 => format!("{a}.{b}.{low}"),
            4 => format!("0{a:o}.{b:#x}.{c}.{d}"),
            _ => format!("[::ffff:{a}.{b}.{c}.{d}]"),
        };
        let url = format!("https://{host}/");
        prop_assert!(!passes(&policy(), &url));
        prop_assert_eq!(passes(&policy().dangerous().allow_loopback(), &url), a == 127 && form != 5);
    }

    #[test]
    fn names_below_an_okta_domain_pass(label in "[a-z]([a-z0-9]{0,8}[a-z])?", suffix in 0..okta::DOMAINS.len()) {
        let url = format!("https://{label}.{}/", okta::DOMAINS[suffix]);
        prop_assert!(passes(&policy(), &url));
        let (glued, behind) = (format!("https://{label}{}/", okta::DOMAINS[suffix]), format!("https://{}.{label}/", okta::DOMAINS[suffix]));
        prop_assert!(!passes(&policy(), &glued) && !passes(&policy(), &behind));
    }
}
