//! Every parser here, fed with arbitrary bytes and with changed good ones: none panics, and nothing opens that was not sealed.
//!
//! `PROPTEST_CASES` says how often each is tried; a run of some millions is what a fuzzer would be started for.

use crate::anchor::{self, Destruction};
use crate::cipher::{SealingKey, random, unwrap, wrap};
use crate::envelope::{self, Place};
use crate::error::VaultError;
use crate::key_name::BucketName;
use crate::provider::parsers;
use crate::secret::Secret;
use crate::signing;
use domain::{Class, EnvelopeKeys, EventId, KeyId, OrganizationId, Timestamp};
use proptest::prelude::*;
use uuid::Uuid;

const PLACE: Place<'_> = Place {
    organization: OrganizationId(Uuid::nil()),
    stream: "email-x",
    event_id: EventId(Uuid::nil()),
    event_type: "EmailQueued",
    slot: 0,
};

fn keys() -> EnvelopeKeys {
    EnvelopeKeys { subject_key: KeyId(Uuid::from_u128(1)), bucket_key: KeyId(Uuid::from_u128(2)) }
}

/// Good bytes that were cut, lengthened or changed somewhere.
fn damaged(good: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    let length = good.len();
    let changed = (0..length, 1..=255_u8).prop_map({
        let good = good.clone();
        move |(place, by)| {
            let mut bytes = good.clone();
            bytes[place] ^= by;
            bytes
        }
    });
    let cut = (0..length).prop_map({
        let good = good.clone();
        move |length| good[..length].to_vec()
    });
    let longer = prop::collection::vec(any::<u8>(), 1..40).prop_map(move |more| [good.as_slice(), &more].concat());
    prop_oneof![changed, cut, longer]
}

fn sealed_envelope() -> (SealingKey, Vec<u8>) {
    let key = SealingKey::new(&random());
    let envelope = envelope::seal(&key, keys(), &PLACE, b"{\"text\":\"Ada\"}");
    (key, envelope)
}

proptest! {
    #[test]
    fn no_arbitrary_bytes_are_an_envelope_that_opens(bytes in prop::collection::vec(any::<u8>(), 0..2048)) {
        let _ = envelope::parse(&bytes);
        prop_assert!(envelope::open(&SealingKey::new(&[7; 32]), &PLACE, &bytes).is_err());
    }

    #[test]
    fn bytes_that_begin_and_end_like_an_envelope_do_not_open(ciphertext in prop::collection::vec(any::<u8>(), 94..=94)) {
        let head = [[1, 1].as_slice(), keys().subject_key.0.as_bytes(), keys().bucket_key.0.as_bytes()].concat();
        let bytes = [head, ciphertext].concat();
        prop_assert!(envelope::open(&SealingKey::new(&[7; 32]), &PLACE, &bytes).is_err());
    }

    #[test]
    fn a_damaged_envelope_does_not_open((key, bytes) in Just(()).prop_flat_map(|()| {
        let (key, envelope) = sealed_envelope();
        (Just(std::sync::Arc::new(Unshown(key))), damaged(envelope))
    })) {
        prop_assert!(envelope::open(&key.0, &PLACE, &bytes).is_err());
    }

    #[test]
    fn no_arbitrary_bytes_are_a_wrapped_key(bytes in prop::collection::vec(any::<u8>(), 0..128), prefixed in any::<bool>()) {
        let bytes = if prefixed { [&[1, 1], bytes.as_slice()].concat() } else { bytes };
        prop_assert!(unwrap(&SealingKey::new(&[7; 32]), b"row", &bytes).is_err());
    }

    #[test]
    fn a_damaged_wrapped_key_does_not_unwrap(bytes in damaged(wrap(&SealingKey::new(&[7; 32]), b"row", &Secret::random()))) {
        prop_assert!(unwrap(&SealingKey::new(&[7; 32]), b"row", &bytes).is_err());
    }

    #[test]
    fn providers_parsers_take_any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300), form in 0..5_usize) {
        let prefix: &[u8] = [b"".as_slice(), b"lmepoch1", b"lmepoch2", b"vault:v1:", &[1, 1]][form];
        parsers::try_all(&[prefix, &bytes].concat());
    }

    #[test]
    fn the_anchor_takes_any_text(text in "\\PC*\n?", lines in prop::collection::vec("(subject|bucket|x)( [-0-9a-f]{0,40}){0,7}", 0..4)) {
        let _ = anchor::parse(&text);
        let _ = anchor::parse(&(lines.join("\n") + "\n"));
        let _ = signing::parse(&text);
    }

    #[test]
    fn the_anchor_reads_what_it_wrote(key in any::<u128>(), at in any::<i64>(), epoch in proptest::option::of(any::<i32>()), bucket in proptest::option::of(any::<i32>())) {
        let named = |bucket| BucketName { organization: OrganizationId(Uuid::from_u128(3)), class: Class::Ops, bucket };
        let line = Destruction { key: KeyId(Uuid::from_u128(key)), at: Timestamp::from_micros(at), newest_epoch: epoch, bucket: bucket.map(named) };
        let text = anchor::format_line(&line);
        prop_assert_eq!(anchor::parse(&text).unwrap(), vec![line]);
        // A line that a crash cut short was never acted upon.
        prop_assert_eq!(anchor::parse(&text[..text.len() - 1]).unwrap(), vec![]);
    }

    #[test]
    fn a_tree_that_was_signed_is_read_whole_or_not_at_all(text in "[0-9]{0,22} [0-9a-fé]{60,66}\n?") {
        if let Some(tree) = signing::parse(&text).map(|state| state.tree) {
            let size = tree.size.to_string();
            prop_assert!(text.trim_start_matches('0').starts_with(size.trim_start_matches('0')) && text.ends_with('\n'));
        }
    }
}

/// A strategy's values want a `Debug`; a key has none.
struct Unshown(SealingKey);

impl std::fmt::Debug for Unshown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a key")
    }
}

#[test]
fn what_does_not_open_is_an_error_of_its_kind() {
    let (key, envelope) = sealed_envelope();
    assert!(envelope::open(&key, &PLACE, &envelope).is_ok());
    let mut changed = envelope.clone();
    *changed.last_mut().unwrap() ^= 1;
    assert!(matches!(envelope::open(&key, &PLACE, &changed), Err(VaultError::EnvelopeRefused)));
    assert!(matches!(envelope::open(&key, &PLACE, &envelope[..40]), Err(VaultError::EnvelopeMalformed)));
}
