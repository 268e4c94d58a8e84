//! Sending and cancelling.

use super::{Outcome, acting, call, payload, token};
use crate::call::{Denied, Need};
use crate::graphql::objects::Email;
use crate::graphql::user_error::{UserError, UserErrorCode as Code};
use crate::message::{WrittenAttachment, WrittenMessage, of_refusal};
use crate::node_id::NodeId;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use commands::{Accepted, CancelEmail, SendEmails};
use domain::{Category, EmailId, EmailRefusal, Interface, OrganizationId};

/// A header field.
#[derive(InputObject)]
struct HeaderInput {
    /// Its name.
    name: String,
    /// Its value, in one line.
    value: String,
}

/// A label by which you find your messages again.
#[derive(InputObject)]
struct TagInput {
    /// 1 to 256 letters, digits, hyphens or underscores.
    name: String,
    /// 1 to 256 letters, digits, hyphens or underscores.
    value: String,
}

/// A file that goes with a message.
#[derive(InputObject)]
struct AttachmentInput {
    /// Its name.
    filename: String,
    /// Its bytes in base64.
    content: String,
    /// Its media type; guessed from the name where it is not given.
    content_type: Option<String>,
    /// Makes it an inline part that the HTML shows by `cid:`.
    content_id: Option<String>,
}

/// One message. Addresses are written `local@domain` or `Name <local@domain>`.
#[derive(InputObject)]
struct MessageInput {
    /// The sender.
    from: String,
    /// 1 to 50 recipients, those of `cc` and `bcc` included.
    to: Vec<String>,
    /// Recipients that everybody sees.
    #[graphql(default)]
    cc: Vec<String>,
    /// Recipients that nobody else sees.
    #[graphql(default)]
    bcc: Vec<String>,
    /// Where answers go.
    #[graphql(default)]
    reply_to: Vec<String>,
    /// The subject line.
    subject: String,
    /// The message as HTML.
    html: Option<String>,
    /// The message as plain text. One of the two is needed.
    text: Option<String>,
    /// Further header fields.
    #[graphql(default)]
    headers: Vec<HeaderInput>,
    /// Files.
    #[graphql(default)]
    attachments: Vec<AttachmentInput>,
    /// Labels.
    #[graphql(default)]
    tags: Vec<TagInput>,
    /// When to send it; at once where it is not given, and at most 30 days ahead.
    scheduled_at: Option<DateTime<Utc>>,
}

/// A message to send.
#[derive(InputObject)]
struct SendEmailInput {
    /// Who sends. You need not say it with an API key, or when you have one organization.
    organization: Option<ID>,
    /// A repeat with the same key and the same message gets the first answer, and sends nothing.
    idempotency_key: Option<String>,
    /// The message.
    #[graphql(flatten)]
    message: MessageInput,
}

/// Messages to send.
#[derive(InputObject)]
struct SendEmailsInput {
    /// Who sends. You need not say it with an API key, or when you have one organization.
    organization: Option<ID>,
    /// A repeat with the same key and the same messages gets the first answer, and sends nothing.
    idempotency_key: Option<String>,
    /// 1 to 100 messages. All are accepted or none.
    messages: Vec<MessageInput>,
}

/// The message is accepted: it is durable, and ours to deliver.
#[derive(Default, SimpleObject)]
struct SendEmailPayload {
    /// The accepted message. A key that may not read learns its ids only.
    email: Option<Email>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// The messages are accepted: they are durable, and ours to deliver.
#[derive(Default, SimpleObject)]
struct SendEmailsPayload {
    /// The accepted messages, in the order of the input. A key that may not read learns their ids only.
    emails: Option<Vec<Email>>,
    /// Where the last of them is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// A message to stop.
#[derive(InputObject)]
struct CancelEmailInput {
    /// The message.
    email: ID,
}

/// Nobody who was still waiting gets the message.
#[derive(Default, SimpleObject)]
struct CancelEmailPayload {
    /// The message. A key that may not read learns its ids only.
    email: Option<Email>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(super) struct EmailMutation;

#[Object]
impl EmailMutation {
    /// Sends a message to 1 to 50 recipients.
    async fn send_email(&self, context: &Context<'_>, input: SendEmailInput) -> Result<SendEmailPayload> {
        let at = |_| vec!["input".to_owned()];
        let sent = send(context, &input.organization, input.idempotency_key, vec![input.message], at).await;
        let sent = sent.map(|(organization, accepted, position)| {
            let email = accepted.first().map(|accepted| Email::at(organization, accepted.email, accepted.position));
            SendEmailPayload { email, position: Some(position), user_errors: vec![] }
        });
        payload(sent, |user_errors| SendEmailPayload { user_errors, ..Default::default() })
    }

