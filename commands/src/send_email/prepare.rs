//! Composing, finding keys, asking for suppressions: everything between the check and the first write.

use super::check::{MessageFault, SendRefusal};
use super::{SendEmail, SendEmails};
use crate::reservations::Chosen;
use crate::spool::{Entry, SpooledMail, SpooledRecipient};
use crate::{Commands, Failure, Fault, Request};
use domain::{
    Class, DELIVERY_AGE_MAX, EmailId, Interface, KeyId, LookupValue, Mailbox, NewRecipient, OrganizationId, Personal, QueueEmail,
    RecipientDetails, RecipientField, SenderDetails, StreamName, Suppression, SuppressionReason, Tag, Timestamp, Transport, fold,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;
use vault::{KeyName, Subject};

/// The HMAC context of tag look-ups.
pub const TAG_LOOKUP: &str = "tag";
/// A body outlives the last possible attempt by this much, then the sweeper takes it.
const SPOOL_GRACE: Duration = Duration::from_secs(3600);

/// What the messages of one request have in common.
struct Gathered {
    sender_key: KeyId,
    /// Whoever was forgotten has none.
    recipient_keys: HashMap<String, KeyId>,
    suppressed: BTreeMap<String, SuppressionReason>,
    /// Those whose data may only be kept.
    restricted: BTreeSet<KeyId>,
    transport: Transport,
    interface: Interface,
    now: Timestamp,
}

impl Commands {
    pub(super) async fn prepare(
        &self,
        by: &Request,
        request: &SendEmails,
        transport: Transport,
        chosen: &[Chosen],
        now: Timestamp,
    ) -> Result<(Vec<QueueEmail>, Vec<Entry>), Failure<SendRefusal>> {
        // Composed first: a message that cannot be composed leaves nothing behind, not even a key.
        let mut texts = Vec::with_capacity(request.messages.len());
        for (number, (message, chosen)) in request.messages.iter().zip(chosen).enumerate() {
            let text = compose(message, chosen.email, &self.settings.message_id_domain, now);
            texts.push(text.map_err(|fault| Failure::Refused(SendRefusal::Message(number, fault)))?);
        }
        let gathered = self.gather(by.organization, request, transport, now).await?;
        let (mut queues, mut entries) = (Vec::with_capacity(texts.len()), Vec::with_capacity(texts.len()));
        for ((message, chosen), text) in request.messages.iter().zip(chosen).zip(texts) {
            let (queue, entry) = self.prepare_message(by, message, chosen.email, text, &gathered).await?;
            queues.push(queue);
            entries.push(entry);
        }
        Ok((queues, entries))
    }

    async fn gather(
        &self,
        organization: OrganizationId,
        request: &SendEmails,
        transport: Transport,
        now: Timestamp,
    ) -> Result<Gathered, Fault> {
        let addresses: BTreeSet<String> =
            request.messages.iter().flat_map(|m| recipients(m).map(|(_, to)| to.address.normalized())).collect();
        let addresses: Vec<&str> = addresses.iter().map(String::as_str).collect();
        let sender = KeyName { organization, subject: Subject::Organization, class: Class::Ops };
        let (sender_key, suppressed) = tokio::join!(self.key(sender), self.suppressed_among(organization, &addresses));
        let suppressed = suppressed?;
        // Nobody who was forgotten gets a new key: the suppression that is left of the erasure is what fences the address off.
        let remembered = |address: &&str| suppressed.get(*address) != Some(&SuppressionReason::Erased);
        let addresses: Vec<&str> = addresses.into_iter().filter(remembered).collect();
        let keys = self.vault.recipient_keys(organization, Class::Ops, &addresses).await?;
        let limits = self.vault.limits_of(&keys).await?;
        let restricted = keys.iter().zip(limits).filter(|(_, limits)| limits.is_some_and(|limits| limits.restricted));
        Ok(Gathered {
            sender_key: sender_key?,
            restricted: restricted.map(|(key, _)| *key).collect(),
            recipient_keys: addresses.iter().map(|address| (*address).to_owned()).zip(keys).collect(),
            suppressed,
            transport,
            interface: request.interface,
            now,
        })
    }

    /// Those of the addresses that the organisation must not mail, and why, by the suppressions' own streams.
    pub(crate) async fn suppressed_among(
        &self,
        organization: OrganizationId,
        addresses: &[&str],
    ) -> Result<BTreeMap<String, SuppressionReason>, Fault> {
        let keys = self.vault.find_recipients(organization, Class::Suppress, addresses).await?;
        let known: Vec<(&str, KeyId)> =
            addresses.iter().copied().zip(keys).filter_map(|(address, key)| key.map(|key| (address, key))).collect();
        if known.is_empty() {
            return Ok(BTreeMap::new());
        }
        let streams: Vec<StreamName> =
            known.iter().map(|(_, key)| StreamName::new(domain::Category::Suppression, organization, key.0)).collect();
        let histories = self.store.read_streams(&streams).await?;
        let mut suppressed = BTreeMap::new();
        for ((address, _), (stream, events)) in known.iter().zip(streams.iter().zip(histories)) {
            if let Some(reason) = fold::<Suppression>(*stream, &events)?.state.reason {
                suppressed.insert((*address).to_owned(), reason);
            }
        }
        Ok(suppressed)
    }

    async fn prepare_message(
        &self,
        by: &Request,
        message: &SendEmail,
        email: EmailId,
        text: mail::MessageText,
        gathered: &Gathered,
    ) -> Result<(QueueEmail, Entry), Fault> {
        let mut new_recipients = Vec::new();
        let mut spooled = Vec::new();
        for (number, (field, to)) in (0..).zip(recipients(message)) {
            let normalized = to.address.normalized();
            let key = gathered.recipient_keys.get(&normalized).copied();
            let restricted = key.is_some_and(|key| gathered.restricted.contains(&key));
            let details = RecipientDetails {
                address: to.address.as_str().to_owned(),
                name: to.name.clone(),
                subject_line: message.subject_line.clone(),
            };
            new_recipients.push(NewRecipient {
                field,
                details: Personal::new(details),
                key,
                suppressed: restricted || gathered.suppressed.contains_key(&normalized),
            });
            spooled.push(SpooledRecipient { number, address: to.address.as_str().to_owned() });
        }
        let size_bytes = text.as_bytes().len() as u64;
        let due_at = message.scheduled_at.unwrap_or(gathered.now).max(gathered.now);
        let mail = SpooledMail { from: message.from.address.as_str().to_owned(), recipients: spooled, text };
        let queue = QueueEmail {
            recipients: new_recipients,
            sender: Personal::new(sender_details(message, by)),
            sender_key: gathered.sender_key,
            tags: self.tag_lookups(by.organization, &message.tags, gathered.now).await?,
            scheduled_at: message.scheduled_at.filter(|time| *time > gathered.now),
            transport: gathered.transport,
            interface: gathered.interface,
            size_bytes,
        };
        let entry = self.spool.seal(email, by.organization, &mail, due_at + DELIVERY_AGE_MAX + SPOOL_GRACE);
        Ok((queue, entry))
    }

    async fn tag_lookups(&self, organization: OrganizationId, tags: &[Tag], now: Timestamp) -> Result<Vec<LookupValue>, Fault> {
        let mut lookups = Vec::with_capacity(tags.len());
        for tag in tags {
            let fingerprint =
                self.vault.fingerprint(organization, now.day(), TAG_LOOKUP, &[tag.name.as_bytes(), tag.value.as_bytes()]).await?;
            lookups.push(LookupValue(*fingerprint.first_chunk().expect("an HMAC is longer than 16 bytes")));
        }
        Ok(lookups)
    }
}

/// All recipients in the order in which they are numbered.
fn recipients(message: &SendEmail) -> impl Iterator<Item = (RecipientField, &Mailbox)> {
    let to = message.to.iter().map(|mailbox| (RecipientField::To, mailbox));
    let cc = message.cc.iter().map(|mailbox| (RecipientField::Cc, mailbox));
    let bcc = message.bcc.iter().map(|mailbox| (RecipientField::Bcc, mailbox));
    to.chain(cc).chain(bcc)
}

fn sender_details(message: &SendEmail, by: &Request) -> SenderDetails {
    let written = |mailbox: &Mailbox| match &mailbox.name {
        Some(name) => format!("{name} <{}>", mailbox.address.as_str()),
        None => mailbox.address.as_str().to_owned(),
    };
    let origin = by.origin.expose();
    SenderDetails {
        from: written(&message.from),
        reply_to: message.reply_to.iter().map(written).collect(),
        tags: message.tags.clone(),
        headers: message.headers.clone(),
        attachment_names: message.attachments.iter().map(|attachment| attachment.file_name.clone()).collect(),
        ip: origin.ip.clone(),
        user_agent: origin.user_agent.clone(),
    }
}

fn compose(message: &SendEmail, email: EmailId, message_id_domain: &str, now: Timestamp) -> Result<mail::MessageText, MessageFault> {
    let to: Vec<_> = message.to.iter().map(mailbox).collect();
    let cc: Vec<_> = message.cc.iter().map(mailbox).collect();
    let reply_to: Vec<_> = message.reply_to.iter().map(mailbox).collect();
    let headers: Vec<_> = message.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let attachments: Vec<_> = message
        .attachments
        .iter()
        .map(|attachment| mail::Attachment {
            file_name: &attachment.file_name,
            content_type: attachment.content_type.as_deref(),
            content_id: attachment.content_id.as_deref(),
            content: &attachment.content,
        })
        .collect();
    let message_id = format!("{}@{message_id_domain}", email.0.simple());
    let outgoing = mail::OutgoingMessage {
        message_id: &message_id,
        date: now,
        from: mailbox(&message.from),
        to: &to,
        cc: &cc,
        reply_to: &reply_to,
        subject: &message.subject_line,
        text: message.text.as_deref(),
        html: message.html.as_deref(),
        headers: &headers,
        attachments: &attachments,
    };
    mail::compose(&outgoing).map_err(MessageFault::Text)
}

fn mailbox(mailbox: &Mailbox) -> mail::Mailbox<'_> {
    mail::Mailbox { name: mailbox.name.as_deref(), address: mailbox.address.as_str() }
}
