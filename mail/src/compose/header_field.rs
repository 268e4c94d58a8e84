//! Header fields that a caller writes.

use super::{ComposeCode, ComposeError, ComposeField};
use lettre::message::MessageBuilder;
use lettre::message::header::{HeaderName, HeaderValue};

/// A line can be folded at spaces only, and must stay below 998 bytes with its name and its encoding.
const WORD_BYTES_MAX: usize = 900;
const VALUE_BYTES_MAX: usize = 10_000;

/// Fields that the message's structure, its path or its signatures own.
const RESERVED: [&str; 17] = [
    "apparently-to",
    "authentication-results",
    "bcc",
    "cc",
    "date",
    "delivered-to",
    "dkim-signature",
    "domainkey-signature",
    "from",
    "message-id",
    "mime-version",
    "received",
    "received-spf",
    "reply-to",
    "return-path",
    "sender",
    "subject",
];
const RESERVED_PREFIXES: [&str; 4] = ["arc-", "content-", "resent-", "x-lethemail-"];

pub(super) fn add_custom(mut builder: MessageBuilder, headers: &[(&str, &str)]) -> Result<MessageBuilder, ComposeError> {
    for (number, (name, value)) in headers.iter().enumerate() {
        let field = ComposeField::Header(number);
        let header_name = checked_name(name).map_err(|code| ComposeError::new(field, code))?;
        if headers[..number].iter().any(|(earlier, _)| earlier.eq_ignore_ascii_case(name)) {
            return Err(ComposeError::new(field, ComposeCode::RepeatedHeader));
        }
        builder = builder.raw_header(HeaderValue::new(header_name, text(value, field)?));
    }
    Ok(builder)
}

fn checked_name(name: &str) -> Result<HeaderName, ComposeCode> {
    // RFC 5322 allows any printable character but the colon; names in use are narrower, and nothing else survives every relay.
    let valid =
        !name.is_empty() && name.len() <= 76 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    if !valid {
        return Err(ComposeCode::InvalidHeaderName);
    }
    let lower = name.to_ascii_lowercase();
    if lower == "to" || RESERVED.contains(&lower.as_str()) || RESERVED_PREFIXES.iter().any(|prefix| lower.starts_with(prefix)) {
        return Err(ComposeCode::ReservedHeader);
    }
    HeaderName::new_from_ascii(name.to_owned()).map_err(|_| ComposeCode::InvalidHeaderName)
}

/// One line of text, its white space squeezed: a folded line that holds nothing but spaces would be read as the end of the header.
pub(super) fn text(value: &str, field: ComposeField) -> Result<String, ComposeError> {
    if value.chars().any(|character| character.is_control() && character != '\t') {
        return Err(ComposeError::new(field, ComposeCode::ControlCharacter));
    }
    let words: Vec<&str> = value.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
    if value.len() > VALUE_BYTES_MAX || words.iter().any(|word| word.is_ascii() && word.len() > WORD_BYTES_MAX) {
        return Err(ComposeError::new(field, ComposeCode::TooLong));
    }
    Ok(words.join(" "))
}

/// Printable ASCII without spaces and angle brackets, as ids between angle brackets are.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'@' | b'"' | b'\\' | b'(' | b')'))
}
