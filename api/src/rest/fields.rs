//! The fields of a message as Resend's SDKs write them.

use super::answer::RestError;
use crate::message::{WrittenAttachment, WrittenMessage};
use chrono::{DateTime, Utc};
use serde_json::{Map, Value};

/// What takes part in nothing that is built yet. Sending without it would be another message than the one asked for.
const NOT_AVAILABLE: [&str; 3] = ["template", "topic_id", "topicId"];

pub(super) fn message(body: Value) -> Result<WrittenMessage, RestError> {
    let Value::Object(mut body) = body else { return Err(RestError::validation("A message must be a JSON object.")) };
    if let Some(field) = NOT_AVAILABLE.iter().find(|field| body.get(**field).is_some_and(|value| !value.is_null())) {
        return Err(RestError::validation(format!("The `{field}` field is not available here yet.")));
    }
    let from = text(&mut body, &["from"])?.ok_or_else(|| RestError::missing("from"))?;
    let to = list(&mut body, &["to"])?.filter(|to| !to.is_empty()).ok_or_else(|| RestError::missing("to"))?;
    let subject = text(&mut body, &["subject"])?.ok_or_else(|| RestError::missing("subject"))?;
    let (html, text_part) = (text(&mut body, &["html"])?, text(&mut body, &["text"])?);
    if html.is_none() && text_part.is_none() {
        return Err(RestError::new(422, "missing_required_field", "Missing `html` or `text` field."));
    }
    Ok(WrittenMessage {
        from,
        to,
        cc: list(&mut body, &["cc"])?.unwrap_or_default(),
        bcc: list(&mut body, &["bcc"])?.unwrap_or_default(),
        reply_to: list(&mut body, &["reply_to", "replyTo"])?.unwrap_or_default(),
        subject,
        html,
        text: text_part,
        headers: headers(&mut body)?,
        attachments: attachments(&mut body)?,
        tags: tags(&mut body)?,
        scheduled_at: text(&mut body, &["scheduled_at", "scheduledAt"])?.map(|time| scheduled_at(&time)).transpose()?,
    })
}

/// The first of the names that is there and not null.
fn take(body: &mut Map<String, Value>, names: &[&str]) -> Option<Value> {
    let values: Vec<Value> = names.iter().filter_map(|name| body.remove(*name)).collect();
    values.into_iter().find(|value| !value.is_null())
}

fn wrong(field: &str, wanted: &str) -> RestError {
    RestError::validation(format!("Invalid `{field}` field: it must be {wanted}."))
}

fn text(body: &mut Map<String, Value>, names: &[&str]) -> Result<Option<String>, RestError> {
    match take(body, names) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong(names[0], "a string")),
    }
}

/// One string, or several.
fn list(body: &mut Map<String, Value>, names: &[&str]) -> Result<Option<Vec<String>>, RestError> {
    let wrong = || wrong(names[0], "a string or an array of strings");
    let text = |value| if let Value::String(text) = value { Ok(text) } else { Err(wrong()) };
    match take(body, names) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(vec![text])),
        Some(Value::Array(values)) => values.into_iter().map(text).collect::<Result<_, _>>().map(Some),
        Some(_) => Err(wrong()),
    }
}

fn headers(body: &mut Map<String, Value>) -> Result<Vec<(String, String)>, RestError> {
    let Some(headers) = take(body, &["headers"]) else { return Ok(vec![]) };
    let Value::Object(headers) = headers else { return Err(wrong("headers", "an object")) };
    let header = |(name, value)| match value {
        Value::String(value) => Ok((name, value)),
        Value::Number(value) => Ok((name, value.to_string())),
        _ => Err(wrong("headers", "an object of strings")),
    };
    headers.into_iter().map(header).collect()
}

fn objects(body: &mut Map<String, Value>, field: &str) -> Result<Vec<Map<String, Value>>, RestError> {
    let Some(values) = take(body, &[field]) else { return Ok(vec![]) };
    let Value::Array(values) = values else { return Err(wrong(field, "an array of objects")) };
    let object = |value| if let Value::Object(object) = value { Ok(object) } else { Err(wrong(field, "an array of objects")) };
    values.into_iter().map(object).collect()
}

fn tags(body: &mut Map<String, Value>) -> Result<Vec<(String, String)>, RestError> {
    let tag = |mut tag: Map<String, Value>| {
        let name = text(&mut tag, &["name"])?.ok_or_else(|| RestError::missing("tags.name"))?;
        let value = text(&mut tag, &["value"])?.ok_or_else(|| RestError::missing("tags.value"))?;
        Ok((name, value))
    };
    objects(body, "tags")?.into_iter().map(tag).collect()
}

fn attachments(body: &mut Map<String, Value>) -> Result<Vec<WrittenAttachment>, RestError> {
    objects(body, "attachments")?.into_iter().map(attachment).collect()
}

fn attachment(mut file: Map<String, Value>) -> Result<WrittenAttachment, RestError> {
    if take(&mut file, &["path"]).is_some() {
        return Err(RestError::validation("Attachments by `path` are not available here: send their `content` in base64."));
    }
    let content = match take(&mut file, &["content"]) {
        Some(Value::String(content)) => content,
        // Python's SDK sends the bytes of a file as a list of numbers.
        Some(Value::Array(bytes)) => base64_of(&bytes)?,
        // Node's Buffer in JSON.
        Some(Value::Object(mut buffer)) => match buffer.remove("data") {
            Some(Value::Array(bytes)) => base64_of(&bytes)?,
            _ => return Err(wrong("attachments.content", "base64")),
        },
        Some(_) => return Err(wrong("attachments.content", "base64")),
        None => return Err(RestError::missing("attachments.content")),
    };
    Ok(WrittenAttachment {
        file_name: text(&mut file, &["filename", "name"])?.unwrap_or_else(|| "attachment".to_owned()),
        content,
        content_type: text(&mut file, &["content_type", "contentType"])?,
        content_id: text(&mut file, &["content_id", "contentId", "inline_content_id", "inlineContentId"])?,
    })
}

fn base64_of(bytes: &[Value]) -> Result<String, RestError> {
    use base64::Engine;
    let byte = |value: &Value| value.as_u64().and_then(|byte| u8::try_from(byte).ok());
    let bytes: Option<Vec<u8>> = bytes.iter().map(byte).collect();
    let bytes = bytes.ok_or_else(|| wrong("attachments.content", "base64 or an array of bytes"))?;
    Ok(base64::engine::general_purpose::STANDARD.encode(bytes))
}

/// ISO 8601 with an offset. "in 1 hour" would mean something else on a server whose clock or language differs.
fn scheduled_at(text: &str) -> Result<domain::Timestamp, RestError> {
    // Python writes a space where RFC 3339 has a T.
    let time = DateTime::parse_from_rfc3339(&text.replacen(' ', "T", 1));
    time.map(|time| time.with_timezone(&Utc).into()).map_err(|_| wrong("scheduled_at", "a time in ISO 8601 with an offset"))
}
