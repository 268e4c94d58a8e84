//! Forgetting recipients and account holders.

use super::installation::{Installation, member, message};
use commands::{EraseAccount, EraseRecipient, IdentityProof, LEASES_WAIT, SendEmails};
use domain::*;
use std::time::Duration;
use vault::{DueBuckets, Opened};

fn erase(address: &str) -> EraseRecipient {
    EraseRecipient { address: Personal::new(address.parse().unwrap()), note: None, keep_suppressed: true }
}

async fn recipient(installation: &Installation, by: &commands::Request, email: EmailId) -> Opened<RecipientDetails> {
    let folded = installation.email(by, email).await;
    installation.vault.open(Purpose::Service, &folded.state.queued.unwrap().recipients[0].details).await.unwrap()
}

#[tokio::test]
async fn m8_3_a_forgotten_recipient_is_gone_in_one_organisation_and_nobody_else_is() {
    let installation = Installation::new().await;
    let (by, other) = (installation.organization().await, installation.organization().await);
    let ada = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let bob = installation.send(&by, vec![message(&["bob@example.com"])], None).await.unwrap()[0].email;
    let elsewhere = installation.send(&other, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    installation.commands.erase_recipient(&by, erase("ADA@example.com")).await.unwrap();
    assert_eq!(recipient(&installation, &by, ada).await, Opened::Erased);
    assert!(matches!(recipient(&installation, &by, bob).await, Opened::Readable(_)));
    assert!(matches!(recipient(&installation, &other, elsewhere).await, Opened::Readable(_)));
    assert_eq!(installation.email(&by, ada).await.state.delivery.states, [DeliveryState::Queued], "the facts remain");
}

#[tokio::test]
async fn somebody_who_was_forgotten_is_not_mailed_again() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let waiting = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    installation.commands.erase_recipient(&by, erase("ada@example.com")).await.unwrap();
    installation.commands.cancel_forgotten(by.organization, waiting).await.unwrap();
    assert_eq!(installation.email(&by, waiting).await.state.delivery.states, [DeliveryState::Cancelled]);
    assert!(installation.commands.spool().open(waiting).await.unwrap().is_none());
    let again = installation.send(&by, vec![message(&["Ada@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(installation.email(&by, again).await.state.delivery.states, [DeliveryState::Suppressed]);
}

#[tokio::test]
async fn whoever_declines_the_suppression_is_a_stranger_afterwards() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let before = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let declined = EraseRecipient { keep_suppressed: false, ..erase("ada@example.com") };
    installation.commands.erase_recipient(&by, declined).await.unwrap();
    let after = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(recipient(&installation, &by, before).await, Opened::Erased);
    assert!(matches!(recipient(&installation, &by, after).await, Opened::Readable(_)));
    assert_eq!(installation.email(&by, after).await.state.delivery.states, [DeliveryState::Queued]);
}

#[tokio::test]
async fn the_live_certificate_waits_for_two_leases() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap();
    let begun = installation.commands.erase_recipient(&by, erase("ada@example.com")).await.unwrap();
    assert!(!installation.commands.conclude_erasure(&by, begun.erasure).await.unwrap());
    installation.clock.advance(LEASES_WAIT);
    // Repeating the steps, as a process does that found the erasure unfinished, changes nothing.
    installation.commands.carry_out_erasure(&by, begun.erasure).await.unwrap();
    assert!(installation.commands.conclude_erasure(&by, begun.erasure).await.unwrap());
    assert!(installation.commands.conclude_erasure(&by, begun.erasure).await.unwrap());
    let stream = StreamName::new(Category::Erasure, by.organization, begun.erasure.0);
    let events = installation.store.read_streams(&[stream]).await.unwrap().remove(0);
    let types: Vec<&str> = events.iter().map(|event| event.header.event_type.as_ref()).collect();
    let expected = [
        "ErasureRequested",
        "CertificateLinkIssued",
        "ErasureIdentityConfirmed",
        "ErasureApproved",
        "ErasureStarted",
        "SubjectKeyDestroyed",
        "ErasureCertified",
    ];
    assert_eq!(types, expected);
}

#[tokio::test]
async fn m4_2_the_second_certificate_follows_when_no_epoch_that_wrapped_the_keys_is_left() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap();
    let begun = installation.commands.erase_recipient(&by, erase("ada@example.com")).await.unwrap();
    let everywhere = || installation.commands.conclude_erasure_everywhere(&by, begun.erasure);
    assert!(!everywhere().await.unwrap(), "the first certificate comes first");
    installation.clock.advance(LEASES_WAIT);
    assert!(installation.commands.conclude_erasure(&by, begun.erasure).await.unwrap());
    assert!(!everywhere().await.unwrap(), "the epoch lives");
    installation.rotate_elsewhere().await;
    assert!(!everywhere().await.unwrap(), "another process may still hold its key");
    assert_eq!(installation.commands.epochs_gone().await.unwrap(), 0);
    installation.clock.advance(LEASES_WAIT);
    assert_eq!(installation.commands.epochs_gone().await.unwrap(), 1);
    assert!(everywhere().await.unwrap());
    assert!(everywhere().await.unwrap());
    let stream = StreamName::new(Category::Erasure, by.organization, begun.erasure.0);
    let events = installation.store.read_streams(&[stream]).await.unwrap().remove(0);
    let types: Vec<&str> = events.iter().map(|event| event.header.event_type.as_ref()).collect();
    assert_eq!(types[5..], ["SubjectKeyDestroyed", "ErasureCertified", "ErasureCertified"]);
}

#[tokio::test]
async fn every_step_of_an_epoch_is_an_event_once() {
    let installation = Installation::new().await;
    installation.commands.record_key_epochs(1).await.unwrap();
    installation.rotate_elsewhere().await;
    assert_eq!(installation.commands.record_key_epochs(1).await.unwrap(), 2);
    assert_eq!(installation.commands.record_key_epochs(1).await.unwrap(), 2);
    let streams = [KeyLife::stream_of_epoch(1), KeyLife::stream_of_epoch(2)];
    let events = installation.store.read_streams(&streams).await.unwrap();
    let types = |number: usize| events[number].iter().map(|event| event.header.event_type.to_string()).collect::<Vec<_>>();
    assert_eq!(types(0), ["KeyEpochOpened", "KeyEpochWrapped", "KeyEpochClosed", "KeyEpochRewrapped", "KeyEpochDestroyed"]);
    assert_eq!(types(1), ["KeyEpochOpened", "KeyEpochWrapped"]);
}

#[tokio::test]
async fn an_expired_bucket_is_recorded_in_its_organisations_log_once() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap();
    installation.clock.advance(Duration::from_secs(100 * 86_400));
    let expired = installation.vault.destroy_due(&DueBuckets::usual(installation.clock.now())).await.unwrap();
    assert_eq!(installation.commands.record_expired_buckets().await.unwrap(), expired.len());
    assert_eq!(installation.commands.record_expired_buckets().await.unwrap(), 0);
    let bucket = expired.iter().find(|bucket| bucket.organization == by.organization).unwrap();
    let events = installation.store.read_streams(&[KeyLife::stream_of_bucket(by.organization, bucket.key)]).await.unwrap().remove(0);
    let facts = serde_json::json!({ "key": bucket.key, "class": "ops", "bucket": bucket.bucket });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&events[0].facts).unwrap(), facts);
    assert_eq!(events.len(), 1);
}

