//! A message as clients write it, turned into one as commands take it. Both interfaces share it, and each tells the problems in its own way.

mod problem;

pub(crate) use problem::{Problem, of_refusal};

use crate::graphql::UserErrorCode as Code;
use base64::Engine;
use base64::engine::DecodePaddingMode;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use commands::{Attachment, SendEmail};
use domain::{AddressError, Mailbox, Tag, Timestamp};

/// Base64 as programs write it: padded or not.
const BASE64: GeneralPurpose =
    GeneralPurpose::new(&base64::alphabet::STANDARD, GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent));

#[derive(Default)]
pub(crate) struct WrittenMessage {
    pub from: String,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    pub subject: String,
    pub html: Option<String>,
    pub text: Option<String>,
    pub headers: Vec<(String, String)>,
    pub attachments: Vec<WrittenAttachment>,
    pub tags: Vec<(String, String)>,
    pub scheduled_at: Option<Timestamp>,
}

pub(crate) struct WrittenAttachment {
    pub file_name: String,
    /// Base64.
    pub content: String,
    pub content_type: Option<String>,
    pub content_id: Option<String>,
}

impl WrittenMessage {
    /// All the problems that can be seen without the rules, or the message.
    pub fn into_command(self) -> Result<SendEmail, Vec<Problem>> {
        let mut problems = Vec::new();
        let from = one_mailbox(&self.from, "from", &mut problems);
        let mut list = |field, written: &[String]| mailboxes(field, written, &mut problems);
        let (to, cc, bcc, reply_to) = (list("to", &self.to), list("cc", &self.cc), list("bcc", &self.bcc), list("replyTo", &self.reply_to));
        let mut attachments = Vec::with_capacity(self.attachments.len());
        for (number, written) in self.attachments.into_iter().enumerate() {
            match BASE64.decode(written.content.as_bytes()) {
                Ok(content) => attachments.push(Attachment {
                    file_name: written.file_name,
                    content,
                    content_type: written.content_type,
                    content_id: written.content_id,
                }),
                Err(_) => problems.push(Problem::inside("attachments", number, Some("content"), Code::EncodingInvalid)),
            }
        }
        let (Some(from), true) = (from, problems.is_empty()) else { return Err(problems) };
        let tags = self.tags.into_iter().map(|(name, value)| Tag { name, value }).collect();
        Ok(SendEmail {
            from,
            to,
            cc,
            bcc,
            reply_to,
            subject_line: self.subject,
            html: self.html,
            text: self.text,
            headers: self.headers,
            attachments,
            tags,
            scheduled_at: self.scheduled_at,
        })
    }
}

fn one_mailbox(written: &str, field: &'static str, problems: &mut Vec<Problem>) -> Option<Mailbox> {
    match written.parse() {
        Ok(mailbox) => Some(mailbox),
        Err(error) => {
            problems.push(Problem::at(field, address_code(error)));
            None
        }
    }
}

fn mailboxes(field: &'static str, written: &[String], problems: &mut Vec<Problem>) -> Vec<Mailbox> {
    let mut parsed = Vec::with_capacity(written.len());
    for (number, text) in written.iter().enumerate() {
        match text.parse() {
            Ok(mailbox) => parsed.push(mailbox),
            Err(error) => problems.push(Problem::inside(field, number, None, address_code(error))),
        }
    }
    parsed
}

pub(crate) fn address_code(error: AddressError) -> Code {
    match error {
        AddressError::Malformed => Code::AddressInvalid,
        AddressError::TooLong => Code::TooLong,
        AddressError::ForbiddenCharacter => Code::ForbiddenCharacter,
    }
}
