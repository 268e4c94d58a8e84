//! Sealing and opening, and everything that must not open.

use crate::support::{DAY, Place, World, note, note_slot, organization};
use domain::{
    Class, DataEntry, DataName, EventId, OrganizationId, PersonalData, PersonalSlot, Purpose, PurposeRefusal, ReplyDetails, SealContext,
    Sealed, SlotContent, StreamName,
};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use uuid::Uuid;
use vault::{Opened, VaultError};
use zeroize::Zeroizing;

fn envelope(sealed: &Sealed<crate::support::Note>) -> Vec<u8> {
    match &sealed.content {
        SlotContent::Envelope(bytes) => bytes.clone(),
        other => panic!("not an envelope: {other:?}"),
    }
}

#[tokio::test]
async fn what_is_sealed_opens_in_another_process() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let sealed = world.seal_note(key, &place, "Grüße an Ada").await;
    let opened = world.another_vault().await.open(Purpose::Service, &sealed).await.unwrap();
    assert_eq!(opened, Opened::Readable(note("Grüße an Ada")));
}

#[tokio::test]
async fn m6_2_envelopes_name_aes_256_gcm_and_come_in_few_sizes() {
    let world = World::new().await;
    let organization = organization();
    let key = world.person_key(organization).await;
    for length in [0, 1, 2, 60, 66, 67, 900, 962, 963, 1986, 1987, 5000] {
        let plaintext = Zeroizing::new(vec![0x80; length]);
        let place = Place::new(organization);
        let slots = world.seal_slots(&place, &[PersonalSlot { key: Some(key), class: Class::Ops, plaintext }]).await.unwrap();
        let SlotContent::Envelope(bytes) = slots.get(0).unwrap() else { panic!("withheld") };
        assert_eq!(bytes[..2], [1, 1], "version 1, AES-256-GCM");
        let fits = length + 63;
        let expected = if fits <= 1024 { fits.next_power_of_two().max(64) } else { fits.next_multiple_of(1024) };
        assert_eq!(bytes.len(), expected);
        let opened = world.vault.open_named(Purpose::Service, DataName::ReplyDetails, &place.context(0), bytes).await.unwrap();
        assert_eq!(opened, Opened::Readable(domain::Personal::new(Zeroizing::new(vec![0x80; length]))));
    }
}

#[tokio::test]
async fn an_envelope_opens_in_its_place_only() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let slots = world.seal_slots(&place, &[note_slot(Some(key), "one"), note_slot(Some(key), "two")]).await.unwrap();
    let right = place.context(0);
    let content = slots.get(0).unwrap().clone();
    let another_stream = StreamName::new(domain::Category::Email, right.organization, Uuid::new_v4());
    let another_category = StreamName::new(domain::Category::User, right.organization, right.stream.id);
    let wrong = [
        SealContext { slot: 1, ..right.clone() },
        SealContext { event_id: EventId(Uuid::now_v7()), ..right.clone() },
        SealContext { event_type: "EmailSent".into(), ..right.clone() },
        SealContext { stream: another_stream, ..right.clone() },
        SealContext { stream: another_category, ..right.clone() },
    ];
    for context in wrong {
        let moved: Sealed<crate::support::Note> = Sealed::from_parts(context, content.clone());
        assert!(matches!(world.vault.open(Purpose::Service, &moved).await, Err(VaultError::EnvelopeRefused)));
    }
    let foreign = SealContext { organization: OrganizationId(Uuid::new_v4()), ..right };
    let moved: Sealed<crate::support::Note> = Sealed::from_parts(foreign, content);
    assert!(matches!(world.vault.open(Purpose::Service, &moved).await, Err(VaultError::KeyMisused(_))));
}

#[tokio::test]
async fn every_changed_bit_and_every_cut_is_an_error() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let good = envelope(&world.seal_note(key, &place, "x").await);
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(open_raw(&world, &place, &bad).await.is_err(), "bit {bit}");
    }
    for length in 0..good.len() {
        assert!(matches!(
            open_raw(&world, &place, &good[..length]).await,
            Err(VaultError::EnvelopeMalformed | VaultError::EnvelopeRefused)
        ));
    }
    let doubled = [good.as_slice(), good.as_slice()].concat();
    assert!(matches!(open_raw(&world, &place, &doubled).await, Err(VaultError::EnvelopeRefused)));
}

