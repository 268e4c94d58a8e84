//! One attempt at one message, from its events to the mail server and back into events.

mod sandbox;
mod smtp;

use crate::Parts;
use anyhow::Context;
use commands::{Commands, Fault, Request, SpooledMail, SpooledRecipient};
use domain::{
    AbandonmentReason, CancellationReason, Clock, DeliveryState, Draft, Email, EmailEvent, EmailId, Event, Folded, Ids, OrganizationId,
    SmtpServerId, Transport, retry_delay,
};
use mail::PoolSettings;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// KiB of message texts in memory at a time; a larger message goes alone.
const TEXTS_KIB_MAX: u32 = 64 * 1024;

/// What deliveries share in this process.
pub(crate) struct Deliverer {
    pub commands: Commands,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    /// A server's access data never changes under its id, so the id is the pool's key.
    pub connections: mail::Pool<SmtpServerId>,
    /// Counted from the time a message was due.
    age_max: Duration,
    /// Bounds the texts in memory, in KiB.
    texts: Semaphore,
}

pub(crate) enum Outcome {
    Recorded,
    /// The stream moved on meanwhile: somebody else has the message in hand, or it was cancelled.
    Overtaken,
}

/// A message in this attempt.
struct Attempted {
    by: Request,
    folded: Folded<Email>,
}

impl Deliverer {
    pub fn new(parts: &Parts) -> Self {
        let pool_settings = PoolSettings { connections_max: parts.settings.connections_per_server_max, ..PoolSettings::default() };
        Self {
            commands: parts.commands.clone(),
            clock: parts.clock.clone(),
            ids: parts.ids.clone(),
            connections: mail::Pool::new(parts.clock.clone(), pool_settings),
            age_max: parts.settings.delivery_age_max,
            texts: Semaphore::new(TEXTS_KIB_MAX as usize),
        }
    }

    pub async fn deliver(&self, organization: OrganizationId, email: EmailId) -> anyhow::Result<Outcome> {
        let folded = self.commands.load_email(organization, email).await?;
        let mut message = Attempted { by: self.commands.as_delivery(organization), folded };
        match self.attempt(&mut message, email).await {
            Ok(()) => {
                self.drop_finished_body(&message, email).await?;
                Ok(Outcome::Recorded)
            }
            Err(error) if is_overtaken(&error) => Ok(Outcome::Overtaken),
            Err(error) => Err(error),
        }
    }

    async fn attempt(&self, message: &mut Attempted, email: EmailId) -> anyhow::Result<()> {
        let now = self.clock.now();
        let doubt = message.folded.state.doubt();
        self.record(message, doubt).await?;
        let delivery = &message.folded.state.delivery;
        if delivery.first_due_at.is_some_and(|due| now >= due + self.age_max) {
            let abandoned = message.folded.state.abandon(AbandonmentReason::Expired);
            return self.record(message, abandoned).await;
        }
        if delivery.due_at.is_none_or(|due| due > now) {
            return Ok(());
        }
        let size_kib = message.folded.state.queued.as_ref().map_or(0, |queued| queued.size_bytes / 1024 + 1);
        let _room = self.texts.acquire_many(u32::try_from(size_kib).unwrap_or(u32::MAX).min(TEXTS_KIB_MAX)).await?;
        let Some(mail) = self.commands.open_spooled(email).await? else {
            let abandoned = message.folded.state.abandon(AbandonmentReason::TextMissing);
            return self.record(message, abandoned).await;
        };
        self.leave_out_unreachable(message).await?;
        self.leave_out_suppressed(message, &mail).await?;
        let waiting = message.folded.state.delivery.recipients_in(DeliveryState::is_waiting);
        let recipients: Vec<SpooledRecipient> =
            mail.recipients.iter().filter(|recipient| waiting.contains(&recipient.number)).cloned().collect();
        if recipients.is_empty() {
            return Ok(());
        }
        match message.folded.state.queued.as_ref().map(|queued| queued.transport) {
            Some(Transport::Sandbox) => self.capture(message, email, &recipients).await,
            Some(Transport::SmtpServer(server)) => self.send(message, server, &mail, &recipients).await,
            None => Ok(()),
        }
    }

    /// Nothing is sent to somebody who was forgotten after the message was accepted, or whose data may only be kept since.
    async fn leave_out_unreachable(&self, message: &mut Attempted) -> anyhow::Result<()> {
        let waiting = message.folded.state.delivery.recipients_in(DeliveryState::is_waiting);
        let unreachable = self.commands.unreachable_among(&message.folded.state, &waiting).await?;
        let cancelled = message.folded.state.cancel(CancellationReason::Erased, Some(&unreachable.forgotten)).unwrap_or_default();
        self.record(message, cancelled).await?;
        let suppressed = message.folded.state.suppress(&unreachable.restricted);
        self.record(message, suppressed).await
    }

    /// A suppression that came after the message was accepted counts.
    async fn leave_out_suppressed(&self, message: &mut Attempted, mail: &SpooledMail) -> anyhow::Result<()> {
        let normalized: Vec<(u16, String)> = mail.recipients.iter().map(|to| (to.number, to.address.to_ascii_lowercase())).collect();
        let addresses: Vec<&str> = normalized.iter().map(|(_, address)| address.as_str()).collect();
        let suppressed = self.commands.suppressed(message.by.organization, &addresses).await?;
        let numbers: Vec<u16> = normalized.iter().filter(|(_, address)| suppressed.contains(address)).map(|(number, _)| *number).collect();
        let drafts = message.folded.state.suppress(&numbers);
        self.record(message, drafts).await
    }

    /// The body goes with the last recipient's delivery (row M1.6).
    async fn drop_finished_body(&self, message: &Attempted, email: EmailId) -> anyhow::Result<()> {
        if message.folded.state.delivery.is_finished() {
            self.commands.spool().remove_finished(&[email]).await.context("a finished body could not be removed")?;
        }
        Ok(())
    }

    async fn record(&self, message: &mut Attempted, drafts: Vec<Draft<EmailEvent>>) -> anyhow::Result<()> {
        let told: Vec<(&'static str, usize)> =
            drafts.iter().map(|draft| (draft.event.event_type().0, draft.event.recipients().len())).collect();
        self.commands.advance(&message.by, &mut message.folded, drafts).await?;
        for (event, recipients) in told {
            metrics::counter!("lethemail_delivery_recipients_total", "event" => event).increment(recipients as u64);
        }
        Ok(())
    }

    /// When those deferred by this attempt are tried again.
    fn next_attempt_at(&self, message: &Attempted) -> domain::Timestamp {
        let jitter = self.ids.random().into_bytes()[0];
        let delivery = &message.folded.state.delivery;
        let attempt = delivery.transmission().unwrap_or_else(|| delivery.next_attempt());
        self.clock.now() + retry_delay(attempt, jitter)
    }
}

fn is_overtaken(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Fault>().is_some_and(Fault::is_overtaken)
}
