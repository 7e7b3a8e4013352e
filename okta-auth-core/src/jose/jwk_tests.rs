//! Keys that must be rejected, each next to a valid one.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{self, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

use super::*;

fn encode(bytes: &[u8]) -> String {
    base64url::encode(bytes)
}

fn rsa() -> (RsaKeyPair, Value) {
    let pair = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // PKCS#1: a sequence of the modulus (with a leading zero) and the exponent.
    let der = pair.public_key().as_ref();
    let (n, e) = (&der[9..265], &der[267..]);
    let jwk = json!({ "kty": "RSA", "kid": "k", "n": encode(n), "e": encode(e) });
    (pair, jwk)
}

fn with(key: &Value, name: &str, value: impl Into<Value>) -> Value {
    let mut key = key.clone();
    key[name] = value.into();
    key
}

fn set(keys: Vec<Value>) -> KeySet {
    KeySet::new(WireSet { keys })
}

/// How many keys of the set match `kid` and RS256.
fn fitting(keys: Vec<Value>, kid: Option<&str>) -> usize {
    set(keys).candidates(kid, Algorithm::Rs256).len()
}

#[test]
fn use_operations_and_algorithm_of_a_key_are_respected() {
    let (_, key) = rsa();
    assert_eq!(fitting(vec![key.clone()], Some("k")), 1);
    assert_eq!(fitting(vec![with(&key, "use", "sig")], Some("k")), 1);
    assert_eq!(fitting(vec![with(&key, "key_ops", json!(["verify"]))], Some("k")), 1);
    assert_eq!(fitting(vec![with(&key, "alg", "RS256")], Some("k")), 1);
    for (name, value) in [
        ("use", json!("enc")),
        ("key_ops", json!(["encrypt"])),
        ("key_ops", json!([])),
        ("alg", json!("RS384")),
        ("alg", json!("RSA-OAEP-256")),
        ("alg", json!("HS256")),
        ("kty", json!("oct")),
        ("kty", json!("EC")),
        ("kid", json!("other")),
        ("kid", json!(1)),
    ] {
        assert_eq!(fitting(vec![with(&key, name, value.clone())], Some("k")), 0, "{name} {value}");
    }
}

#[test]
fn rsa_keys_that_are_weak_or_slow_are_not_used() {
    let (_, key) = rsa();
    let modulus = base64url::decode(key["n"].as_str().unwrap()).unwrap();
    let short = encode(&modulus[..128]);
    let padded = encode(&[&[0], modulus.as_slice()].concat());
    let mut just_short = modulus.clone();
    just_short[0] = 0x7f;
    let huge = encode(&modulus.repeat(5));
    for (name, value) in [
        ("n", short.as_str()),
        ("n", &encode(&just_short)),
        ("n", &padded),
        ("n", &huge),
        ("n", ""),
        ("n", "not base64url!"),
        ("e", "AQ"),
        ("e", "Ag"),
        ("e", "AQAAAAAB"),
        ("e", ""),
    ] {
        assert_eq!(fitting(vec![with(&key, name, value)], Some("k")), 0, "{name} {value}");
    }
    assert_eq!(fitting(vec![with(&key, "e", "Aw")], Some("k")), 1, "3 is a valid exponent");
}

#[test]
fn a_private_key_that_was_published_is_not_used() {
    let ((_, key), (_, other)) = (rsa(), rsa());
    for member in PRIVATE_MEMBERS {
        let leaked = with(&key, member, "AQAB");
        assert_eq!(fitting(vec![leaked.clone()], Some("k")), 0, "{member}");
        assert_eq!(fitting(vec![leaked, other.clone()], None), 1, "the other keys stay");
    }
}

#[test]
fn ed25519_has_two_names() {
    let x = encode(Ed25519KeyPair::generate().unwrap().public_key().as_ref());
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": x });
    for alg in ["EdDSA", "Ed25519"] {
        assert_eq!(set(vec![with(&key, "alg", alg)]).candidates(Some("k"), Algorithm::EdDsa).len(), 1, "{alg}");
    }
    assert!(set(vec![with(&key, "alg", "Ed448")]).candidates(Some("k"), Algorithm::EdDsa).is_empty());
}