    /// Sends up to 100 messages. All are accepted or none.
    async fn send_emails(&self, context: &Context<'_>, input: SendEmailsInput) -> Result<SendEmailsPayload> {
        let at = |number: usize| vec!["input".to_owned(), "messages".to_owned(), number.to_string()];
        let sent = send(context, &input.organization, input.idempotency_key, input.messages, at).await;
        let sent = sent.map(|(organization, accepted, position)| {
            let emails = accepted.iter().map(|accepted| Email::at(organization, accepted.email, accepted.position)).collect();
            SendEmailsPayload { emails: Some(emails), position: Some(position), user_errors: vec![] }
        });
        payload(sent, |user_errors| SendEmailsPayload { user_errors, ..Default::default() })
    }

    /// Stops a message for everybody who is still waiting for it.
    async fn cancel_email(&self, context: &Context<'_>, input: CancelEmailInput) -> Result<CancelEmailPayload> {
        payload(cancel_email(context, input).await, |user_errors| CancelEmailPayload { user_errors, ..Default::default() })
    }
}

type Sent = (OrganizationId, Vec<Accepted>, PositionToken);

/// `at` is the path of the message with that number.
async fn send(
    context: &Context<'_>,
    organization: &Option<ID>,
    idempotency_key: Option<String>,
    inputs: Vec<MessageInput>,
    at: impl Fn(usize) -> Vec<String>,
) -> Result<Sent, Outcome> {
    let call = call(context);
    let organization = acting(call, organization, Need::Send).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let mut messages = Vec::with_capacity(inputs.len());
    let mut errors = Vec::new();
    for (number, input) in inputs.into_iter().enumerate() {
        match WrittenMessage::from(input).into_command() {
            Ok(message) => messages.push(message),
            Err(problems) => errors.extend(problems.iter().map(|problem| UserError::in_message(&at(number), problem))),
        }
    }
    if !errors.is_empty() {
        return Err(Outcome::Refused(errors));
    }
    let request = SendEmails { messages, idempotency_key, interface: Interface::Graphql };
    let accepted = call.state.commands.send_emails(&by, request).await.map_err(|failure| {
        Outcome::of(failure, |refusal| {
            let (number, problem) = of_refusal(refusal);
            let prefix = number.map_or_else(|| vec!["input".to_owned()], &at);
            vec![UserError::in_message(&prefix, &problem)]
        })
    })?;
    let position = accepted.iter().map(|accepted| accepted.position).max().unwrap_or_default();
    Ok((organization, accepted, token(call, position).await?))
}

async fn cancel_email(context: &Context<'_>, input: CancelEmailInput) -> Result<CancelEmailPayload, Outcome> {
    let call = call(context);
    let unknown = || Outcome::from(UserError::at("email", Code::NotFound));
    call.request(OrganizationId::PLATFORM).map_err(Outcome::denied)?;
    let node = NodeId::parse_as(Category::Email, input.email.as_str()).ok_or_else(unknown)?;
    let allowed = call.allow(node.organization, Need::Send).await;
    let organization = allowed.map_err(|denied| match denied {
        Denied::NoSuchOrganization => unknown(),
        denied => Outcome::denied(denied),
    })?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let email = EmailId(node.id);
    let position = call.state.commands.cancel_email(&by, CancelEmail { email }).await.map_err(|failure| {
        Outcome::of(failure, |refusal| {
            let code = if refusal == EmailRefusal::NothingToCancel { Code::NothingToCancel } else { Code::NotFound };
            vec![UserError::at("email", code)]
        })
    })?;
    Ok(CancelEmailPayload {
        email: Some(Email::at(organization, email, position)),
        position: Some(token(call, position).await?),
        user_errors: vec![],
    })
}

impl From<MessageInput> for WrittenMessage {
    fn from(input: MessageInput) -> Self {
        let attachment = |file: AttachmentInput| WrittenAttachment {
            file_name: file.filename,
            content: file.content,
            content_type: file.content_type,
            content_id: file.content_id,
        };
        Self {
            from: input.from,
            to: input.to,
            cc: input.cc,
            bcc: input.bcc,
            reply_to: input.reply_to,
            subject: input.subject,
            html: input.html,
            text: input.text,
            headers: input.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            attachments: input.attachments.into_iter().map(attachment).collect(),
            tags: input.tags.into_iter().map(|tag| (tag.name, tag.value)).collect(),
            scheduled_at: input.scheduled_at.map(Into::into),
        }
    }
}
