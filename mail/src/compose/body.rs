//! The tree of MIME parts: mixed(related(alternative(text, HTML), inline …), attachment …), without the levels that hold one part only.

use super::{Attachment, ComposeCode, ComposeError, ComposeField, OutgoingMessage, header_field};
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment as LettreAttachment, Body, MultiPart, MultiPartKind, SinglePart};
use sha2::{Digest, Sha256};
use std::path::Path;

pub(super) enum Structure {
    Single(SinglePart),
    Multi(MultiPart),
}

pub(super) fn structure(message: &OutgoingMessage<'_>) -> Result<Structure, ComposeError> {
    let boundaries = Boundaries::new(message);
    let mut tree = match (message.text, message.html) {
        (Some(text), None) => Structure::Single(SinglePart::plain(lines(text)?)),
        (None, Some(html)) => Structure::Single(SinglePart::html(lines(html)?)),
        (Some(text), Some(html)) => {
            let alternative = boundaries.multipart(MultiPartKind::Alternative, "a");
            Structure::Multi(alternative.singlepart(SinglePart::plain(lines(text)?)).singlepart(SinglePart::html(lines(html)?)))
        }
        (None, None) => return Err(ComposeError::new(ComposeField::Body, ComposeCode::Missing)),
    };
    for (kind, level, inline) in [(MultiPartKind::Related, "r", true), (MultiPartKind::Mixed, "m", false)] {
        let mut parts = Vec::new();
        for (number, attachment) in message.attachments.iter().enumerate() {
            // Only HTML can refer to an inline part; without it the part is an attachment like any other.
            if (attachment.content_id.is_some() && message.html.is_some()) == inline {
                parts.push(attached(attachment, inline, ComposeField::Attachment(number))?);
            }
        }
        if !parts.is_empty() {
            let outer = boundaries.multipart(kind, level);
            let outer = match tree {
                Structure::Single(part) => outer.singlepart(part),
                Structure::Multi(inner) => outer.multipart(inner),
            };
            tree = Structure::Multi(parts.into_iter().fold(outer, MultiPart::singlepart));
        }
    }
    Ok(tree)
}

/// Line breaks of any kind become CR LF.
fn lines(text: &str) -> Result<String, ComposeError> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err(ComposeError::new(ComposeField::Body, ComposeCode::ControlCharacter));
    }
    let mut canonical = String::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(end) = memchr::memchr2(b'\r', b'\n', rest.as_bytes()) {
        canonical.push_str(&rest[..end]);
        canonical.push_str("\r\n");
        rest = rest[end..].strip_prefix("\r\n").unwrap_or(&rest[end + 1..]);
    }
    canonical.push_str(rest);
    Ok(canonical)
}

fn attached(attachment: &Attachment<'_>, inline: bool, field: ComposeField) -> Result<SinglePart, ComposeError> {
    let file_name = header_field::text(attachment.file_name, field)?;
    if file_name.is_empty() {
        return Err(ComposeError::new(field, ComposeCode::Missing));
    }
    if file_name.len() > 255 {
        return Err(ComposeError::new(field, ComposeCode::TooLong));
    }
    let content_type = content_type(attachment).map_err(|code| ComposeError::new(field, code))?;
    // Always base64: a file's line breaks and its last byte are part of it.
    let content = Body::new_with_encoding(attachment.content.to_vec(), ContentTransferEncoding::Base64).expect("any content can be base64");
    let part = match attachment.content_id {
        Some(id) if inline => LettreAttachment::new_inline_with_name(checked_content_id(id, field)?, file_name),
        _ => LettreAttachment::new(file_name),
    };
    Ok(part.body(content, content_type))
}

fn checked_content_id(id: &str, field: ComposeField) -> Result<String, ComposeError> {
    let valid = id.len() <= 200 && header_field::is_token(&id.replacen('@', "", 1));
    if valid { Ok(id.to_owned()) } else { Err(ComposeError::new(field, ComposeCode::Malformed)) }
}

fn content_type(attachment: &Attachment<'_>) -> Result<ContentType, ComposeCode> {
    let given = attachment.content_type.unwrap_or_else(|| guessed_type(attachment.file_name));
    if given.len() > 200 || !given.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Err(ComposeCode::InvalidContentType);
    }
    let parsed = ContentType::parse(given).map_err(|_| ComposeCode::InvalidContentType)?;
    let lower = given.trim_start().to_ascii_lowercase();
    if lower.starts_with("multipart/") || lower.contains('*') {
        return Err(ComposeCode::InvalidContentType);
    }
    // A message inside a message must not be base64 (RFC 2046, section 5.2.1), and a file must be: it travels as a file.
    if lower.starts_with("message/") { Ok(ContentType::parse("application/octet-stream").expect("a valid type")) } else { Ok(parsed) }
}

fn guessed_type(file_name: &str) -> &'static str {
    let extension = Path::new(file_name).extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "csv" => "text/csv; charset=utf-8",
        "gif" => "image/gif",
        "htm" | "html" => "text/html; charset=utf-8",
        "ics" => "text/calendar; charset=utf-8",
        "jpeg" | "jpg" => "image/jpeg",
        "json" => "application/json",
        "pdf" => "application/pdf",
        "png" => "image/png",
        "svg" => "image/svg+xml",
        "txt" => "text/plain; charset=utf-8",
        "webp" => "image/webp",
        "xml" => "application/xml",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

/// Boundaries are derived from what they bound. Base64 and quoted-printable cannot produce `=_`, and a text that goes as it is cannot hold
/// its own hash.
struct Boundaries {
    hash: String,
}

impl Boundaries {
    fn new(message: &OutgoingMessage<'_>) -> Self {
        let mut hasher = Sha256::new();
        for piece in [message.message_id, message.text.unwrap_or_default(), message.html.unwrap_or_default()] {
            hasher.update(piece.len().to_be_bytes());
            hasher.update(piece);
        }
        let hash = hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        Self { hash }
    }

    fn multipart(&self, kind: MultiPartKind, level: &str) -> MultiPart {
        // An empty multipart: its parts are added by the caller.
        MultiPart::builder().kind(kind).boundary(format!("=_{level}_{}", self.hash)).build()
    }
}
