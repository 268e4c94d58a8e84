//! A message, its sender's side and its recipients.

use super::{DeliveryState, EmailBatch, EmailEvent, EmailStatus, Interface, RecipientField, call};
use crate::graphql::connection::{connection, cursor};
use crate::graphql::objects::email_event;
use crate::node_id::NodeId;
use crate::personal::{PersonalData, shown};
use async_graphql::{Context, ID, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use domain::{Category, EmailId, OrganizationId, Position, SenderDetails, Transport};
use projections::{EmailRow, Page};
use std::sync::Arc;
use vault::Opened;

/// A name and its value.
#[derive(Clone, SimpleObject)]
pub(crate) struct NameValue {
    /// The name.
    name: String,
    /// The value.
    value: String,
}

/// A message with its 1 to 50 recipients.
#[derive(Clone)]
pub(crate) struct Email {
    batch: Arc<EmailBatch>,
    id: EmailId,
}

connection!(EmailConnection, EmailEdge, Email, "messages, newest first");

impl Email {
    /// A message for whoever sent or stopped it, as a read model shows it that has come as far as `position`. Without the right to read it is
    /// an id and nothing else.
    pub fn at(organization: OrganizationId, id: EmailId, position: Position) -> Self {
        Self { batch: Arc::new(EmailBatch::of_sender(organization, vec![id], position)), id }
    }

    pub fn of(batch: Arc<EmailBatch>, id: EmailId) -> Self {
        Self { batch, id }
    }

    /// All messages of a batch.
    pub fn all_of(batch: EmailBatch) -> Vec<Self> {
        let batch = Arc::new(batch);
        batch.ids().iter().map(|id| Self { batch: batch.clone(), id: *id }).collect()
    }

    pub fn page(organization: OrganizationId, page: Page<EmailRow>, has_previous_page: bool) -> EmailConnection {
        let emails = Self::all_of(EmailBatch::of_rows(organization, page.rows));
        let places = emails.into_iter().map(|email| (cursor(email.id.0.as_bytes()), email)).collect();
        EmailConnection::new(places, page.has_next, has_previous_page)
    }

    async fn row<'a>(&'a self, context: &Context<'_>) -> Result<Option<&'a EmailRow>> {
        self.batch.row(call(context), self.id).await
    }

    async fn sender<'a>(&'a self, context: &Context<'_>) -> Result<Option<&'a SenderDetails>> {
        Ok(self.batch.sender(call(context), self.id).await?.and_then(shown))
    }
}

/// A message with its 1 to 50 recipients.
#[Object]
impl Email {
    /// Its id.
    pub async fn id(&self) -> ID {
        NodeId::new(Category::Email, self.batch.organization(), self.id.0).into()
    }

    /// The same as a plain UUID: its id in the Email API, and the beginning of its Message-ID.
    async fn uuid(&self) -> ID {
        ID(self.id.0.to_string())
    }

    /// The first of the words, in their order, that holds for any recipient.
    async fn status(&self, context: &Context<'_>) -> Result<Option<EmailStatus>> {
        Ok(self.row(context).await?.map(|row| row.status.into()))
    }

    /// When it was accepted.
    async fn created_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.row(context).await?.map(|row| row.created_at.to_datetime()))
    }

    /// When it was to be sent, where that was said.
    async fn scheduled_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.row(context).await?.and_then(|row| row.scheduled_at).map(|time| time.to_datetime()))
    }

    /// When it is tried next; null when all is done.
    async fn due_at(&self, context: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        Ok(self.row(context).await?.and_then(|row| row.due_at).map(|time| time.to_datetime()))
    }

    /// Attempts made so far.
    async fn attempts(&self, context: &Context<'_>) -> Result<Option<u32>> {
        Ok(self.row(context).await?.map(|row| row.attempts))
    }

    /// Bytes of the message text.
    async fn size_bytes(&self, context: &Context<'_>) -> Result<Option<u64>> {
        Ok(self.row(context).await?.map(|row| row.size_bytes))
    }

    /// Which interface took it.
    async fn interface(&self, context: &Context<'_>) -> Result<Option<Interface>> {
        Ok(self.row(context).await?.map(|row| row.interface.into()))
    }

    /// The server that it leaves through; null for the built-in sandbox.
    async fn smtp_server_id(&self, context: &Context<'_>) -> Result<Option<ID>> {
        Ok(self.row(context).await?.and_then(|row| match row.transport {
            Transport::Sandbox => None,
            Transport::SmtpServer(server) => Some(NodeId::new(Category::SmtpServer, row.organization, server.0).into()),
        }))
    }

    /// The sender.
    async fn from(&self, context: &Context<'_>) -> Result<Option<&str>> {
        Ok(self.sender(context).await?.map(|sender| sender.from.as_str()))
    }

    /// Where answers go.
    async fn reply_to(&self, context: &Context<'_>) -> Result<Option<&[String]>> {
        Ok(self.sender(context).await?.map(|sender| sender.reply_to.as_slice()))
    }

    /// The subject line. It is kept for each recipient, and cannot be read any more when all of them are forgotten.
    async fn subject(&self, context: &Context<'_>) -> Result<Option<&str>> {
        let recipients = self.batch.recipients(call(context), self.id).await?;
        Ok(recipients.iter().find_map(shown).map(|details| details.subject_line.as_str()))
    }

    /// Labels.
    async fn tags(&self, context: &Context<'_>) -> Result<Option<Vec<NameValue>>> {
        let tags = self.sender(context).await?.map(|sender| sender.tags.clone());
        Ok(tags.map(|tags| tags.into_iter().map(|tag| NameValue { name: tag.name, value: tag.value }).collect()))
    }

    /// Further header fields.
    async fn headers(&self, context: &Context<'_>) -> Result<Option<Vec<NameValue>>> {
        let headers = self.sender(context).await?.map(|sender| sender.headers.clone());
        Ok(headers.map(|headers| headers.into_iter().map(|(name, value)| NameValue { name, value }).collect()))
    }

    /// The names of its files. The files themselves, like the text, are kept no longer than delivery needs them.
    async fn attachment_names(&self, context: &Context<'_>) -> Result<Option<&[String]>> {
        Ok(self.sender(context).await?.map(|sender| sender.attachment_names.as_slice()))
    }

    /// Whether the sender's side can be read: sender, tags, headers.
    async fn personal_data(&self, context: &Context<'_>) -> Result<Option<PersonalData>> {
        let sender: Option<&Opened<SenderDetails>> = self.batch.sender(call(context), self.id).await?;
        Ok(sender.map(PersonalData::from))
    }

    /// Whom it is for.
    async fn recipients(&self, context: &Context<'_>) -> Result<Option<Vec<EmailRecipient>>> {
        let Some(row) = self.row(context).await? else { return Ok(None) };
        let recipients = row.recipients.iter().map(|recipient| EmailRecipient {
            batch: self.batch.clone(),
            email: self.id,
            number: recipient.number,
            field: recipient.field.into(),
            state: recipient.state.into(),
        });
        Ok(Some(recipients.collect()))
    }

    /// All that happened to it, oldest first.
    async fn timeline(&self, context: &Context<'_>) -> Result<Vec<EmailEvent>> {
        let call = call(context);
        email_event::of_many(call, self.batch.timeline(call, self.id).await?).await
    }
}

