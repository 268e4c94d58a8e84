//! Bodies waiting for delivery, sealed each under a key of its own (row M1.6). Nothing here is a fact: what happened stands in the log.

use crate::spool_remover::SpoolRemover;
use crate::spool_writer::SpoolWriter;
use deadpool_postgres::{Object, Pool, PoolError};
use domain::{EmailId, OrganizationId, Purpose, Timestamp};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;
use vault::{SealedBody, Vault, VaultError};
use zeroize::Zeroizing;

/// The spool's rows, through the application's role. Cheap to clone.
#[derive(Clone)]
pub struct Spool {
    pub(crate) pool: Pool,
    vault: Vault,
    writer: SpoolWriter,
    pub(crate) remover: SpoolRemover,
}

/// Everything that delivery needs.
pub struct SpooledMail {
    /// The envelope's sender.
    pub from: String,
    pub recipients: Vec<SpooledRecipient>,
    pub text: mail::MessageText,
}

#[derive(Clone, Serialize, Deserialize)]
pub struct SpooledRecipient {
    pub number: u16,
    pub address: String,
}

/// A message that the sandbox caught.
pub struct CapturedMail {
    pub email: EmailId,
    pub mail: SpooledMail,
    pub expires_at: Timestamp,
}

#[derive(Debug, Clone, thiserror::Error)]
pub enum SpoolError {
    #[error("the spool's database failed")]
    Database(#[source] Arc<tokio_postgres::Error>),
    #[error("no connection to the spool's database")]
    NoConnection(#[source] Arc<PoolError>),
    #[error(transparent)]
    Vault(#[from] VaultError),
    #[error("a spooled message does not have the form that was written")]
    Malformed,
    #[error("the spool is shut down")]
    Closed,
}

impl From<tokio_postgres::Error> for SpoolError {
    fn from(error: tokio_postgres::Error) -> Self {
        SpoolError::Database(Arc::new(error))
    }
}

impl From<PoolError> for SpoolError {
    fn from(error: PoolError) -> Self {
        SpoolError::NoConnection(Arc::new(error))
    }
}

/// A sealed body on its way into the spool.
pub(crate) struct Entry {
    pub email: EmailId,
    pub organization: OrganizationId,
    pub body: SealedBody,
    pub expires_at: Timestamp,
}

impl Spool {
    /// Must be called on a tokio runtime: tasks write what several requests spool at once, and remove what several deliveries have finished.
    pub fn new(pool: Pool, vault: Vault) -> Self {
        Self { writer: SpoolWriter::start(pool.clone(), vault.clone()), remover: SpoolRemover::start(pool.clone()), pool, vault }
    }

    pub(crate) async fn connection(&self) -> Result<Object, PoolError> {
        self.pool.get().await
    }

    pub(crate) fn seal(&self, email: EmailId, organization: OrganizationId, mail: &SpooledMail, expires_at: Timestamp) -> Entry {
        let body = self.vault.wrap_body(email.0, organization, &mail.to_bytes());
        Entry { email, organization, body, expires_at }
    }

    /// Durable when it returns.
    pub(crate) async fn put(&self, entries: Vec<Entry>) -> Result<(), SpoolError> {
        self.writer.write(entries).await
    }

    /// `None`: delivered, cancelled or expired, and gone.
    pub async fn open(&self, email: EmailId) -> Result<Option<SpooledMail>, SpoolError> {
        Ok(self.open_of(email).await?.map(|(_, mail)| mail))
    }

    /// With the organisation whose message it is.
    pub(crate) async fn open_of(&self, email: EmailId) -> Result<Option<(OrganizationId, SpooledMail)>, SpoolError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached("SELECT organization, epoch, wrapped_key, body FROM spool.entry WHERE email = $1").await?;
        let Some(row) = client.query_opt(&statement, &[&email.0]).await? else { return Ok(None) };
        let body = SealedBody { epoch: row.get(1), wrapped_key: row.get(2), ciphertext: row.get(3) };
        let organization = OrganizationId(row.get(0));
        let plain = self.vault.open_body(Purpose::Deliver, email.0, organization, &body).await?;
        Ok(Some((organization, SpooledMail::from_bytes(&plain)?)))
    }

    pub async fn remove(&self, email: EmailId) -> Result<(), SpoolError> {
        let client = self.pool.get().await?;
        let statement = client.prepare_cached("DELETE FROM spool.entry WHERE email = $1").await?;
        client.execute(&statement, &[&email.0]).await?;
        Ok(())
    }

    /// The sandbox keeps the body to be looked at until `expires_at`.
    pub async fn capture(&self, email: EmailId, expires_at: Timestamp) -> Result<(), SpoolError> {
        let client = self.pool.get().await?;
        let statement =
            client.prepare_cached("UPDATE spool.entry SET captured = true, expires_at_us = $2 WHERE email = $1 AND NOT captured").await?;
        client.execute(&statement, &[&email.0, &expires_at.micros()]).await?;
        Ok(())
    }

    /// What the sandbox caught for an organisation, newest first; `before` is where the page before ended. Bodies can be large, so they are
    /// opened one at a time.
    pub async fn captured_ids(
        &self,
        organization: OrganizationId,
        now: Timestamp,
        before: Option<EmailId>,
        limit: i64,
    ) -> Result<Vec<EmailId>, SpoolError> {
        let client = self.pool.get().await?;
        let statement = client
            .prepare_cached(
                "SELECT email FROM spool.entry WHERE organization = $1 AND captured AND expires_at_us > $2 AND email < $3
                 ORDER BY email DESC LIMIT $4",
            )
            .await?;
        let below = before.map_or(Uuid::max(), |before| before.0);
        let rows = client.query(&statement, &[&organization.0, &now.micros(), &below, &limit]).await?;
        Ok(rows.iter().map(|row| EmailId(row.get(0))).collect())
    }

    /// One message that the sandbox caught for that organisation. `None`: there is none, or no longer.
    pub(crate) async fn captured_one(
        &self,
        organization: OrganizationId,
        email: EmailId,
        now: Timestamp,
    ) -> Result<Option<CapturedMail>, SpoolError> {
        let client = self.pool.get().await?;
        let statement = client
            .prepare_cached(
                "SELECT epoch, wrapped_key, body, expires_at_us FROM spool.entry
                 WHERE email = $1 AND organization = $2 AND captured AND expires_at_us > $3",
            )
            .await?;
        let Some(row) = client.query_opt(&statement, &[&email.0, &organization.0, &now.micros()]).await? else { return Ok(None) };
        let body = SealedBody { epoch: row.get(0), wrapped_key: row.get(1), ciphertext: row.get(2) };
        let mail = SpooledMail::from_bytes(&self.vault.open_body(Purpose::Deliver, email.0, organization, &body).await?)?;
        Ok(Some(CapturedMail { email, mail, expires_at: Timestamp::from_micros(row.get(3)) }))
    }

    /// Removes what has expired, and says how many bodies that were. Reservations that nobody can repeat any more go too.
    pub async fn sweep(&self, now: Timestamp) -> Result<u64, SpoolError> {
        let client = self.pool.get().await?;
        client.execute("DELETE FROM ops.reservation WHERE expires_at_us <= $1", &[&now.micros()]).await?;
        Ok(client.execute("DELETE FROM spool.entry WHERE expires_at_us <= $1", &[&now.micros()]).await?)
    }
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    from: String,
    recipients: Vec<SpooledRecipient>,
}

impl SpooledMail {
    /// Length of the envelope (u32, big-endian), envelope as JSON, message text.
    fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let envelope = Envelope { from: self.from.clone(), recipients: self.recipients.clone() };
        let envelope = Zeroizing::new(serde_json::to_vec(&envelope).expect("plain structs always have a JSON form"));
        let length = u32::try_from(envelope.len()).expect("the envelope of 50 recipients is small");
        let mut bytes = Zeroizing::new(Vec::with_capacity(4 + envelope.len() + self.text.as_bytes().len()));
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&envelope);
        bytes.extend_from_slice(self.text.as_bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Result<Self, SpoolError> {
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or(SpoolError::Malformed)?;
        let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| SpoolError::Malformed)?;
        let (envelope, text) = rest.split_at_checked(length).ok_or(SpoolError::Malformed)?;
        let envelope: Envelope = serde_json::from_slice(envelope).map_err(|_| SpoolError::Malformed)?;
        let text = mail::MessageText::new(text.to_vec()).map_err(|_| SpoolError::Malformed)?;
        Ok(Self { from: envelope.from, recipients: envelope.recipients, text })
    }
}
