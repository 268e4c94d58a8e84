//! Mail is accepted: checked, composed, spooled, recorded. When the caller is told, it is durable and ours to deliver.

mod check;
mod prepare;

use crate::record::Unsealed;
use crate::reservations::Chosen;
use crate::{Commands, Failure, Fault, Request};
use domain::{
    Draft, Email, EmailEvent, EmailId, EventId, Interface, Mailbox, Organization, OrganizationId, Position, QueueEmail, StreamName, Tag,
    Timestamp, Transport,
};
use event_store::{ExpectedVersion, StreamAppend};

pub use check::{MessageFault, SendRefusal};
pub use prepare::TAG_LOOKUP;

/// Messages of one request at most (Resend's limit).
pub const BATCH_MAX: usize = 100;

/// Bytes of messages (in KiB) that are composed, sealed and written at the same time. Each is in memory several times over meanwhile, and what waits for
/// its turn is there once; more at a time would not be faster.
pub(crate) const WORK_KIB: usize = 4 << 10;

/// One message as an application asks for it.
#[derive(Clone)]
pub struct SendEmail {
    pub from: Mailbox,
    pub to: Vec<Mailbox>,
    pub cc: Vec<Mailbox>,
    pub bcc: Vec<Mailbox>,
    pub reply_to: Vec<Mailbox>,
    pub subject_line: String,
    pub html: Option<String>,
    pub text: Option<String>,
    pub headers: Vec<(String, String)>,
    pub attachments: Vec<Attachment>,
    pub tags: Vec<Tag>,
    pub scheduled_at: Option<Timestamp>,
}

#[derive(Clone)]
pub struct Attachment {
    pub file_name: String,
    pub content: Vec<u8>,
    pub content_type: Option<String>,
    /// Makes it an inline part that the HTML shows by `cid:`.
    pub content_id: Option<String>,
}

/// 1–100 messages of one request: all are accepted or none.
pub struct SendEmails {
    pub messages: Vec<SendEmail>,
    /// A repeat with the same key and payload gets the first answer.
    pub idempotency_key: Option<String>,
    pub interface: Interface,
}

/// A message that is now ours to deliver.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Accepted {
    pub email: EmailId,
    pub position: Position,
}

impl SendEmail {
    /// An empty message of a sender, to be filled in.
    pub fn default_from(from: Mailbox) -> Self {
        Self {
            from,
            to: vec![],
            cc: vec![],
            bcc: vec![],
            reply_to: vec![],
            subject_line: String::new(),
            html: None,
            text: None,
            headers: vec![],
            attachments: vec![],
            tags: vec![],
            scheduled_at: None,
        }
    }
}

impl SendEmails {
    /// Never more than there is, so that the largest request has its turn, too.
    fn weight_kib(&self) -> u32 {
        let text = |text: &Option<String>| text.as_ref().map_or(0, String::len);
        let attachments = |message: &SendEmail| message.attachments.iter().map(|attachment| attachment.content.len()).sum::<usize>();
        let bytes: usize =
            self.messages.iter().map(|message| 1024 + text(&message.html) + text(&message.text) + attachments(message)).sum();
        u32::try_from((bytes / 1024).min(WORK_KIB)).expect("WORK_KIB is small")
    }
}

impl Commands {
    pub async fn send_emails(&self, by: &Request, request: SendEmails) -> Result<Vec<Accepted>, Failure<SendRefusal>> {
        let now = self.clock.now();
        check::check(&request, now).map_err(Failure::Refused)?;
        let transport = self.transport_of(by.organization).await?.ok_or(Failure::Refused(SendRefusal::OrganizationNotOpen))?;
        let chosen: Vec<Chosen> = request.messages.iter().map(|_| self.choose_ids(now)).collect();
        let _turn = self.sending.acquire_many(request.weight_kib()).await.expect("the semaphore is never closed");
        let Some(key) = &request.idempotency_key else {
            let (queues, entries) = self.prepare(by, &request, transport, &chosen, now).await?;
            self.spool.put(entries).await?;
            return self.append(by, &chosen, queues, now).await;
        };
        let Some(_guard) = self.in_flight.enter(by.organization, key) else { return Err(Failure::Refused(SendRefusal::RepeatInFlight)) };
        // Looked for before anything is made: a repeat must not give somebody who was forgotten a new key.
        if let Some(first) = self.find_reservation(by.organization, key, &request, now).await? {
            return self.repeat(by, &request, transport, &first, now).await;
        }
        let (queues, entries) = self.prepare(by, &request, transport, &chosen, now).await?;
        match self.reserve(by.organization, key, &request, &chosen, &entries, now).await? {
            None => self.append(by, &chosen, queues, now).await,
            Some(first) => self.repeat(by, &request, transport, &first, now).await,
        }
    }

