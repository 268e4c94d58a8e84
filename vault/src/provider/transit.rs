//! Keys of a Transit engine (OpenBao, Vault), a named one an epoch. The server wraps and unwraps; a key never leaves it. What is wrapped is bound to the
//! epoch's row by the engine's associated data.

mod examine;
mod http;

use super::NotUnwrapped;
use super::settings::TransitSettings;
use crate::error::VaultError;
use crate::secret::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Answer, Client, Method};
use serde_json::{Value, json};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Every ciphertext of a key's first version begins so; ours have no other.
const FORM: &str = "vault:v1:";

pub(super) struct TransitKeys {
    client: Client,
}

impl TransitKeys {
    pub(super) fn new(settings: TransitSettings) -> Self {
        Self { client: Client::new(settings) }
    }

    /// The server answers, is unsealed, knows the token, and lets it do all that a rotation needs: a key that could be made and not be deleted would
    /// stay for good.
    pub(super) fn ping(&self) -> Result<(), VaultError> {
        self.client.call(Method::Get, "auth/token/lookup-self", None)?.done()?;
        let missing = self.missing_rights()?;
        if missing.is_empty() { Ok(()) } else { Err(refused(format!("the token's policy does not allow {}", missing.join(", ")))) }
    }

    pub(super) fn create(&self, name: Uuid) -> Result<(), VaultError> {
        self.renew_token();
        if self.key(name)?.is_some() {
            return Err(refused("the engine has a key of this name already"));
        }
        let kind = json!({ "type": "aes256-gcm96", "exportable": false, "allow_plaintext_backup": false });
        self.client.call(Method::Post, &self.path("keys", name), Some(&kind))?.done()?;
        let deletable = json!({ "deletion_allowed": true });
        self.client.call(Method::Post, &format!("{}/config", self.path("keys", name)), Some(&deletable))?.done()?;
        match self.key(name)? {
            Some(key) if flaws(&key).is_empty() => Ok(()),
            _ => Err(refused("the engine made the key otherwise than it was asked")),
        }
    }

    pub(super) fn wrap(&self, name: Uuid, aad: &[u8], secret: &Secret) -> Result<Vec<u8>, NotUnwrapped> {
        // The engine makes a key that it does not have, and one that cannot be deleted.
        if self.key(name)?.is_none() {
            return Err(NotUnwrapped::Missing);
        }
        let plaintext = Zeroizing::new(STANDARD.encode(secret.bytes()));
        let body = json!({ "plaintext": plaintext.as_str(), "associated_data": STANDARD.encode(aad) });
        let answer = self.client.call(Method::Post, &self.path("encrypt", name), Some(&body))?.done()?;
        let ciphertext = answer["data"]["ciphertext"].as_str().unwrap_or_default();
        if parse(ciphertext.as_bytes()).is_none() {
            return Err(away("what it answers is no ciphertext of a key's first version").into());
        }
        Ok(ciphertext.as_bytes().to_vec())
    }

    pub(super) fn unwrap(&self, name: Uuid, aad: &[u8], wrapped: &[u8]) -> Result<Secret, NotUnwrapped> {
        let ciphertext = parse(wrapped).ok_or(NotUnwrapped::Refused)?;
        let body = json!({ "ciphertext": ciphertext, "associated_data": STANDARD.encode(aad) });
        let answer = match self.client.call(Method::Post, &self.path("decrypt", name), Some(&body))? {
            Answer::Done(answer) => answer,
            Answer::Absent => return Err(NotUnwrapped::Missing),
            // The same answer for a key that is not there and for a ciphertext that does not fit; without the right it is another.
            Answer::Wrong(_) => return Err(if self.key(name)?.is_some() { NotUnwrapped::Refused } else { NotUnwrapped::Missing }),
            Answer::Denied(reason) => return Err(refused(reason).into()),
        };
        let plaintext = answer["data"]["plaintext"].as_str().and_then(|text| STANDARD.decode(text).ok()).map(Zeroizing::new);
        let key = plaintext.as_ref().and_then(|bytes| <&[u8; 32]>::try_from(bytes.as_slice()).ok()).ok_or(NotUnwrapped::Refused)?;
        Secret::fill(|bytes| {
            bytes.copy_from_slice(key);
            Ok(())
        })
    }

    pub(super) fn destroy(&self, name: Uuid) -> Result<(), VaultError> {
        self.renew_token();
        // The engine refuses to delete what it does not have.
        if self.key(name)?.is_some() {
            match self.client.call(Method::Delete, &self.path("keys", name), None)? {
                Answer::Done(_) | Answer::Absent => {}
                Answer::Wrong(reason) | Answer::Denied(reason) => return Err(refused(format!("{}: {reason}", key_name(name)))),
            }
        }
        Ok(())
    }

    pub(super) fn is_gone(&self, name: Uuid) -> Result<bool, VaultError> {
        Ok(self.key(name)?.is_none())
    }

    /// What the engine says about a key.
    fn key(&self, name: Uuid) -> Result<Option<Value>, VaultError> {
        match self.client.call(Method::Get, &self.path("keys", name), None)? {
            Answer::Absent => Ok(None),
            answer => answer.done().map(|mut answer| Some(answer["data"].take())),
        }
    }

    /// As long as a rotation comes before its end, a renewable token lives on. Whether it does is the doctor's to say.
    fn renew_token(&self) {
        drop(self.client.call(Method::Post, "auth/token/renew-self", Some(&json!({}))));
    }

    fn path(&self, operation: &str, name: Uuid) -> String {
        format!("{}/{operation}/{}", self.client.mount(), key_name(name))
    }
}

fn key_name(name: Uuid) -> String {
    format!("lethemail-epoch-{}", name.simple())
}

/// The ciphertext in a row.
pub(super) fn parse(wrapped: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(wrapped).ok()?;
    let encoded = text.strip_prefix(FORM)?;
    (encoded.len() <= 1024 && STANDARD.decode(encoded).is_ok()).then_some(text)
}

/// What of a key's settings would outlive its destruction, or prevent it.
fn flaws(key: &Value) -> Vec<&'static str> {
    let rules = [
        ("deletion_allowed", true, "it cannot be deleted"),
        ("exportable", false, "it can be exported"),
        ("allow_plaintext_backup", false, "it can be backed up in the clear"),
    ];
    rules.into_iter().filter(|(setting, wanted, _)| key[setting].as_bool() != Some(*wanted)).map(|(.., flaw)| flaw).collect()
}

fn refused(reason: impl ToString) -> VaultError {
    VaultError::refused(domain::KeyProvider::Transit, reason)
}

fn away(reason: impl ToString) -> VaultError {
    VaultError::away(domain::KeyProvider::Transit, reason)
}
