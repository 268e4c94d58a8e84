//! Field values as JSON, opened where a purpose was named and allows it. Openings here are events in the log of the organisation whose data it is.

use crate::serve::Foundation;
use crate::service::vault_config;
use anyhow::Context;
use commands::AccessLog;
use domain::{Actor, DataAccess, DataName, OrganizationId, Purpose, PurposeRefusal, SlotContent, SystemActor};
use event_store::EventStore;
use history::{FieldValue, SealedValue};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::sync::Mutex;
use vault::{Opened, Vault, VaultConfig, VaultError};

/// Keys kept in memory: a listing of a few thousand things meets no more.
const CACHED_KEYS_MAX: u64 = 10_000;

/// What opens, where something may be opened.
pub(super) struct Reveal(Option<Opener>);

/// Whose data, which, and why it was refused where it was.
type Access = (OrganizationId, DataName, Option<PurposeRefusal>);

struct Opener {
    vault: Vault,
    purpose: Purpose,
    accesses: AccessLog,
    /// What was opened and what was refused, by whose it is; written down before it is shown.
    done: Mutex<BTreeMap<Access, u64>>,
}

impl Reveal {
    /// Without a purpose the vault is not even started.
    pub async fn start(foundation: &Foundation, store: &EventStore, purpose: Option<Purpose>) -> anyhow::Result<Self> {
        let Some(purpose) = purpose else { return Ok(Self(None)) };
        vault::harden_process();
        let vault = Vault::start(VaultConfig { cache_keys_max: CACHED_KEYS_MAX, ..vault_config(foundation) });
        let vault = vault.await.context("the vault cannot be opened")?;
        let accesses = AccessLog::new(store.clone(), foundation.clock.clone(), foundation.ids.clone());
        Ok(Self(Some(Opener { vault, purpose, accesses, done: Mutex::default() })))
    }

    /// Writes down what was opened, and what was refused, in the logs of those whose data it is. Nothing may be shown before.
    pub async fn record(&self) -> anyhow::Result<()> {
        let Some(opener) = &self.0 else { return Ok(()) };
        let done = std::mem::take(&mut *opener.done.lock().await);
        let mut drafts = BTreeMap::<OrganizationId, Vec<_>>::new();
        for ((organization, data, refusal), count) in done {
            drafts.entry(organization).or_default().push(match refusal {
                None => DataAccess::open(opener.purpose, data, count),
                Some(refusal) => DataAccess::refuse(opener.purpose, data, refusal, count),
            });
        }
        for (organization, drafts) in drafts {
            let recorded = opener.accesses.record(Actor::System(SystemActor::Operator), organization, &drafts);
            recorded.await.context("what is opened could not be written down, so it is not shown")?;
        }
        Ok(())
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
        let told = |state: &str| json!({ "holds": sealed.data, "personal_data": state });
        let envelope = match &sealed.content {
            SlotContent::Envelope(envelope) => envelope,
            SlotContent::Withheld => return Ok(told("erased")),
            SlotContent::Removed(_) => return Ok(told("expired")),
        };
        let Some(opener) = &self.0 else { return Ok(told("sealed")) };
        let opened = match opener.vault.open_named(opener.purpose, sealed.data, &sealed.context, envelope).await {
            Err(VaultError::PurposeRefused { refusal, .. }) => {
                opener.note(sealed, Some(refusal)).await;
                return Ok(told("not_for_this_purpose"));
            }
            opened => opened?,
        };
        Ok(match opened {
            Opened::Readable(json) => {
                opener.note(sealed, None).await;
                let value: Value = serde_json::from_slice(json.expose()).context("what was sealed is not of the expected kind")?;
                json!({ "holds": sealed.data, "personal_data": "readable", "value": value })
            }
            Opened::Erased => told("erased"),
            Opened::Expired => told("expired"),
            Opened::Restricted => told("restricted"),
        })
    }
}

impl Opener {
    async fn note(&self, sealed: &SealedValue, refusal: Option<PurposeRefusal>) {
        *self.done.lock().await.entry((sealed.context.organization, sealed.data, refusal)).or_default() += 1;
    }
}
