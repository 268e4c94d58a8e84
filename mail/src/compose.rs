//! Making the text of an outgoing message.
//!
//! The same input always gives the same bytes: date, id and boundaries come from what is given, so that a message composed again after a
//! crash is the same message.

mod body;
mod error;
mod folding;
mod header_field;

pub use error::{ComposeCode, ComposeError, ComposeField};

use crate::{MessageText, address};
use domain::Timestamp;
use lettre::address::Envelope;
use lettre::message::header;
use lettre::message::{Mailbox as LettreMailbox, Mailboxes, Message, MessageBuilder};
use std::time::{Duration, SystemTime};

/// Everything a message's text is made from. Whom only the envelope names (Bcc) has no place here.
#[derive(Clone, Copy)]
pub struct OutgoingMessage<'a> {
    /// `left@right`, without angle brackets.
    pub message_id: &'a str,
    pub date: Timestamp,
    pub from: Mailbox<'a>,
    pub to: &'a [Mailbox<'a>],
    pub cc: &'a [Mailbox<'a>],
    pub reply_to: &'a [Mailbox<'a>],
    pub subject: &'a str,
    /// One of `text` and `html` is needed; with both, the reader's program chooses.
    pub text: Option<&'a str>,
    pub html: Option<&'a str>,
    /// Name and value of further header fields.
    pub headers: &'a [(&'a str, &'a str)],
    pub attachments: &'a [Attachment<'a>],
}

#[derive(Clone, Copy)]
pub struct Mailbox<'a> {
    pub name: Option<&'a str>,
    pub address: &'a str,
}

#[derive(Clone, Copy)]
pub struct Attachment<'a> {
    pub file_name: &'a str,
    /// Guessed from the file name where it is not given.
    pub content_type: Option<&'a str>,
    /// Given for a part that the HTML shows by `cid:`; without angle brackets.
    pub content_id: Option<&'a str>,
    pub content: &'a [u8],
}

/// Writes the message, or says which field cannot be part of one.
pub fn compose(message: &OutgoingMessage<'_>) -> Result<MessageText, ComposeError> {
    let from = mailbox(&message.from, ComposeField::From)?;
    let mut builder = Message::builder()
        // lettre derives an envelope from the recipients and fails without one. It is used for nothing.
        .envelope(Envelope::new(None, vec![from.email.clone()]).expect("an envelope with one recipient is valid"))
        .date(date(message.date)?)
        .message_id(Some(message_id(message.message_id)?))
        .from(from)
        .subject(header_field::text(message.subject, ComposeField::Subject)?);
    if let Some(to) = mailboxes(message.to, ComposeField::To)? {
        builder = builder.mailbox(header::To::from(to));
    }
    if let Some(cc) = mailboxes(message.cc, ComposeField::Cc)? {
        builder = builder.mailbox(header::Cc::from(cc));
    }
    if let Some(reply_to) = mailboxes(message.reply_to, ComposeField::ReplyTo)? {
        builder = builder.mailbox(header::ReplyTo::from(reply_to));
    }
    let builder = header_field::add_custom(builder, message.headers)?;
    finish(builder, message)
}

fn finish(builder: MessageBuilder, message: &OutgoingMessage<'_>) -> Result<MessageText, ComposeError> {
    let composed = match body::structure(message)? {
        body::Structure::Single(part) => builder.singlepart(part),
        body::Structure::Multi(parts) => builder.multipart(parts),
    };
    let composed = composed.expect("a message with one author and an envelope can be built");
    MessageText::new(folding::fold_address_lists(composed.formatted()))
        .map_err(|_| ComposeError::new(ComposeField::Body, ComposeCode::TooLong))
}

fn date(date: Timestamp) -> Result<SystemTime, ComposeError> {
    // The header's format ends with the year 9999.
    const SECONDS_MAX: u64 = 253_402_300_799;
    let seconds = u64::try_from(date.micros() / 1_000_000).ok().filter(|seconds| *seconds <= SECONDS_MAX && date.micros() >= 0);
    let seconds = seconds.ok_or(ComposeError::new(ComposeField::Date, ComposeCode::OutOfRange))?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

fn message_id(id: &str) -> Result<String, ComposeError> {
    let valid =
        id.len() <= 250 && id.split_once('@').is_some_and(|(left, right)| header_field::is_token(left) && header_field::is_token(right));
    if valid { Ok(format!("<{id}>")) } else { Err(ComposeError::new(ComposeField::MessageId, ComposeCode::Malformed)) }
}

fn mailboxes(given: &[Mailbox<'_>], field: fn(usize) -> ComposeField) -> Result<Option<Mailboxes>, ComposeError> {
    let mut list = Mailboxes::new();
    for (number, each) in given.iter().enumerate() {
        list.push(mailbox(each, field(number))?);
    }
    Ok((!given.is_empty()).then_some(list))
}

fn mailbox(mailbox: &Mailbox<'_>, field: ComposeField) -> Result<LettreMailbox, ComposeError> {
    const NAME_BYTES_MAX: usize = 500;
    let email = address::parse(mailbox.address).map_err(|_| ComposeError::new(field, ComposeCode::InvalidAddress))?;
    let name = mailbox.name.map(str::trim).filter(|name| !name.is_empty());
    let name = name.map(|name| header_field::text(name, field)).transpose()?;
    if name.as_ref().is_some_and(|name| name.len() > NAME_BYTES_MAX) {
        return Err(ComposeError::new(field, ComposeCode::TooLong));
    }
    Ok(LettreMailbox::new(name, email))
}
