//! Keys for tests, made when they are needed: none is kept in the sources.

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An RSA key of 2048 bits, as PEM.
pub struct Pair {
    /// The private half as GitHub gives it.
    pub pkcs1: String,
    /// The private half as most tools write it.
    pub pkcs8: String,
    /// The public half.
    pub public: String,
}

/// The key of this process.
pub fn rsa() -> &'static Pair {
    static PAIR: OnceLock<Pair> = OnceLock::new();
    PAIR.get_or_init(make)
}

/// Another key than [`rsa`], each time.
pub fn make() -> Pair {
    let pair = KeyPair::generate(KeySize::Rsa2048).expect("a key");
    let private: Pkcs8V1Der<'_> = pair.as_der().expect("PKCS#8");
    let private = private.as_ref();
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key");
    // PKCS#8 is the PKCS#1 key behind 26 bytes that are the same for each key of this size (RFC 5208).
    let inner = private.get(26..).expect("a key");
    Pair {
        pkcs1: pem("RSA PRIVATE KEY", inner),
        pkcs8: pem("PRIVATE KEY", private),
        public: pem("PUBLIC KEY", public.as_ref()),
    }
}

/// The private half of a key on an elliptic curve, as PEM.
pub fn elliptic() -> &'static str {
    static KEY: OnceLock<String> = OnceLock::new();
    KEY.get_or_init(|| {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).expect("a key");
        let private = pair.to_pkcs8v1().expect("PKCS#8");
        pem("PRIVATE KEY", private.as_ref())
    })
}

fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("base64 is ASCII"))
        .collect();
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}
