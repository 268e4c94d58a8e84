//! What is wrong with a message, and where. It never repeats what was written there.

use crate::graphql::UserErrorCode as Code;
use commands::{ComposeCode, ComposeError, ComposeField, MessageFault, SendRefusal};
use domain::EmailRefusal;

/// A field of a message by its GraphQL name, perhaps with an index and a field inside.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub field: Option<&'static str>,
    pub number: Option<usize>,
    pub inner: Option<&'static str>,
    pub code: Code,
}

impl Problem {
    pub fn at(field: &'static str, code: Code) -> Self {
        Self { field: Some(field), number: None, inner: None, code }
    }

    pub fn inside(field: &'static str, number: usize, inner: Option<&'static str>, code: Code) -> Self {
        Self { field: Some(field), number: Some(number), inner, code }
    }

    fn of_request(code: Code) -> Self {
        Self { field: None, number: None, inner: None, code }
    }

    /// `to`, `0` …
    pub fn path(&self) -> Vec<String> {
        let parts = [self.field.map(str::to_owned), self.number.map(|number| number.to_string()), self.inner.map(str::to_owned)];
        parts.into_iter().flatten().collect()
    }
}

/// A refused request: the message that it is about, when it is about one.
pub(crate) fn of_refusal(refusal: SendRefusal) -> (Option<usize>, Problem) {
    match refusal {
        SendRefusal::Message(number, fault) => (Some(number), of_fault(fault)),
        SendRefusal::OrganizationNotOpen => (None, Problem::of_request(Code::NotFound)),
        SendRefusal::MessageCount => (None, Problem::of_request(Code::MessageCount)),
        SendRefusal::IdempotencyKeyLength => (None, Problem::at("idempotencyKey", Code::IdempotencyKeyLength)),
        SendRefusal::KeyUsedForOtherPayload => (None, Problem::at("idempotencyKey", Code::IdempotencyKeyReused)),
        SendRefusal::RepeatInFlight => (None, Problem::at("idempotencyKey", Code::IdempotencyRequestInFlight)),
        SendRefusal::Rule(EmailRefusal::RecipientCount) => (None, Problem::at("to", Code::RecipientCount)),
        SendRefusal::Rule(EmailRefusal::Unknown) => (None, Problem::of_request(Code::NotFound)),
        SendRefusal::Rule(EmailRefusal::NothingToCancel) => (None, Problem::of_request(Code::NothingToCancel)),
    }
}

fn of_fault(fault: MessageFault) -> Problem {
    match fault {
        MessageFault::RecipientCount => Problem::at("to", Code::RecipientCount),
        MessageFault::AttachmentsTooLarge => Problem::at("attachments", Code::AttachmentsTooLarge),
        MessageFault::ScheduledTooFarAhead => Problem::at("scheduledAt", Code::ScheduledTooFarAhead),
        MessageFault::TagInvalid => Problem::at("tags", Code::TagInvalid),
        MessageFault::Text(error) => of_compose(error),
    }
}

fn of_compose(ComposeError { field, code }: ComposeError) -> Problem {
    let code = match code {
        ComposeCode::Missing => Code::Required,
        ComposeCode::InvalidAddress => Code::AddressInvalid,
        ComposeCode::ControlCharacter => Code::ForbiddenCharacter,
        ComposeCode::ReservedHeader | ComposeCode::RepeatedHeader | ComposeCode::InvalidHeaderName => Code::HeaderInvalid,
        ComposeCode::InvalidContentType => Code::ContentTypeInvalid,
        ComposeCode::Malformed => Code::Malformed,
        ComposeCode::TooLong | ComposeCode::OutOfRange => Code::TooLong,
    };
    match field {
        ComposeField::From | ComposeField::MessageId | ComposeField::Date => Problem::at("from", code),
        ComposeField::To(number) => Problem::inside("to", number, None, code),
        ComposeField::Cc(number) => Problem::inside("cc", number, None, code),
        ComposeField::ReplyTo(number) => Problem::inside("replyTo", number, None, code),
        ComposeField::Subject => Problem::at("subject", code),
        ComposeField::Body => Problem::at("text", code),
        ComposeField::Header(number) => Problem::inside("headers", number, None, code),
        ComposeField::Attachment(number) => Problem::inside("attachments", number, None, code),
    }
}
