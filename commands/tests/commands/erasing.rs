//! Forgetting recipients and account holders.

use super::installation::{Installation, member, message};
use commands::{EraseAccount, EraseRecipient, LEASES_WAIT};
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
    assert_eq!(types, ["ErasureRequested", "ErasureApproved", "ErasureStarted", "SubjectKeyDestroyed", "ErasureCertified"]);
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
    assert_eq!(types[3..], ["SubjectKeyDestroyed", "ErasureCertified", "ErasureCertified"]);
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
    assert_eq!(types(0), ["KeyEpochOpened", "KeyEpochClosed", "KeyEpochRewrapped", "KeyEpochDestroyed"]);
    assert_eq!(types(1), ["KeyEpochOpened"]);
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

    installation.commands.erase_account(&by, EraseAccount { user, note: None }).await.unwrap();
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