#[tokio::test]
async fn declining_lifts_an_earlier_suppression_and_takes_its_key_along() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    installation.commands.erase_recipient(&by, erase("ada@example.com")).await.unwrap();
    let declined = EraseRecipient { keep_suppressed: false, ..erase("ada@example.com") };
    let begun = installation.commands.erase_recipient(&by, declined).await.unwrap();
    assert_eq!(installation.commands.doomed_keys_of(by.organization, begun.erasure).await.unwrap().len(), 1);
    let after = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(installation.email(&by, after).await.state.delivery.states, [DeliveryState::Queued]);
}

#[tokio::test]
async fn erasing_an_address_that_was_never_mailed_is_answered_and_recorded() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let begun = installation.commands.erase_recipient(&by, erase("nobody@example.com")).await.unwrap();
    assert_eq!(installation.commands.doomed_keys_of(by.organization, begun.erasure).await.unwrap(), []);
}

#[tokio::test]
async fn m4_2_an_erased_account_is_signed_out_closed_and_unreadable() {
    let installation = Installation::new().await;
    let user = installation.confirmed_user("ada@example.org").await;
    let by = member(user, OrganizationId::PLATFORM);
    let create = commands::CreateOrganization { owner: user, name: Personal::new("Engines".into()) };
    let organization = installation.commands.create_organization(&by, create).await.unwrap().organization;
    let signed_in = installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await.unwrap();

    installation
        .commands
        .erase_account(&by, EraseAccount { user, note: None, proof: IdentityProof::Password(Personal::new("correct horse".into())) })
        .await
        .unwrap();
    assert_eq!(installation.commands.authenticate_session(signed_in.token.expose()).await.unwrap(), None);
    assert_eq!(installation.commands.role_of(user, organization).await.unwrap(), None);
    let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
    let events = installation.store.read_streams(&[stream]).await.unwrap().remove(0);
    let folded: Folded<User> = fold(stream, &events).unwrap();
    assert!(folded.state.closed);
    let opened = installation.vault.open(Purpose::Service, &folded.state.details.unwrap()).await.unwrap();
    assert_eq!(opened, Opened::Erased);
    assert!(installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await.is_err());

    // The address is free again, and belongs to somebody else now.
    let again = installation.confirmed_user("ada@example.org").await;
    assert_ne!(again, user);
}

