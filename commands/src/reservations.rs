//! Idempotent requests: the first one chooses the ids, and every repeat uses them again.

use crate::send_email::{Accepted, SendEmails, SendRefusal};
use crate::spool::Entry;
use crate::spool_writer::Columns;
use crate::{Commands, Failure, Fault};
use domain::{Category, Day, EmailId, EventId, OrganizationId, RecordedEvent, StreamName, Timestamp};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use uuid::Uuid;

const KEY_HASH: &str = "idempotency key";
const PAYLOAD_HASH: &str = "idempotent payload";
/// Kept for two days: the hashes are found again on the day after.
const RESERVATION_LIFETIME: Duration = Duration::from_secs(48 * 3600);

/// The ids that a message and its first events will have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Chosen {
    pub email: EmailId,
    pub events: [EventId; 2],
}

impl Chosen {
    pub fn stream(&self, organization: OrganizationId) -> StreamName {
        StreamName::new(Category::Email, organization, self.email.0)
    }

    /// The answer that was given when these events were appended; `None` when they were not.
    pub fn accepted_in(&self, history: &[RecordedEvent]) -> Option<Accepted> {
        let mut ours = history.iter().filter(|event| self.events.contains(&event.header.event_id));
        ours.next_back().map(|event| Accepted { email: self.email, position: event.position })
    }
}

/// Idempotency keys that this process is working on.
#[derive(Default)]
pub(crate) struct InFlight(Mutex<HashSet<(OrganizationId, String)>>);

/// Holds a key for as long as its request is worked on.
pub(crate) struct InFlightGuard {
    in_flight: Arc<InFlight>,
    key: (OrganizationId, String),
}

impl Drop for InFlightGuard {
    fn drop(&mut self) {
        self.in_flight.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

impl InFlight {
    pub fn enter(self: &Arc<Self>, organization: OrganizationId, key: &str) -> Option<InFlightGuard> {
        let key = (organization, key.to_owned());
        let entered = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key.clone());
        entered.then(|| InFlightGuard { in_flight: self.clone(), key })
    }
}

const RESERVE: &str = "
    WITH reserved AS (
        INSERT INTO ops.reservation (organization, key_hash, payload_hash, ids, expires_at_us) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (organization, key_hash) DO NOTHING RETURNING organization),
    spooled AS (
        INSERT INTO spool.entry (email, organization, epoch, wrapped_key, body, expires_at_us)
        SELECT entry.email, reserved.organization, entry.epoch, entry.wrapped_key, entry.body, entry.expires_at_us
        FROM reserved, unnest($6::uuid[], $7::int[], $8::bytea[], $9::bytea[], $10::bigint[]) AS entry (email, epoch, wrapped_key, body, expires_at_us))
    SELECT count(*) FROM reserved";

impl Commands {
    /// The ids that an earlier request with this key and payload chose; today's or yesterday's, whose hashes are under yesterday's key.
    pub(crate) async fn find_reservation(
        &self,
        organization: OrganizationId,
        key: &str,
        request: &SendEmails,
        now: Timestamp,
    ) -> Result<Option<Vec<Chosen>>, Failure<SendRefusal>> {
        for day in [now.day(), now.day().previous()] {
            // Where there is no key for the day, nothing was reserved then.
            let Some(key_hash) = self.existing_fingerprint(organization, day, KEY_HASH, key.as_bytes()).await? else { continue };
            if let Some(found) = self.look_up(organization, &key_hash).await? {
                let payload_hash = self.existing_fingerprint(organization, day, PAYLOAD_HASH, &payload_bytes(request)).await?;
                return found.judge(payload_hash).map(Some);
            }
        }
        Ok(None)
    }

