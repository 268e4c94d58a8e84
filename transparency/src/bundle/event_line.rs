//! An event as one line of JSON. What is hashed stands in base64, byte for byte as it is stored.

use super::manifest::EventsFormat;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{RecordedEvent, SealedSlots};
use serde::{Deserialize, Serialize};
use serde_json::json;

/// 16 bytes in base64.
const SALT_TEXT: usize = 24;

/// The line as it is read; nothing is copied.
#[derive(Debug, Deserialize, Serialize)]
pub struct EventLine<'a> {
    pub index: u64,
    pub header: &'a str,
    pub facts: &'a str,
    pub sealed: &'a str,
    pub salt: &'a str,
}

/// The same as CloudEvents 1.0 with extensions.
#[derive(Debug, Deserialize)]
struct CloudEventLine<'a> {
    index: u64,
    header: &'a str,
    data_base64: &'a str,
    sealed: &'a str,
    salt: &'a str,
    id: &'a str,
    #[serde(rename = "type")]
    event_type: &'a str,
}

/// The four byte strings of an event. Their memory is used again for the next.
#[derive(Debug, Default)]
pub struct StoredEvent {
    pub index: u64,
    pub header: Vec<u8>,
    pub facts: Vec<u8>,
    pub sealed: Vec<u8>,
    pub salt: [u8; 16],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event on a line")]
pub struct LineError;

impl StoredEvent {
    pub fn read(&mut self, line: &[u8], format: EventsFormat) -> Result<(), LineError> {
        // As this program writes it: nothing is looked at twice. What does not fit is read as any JSON.
        if format == EventsFormat::Jsonl && self.read_plain(line).is_some() {
            return Ok(());
        }
        let (line, said) = match format {
            EventsFormat::Jsonl => (serde_json::from_slice::<EventLine<'_>>(line).map_err(|_| LineError)?, None),
            EventsFormat::Cloudevents => {
                let line: CloudEventLine<'_> = serde_json::from_slice(line).map_err(|_| LineError)?;
                let CloudEventLine { index, header, data_base64: facts, sealed, salt, id, event_type } = line;
                (EventLine { index, header, facts, sealed, salt }, Some((id, event_type)))
            }
        };
        self.index = line.index;
        for (content, text) in [(&mut self.header, line.header), (&mut self.facts, line.facts), (&mut self.sealed, line.sealed)] {
            content.clear();
            BASE64_STANDARD.decode_vec(text, content).map_err(|_| LineError)?;
        }
        let decoded = BASE64_STANDARD.decode(line.salt).map_err(|_| LineError)?;
        self.salt = decoded.try_into().map_err(|_| LineError)?;
        match said {
            // What readers of CloudEvents see must be what is hashed.
            Some((id, event_type)) => self.says(id, event_type),
            None => Ok(()),
        }
    }

    /// Only what is spelled as [`write_line`] does. `None` leaves nothing behind that counts.
    fn read_plain(&mut self, line: &[u8]) -> Option<()> {
        let rest = line.strip_prefix(b"{\"facts\":\"")?;
        let (facts, rest) = text(rest, b",\"header\":\"")?;
        let (header, rest) = text(rest, b",\"index\":")?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (index, rest) = rest.split_at(digits);
        let (salt, rest) = text(rest.strip_prefix(b",\"salt\":\"")?, b",\"sealed\":\"")?;
        let (sealed, rest) = text(rest, b"}\n")?;
        if !rest.is_empty() || salt.len() != SALT_TEXT || index.is_empty() || index.len() > 1 && index[0] == b'0' {
            return None;
        }
        self.index = std::str::from_utf8(index).ok()?.parse().ok()?;
        for (content, text) in [(&mut self.header, header), (&mut self.facts, facts), (&mut self.sealed, sealed)] {
            content.clear();
            BASE64_STANDARD.decode_vec(text, content).ok()?;
        }
        let mut decoded = [0; SALT_TEXT / 4 * 3];
        let length = BASE64_STANDARD.decode_slice(salt, &mut decoded).ok()?;
        self.salt = decoded.get(..length)?.try_into().ok()?;
        Some(())
    }

    fn says(&self, id: &str, event_type: &str) -> Result<(), LineError> {
        let header: HeaderView<'_> = serde_json::from_slice(&self.header).map_err(|_| LineError)?;
        if header.event_id == id && header.event_type == event_type { Ok(()) } else { Err(LineError) }
    }

    pub fn slots(&self) -> Option<SealedSlots> {
        SealedSlots::decode(&self.sealed).ok()
    }
}

/// Up to the quotation mark that `next` follows.
fn text<'a>(from: &'a [u8], next: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (text, rest) = from.split_at(memchr::memchr(b'"', from)?);
    Some((text, rest[1..].strip_prefix(next)?))
}

/// What verification looks at in a header.
#[derive(Debug, Deserialize)]
pub(crate) struct HeaderView<'a> {
    pub event_id: &'a str,
    pub event_type: &'a str,
    pub organization: &'a str,
    pub stream: &'a str,
    pub version: u64,
}

/// The line of an event, with its line feed.
pub fn write_line(event: &RecordedEvent, index: u64, format: EventsFormat) -> String {
    let encode = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let (header, facts) = (encode(&event.header_bytes), encode(&event.facts));
    let (sealed, salt) = (encode(&event.slots.encode()), encode(&event.salt));
    let line = match format {
        EventsFormat::Jsonl => json!({ "index": index, "header": header, "facts": facts, "sealed": sealed, "salt": salt }),
        EventsFormat::Cloudevents => json!({
            "specversion": "1.0",
            "id": event.header.event_id,
            "source": format!("urn:lethemail:stream:{}", event.header.stream),
            "type": event.header.event_type,
            "time": event.header.occurred_at.to_string(),
            "datacontenttype": "application/json",
            "dataschema": format!("urn:lethemail:event:{}:{}", event.header.event_type, event.header.schema_version),
            "data_base64": facts,
            "index": index,
            "header": header,
            "sealed": sealed,
            "salt": salt,
        }),
    };
    format!("{line}\n")
}