#[tokio::test]
async fn m8_3_a_new_message_to_somebody_who_was_forgotten_makes_no_key_and_writes_no_address_down() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap();
    installation.commands.erase_recipient(&by, erase("ada@example.com")).await.unwrap();
    let keys = installation.count("keyring.key").await;
    let lookups = installation.count("keyring.lookup").await;
    let again = installation.send(&by, vec![message(&["Ada@example.com", "bob@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(installation.email(&by, again).await.state.delivery.states, [DeliveryState::Suppressed, DeliveryState::Queued]);
    assert_eq!(recipient(&installation, &by, again).await, Opened::Erased);
    assert_eq!(installation.count("keyring.key").await, keys + 1, "bob's alone");
    assert_eq!(installation.count("keyring.lookup").await, lookups + 1);
}

#[tokio::test]
async fn m8_3_a_repeated_request_does_not_bring_back_whoever_was_forgotten_since() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let send = || installation.send(&by, vec![message(&["ada@example.com"])], Some("once"));
    let first = send().await.unwrap()[0].email;
    installation.commands.erase_recipient(&by, erase("ada@example.com")).await.unwrap();
    let keys = installation.count("keyring.key").await;
    assert_eq!(send().await.unwrap()[0].email, first);
    assert_eq!(installation.count("keyring.key").await, keys);
    assert_eq!(recipient(&installation, &by, first).await, Opened::Erased);
}

#[tokio::test]
async fn m8_3_what_a_server_says_late_of_somebody_forgotten_is_recorded_without_a_word() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let worker = installation.commands.as_delivery(by.organization);
    let mut in_flight = installation.email(&by, email).await;
    let started = in_flight.state.start_transmission(&[0]);
    installation.commands.advance(&worker, &mut in_flight, started).await.unwrap();
    installation.commands.erase_recipient(&by, erase("ada@example.com")).await.unwrap();
    let keys = installation.count("keyring.key").await;
    let text = Some(Personal::new(ReplyDetails { text: "550 no such user ada@example.com".into() }));
    let reply = RecipientReply { recipient: 0, code: Some(550), enhanced_status: None, reason: Some(FailureReason::UserUnknown), text };
    let attempt = Attempt {
        accepted: vec![],
        acceptance: Acceptance::Delivered,
        bounced: vec![reply],
        deferred: vec![],
        next_attempt_at: installation.clock.now(),
        rules_version: 1,
    };
    let bounced = in_flight.state.record_attempt(attempt);
    installation.commands.advance(&worker, &mut in_flight, bounced).await.unwrap();
    assert_eq!(installation.email(&by, email).await.state.delivery.states, [DeliveryState::Bounced]);
    let events = installation.store.read_streams(&[in_flight.stream]).await.unwrap().remove(0);
    assert!(events.last().unwrap().slots.iter().all(|slot| *slot == SlotContent::Withheld), "the reply repeats the address");
    assert_eq!(installation.count("keyring.key").await, keys);
}

#[tokio::test]
async fn m8_3_a_process_that_remembers_an_address_for_a_minute_records_nothing_of_it() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let other = installation.another_process().await;
    let send = |to: &'static str| SendEmails { messages: vec![message(&[to])], idempotency_key: None, interface: Interface::Rest };
    other.send_emails(&by, send("ada@example.com")).await.unwrap();
    installation.commands.erase_recipient(&by, EraseRecipient { keep_suppressed: false, ..erase("ada@example.com") }).await.unwrap();
    let named = other.send_emails(&by, send("ada@example.com")).await.unwrap()[0].email;
    let folded = installation.email(&by, named).await;
    assert_ne!(folded.state.queued.as_ref().unwrap().recipients[0].key, None, "it had key and address in memory");
    assert_eq!(recipient(&installation, &by, named).await, Opened::Erased, "and what it sealed opens nowhere");
    installation.commands.cancel_forgotten(by.organization, named).await.unwrap();
    assert_eq!(installation.email(&by, named).await.state.delivery.states, [DeliveryState::Cancelled]);
}

#[tokio::test]
async fn m8_3_a_key_that_was_made_in_the_same_moment_is_found_before_anything_is_certified() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let begun = installation.commands.erase_recipient(&by, erase("ada@example.com")).await.unwrap();
    // A message that had looked for a suppression just before there was one.
    let late = installation.vault.recipient_keys(by.organization, Class::Ops, &["ada@example.com"]).await.unwrap()[0];
    installation.clock.advance(LEASES_WAIT);
    assert!(!installation.commands.conclude_erasure(&by, begun.erasure).await.unwrap());
    assert!(installation.vault.are_destroyed(&[late]).await.unwrap());
    installation.clock.advance(LEASES_WAIT);
    assert!(installation.commands.conclude_erasure(&by, begun.erasure).await.unwrap());
    assert_eq!(installation.commands.doomed_keys_of(by.organization, begun.erasure).await.unwrap(), [late]);
}
