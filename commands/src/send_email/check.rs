//! What can be refused before anything is made.

use super::{BATCH_MAX, SendEmail, SendEmails};
use domain::{EmailRefusal, RECIPIENTS_MAX, Timestamp};
use mail::ComposeError;
use std::time::Duration;

/// Octets of a message's attachments together (Resend's limit).
const ATTACHMENTS_BYTES_MAX: usize = 40 * 1024 * 1024;
/// How far ahead mail can be scheduled (Resend's limit).
const SCHEDULE_AHEAD_MAX: Duration = Duration::from_secs(30 * 24 * 3600);
const TAGS_MAX: usize = 75;
const TAG_BYTES_MAX: usize = 256;
const IDEMPOTENCY_KEY_BYTES: std::ops::RangeInclusive<usize> = 1..=256;

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum SendRefusal {
    #[error("the organisation does not exist or is closed")]
    OrganizationNotOpen,
    #[error("a request has 1 to 100 messages")]
    MessageCount,
    /// Message number (from 0) and what is wrong in it.
    #[error("message {0}: {1}")]
    Message(usize, MessageFault),
    #[error("an idempotency key has 1 to 256 characters")]
    IdempotencyKeyLength,
    #[error("the idempotency key was used for another request")]
    KeyUsedForOtherPayload,
    #[error("the first request with this idempotency key is still being worked on")]
    RepeatInFlight,
    #[error(transparent)]
    Rule(EmailRefusal),
}

#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum MessageFault {
    #[error("a message has at least one recipient in its to field and at most 50 in all")]
    RecipientCount,
    #[error("the attachments have more than 40 MiB together")]
    AttachmentsTooLarge,
    #[error("mail can be scheduled up to 30 days ahead")]
    ScheduledTooFarAhead,
    #[error("a message has at most 75 tags; name and value have 1 to 256 ASCII letters, digits, - or _")]
    TagInvalid,
    #[error(transparent)]
    Text(ComposeError),
}

pub(super) fn check(request: &SendEmails, now: Timestamp) -> Result<(), SendRefusal> {
    if request.messages.is_empty() || request.messages.len() > BATCH_MAX {
        return Err(SendRefusal::MessageCount);
    }
    if request.idempotency_key.as_ref().is_some_and(|key| !IDEMPOTENCY_KEY_BYTES.contains(&key.len())) {
        return Err(SendRefusal::IdempotencyKeyLength);
    }
    for (number, message) in request.messages.iter().enumerate() {
        check_message(message, now).map_err(|fault| SendRefusal::Message(number, fault))?;
    }
    Ok(())
}

fn check_message(message: &SendEmail, now: Timestamp) -> Result<(), MessageFault> {
    if message.to.is_empty() || message.to.len() + message.cc.len() + message.bcc.len() > RECIPIENTS_MAX {
        return Err(MessageFault::RecipientCount);
    }
    if message.attachments.iter().map(|attachment| attachment.content.len()).sum::<usize>() > ATTACHMENTS_BYTES_MAX {
        return Err(MessageFault::AttachmentsTooLarge);
    }
    if message.scheduled_at.is_some_and(|time| time > now + SCHEDULE_AHEAD_MAX) {
        return Err(MessageFault::ScheduledTooFarAhead);
    }
    let tags_valid = message.tags.iter().all(|tag| is_tag_word(&tag.name) && is_tag_word(&tag.value));
    if message.tags.len() > TAGS_MAX || !tags_valid {
        return Err(MessageFault::TagInvalid);
    }
    Ok(())
}

fn is_tag_word(word: &str) -> bool {
    !word.is_empty() && word.len() <= TAG_BYTES_MAX && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}