/// One recipient of a message.
#[derive(Clone)]
pub(crate) struct EmailRecipient {
    batch: Arc<EmailBatch>,
    email: EmailId,
    number: u16,
    field: RecipientField,
    state: DeliveryState,
}

/// One recipient of a message.
#[Object]
impl EmailRecipient {
    /// The recipient's number within the message, from 0. Events name recipients by it.
    async fn number(&self) -> u16 {
        self.number
    }

    /// Which header field names the recipient.
    async fn field(&self) -> RecipientField {
        self.field
    }

    /// Where the delivery stands.
    async fn state(&self) -> DeliveryState {
        self.state
    }

    /// The address.
    async fn address(&self, context: &Context<'_>) -> Result<Option<&str>> {
        let recipients = self.batch.recipients(call(context), self.email).await?;
        Ok(recipients.get(usize::from(self.number)).and_then(shown).map(|details| details.address.as_str()))
    }

    /// The name beside it.
    async fn name(&self, context: &Context<'_>) -> Result<Option<&str>> {
        let recipients = self.batch.recipients(call(context), self.email).await?;
        Ok(recipients.get(usize::from(self.number)).and_then(shown).and_then(|details| details.name.as_deref()))
    }

    /// Whether address and name can be read.
    async fn personal_data(&self, context: &Context<'_>) -> Result<Option<PersonalData>> {
        let recipients = self.batch.recipients(call(context), self.email).await?;
        Ok(recipients.get(usize::from(self.number)).map(PersonalData::from))
    }
}
