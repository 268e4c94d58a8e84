//! The few primitives that everything here is made of: AES-256-GCM, HKDF-SHA256, HMAC-SHA256.

use crate::secret::Secret;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{AES_256, DecryptingKey, DecryptionContext, EncryptingKey, UnboundCipherKey};
use aws_lc_rs::{hkdf, hmac};
use zeroize::Zeroizing;

pub(crate) const NONCE_LENGTH: usize = 12;
pub(crate) const TAG_LENGTH: usize = 16;
/// Stored before every ciphertext: the form's version and the algorithm, AES-256-GCM.
pub(crate) const VERSION: u8 = 1;
pub(crate) const ALGORITHM: u8 = 1;

/// A ciphertext does not belong to the key and the data beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's randomness is available, or nothing here may go on");
    bytes
}

/// An AES-256-GCM key, expanded for use.
pub(crate) struct SealingKey(LessSafeKey);

impl SealingKey {
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes")))
    }

    /// Appends nonce ‖ ciphertext ‖ tag to `out`. The nonce is random; a key seals far fewer than 2^32 messages.
    pub(crate) fn seal(&self, aad: &[u8], plaintext: &[u8], out: &mut Vec<u8>) {
        let nonce = random::<NONCE_LENGTH>();
        out.extend_from_slice(&nonce);
        let start = out.len();
        out.reserve(plaintext.len() + TAG_LENGTH);
        out.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut out[start..]);
        out.extend_from_slice(tag.expect("AES-GCM seals anything below 64 GiB").as_ref());
    }

    /// Opens nonce ‖ ciphertext ‖ tag.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Refused> {
        let (nonce, ciphertext) = sealed.split_first_chunk::<NONCE_LENGTH>().ok_or(Refused)?;
        let mut buffer = Zeroizing::new(ciphertext.to_vec());
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let length = self.0.open_in_place(nonce, Aad::from(aad), &mut buffer).map_err(|_| Refused)?.len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

/// A 32-byte key wrapped under another: version ‖ algorithm ‖ nonce ‖ ciphertext ‖ tag, bound to `aad`.
pub(crate) fn wrap(wrapping: &SealingKey, aad: &[u8], key: &Secret) -> Vec<u8> {
    let mut wrapped = vec![VERSION, ALGORITHM];
    wrapping.seal(aad, key.bytes(), &mut wrapped);
    wrapped
}

pub(crate) fn unwrap(wrapping: &SealingKey, aad: &[u8], wrapped: &[u8]) -> Result<Secret, Refused> {
    let sealed = wrapped.strip_prefix(&[VERSION, ALGORITHM]).ok_or(Refused)?;
    let key = wrapping.open(aad, sealed)?;
    let key: &[u8; 32] = key.as_slice().try_into().map_err(|_| Refused)?;
    Secret::fill(|bytes| {
        bytes.copy_from_slice(key);
        Ok(())
    })
}

struct KeyLength;

impl hkdf::KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

/// HKDF-SHA256 (RFC 5869).
pub(crate) fn derive(salt: &[u8], secret: &[u8; 32], info: &[&[u8]]) -> Secret {
    let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
    let derived = Secret::fill(|bytes| prk.expand(info, KeyLength)?.fill(bytes));
    derived.expect("HKDF-SHA256 yields up to 8160 bytes")
}

/// HMAC-SHA256.
pub(crate) fn mac(key: &[u8], data: &[u8]) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), data);
    tag.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

/// One block of AES-256. Right for look-up values only: each block is the image of one HMAC, so equality is all that it can show.
pub(crate) fn encrypt_block(key: &Secret, block: [u8; 16]) -> [u8; 16] {
    let mut bytes = block;
    let key = UnboundCipherKey::new(&AES_256, key.bytes()).and_then(EncryptingKey::ecb).expect("an AES-256 key has 32 bytes");
    key.encrypt(&mut bytes).expect("a block has 16 bytes");
    bytes
}

/// The block that [`encrypt_block`] was given.
pub(crate) fn decrypt_block(key: &Secret, block: [u8; 16]) -> [u8; 16] {
    let mut bytes = block;
    let key = UnboundCipherKey::new(&AES_256, key.bytes()).and_then(DecryptingKey::ecb).expect("an AES-256 key has 32 bytes");
    key.decrypt(&mut bytes, DecryptionContext::None).expect("a block has 16 bytes");
    bytes
}