async fn open_raw(world: &World, place: &Place, bytes: &[u8]) -> Result<Opened<Zeroizing<Vec<u8>>>, VaultError> {
    world.vault.open_named(Purpose::Service, DataName::ReplyDetails, &place.context(0), bytes).await
}

#[tokio::test]
async fn another_persons_key_id_in_an_envelope_does_not_open_it() {
    let world = World::new().await;
    let place = Place::new(organization());
    let (mine, theirs) = (world.person_key(place.stream.organization).await, world.person_key(place.stream.organization).await);
    let mut bytes = envelope(&world.seal_note(mine, &place, "mine").await);
    bytes[2..18].copy_from_slice(theirs.0.as_bytes());
    assert!(matches!(open_raw(&world, &place, &bytes).await, Err(VaultError::EnvelopeRefused)));
    let bucket: [u8; 16] = bytes[18..34].try_into().unwrap();
    bytes[2..18].copy_from_slice(&bucket);
    assert!(matches!(open_raw(&world, &place, &bytes).await, Err(VaultError::KeyMisused(_))));
}

#[derive(Debug, serde::Serialize, serde::Deserialize)]
struct LooseNote {
    text: String,
}

impl PersonalData for LooseNote {
    const CLASS: Class = Class::Ops;
    const ENTRY: DataEntry = DataEntry { purposes: &[Purpose::SmtpAuth], ..ReplyDetails::ENTRY };
}

/// Row M2.10: what waits in the spool is opened for making and delivering it.
#[tokio::test]
async fn m2_10_a_text_is_opened_for_no_other_purpose_than_making_and_delivering_it() {
    let world = World::new().await;
    let (entry, org) = (Uuid::new_v4(), organization());
    let body = world.vault.wrap_body(entry, org, b"Dear Ada");
    for purpose in Purpose::ALL {
        let opened = world.vault.open_body(*purpose, entry, org, &body).await;
        assert_eq!(opened.is_ok(), matches!(purpose, Purpose::Deliver | Purpose::Render), "{purpose:?}");
    }
}

#[tokio::test]
async fn c6_1_m1_4_a_purpose_outside_the_policy_is_refused() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let sealed = world.seal_note(key, &place, "x").await;
    let refused = |error: VaultError| match error {
        VaultError::PurposeRefused { data, purpose, refusal } => (data, purpose, refusal),
        other => panic!("{other}"),
    };
    let told = refused(world.vault.open(Purpose::Support, &sealed).await.unwrap_err());
    assert_eq!(told, (DataName::ReplyDetails, Purpose::Support, PurposeRefusal::NotForThisData));
    let named = world.vault.open_named(Purpose::SmtpAuth, DataName::ReplyDetails, &sealed.context, &envelope(&sealed)).await;
    assert_eq!(refused(named.unwrap_err()).2, PurposeRefusal::NotForThisData);
    // An entry that allows more than its class: the class decides.
    let loose: Sealed<LooseNote> = Sealed::from_parts(sealed.context.clone(), sealed.content.clone());
    assert_eq!(refused(world.vault.open(Purpose::SmtpAuth, &loose).await.unwrap_err()).2, PurposeRefusal::NotForItsClass);
}

#[tokio::test]
async fn a_key_seals_only_its_own_organisation_and_class() {
    let world = World::new().await;
    let key = world.person_key(organization()).await;
    let foreign = world.seal_slots(&Place::new(organization()), &[note_slot(Some(key), "x")]).await;
    assert!(matches!(foreign, Err(VaultError::KeyMisused(_))));
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let slot = PersonalSlot { class: Class::Id, ..note_slot(Some(key), "x") };
    assert!(matches!(world.seal_slots(&place, &[slot]).await, Err(VaultError::KeyMisused(_))));
}

