//! Forgetting, for good.

use crate::support::{DAY, Note, Place, World, config, note, note_slot, organization, person};
use domain::{Class, Clock, EnvelopeKeys, KeyId, Purpose, Sealed, SealedSlots, SlotContent};
use std::io::Write;
use std::time::Duration;
use vault::{KeyName, Opened, Vault, VaultError};

async fn open(vault: &Vault, sealed: &Sealed<Note>) -> Opened<Note> {
    vault.open(Purpose::Service, sealed).await.unwrap()
}

fn bucket_key(sealed: &Sealed<Note>) -> KeyId {
    let SlotContent::Envelope(bytes) = &sealed.content else { panic!("withheld") };
    EnvelopeKeys::of(bytes).unwrap().bucket_key
}

#[tokio::test]
async fn a_forgotten_person_is_erased_and_a_destroyed_day_expired_and_erased_wins() {
    let world = World::new().await;
    let place = Place::new(organization());
    let (ada, bob) = (world.person_key(place.stream.organization).await, world.person_key(place.stream.organization).await);
    let (of_ada, of_bob) = (world.seal_note(ada, &place, "Ada").await, world.seal_note(bob, &place, "Bob").await);
    world.vault.destroy(&[ada]).await.unwrap();
    assert_eq!(open(&world.vault, &of_ada).await, Opened::Erased);
    assert_eq!(open(&world.vault, &of_bob).await, Opened::Readable(note("Bob")));
    world.vault.destroy(&[bucket_key(&of_bob)]).await.unwrap();
    for vault in [&world.vault, &world.another_vault().await] {
        assert_eq!(open(vault, &of_ada).await, Opened::Erased);
        assert_eq!(open(vault, &of_bob).await, Opened::Expired);
    }
    assert!(world.vault.are_destroyed(&[ada, bucket_key(&of_bob)]).await.unwrap());
    assert!(!world.vault.are_destroyed(&[ada, bob]).await.unwrap());
}

#[tokio::test]
async fn what_is_said_of_a_forgotten_person_is_withheld() {
    let world = World::new().await;
    let place = Place::new(organization());
    let (ada, bob) = (world.person_key(place.stream.organization).await, world.person_key(place.stream.organization).await);
    world.vault.destroy(&[ada]).await.unwrap();
    let slots = world.seal_slots(&place, &[note_slot(Some(ada), "Ada"), note_slot(Some(bob), "Bob"), note_slot(None, "x")]).await.unwrap();
    assert_eq!(slots.get(0), Some(&SlotContent::Withheld));
    assert_eq!(slots.get(2), Some(&SlotContent::Withheld));
    assert_eq!(open(&world.vault, &place.sealed(&slots, 0)).await, Opened::Erased);
    assert_eq!(open(&world.vault, &place.sealed(&slots, 1)).await, Opened::Readable(note("Bob")));
    let removed = SealedSlots::new(vec![SlotContent::Removed([0; 32])]);
    assert_eq!(open(&world.vault, &place.sealed(&removed, 0)).await, Opened::Expired);
}

#[tokio::test]
async fn a_destroyed_bucket_does_not_come_back() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let sealed = world.seal_note(key, &place, "x").await;
    world.vault.destroy(&[bucket_key(&sealed)]).await.unwrap();
    for vault in [&world.vault, &world.another_vault().await] {
        let now = world.clock.now();
        let slots = [note_slot(Some(key), "y")];
        let slots = vault.seal(place.stream.organization, place.stream, place.event_id, place.event_type, now, &slots).await.unwrap();
        assert_eq!(slots.get(0), Some(&SlotContent::Withheld));
        let day = now.day();
        assert!(matches!(vault.fingerprint(place.stream.organization, day, "tag", &[]).await, Err(VaultError::BucketDestroyed)));
        assert_eq!(vault.existing_fingerprints(place.stream.organization, &[day], "tag", &[]).await.unwrap(), [None]);
    }
}

#[tokio::test]
async fn another_process_stops_using_a_destroyed_key_within_one_lease() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.vault.recipient_keys(place.stream.organization, Class::Ops, &["ada@example.org"]).await.unwrap()[0];
    let sealed = world.seal_note(key, &place, "Ada").await;
    let other = world.another_vault().await;
    assert_eq!(open(&other, &sealed).await, Opened::Readable(note("Ada")));
    assert_eq!(other.find_recipient(place.stream.organization, Class::Ops, "ada@example.org").await.unwrap(), Some(key));
    world.vault.destroy(&[key]).await.unwrap();
    world.clock.advance(Duration::from_secs(60));
    assert_eq!(open(&other, &sealed).await, Opened::Erased);
    assert_eq!(other.find_recipient(place.stream.organization, Class::Ops, "ada@example.org").await.unwrap(), None);
}

#[tokio::test]
async fn an_erased_address_that_is_mailed_again_begins_as_somebody_new() {
    let world = World::new().await;
    let organization = organization();
    let addresses = ["ada@example.org", "bob@example.org"];
    let before = world.vault.recipient_keys(organization, Class::Ops, &addresses).await.unwrap();
    let subject = world.vault.subject_of(before[0]).await.unwrap().unwrap();
    world.vault.destroy(&before[..1]).await.unwrap();
    world.vault.destroy(&before[..1]).await.unwrap();
    assert_eq!(world.vault.find_recipients(organization, Class::Ops, &addresses).await.unwrap(), [None, Some(before[1])]);
    assert_eq!(world.vault.subject_of(before[0]).await.unwrap(), None);
    let after = world.vault.recipient_keys(organization, Class::Ops, &addresses).await.unwrap();
    assert_ne!(after[0], before[0]);
    assert_eq!(after[1], before[1]);
    assert_ne!(world.vault.subject_of(after[0]).await.unwrap().unwrap(), subject);
    let names = "SELECT (SELECT count(*) FROM keyring.key WHERE subject = $1) + (SELECT count(*) FROM keyring.lookup WHERE key = $2)";
    let vault::Subject::Person(person) = subject.1 else { panic!("a recipient is a person") };
    let row = world.database.client().await.query_one(names, &[&person.0, &before[0].0]).await.unwrap();
    assert_eq!(row.get::<_, i64>(0), 0, "no row says who was erased");
}