#[test]
fn an_invalid_key_does_not_affect_the_others() {
    let (_, key) = rsa();
    let junk =
        [json!(null), json!(1), json!("x"), json!([]), json!({}), json!({"kty": "XYZ"}), json!({"kty": ["RSA"]})];
    let keys = junk.into_iter().chain([with(&key, "n", 5), key]).collect();
    assert_eq!(fitting(keys, Some("k")), 1);
}

#[test]
fn without_a_key_id_there_must_be_exactly_one() {
    let ((_, one), (_, two)) = (rsa(), rsa());
    assert_eq!(fitting(vec![one.clone()], None), 1);
    assert_eq!(fitting(vec![one.clone(), two.clone()], None), 0);
    // An unusable key does not make the choice ambiguous.
    assert_eq!(fitting(vec![one, with(&two, "use", "enc")], None), 1);
}

#[test]
fn the_number_of_keys_and_candidates_is_bounded() {
    let (_, key) = rsa();
    let other = with(&key, "kid", "other");
    let mut keys = vec![other; MAX_KEYS];
    keys.push(key.clone());
    assert_eq!(fitting(keys, Some("k")), 0, "keys after the limit are ignored");
    assert_eq!(fitting(vec![key; 20], Some("k")), MAX_CANDIDATES);
}

#[test]
fn a_signature_verifies_only_with_its_own_key_and_algorithm() {
    let ((pair, key), (_, other)) = (rsa(), rsa());
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(&signature::RSA_PKCS1_SHA256, &SystemRandom::new(), b"input", &mut signature).unwrap();
    let keys = set(vec![key.clone()]);
    let judge = |keys: &KeySet, algorithm, input: &[u8], signature: &[u8]| {
        verify(&keys.candidates(Some("k"), algorithm), input, signature).is_ok()
    };
    assert!(judge(&keys, Algorithm::Rs256, b"input", &signature));
    assert!(judge(&set(vec![other.clone(), key]), Algorithm::Rs256, b"input", &signature), "same key id, both tried");
    assert!(!judge(&keys, Algorithm::Rs256, b"other", &signature));
    assert!(!judge(&keys, Algorithm::Rs256, b"input", &[]));
    assert!(!judge(&set(vec![other]), Algorithm::Rs256, b"input", &signature));
    for algorithm in [Algorithm::Rs384, Algorithm::Rs512, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa] {
        assert!(!judge(&keys, algorithm, b"input", &signature), "{algorithm}");
    }
}

#[test]
fn elliptic_keys_are_points_of_their_curve() {
    let pair = EcdsaKeyPair::generate(&signature::ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
    let key = json!({ "kty": "EC", "crv": "P-256", "kid": "k", "x": x, "y": y });
    let fits = |key: Value| set(vec![key]).candidates(Some("k"), Algorithm::Es256).len();
    assert_eq!(fits(key.clone()), 1);
    let mut off = point[33..].to_vec();
    off[31] ^= 1;
    for (name, value) in [
        ("y", encode(&off)),
        ("x", encode(&point[1..32])),
        ("x", encode(&[&[0], &point[1..33]].concat())),
        ("crv", "P-384".to_owned()),
        ("crv", "secp256k1".to_owned()),
        ("crv", String::new()),
    ] {
        assert_eq!(fits(with(&key, name, value)), 0, "{name}");
    }
    let signature = pair.sign(&SystemRandom::new(), b"input").unwrap();
    let keys = set(vec![key]);
    assert!(verify(&keys.candidates(Some("k"), Algorithm::Es256), b"input", signature.as_ref()).is_ok());
    assert!(verify(&keys.candidates(Some("k"), Algorithm::Es256), b"input", &[0; 64]).is_err(), "r = s = 0");
}

#[test]
fn ed25519_keys_have_32_bytes() {
    let pair =
        Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).unwrap().as_ref()).unwrap();
    let x = pair.public_key().as_ref();
    let key = json!({ "kty": "OKP", "crv": "Ed25519", "kid": "k", "x": encode(x) });
    let keys = set(vec![key.clone()]);
    let signature = pair.sign(b"input");
    assert!(verify(&keys.candidates(Some("k"), Algorithm::EdDsa), b"input", signature.as_ref()).is_ok());
    assert!(verify(&keys.candidates(Some("k"), Algorithm::EdDsa), b"other", signature.as_ref()).is_err());
    for (name, value) in [("x", encode(&x[..31])), ("crv", "X25519".to_owned()), ("crv", "Ed448".to_owned())] {
        assert_eq!(set(vec![with(&key, name, value)]).len(), 0, "{name}");
    }
}