    /// Takes the key and spools the bodies, in one statement. When another process was faster: the ids that it chose.
    pub(crate) async fn reserve(
        &self,
        organization: OrganizationId,
        key: &str,
        request: &SendEmails,
        chosen: &[Chosen],
        entries: &[Entry],
        now: Timestamp,
    ) -> Result<Option<Vec<Chosen>>, Failure<SendRefusal>> {
        let key_hash = self.vault.fingerprint(organization, now.day(), KEY_HASH, &[key.as_bytes()]).await?;
        let payload_hash = self.vault.fingerprint(organization, now.day(), PAYLOAD_HASH, &[&payload_bytes(request)]).await?;
        let ids: Vec<Uuid> = chosen.iter().flat_map(|chosen| [chosen.email.0, chosen.events[0].0, chosen.events[1].0]).collect();
        let expires_at = (now + RESERVATION_LIFETIME).micros();
        let columns = Columns::of(entries.iter());
        let client = self.spool.connection().await?;
        let statement = client.prepare_cached(RESERVE).await?;
        let row = client
            .query_one(
                &statement,
                &[
                    &organization.0,
                    &&key_hash[..],
                    &&payload_hash[..],
                    &ids,
                    &expires_at,
                    &columns.emails,
                    &columns.epochs,
                    &columns.wrapped_keys,
                    &columns.bodies,
                    &columns.expires_at_us,
                ],
            )
            .await?;
        if row.get::<_, i64>(0) == 1 {
            return Ok(None);
        }
        let found = self.look_up(organization, &key_hash).await?.ok_or(Fault::Contended)?;
        found.judge(Some(payload_hash)).map(Some)
    }

    async fn existing_fingerprint(
        &self,
        organization: OrganizationId,
        day: Day,
        context: &'static str,
        data: &[u8],
    ) -> Result<Option<[u8; 32]>, Fault> {
        Ok(self.vault.existing_fingerprints(organization, &[day], context, &[data]).await?.pop().flatten())
    }

    async fn look_up(&self, organization: OrganizationId, key_hash: &[u8]) -> Result<Option<Found>, Fault> {
        let client = self.spool.connection().await?;
        let statement =
            client.prepare_cached("SELECT payload_hash, ids FROM ops.reservation WHERE organization = $1 AND key_hash = $2").await?;
        let row = client.query_opt(&statement, &[&organization.0, &key_hash]).await?;
        Ok(row.map(|row| Found { payload_hash: row.get(0), ids: row.get(1) }))
    }
}

struct Found {
    payload_hash: Vec<u8>,
    ids: Vec<Uuid>,
}

impl Found {
    fn judge(self, payload_hash: Option<[u8; 32]>) -> Result<Vec<Chosen>, Failure<SendRefusal>> {
        if payload_hash.is_none_or(|hash| hash[..] != self.payload_hash[..]) {
            return Err(Failure::Refused(SendRefusal::KeyUsedForOtherPayload));
        }
        let chosen = self.ids.chunks_exact(3).map(|ids| Chosen { email: EmailId(ids[0]), events: [EventId(ids[1]), EventId(ids[2])] });
        Ok(chosen.collect())
    }
}

/// All that was asked for, in one unambiguous form. It is hashed and thrown away.
fn payload_bytes(request: &SendEmails) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut put = |part: &[u8]| {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part);
    };
    for message in &request.messages {
        let mailbox = |mailbox: &domain::Mailbox| (mailbox.name.clone(), mailbox.address.clone());
        let envelope: [Vec<_>; 4] =
            [&message.to, &message.cc, &message.bcc, &message.reply_to].map(|list| list.iter().map(mailbox).collect());
        let fields = (
            mailbox(&message.from),
            envelope,
            &message.subject_line,
            &message.html,
            &message.text,
            &message.headers,
            &message.tags,
            message.scheduled_at,
        );
        put(&serde_json::to_vec(&fields).expect("plain values always have a JSON form"));
        for attachment in &message.attachments {
            put(attachment.file_name.as_bytes());
            put(attachment.content_type.as_deref().unwrap_or("").as_bytes());
            put(attachment.content_id.as_deref().unwrap_or("").as_bytes());
            put(&attachment.content);
        }
    }
    bytes
}
