//! Header, slots and leaf: final from the first commit.

use super::given::{NOON, envelope, id, key};
use domain::*;
use proptest::prelude::*;
use serde_json::Value;
use std::borrow::Cow;

fn header() -> EventHeader {
    let stream = StreamName::new(Category::Email, OrganizationId(id(0xA1)), id(0xB2));
    EventHeader {
        actor: Actor::ApiKey(ApiKeyId(id(0xC3))),
        causation: None,
        correlation: CorrelationId(id(0xD4)),
        event_id: EventId(id(0xE5)),
        event_type: Cow::Borrowed("EmailQueued"),
        occurred_at: NOON,
        organization: stream.organization,
        schema_version: 1,
        stream,
        version: 7,
    }
}

#[test]
fn a_header_has_these_bytes() {
    let text = String::from_utf8(header().to_bytes()).unwrap();
    insta::assert_snapshot!(text, @r#"{"actor":{"by":"api_key","id":"00000000-0000-0000-0000-0000000000c3"},"causation":null,"correlation":"00000000-0000-0000-0000-0000000000d4","event_id":"00000000-0000-0000-0000-0000000000e5","event_type":"EmailQueued","occurred_at_us":1790000000000000,"organization":"00000000-0000-0000-0000-0000000000a1","schema_version":1,"stream":"email-000000000000000000000000000000a1.000000000000000000000000000000b2","version":7}"#);
}

/// RFC 8785: names in the order of their UTF-16 units (serde_json's maps sort, and all names are ASCII), no white space, integers without a sign or point.
#[test]
fn a_header_is_canonical_json_for_every_actor() {
    let user = UserId(id(9));
    for actor in [Actor::Member(user), Actor::ApiKey(ApiKeyId(id(9))), Actor::System(SystemActor::Delivery)] {
        let bytes = EventHeader { actor, causation: Some(EventId(id(8))), ..header() }.to_bytes();
        let sorted: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), sorted.to_string());
        let read: EventHeader = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(read.to_bytes(), bytes);
    }
}

#[test]
fn a_leaf_stays_the_same_when_a_dead_envelope_is_removed() {
    let sealed = envelope(key(1));
    let whole = SealedSlots::new(vec![sealed.clone(), SlotContent::Withheld]);
    let compacted = SealedSlots::new(vec![SlotContent::Removed(sealed.hash()), SlotContent::Withheld]);
    let leaf = |slots: &SealedSlots| leaf_hash(&[7; 16], &header().to_bytes(), b"{}", slots);
    assert_eq!(leaf(&whole), leaf(&compacted));
    assert_ne!(leaf(&whole), leaf(&SealedSlots::new(vec![SlotContent::Withheld, sealed])));
    assert_ne!(leaf(&whole), leaf_hash(&[8; 16], &header().to_bytes(), b"{}", &whole));
}

/// Computed by hand with another program: SHA-256 over 00, salt and the three inner hashes.
#[test]
fn a_leaf_has_this_hash() {
    let leaf = leaf_hash(&[0; 16], b"{}", b"{}", &SealedSlots::default());
    let text: String = leaf.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(text, include_str!("leaf_of_nothing.txt").trim());
}

proptest! {
    #[test]
    fn slots_read_back_as_they_were_written(kinds in prop::collection::vec((0_u8..3, prop::collection::vec(any::<u8>(), 0..80)), 0..8)) {
        let slots = SealedSlots::new(kinds.into_iter().map(|(kind, bytes)| match kind {
            0 => SlotContent::Withheld,
            1 => SlotContent::Envelope(bytes),
            _ => SlotContent::Removed([bytes.len() as u8; 32]),
        }).collect());
        prop_assert_eq!(SealedSlots::decode(&slots.encode()).unwrap(), slots);
    }

    #[test]
    fn no_bytes_make_the_readers_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in ".{0,120}") {
        let _ = SealedSlots::decode(&bytes);
        let _ = EnvelopeKeys::of(&bytes);
        let _ = text.parse::<StreamName>();
        let _ = text.parse::<EmailAddress>();
        let _ = text.parse::<Mailbox>();
    }

    #[test]
    fn a_stream_name_has_one_spelling(organization in any::<u128>(), stream in any::<u128>(), category in 0..Category::ALL.len()) {
        let name = StreamName::new(Category::ALL[category], OrganizationId(id(organization)), id(stream));
        prop_assert_eq!(name.to_string().parse::<StreamName>().unwrap(), name);
        prop_assert!(name.to_string().to_uppercase().parse::<StreamName>().is_err());
    }
}