#[tokio::test]
async fn a_restored_keyring_loses_destroyed_keys_again_at_the_next_start() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.vault.recipient_keys(place.stream.organization, Class::Ops, &["ada@example.org"]).await.unwrap()[0];
    let sealed = world.seal_note(key, &place, "Ada").await;
    let client = world.database.client().await;
    let tables = ["key", "lookup", "bucket", "destroyed"];
    for table in tables {
        client.batch_execute(&format!("CREATE TABLE public.saved_{table} AS TABLE keyring.{table}")).await.unwrap();
    }
    world.vault.destroy(&[key, bucket_key(&sealed)]).await.unwrap();
    // A crash in the middle of the next destruction leaves half a line, which was not acted upon.
    let anchor = world.directory.path().join("keys/anchor");
    std::fs::OpenOptions::new().append(true).open(&anchor).unwrap().write_all(b"subject 0000").unwrap();
    for table in tables {
        let restore = format!("TRUNCATE keyring.{table}; INSERT INTO keyring.{table} TABLE public.saved_{table}");
        client.batch_execute(&restore).await.unwrap();
    }
    let restored = world.another_vault().await;
    assert_eq!(open(&restored, &sealed).await, Opened::Erased);
    assert_eq!(restored.find_recipient(place.stream.organization, Class::Ops, "ada@example.org").await.unwrap(), None);
    let lives = "SELECT (SELECT count(*) FROM keyring.key WHERE id = $1) + (SELECT count(*) FROM keyring.bucket WHERE wrapped IS NOT NULL)";
    assert_eq!(client.query_one(lives, &[&key.0]).await.unwrap().get::<_, i64>(0), 0);

    // The keyring may even be older than the keys: then it learns that they existed.
    client.batch_execute("TRUNCATE keyring.key, keyring.lookup, keyring.bucket, keyring.destroyed").await.unwrap();
    let older = world.another_vault().await;
    assert_eq!(open(&older, &sealed).await, Opened::Erased);
    let again = older.keys(&[person(place.stream.organization)]).await.unwrap();
    older.destroy(&again).await.unwrap();
    assert_eq!(std::fs::read_to_string(&anchor).unwrap().lines().count(), 3);
    assert!(!std::fs::read_to_string(&anchor).unwrap().contains("subject 0000"));
}

#[tokio::test]
async fn an_anchor_that_cannot_be_understood_stops_the_start() {
    let world = World::new().await;
    std::fs::write(world.directory.path().join("keys/anchor"), "something else\n").unwrap();
    let refused = Vault::start(config(&world.database, &world.directory, &world.clock)).await;
    assert!(matches!(refused, Err(VaultError::AnchorMalformed)));
}

#[tokio::test]
async fn a_fenced_subject_gets_no_key_again() {
    let world = World::new().await;
    let name = person(organization());
    let financial = KeyName { class: Class::Fin, ..name };
    let key = world.vault.keys(&[name]).await.unwrap()[0];
    world.vault.fence(&[name]).await.unwrap();
    world.vault.fence(&[name]).await.unwrap();
    assert_eq!(world.vault.keys(&[name]).await.unwrap(), [key], "what exists stays until it is destroyed");
    let listed = world.vault.keys_of(name.organization, name.subject).await.unwrap();
    assert_eq!(listed.iter().map(|key| key.id).collect::<Vec<_>>(), [key]);
    world.vault.destroy(&[key]).await.unwrap();
    for vault in [&world.vault, &world.another_vault().await] {
        assert!(matches!(vault.keys(&[name]).await, Err(VaultError::Fenced)));
        assert_eq!(vault.find_keys(&[name]).await.unwrap(), [None]);
        assert!(vault.keys(&[financial, person(name.organization)]).await.is_ok(), "other classes and people are free");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_the_fence_no_key_slips_in() {
    let world = World::new().await;
    let other = world.another_vault().await;
    for _ in 0..20 {
        let name = person(organization());
        let creating = tokio::spawn({
            let vault = other.clone();
            async move { vault.keys(&[name]).await }
        });
        world.vault.fence(&[name]).await.unwrap();
        let listed = world.vault.keys_of(name.organization, name.subject).await.unwrap();
        match creating.await.unwrap() {
            Ok(keys) => assert_eq!(listed.iter().map(|key| key.id).collect::<Vec<_>>(), keys),
            Err(error) => assert!(matches!(error, VaultError::Fenced) && listed.is_empty()),
        }
    }
}

#[tokio::test]
async fn another_days_data_outlives_a_day() {
    let world = World::new().await;
    let place = Place::new(organization());
    let key = world.person_key(place.stream.organization).await;
    let monday = world.seal_note(key, &place, "Monday").await;
    world.clock.advance(DAY);
    let tuesday = world.seal_note(key, &place, "Tuesday").await;
    world.vault.destroy(&[bucket_key(&monday)]).await.unwrap();
    assert_eq!(open(&world.vault, &monday).await, Opened::Expired);
    assert_eq!(open(&world.vault, &tuesday).await, Opened::Readable(note("Tuesday")));
}
