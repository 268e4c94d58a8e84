//! Whether a token keeps what certificates promise.

use super::super::Finding;
use super::{Pkcs11Keys, fault, find, holds_its_keys, template, token};
use crate::error::VaultError;
use cryptoki::mechanism::{Mechanism, MechanismType};
use uuid::Uuid;

impl Pkcs11Keys {
    /// Leaves nothing behind: the key that is tried out ends with its session.
    pub(in super::super) fn examine(&self, living: &[Uuid]) -> Result<Vec<Finding>, VaultError> {
        let session = self.token.session()?;
        let label = &self.token.settings.label;
        let module = token::module(&self.token.settings.module).map_err(fault)?;
        let mechanisms = module.get_mechanism_list(self.token.slot(&module)?).map_err(fault)?;
        let mut findings = Vec::new();
        for (mechanism, name) in [(MechanismType::AES_KEY_GEN, "CKM_AES_KEY_GEN"), (MechanismType::AES_GCM, "CKM_AES_GCM")] {
            if !mechanisms.contains(&mechanism) {
                findings.push(Finding::Wrong(format!("the token {label} does not know {name}; allow it there, or take another token")));
            }
        }
        if !findings.is_empty() {
            return Ok(findings);
        }
        let tried = session.generate_key(&Mechanism::AesKeyGen, &template(Uuid::nil(), false)).map_err(fault)?;
        if !holds_its_keys(&session, tried)? {
            findings.push(Finding::Wrong(format!(
                "the token {label} makes keys that can be taken out of it, so that destroying one there would not be its end; forbid it, or take another token"
            )));
        }
        for name in living {
            for key in find(&session, *name)? {
                if !holds_its_keys(&session, key)? {
                    findings.push(Finding::Wrong(format!(
                        "the key {name} can be taken out of the token {label}; once the token makes only keys that stay in it, lethemail keys rotate replaces it"
                    )));
                }
            }
        }
        if findings.is_empty() {
            findings.push(Finding::Well(format!("the token {label} keeps its keys to itself")));
        }
        Ok(findings)
    }
}
