//! What a key file holds: a key, or a key sealed under a passphrase.
//!
//! plain  = "lmepoch1" ‖ 32 bytes
//! sealed = "lmepoch2" ‖ memory (KiB) ‖ passes ‖ lanes ‖ salt ‖ version ‖ algorithm ‖ nonce ‖ ciphertext ‖ tag
//!
//! Numbers are 32 bits, big-endian. The sealing key is Argon2id of the passphrase; parameters, salt and the file's name are authenticated.

use super::NotUnwrapped;
use super::settings::Passphrase;
use crate::canonical::canonical;
use crate::cipher::{SealingKey, random, unwrap, wrap};
use crate::secret::Secret;
use argon2::{Algorithm, Argon2, Params, Version};
use uuid::Uuid;
use zeroize::Zeroizing;

const PLAIN: &[u8; 8] = b"lmepoch1";
const SEALED: &[u8; 8] = b"lmepoch2";
const SALT_LENGTH: usize = 16;
/// RFC 9106's choice where memory is scarce, on one lane: a file is opened once a start and epoch.
const NEW: Cost = Cost { memory_kib: 65_536, passes: 3, lanes: 1 };
/// A file that asks for more is not one of ours.
const MOST: Cost = Cost { memory_kib: 1 << 20, passes: 64, lanes: 16 };

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// A file's parts, as its outer form gives them.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum KeyFile<'a> {
    Plain(&'a [u8; 32]),
    Sealed { cost: Cost, salt: &'a [u8; SALT_LENGTH], wrapped: &'a [u8] },
}

pub(super) fn parse(content: &[u8]) -> Option<KeyFile<'_>> {
    if let Some(key) = content.strip_prefix(PLAIN) {
        return Some(KeyFile::Plain(key.try_into().ok()?));
    }
    let rest = content.strip_prefix(SEALED)?;
    let (memory_kib, rest) = rest.split_first_chunk()?;
    let (passes, rest) = rest.split_first_chunk()?;
    let (lanes, rest) = rest.split_first_chunk()?;
    let (salt, wrapped) = rest.split_first_chunk()?;
    let cost = Cost { memory_kib: u32::from_be_bytes(*memory_kib), passes: u32::from_be_bytes(*passes), lanes: u32::from_be_bytes(*lanes) };
    let payable = cost.memory_kib <= MOST.memory_kib && cost.passes <= MOST.passes && cost.lanes <= MOST.lanes;
    payable.then_some(KeyFile::Sealed { cost, salt, wrapped })
}

pub(super) fn plain(key: &Secret) -> Zeroizing<Vec<u8>> {
    let mut content = Zeroizing::new(Vec::with_capacity(PLAIN.len() + key.bytes().len()));
    content.extend_from_slice(PLAIN);
    content.extend_from_slice(key.bytes());
    content
}

pub(super) fn seal(name: Uuid, passphrase: &Passphrase, key: &Secret) -> Vec<u8> {
    let salt = random();
    let sealing = derive(passphrase, NEW, &salt).expect("the parameters are within Argon2's bounds");
    let mut content = SEALED.to_vec();
    content.extend_from_slice(&NEW.bytes());
    content.extend_from_slice(&salt);
    content.extend_from_slice(&wrap(&sealing, &authenticated(name, NEW, &salt), key));
    content
}

/// The key in a file of the sealed form.
pub(super) fn open(
    name: Uuid,
    passphrase: &Passphrase,
    (cost, salt, wrapped): (Cost, &[u8; SALT_LENGTH], &[u8]),
) -> Result<Secret, NotUnwrapped> {
    let sealing = derive(passphrase, cost, salt).ok_or(NotUnwrapped::Refused)?;
    Ok(unwrap(&sealing, &authenticated(name, cost, salt), wrapped)?)
}

/// `None`: Argon2 does not know such parameters.
fn derive(passphrase: &Passphrase, cost: Cost, salt: &[u8; SALT_LENGTH]) -> Option<SealingKey> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).ok()?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let derived = Secret::fill(|bytes| argon2.hash_password_into(passphrase.expose().as_bytes(), salt, bytes));
    Some(SealingKey::new(derived.ok()?.bytes()))
}

fn authenticated(name: Uuid, cost: Cost, salt: &[u8; SALT_LENGTH]) -> Vec<u8> {
    canonical(&[b"lethemail key file v2", name.as_bytes(), &cost.bytes(), salt])
}

impl Cost {
    #[cfg(test)]
    pub(super) fn is_small(self) -> bool {
        self.memory_kib <= 1024 && self.passes <= 2
    }

    fn bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        bytes[..4].copy_from_slice(&self.memory_kib.to_be_bytes());
        bytes[4..8].copy_from_slice(&self.passes.to_be_bytes());
        bytes[8..].copy_from_slice(&self.lanes.to_be_bytes());
        bytes
    }
}
