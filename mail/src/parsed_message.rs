//! Reading a message's parts back, to show it.

use mail_parser::{MessageParser, MimeHeaders};

/// What a reader sees of a message. Everything in it was written by somebody: it is data to show, never to trust.
#[derive(Clone, Default, PartialEq)]
pub struct ParsedMessage {
    pub subject: Option<String>,
    pub text: Option<String>,
    pub html: Option<String>,
    pub attachments: Vec<ParsedAttachment>,
    /// Name and value in the order of the message, unfolded; encoded words are left as they are.
    pub headers: Vec<(String, String)>,
}

#[derive(Clone, PartialEq)]
pub struct ParsedAttachment {
    pub file_name: Option<String>,
    pub content_type: Option<String>,
    pub content_id: Option<String>,
    pub content: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the bytes are not a message")]
pub struct UnreadableMessage;

/// Reads a raw message. It is lenient, as readers of mail are: what it cannot make out is left out.
pub fn parse_message(raw: &[u8]) -> Result<ParsedMessage, UnreadableMessage> {
    let message = MessageParser::default().parse(raw).ok_or(UnreadableMessage)?;
    // The parser offers text made from HTML and the reverse; only what is in the message counts.
    let text = message.text_part(0).filter(|part| part.is_text() && !part.is_text_html());
    let html = message.html_part(0).filter(|part| part.is_text_html());
    Ok(ParsedMessage {
        subject: message.subject().map(str::to_owned),
        text: text.and_then(|part| part.text_contents()).map(str::to_owned),
        html: html.and_then(|part| part.text_contents()).map(str::to_owned),
        attachments: message.attachments().map(attachment).collect(),
        headers: message.headers_raw().map(|(name, value)| (name.to_owned(), unfold(value))).collect(),
    })
}

fn attachment(part: &mail_parser::MessagePart<'_>) -> ParsedAttachment {
    let content_type = part.content_type().map(|kind| match kind.subtype() {
        Some(subtype) => format!("{}/{subtype}", kind.ctype()),
        None => kind.ctype().to_owned(),
    });
    ParsedAttachment {
        file_name: part.attachment_name().map(str::to_owned),
        content_type,
        content_id: part.content_id().map(str::to_owned),
        content: part.contents().to_vec(),
    }
}

fn unfold(value: &str) -> String {
    value.split(['\r', '\n']).filter(|piece| !piece.is_empty()).collect::<String>().trim().to_owned()
}
