//! Events outlive the program that wrote them: what was stored in an older form is brought into the present one before it is decoded.
//!
//! A step works on raw JSON, so that no struct of an older form has to be kept. It goes from one stored (type, schema version) to another; steps
//! follow each other until a form is reached that is written today. Header, slots and salt stay as they were stored: an envelope is bound to
//! the type under which it was sealed, and the leaf in the transparency log to the stored bytes.

use crate::{
    ApiKeyEvent, Category, DataAccessEvent, DecodeError, EmailEvent, ErasureEvent, EvidenceEvent, HoldEvent, KeyEvent, OperationsEvent,
    OrganizationEvent, ProcessingEvent, SmtpServerEvent, SuppressionEvent, UserEvent,
};
use crate::{Event, RecordedEvent};
use serde_json::Value;
use std::borrow::Cow;

/// One step between two forms of an event.
pub struct Upcast {
    /// Stored type and schema version that it starts from.
    pub from: (&'static str, u16),
    pub to: (&'static str, u16),
    /// `None`: the facts do not have the form that they should.
    pub step: fn(Value) -> Option<Value>,
}

/// Type, schema version and facts in a form that is written today.
pub(crate) fn upcast<E: Event>(event_type: &str, schema_version: u16, facts: &[u8]) -> Result<(&'static str, u16, Vec<u8>), DecodeError> {
    let step_from = |form: (&str, u16)| E::UPCASTS.iter().find(|upcast| upcast.from == form).ok_or(DecodeError::UnknownType);
    let mut upcast = step_from((event_type, schema_version))?;
    let mut facts: Value = serde_json::from_slice(facts).map_err(|_| DecodeError::Malformed)?;
    // No chain is longer than the list, so one that runs in a circle ends too.
    for _ in E::UPCASTS {
        facts = (upcast.step)(facts).ok_or(DecodeError::Malformed)?;
        if E::TYPES.contains(&upcast.to) {
            return Ok((upcast.to.0, upcast.to.1, facts.to_string().into_bytes()));
        }
        upcast = step_from(upcast.to)?;
    }
    Err(DecodeError::UnknownType)
}

/// The facts of any event in today's form, for readers that look at a few of them without decoding the whole.
pub fn current_facts(recorded: &RecordedEvent) -> Result<Cow<'_, [u8]>, DecodeError> {
    match recorded.header.stream.category {
        Category::User => current::<UserEvent>(recorded),
        Category::Organization => current::<OrganizationEvent>(recorded),
        Category::ApiKey => current::<ApiKeyEvent>(recorded),
        Category::SmtpServer => current::<SmtpServerEvent>(recorded),
        Category::Email => current::<EmailEvent>(recorded),
        Category::Suppression => current::<SuppressionEvent>(recorded),
        Category::Erasure => current::<ErasureEvent>(recorded),
        Category::Evidence => current::<EvidenceEvent>(recorded),
        Category::DataAccess => current::<DataAccessEvent>(recorded),
        Category::Platform => current::<KeyEvent>(recorded),
        Category::Hold => current::<HoldEvent>(recorded),
        Category::Processing => current::<ProcessingEvent>(recorded),
        Category::Operations => current::<OperationsEvent>(recorded),
    }
}

fn current<E: Event>(recorded: &RecordedEvent) -> Result<Cow<'_, [u8]>, DecodeError> {
    let (event_type, version) = (&*recorded.header.event_type, recorded.header.schema_version);
    match E::TYPES.contains(&(event_type, version)) {
        true => Ok(Cow::Borrowed(&recorded.facts)),
        false => upcast::<E>(event_type, version, &recorded.facts).map(|(_, _, facts)| Cow::Owned(facts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::{events, facts};
    use serde_json::json;

    facts! {
        pub struct PortMoved {
            pub port: u16,
            pub attempts: u32,
        }
    }

    events! {
        pub enum MovingEvent {
            PortMoved(PortMoved) = 3,
        }
        // It was called otherwise, then had a text for its number, then no count.
        upcast {
            ("PortChanged", 1) => ("PortMoved", 1) by |facts| Some(json!({ "port": facts.get("to")? })),
            ("PortMoved", 1) => ("PortMoved", 2) by |facts| Some(json!({ "port": facts.get("port")?.as_str()?.parse::<u16>().ok()? })),
            ("PortMoved", 2) => ("PortMoved", 3) by |mut facts| {
                facts.as_object_mut()?.insert("attempts".into(), 1.into());
                Some(facts)
            },
            ("Around", 1) => ("Around", 1) by Some,
            ("IntoNothing", 1) => ("Nothing", 1) by Some,
        }
    }

    #[test]
    fn every_older_form_becomes_todays() {
        let expected = Ok(MovingEvent::PortMoved(PortMoved { port: 25, attempts: 1 }));
        let stored = [
            ("PortChanged", 1, r#"{"to":"25"}"#),
            ("PortMoved", 1, r#"{"port":"25"}"#),
            ("PortMoved", 2, r#"{"port":25}"#),
            ("PortMoved", 3, r#"{"port":25,"attempts":1}"#),
        ];
        for (event_type, version, facts) in stored {
            assert_eq!(MovingEvent::decode(event_type, version, facts.as_bytes()), expected, "{event_type} {version}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_guessed() {
        let stored = [
            ("PortMoved", 4, r#"{"port":25,"attempts":1}"#, DecodeError::UnknownType),
            ("PortMoved", 0, r#"{}"#, DecodeError::UnknownType),
            ("PortChanged", 2, r#"{"to":"25"}"#, DecodeError::UnknownType),
            ("PortChanged", 1, r#"{"to":"many"}"#, DecodeError::Malformed),
            ("PortChanged", 1, r#"{"#, DecodeError::Malformed),
            ("PortMoved", 2, r#"[]"#, DecodeError::Malformed),
            ("Around", 1, r#"{}"#, DecodeError::UnknownType),
            ("IntoNothing", 1, r#"{}"#, DecodeError::UnknownType),
        ];
        for (event_type, version, facts, error) in stored {
            assert_eq!(MovingEvent::decode(event_type, version, facts.as_bytes()), Err(error), "{event_type} {version} {facts}");
        }
    }
}
