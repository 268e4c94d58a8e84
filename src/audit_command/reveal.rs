//! Field values as JSON, opened where a purpose was named and allows it.

use crate::serve::Foundation;
use crate::service::vault_config;
use anyhow::Context;
use domain::{Purpose, SlotContent};
use history::{FieldValue, SealedValue};
use serde_json::{Value, json};
use vault::{Opened, Vault, VaultConfig};

/// Keys kept in memory: a listing of a few thousand things meets no more.
const CACHED_KEYS_MAX: u64 = 10_000;

/// What opens, where something may be opened.
pub(super) struct Reveal(Option<(Vault, Purpose)>);

impl Reveal {
    /// Without a purpose the vault is not even started.
    pub async fn start(foundation: &Foundation, purpose: Option<Purpose>) -> anyhow::Result<Self> {
        let Some(purpose) = purpose else { return Ok(Self(None)) };
        vault::harden_process();
        let vault = Vault::start(VaultConfig { cache_keys_max: CACHED_KEYS_MAX, ..vault_config(foundation) });
        Ok(Self(Some((vault.await.context("the vault cannot be opened")?, purpose))))
    }

    pub async fn json(&self, value: &FieldValue) -> anyhow::Result<Value> {
        match value {
            FieldValue::Plain(value) => Ok(value.clone()),
            FieldValue::Time(time) => Ok(json!(time.to_string())),
            FieldValue::Thing(stream) => Ok(json!(stream.to_string())),
            FieldValue::Sealed(sealed) => self.sealed(sealed).await,
        }
    }

    async fn sealed(&self, sealed: &SealedValue) -> anyhow::Result<Value> {
        let told = |state: &str| json!({ "holds": sealed.holds, "personal_data": state });
        let envelope = match &sealed.content {
            SlotContent::Envelope(envelope) => envelope,
            SlotContent::Withheld => return Ok(told("erased")),
            SlotContent::Removed(_) => return Ok(told("expired")),
        };
        let Some((vault, purpose)) = &self.0 else { return Ok(told("sealed")) };
        if !sealed.purposes.contains(purpose) {
            return Ok(told("not_for_this_purpose"));
        }
        Ok(match vault.open_raw(*purpose, sealed.purposes, &sealed.context, envelope).await? {
            Opened::Readable(json) => {
                let value: Value = serde_json::from_slice(json.expose()).context("what was sealed is not of the expected kind")?;
                json!({ "holds": sealed.holds, "personal_data": "readable", "value": value })
            }
            Opened::Erased => told("erased"),
            Opened::Expired => told("expired"),
            Opened::Restricted => told("restricted"),
        })
    }
}
