//! Bearer tokens: shown once, kept as a hash.

use crate::vault::Vault;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

/// A new token. It has no `Debug`.
pub struct Token {
    /// 32 random bytes as base64url. Whoever holds it is believed.
    pub secret: Zeroizing<String>,
    /// What is stored.
    pub hash: [u8; 32],
}

impl Vault {
    pub fn new_token(&self) -> Token {
        let bytes = Zeroizing::new(crate::cipher::random::<32>());
        let secret = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()));
        let hash = token_hash(&secret);
        Token { secret, hash }
    }
}

/// SHA-256 of the text. A slow hash would guard nothing: 256 random bits cannot be guessed.
pub fn token_hash(secret: &str) -> [u8; 32] {
    digest(&SHA256, secret.as_bytes()).as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// Compares in constant time.
pub fn token_matches(secret: &str, hash: &[u8; 32]) -> bool {
    verify_slices_are_equal(&token_hash(secret), hash).is_ok()
}
