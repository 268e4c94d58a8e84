//! The write side: one file per thing that a caller may ask. A command gathers what it needs from the log, lets `domain` decide, seals what is
//! personal, and appends. It never asks a projection, and it knows neither HTTP nor GraphQL.

mod authenticate;
mod cancel_email;
mod carry_out_erasure;
mod conclude_erasure;
mod confirm_address;
mod connect_smtp_server;
mod create_api_key;
mod create_organization;
mod credentials;
mod data_access;
mod data_reads;
mod deliveries;
mod doomed_keys;
mod erase_account;
mod erase_organization;
mod erase_recipient;
mod erasure_certificate;
mod expire_buckets;
mod failure;
mod fold_cache;
mod held_subjects;
mod holds;
mod identity;
mod kept_data;
mod kept_of_person;
mod key_events;
mod limit_processing;
mod notices;
mod open_data;
mod record;
mod request;
mod request_erasure;
mod reservations;
mod revoke_api_key;
mod send_email;
mod set_retention;
mod sign_in;
mod sign_out;
mod sign_up;
mod smtp_access;
mod spool;
mod spool_removal;
mod spool_remover;
mod spool_writer;

pub use authenticate::{ApiClient, Session};
pub use cancel_email::CancelEmail;
pub use conclude_erasure::LEASES_WAIT;
pub use confirm_address::ConfirmAddress;
pub use connect_smtp_server::{ConnectRefusal, ConnectServer, ServerConnected};
pub use create_api_key::{ApiKeyMade, CreateApiKey, CreateApiKeyRefusal};
pub use create_organization::{CreateOrganization, CreateOrganizationRefusal, OrganizationMade};
pub use data_access::AccessLog;
pub use data_reads::{DATA_READS_MAX, DataRead, DataReads, data_reads};
pub use deliveries::Unreachable;
pub use erase_account::{EraseAccount, EraseAccountRefusal};
pub use erase_organization::{EraseOrganization, EraseOrganizationRefusal};
pub use erase_recipient::{EraseRecipient, ErasureBegun};
pub use erasure_certificate::ErasureCertificate;
pub use expire_buckets::{BucketSweep, RetentionDecisions};
pub use failure::{Failure, Fault};
pub use holds::RequestHold;
pub use identity::IdentityProof;
pub use kept_data::{KeptBucket, KeptData};
pub use kept_of_person::{KeptKey, KeptUntil};
pub use limit_processing::{DataSubject, LimitRefusal};
pub use request::Request;
pub use request_erasure::{ErasureOpened, RequestRecipientErasure};
pub use revoke_api_key::RevokeApiKey;
pub use send_email::{Accepted, Attachment, MessageFault, SendEmail, SendEmails, SendRefusal, TAG_LOOKUP};
pub use set_retention::SetRetention;
pub use sign_in::{SignInRefusal, SignInWithPassword, SignedInSession};
pub use sign_up::{SignUpRefusal, SignUpWithPassword};
pub use spool::{CapturedMail, Spool, SpoolError, SpooledMail, SpooledRecipient};

/// What refusals and captured mail are told in. The interface that shows them must not send mail itself, and so does not depend on `mail`.
pub use mail::{ComposeCode, ComposeError, ComposeField, LoginVerdict, ParsedAttachment, ParsedMessage, parse_message};

use domain::{Clock, Ids};
use egress::Egress;
use event_store::EventStore;
use fold_cache::FoldCache;
use mail::TlsTrust;
use std::sync::Arc;
use tokio::sync::Semaphore;
use vault::Vault;

/// The write side's parts, shared by all commands. Cheap to clone.
#[derive(Clone)]
pub struct Commands {
    pub(crate) store: EventStore,
    pub(crate) vault: Vault,
    pub(crate) spool: Spool,
    pub(crate) egress: Egress,
    pub(crate) trust: Arc<TlsTrust>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) ids: Arc<dyn Ids>,
    pub(crate) cache: Arc<FoldCache>,
    pub(crate) in_flight: Arc<reservations::InFlight>,
    /// Turns at composing and writing messages, by KiB.
    pub(crate) sending: Arc<Semaphore>,
    pub(crate) settings: Arc<Settings>,
    pub(crate) reads: DataReads,
    pub(crate) accesses: AccessLog,
}

/// What an operator decides.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where people reach this installation, without a slash at the end; links in notices start with it.
    pub public_url: String,
    /// The privacy policy that must be accepted at sign-up.
    pub privacy_policy_version: u32,
    /// Sender of Lethemail's own notices.
    pub notice_from: domain::Mailbox,
    /// Domain of generated Message-IDs.
    pub message_id_domain: String,
    /// The name that this installation greets mail servers with.
    pub client_name: String,
    pub smtp_time_outs: mail::TimeOuts,
}

/// What the write side is made of.
pub struct Parts {
    pub store: EventStore,
    pub vault: Vault,
    pub spool: Spool,
    pub egress: Egress,
    pub trust: TlsTrust,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub settings: Settings,
}

impl Commands {
    /// Must be called on a tokio runtime: a task follows the log to keep the caches true, and another writes down how much was read.
    pub fn new(parts: Parts) -> Self {
        let Parts { store, vault, spool, egress, trust, clock, ids, settings } = parts;
        let cache = FoldCache::following(&store, clock.clone());
        let reads = DataReads::start(spool.pool.clone(), clock.clone());
        let accesses = AccessLog::new(store.clone(), clock.clone(), ids.clone());
        Self {
            store,
            vault,
            spool,
            egress,
            trust: Arc::new(trust),
            clock,
            ids,
            cache,
            in_flight: Arc::default(),
            sending: Arc::new(Semaphore::new(send_email::WORK_KIB)),
            settings: Arc::new(settings),
            reads,
            accesses,
        }
    }

    pub fn spool(&self) -> &Spool {
        &self.spool
    }

    /// How much was opened, by whom and why.
    pub fn reads(&self) -> &DataReads {
        &self.reads
    }
}
