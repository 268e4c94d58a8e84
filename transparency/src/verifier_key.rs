//! Public keys by name, as signed-note writes them (`name+1a2b3c4d+base64`), and whether one has signed a note.

use crate::note::{Note, NoteSignature, is_key_name};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// Whether an Ed25519 signature holds: public key, message, signature. What does so lives elsewhere.
pub type VerifySignature = fn(&[u8; 32], &[u8], &[u8]) -> bool;

/// What a key's signatures are over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The note's text. A log signs so.
    Ed25519 = 1,
    /// The text below a time (C2SP tlog-cosignature). A witness signs so.
    CosignatureV1 = 4,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    pub name: String,
    pub algorithm: Algorithm,
    pub public: [u8; 32],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a verifier key of the form name+1a2b3c4d+base64, of an algorithm that this program knows")]
pub struct VerifierKeyError;

impl VerifierKey {
    pub fn ed25519(name: String, public: [u8; 32]) -> Self {
        Self { name, algorithm: Algorithm::Ed25519, public }
    }

    pub fn key_id(&self) -> [u8; 4] {
        let digest =
            Sha256::new().chain_update(&self.name).chain_update([b'\n', self.algorithm as u8]).chain_update(self.public).finalize();
        [digest[0], digest[1], digest[2], digest[3]]
    }

    /// Whether this key has signed the note. A line in its name that does not hold counts against the whole note.
    pub fn signed(&self, note: &Note, verify: VerifySignature) -> bool {
        let mut own = note.signatures.iter().filter(|line| line.name == self.name && line.key_id == self.key_id()).peekable();
        own.peek().is_some() && own.all(|line| self.holds(&note.text, &line.signature, verify))
    }

    fn holds(&self, text: &str, signature: &[u8], verify: VerifySignature) -> bool {
        match self.algorithm {
            Algorithm::Ed25519 => verify(&self.public, text.as_bytes(), signature),
            Algorithm::CosignatureV1 => signature
                .split_first_chunk::<8>()
                .is_some_and(|(time, signature)| verify(&self.public, cosigned(text, u64::from_be_bytes(*time)).as_bytes(), signature)),
        }
    }

    /// A line for a note out of a signature over its text.
    pub fn line(&self, signature: Vec<u8>) -> NoteSignature {
        NoteSignature { name: self.name.clone(), key_id: self.key_id(), signature }
    }
}

/// What a witness signs: that it saw this checkpoint at this time (seconds since 1970), after all that it saw before.
pub fn cosigned(text: &str, time: u64) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[self.algorithm as u8][..], &self.public].concat();
        write!(f, "{}+{:08x}+{}", self.name, u32::from_be_bytes(self.key_id()), BASE64_STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = VerifierKeyError;

    fn from_str(text: &str) -> Result<Self, VerifierKeyError> {
        let mut parts = text.splitn(3, '+');
        let mut part = || parts.next().ok_or(VerifierKeyError);
        let (name, id, encoded) = (part()?, part()?, part()?);
        let bytes = BASE64_STANDARD.decode(encoded).map_err(|_| VerifierKeyError)?;
        let (algorithm, public) = bytes.split_first().ok_or(VerifierKeyError)?;
        let algorithm = match algorithm {
            1 => Algorithm::Ed25519,
            4 => Algorithm::CosignatureV1,
            _ => return Err(VerifierKeyError),
        };
        let key = Self { name: name.to_owned(), algorithm, public: public.try_into().map_err(|_| VerifierKeyError)? };
        let is_its_id = format!("{:08x}", u32::from_be_bytes(key.key_id())) == id;
        if is_key_name(name) && is_its_id { Ok(key) } else { Err(VerifierKeyError) }
    }
}