#[tokio::test]
async fn buckets_are_made_for_today_and_yesterday_only() {
    let world = World::new().await;
    let place = Place::new(organization());
    let org = place.stream.organization;
    let key = world.person_key(org).await;
    let slots = [note_slot(Some(key), "x")];
    let now = domain::Clock::now(&world.clock);
    for (time, made) in [(now, true), (now - DAY, true), (now - DAY * 2, false), (now + DAY, false)] {
        let sealed = world.vault.seal(org, place.stream, place.event_id, place.event_type, time, &slots).await;
        assert_eq!(sealed.is_ok(), made, "{time}");
        assert!(made || matches!(sealed, Err(VaultError::BucketNotCurrent)));
    }
    world.clock.advance(DAY * 30);
    let late = world.vault.seal(org, place.stream, place.event_id, place.event_type, now, &slots).await;
    assert!(late.is_ok(), "an old bucket that lives is used");
}

#[tokio::test]
async fn many_events_are_sealed_and_opened_at_once() {
    let world = World::new().await;
    let org = organization();
    let keys = [world.person_key(org).await, world.person_key(org).await];
    let places: Vec<Place> = (0..20).map(|_| Place::new(org)).collect();
    let slots: Vec<_> = (0..20).map(|n| vec![note_slot(Some(keys[n % 2]), &format!("note {n}")), note_slot(None, "")]).collect();
    let requests = places.iter().zip(&slots).map(|(place, slots)| vault::SealRequest {
        organization: org,
        stream: place.stream,
        event_id: place.event_id,
        event_type: place.event_type,
        occurred_at: domain::Clock::now(&world.clock),
        slots,
        fiscal_year: domain::FiscalYearStart::default(),
    });
    let sealed = world.vault.seal_many(&requests.collect::<Vec<_>>()).await.unwrap();
    let values: Vec<_> = places.iter().zip(&sealed).flat_map(|(place, slots)| [place.sealed(slots, 0), place.sealed(slots, 1)]).collect();
    let opened = world.vault.open_many(Purpose::Deliver, &values.iter().collect::<Vec<_>>()).await.unwrap();
    for (n, pair) in opened.chunks(2).enumerate() {
        assert_eq!(pair, [Opened::Readable(note(&format!("note {n}"))), Opened::Erased]);
    }
}

#[test]
fn arbitrary_bytes_never_open() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let world = runtime.block_on(World::new());
    let strategy = (proptest::collection::vec(any::<u8>(), 0..1200), any::<bool>());
    let checked = TestRunner::new(ProptestConfig::with_cases(300)).run(&strategy, |(mut bytes, well_formed)| {
        if well_formed {
            bytes.resize(bytes.len().next_power_of_two().clamp(64, 1024), 0);
            bytes[..2].copy_from_slice(&[1, 1]);
        }
        let opened = runtime.block_on(open_raw(&world, &Place::new(organization()), &bytes));
        let unknown = matches!(opened, Err(VaultError::UnknownKey(_)));
        prop_assert!(unknown || (!well_formed && matches!(opened, Err(VaultError::EnvelopeMalformed))));
        Ok(())
    });
    checked.unwrap();
}

#[tokio::test]
async fn a_platform_user_who_acts_in_an_organisation_stays_under_the_platforms_keys() {
    let world = World::new().await;
    let place = Place::new(organization());
    let user = world.person_key(OrganizationId::PLATFORM).await;
    let member = world.person_key(place.stream.organization).await;
    let slots = world.seal_slots(&place, &[note_slot(Some(user), "user"), note_slot(Some(member), "member")]).await.unwrap();
    let (of_user, of_member) = (place.sealed(&slots, 0), place.sealed(&slots, 1));
    let bucket = |sealed| domain::EnvelopeKeys::of(&envelope(sealed)).unwrap().bucket_key;
    assert_ne!(bucket(&of_user), bucket(&of_member));
    world.vault.destroy(&[bucket(&of_member)]).await.unwrap();
    let opened = world.vault.open_many(Purpose::Service, &[&of_user, &of_member]).await.unwrap();
    assert_eq!(opened, [Opened::Readable(note("user")), Opened::Expired]);
}