    /// The first answer again. Where a crash came between spool and event, the repeat appends what is missing, with the ids of the first attempt.
    async fn repeat(
        &self,
        by: &Request,
        request: &SendEmails,
        transport: Transport,
        first: &[Chosen],
        now: Timestamp,
    ) -> Result<Vec<Accepted>, Failure<SendRefusal>> {
        let streams: Vec<StreamName> = first.iter().map(|chosen| chosen.stream(by.organization)).collect();
        let histories = self.store.read_streams(&streams).await?;
        let recorded: Vec<Option<Accepted>> = first.iter().zip(&histories).map(|(chosen, history)| chosen.accepted_in(history)).collect();
        let missing = || recorded.iter().map(Option::is_none);
        if !missing().any(|missing| missing) {
            return Ok(recorded.into_iter().flatten().collect());
        }
        let (queues, _) = self.prepare(by, request, transport, first, now).await?;
        let queues = queues.into_iter().zip(missing()).filter_map(|(queue, missing)| missing.then_some(queue)).collect();
        let chosen: Vec<Chosen> = first.iter().zip(missing()).filter_map(|(chosen, missing)| missing.then_some(*chosen)).collect();
        let mut appended = self.append(by, &chosen, queues, now).await?.into_iter();
        Ok(recorded.into_iter().filter_map(|recorded| recorded.or_else(|| appended.next())).collect())
    }

    /// Seals and appends, each message as a new stream.
    async fn append(
        &self,
        by: &Request,
        chosen: &[Chosen],
        queues: Vec<QueueEmail>,
        now: Timestamp,
    ) -> Result<Vec<Accepted>, Failure<SendRefusal>> {
        let mut drafts: Vec<Vec<Draft<EmailEvent>>> = Vec::with_capacity(queues.len());
        let mut finished = Vec::new();
        for (queue, chosen) in queues.into_iter().zip(chosen) {
            if queue.recipients.iter().all(|recipient| recipient.suppressed) {
                finished.push(chosen.email);
            }
            drafts.push(Email::default().queue(queue).map_err(|refusal| Failure::Refused(SendRefusal::Rule(refusal)))?);
        }
        let unsealed: Vec<Unsealed<'_, EmailEvent>> = chosen
            .iter()
            .zip(&drafts)
            .map(|(chosen, drafts)| Unsealed { stream: chosen.stream(by.organization), occurred_at: now, ids: &chosen.events, drafts })
            .collect();
        let events = self.seal(by, &unsealed).await?;
        let streams = unsealed.iter().map(|unsealed| unsealed.stream);
        let appends = streams.zip(events).map(|(stream, events)| StreamAppend { stream, expected: ExpectedVersion::NoStream, events });
        let appended = self.store.append_batch(appends.collect()).await;
        let mut accepted = Vec::with_capacity(appended.len());
        for (chosen, appended) in chosen.iter().zip(appended) {
            accepted.push(Accepted { email: chosen.email, position: appended?.position });
        }
        // A message whose recipients are all suppressed is finished before it began.
        if !finished.is_empty() {
            self.spool.remove_finished(&finished).await?;
        }
        Ok(accepted)
    }

    fn choose_ids(&self, now: Timestamp) -> Chosen {
        let fresh = || self.ids.time_ordered(now);
        Chosen { email: EmailId(fresh()), events: [EventId(fresh()), EventId(fresh())] }
    }

    /// How the organisation's mail leaves; `None` when it is not open.
    async fn transport_of(&self, organization: OrganizationId) -> Result<Option<Transport>, Fault> {
        let folded = self.fold_cached::<Organization>(organization.0, organization).await?;
        let open = folded.state.is_open() || organization == OrganizationId::PLATFORM;
        Ok(open.then(|| folded.state.smtp_server.map_or(Transport::Sandbox, Transport::SmtpServer)))
    }
}
