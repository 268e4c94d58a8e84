//! Restriction and objection: what they close, and what they leave open.

use super::installation::{Installation, member, message};
use commands::{DataSubject, EraseRecipient, Failure, LimitRefusal, Request};
use domain::*;
use vault::Opened;

fn ada() -> DataSubject {
    DataSubject::Recipient(Personal::new("Ada@example.com".parse().unwrap()))
}

async fn opened(installation: &Installation, by: &Request, email: EmailId, purpose: Purpose) -> Opened<RecipientDetails> {
    let folded = installation.email(by, email).await;
    installation.vault.open(purpose, &folded.state.queued.unwrap().recipients[0].details).await.unwrap()
}

#[tokio::test]
async fn m8_6_restricted_data_is_kept_hidden_and_not_mailed_until_it_is_lifted_after_notice() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let commands = &installation.commands;
    let before = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let bob = installation.send(&by, vec![message(&["bob@example.com"])], None).await.unwrap()[0].email;
    commands.restrict_processing(&by, ada(), RestrictionGround::AccuracyContested).await.unwrap();
    for purpose in [Purpose::Service, Purpose::Deliver, Purpose::Abuse, Purpose::Support, Purpose::Security] {
        assert_eq!(opened(&installation, &by, before, purpose).await, Opened::Restricted, "{purpose:?}");
    }
    assert!(matches!(opened(&installation, &by, before, Purpose::SubjectRights).await, Opened::Readable(_)), "her own right");
    assert!(matches!(opened(&installation, &by, bob, Purpose::Service).await, Opened::Readable(_)), "nobody else is concerned");

    let waiting = installation.email(&by, before).await;
    let unreachable = commands.unreachable_among(&waiting.state, &[0]).await.unwrap();
    assert_eq!((unreachable.forgotten, unreachable.restricted), (vec![], vec![0]), "what waits is not sent, and not taken for erased");
    let after = installation.send(&by, vec![message(&["ada@example.com", "bob@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(installation.email(&by, after).await.state.delivery.states, [DeliveryState::Suppressed, DeliveryState::Queued]);

    let early = commands.lift_restriction(&by, ada()).await;
    assert!(matches!(early, Err(Failure::Refused(LimitRefusal::Lift(LiftRefusal::NotAnnounced)))));
    commands.announce_lift(&by, ada()).await.unwrap();
    commands.lift_restriction(&by, ada()).await.unwrap();
    assert!(matches!(opened(&installation, &by, before, Purpose::Service).await, Opened::Readable(_)));
    let again = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(installation.email(&by, again).await.state.delivery.states, [DeliveryState::Queued]);
}

#[tokio::test]
async fn m8_6_a_restriction_outlives_the_turn_of_an_epoch_and_holds_in_every_process() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    installation.commands.restrict_processing(&by, ada(), RestrictionGround::LegalClaim).await.unwrap();
    installation.rotate_elsewhere().await;
    let other = installation.another_process().await;
    let waiting = other.load_email(by.organization, email).await.unwrap();
    assert_eq!(other.unreachable_among(&waiting.state, &[0]).await.unwrap().restricted, [0]);
}

#[tokio::test]
async fn m8_6_a_mark_that_a_crash_or_an_old_keyring_has_lost_is_made_again_from_the_log() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    installation.commands.restrict_processing(&by, ada(), RestrictionGround::LegalClaim).await.unwrap();
    let key = installation.email(&by, email).await.state.queued.unwrap().recipients[0].key.unwrap();
    installation.vault.limit(&[key], ProcessingLimits::default()).await.unwrap();
    assert!(matches!(opened(&installation, &by, email, Purpose::Service).await, Opened::Readable(_)));
    let limits = ProcessingLimits { restricted: true, objected: false };
    installation.commands.keep_limits(by.organization, key.0, limits).await.unwrap();
    assert_eq!(opened(&installation, &by, email, Purpose::Service).await, Opened::Restricted);
}

#[tokio::test]
async fn m8_6_a_mark_cannot_be_taken_off_a_row_by_whoever_can_write_the_database() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    installation.commands.restrict_processing(&by, ada(), RestrictionGround::LegalClaim).await.unwrap();
    let client = installation.database.client().await;
    assert_eq!(client.execute("UPDATE keyring.key SET limits = 0 WHERE limits <> 0", &[]).await.unwrap(), 1);
    let other = installation.another_process().await;
    let waiting = other.load_email(by.organization, email).await.unwrap();
    let outcome = other.unreachable_among(&waiting.state, &[0]).await;
    assert!(outcome.is_err(), "the row does not unwrap any more: {outcome:?}");
}

#[tokio::test]
async fn m8_6_a_restricted_account_signs_in_and_is_shown_to_nobody() {
    let installation = Installation::new().await;
    let user = installation.confirmed_user("ada@example.org").await;
    let by = member(user, OrganizationId::PLATFORM);
    let account = || DataSubject::Account(user);
    installation.commands.restrict_processing(&by, account(), RestrictionGround::AccuracyContested).await.unwrap();
    installation.commands.sign_in(Installation::sign_in_request("ada@example.org", "correct horse")).await.unwrap();
    let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
    let events = installation.store.read_streams(&[stream]).await.unwrap().remove(0);
    let details = fold::<User>(stream, &events).unwrap().state.details.unwrap();
    assert_eq!(installation.vault.open(Purpose::Service, &details).await.unwrap(), Opened::Restricted);
    installation.commands.announce_lift(&by, account()).await.unwrap();
    assert!(installation.newest_notice().await.contains("about to be lifted"), "the holder is told");
    installation.commands.lift_restriction(&by, account()).await.unwrap();
    assert!(matches!(installation.vault.open(Purpose::Service, &details).await.unwrap(), Opened::Readable(_)));
}

#[tokio::test]
async fn m8_5_an_objection_closes_legitimate_interests_and_leaves_the_service() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    installation.commands.object_to_processing(&by, ada(), &[ObjectionScope::LegitimateInterests]).await.unwrap();
    assert_eq!(opened(&installation, &by, email, Purpose::Abuse).await, Opened::Restricted);
    assert_eq!(opened(&installation, &by, email, Purpose::Security).await, Opened::Restricted);
    assert!(matches!(opened(&installation, &by, email, Purpose::Service).await, Opened::Readable(_)));
    let after = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(installation.email(&by, after).await.state.delivery.states, [DeliveryState::Queued]);
}

#[tokio::test]
async fn m8_5_an_objection_to_direct_marketing_is_absolute_and_outlives_erasure() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    installation.commands.object_to_processing(&by, ada(), &[ObjectionScope::DirectMarketing]).await.unwrap();
    let after = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(installation.email(&by, after).await.state.delivery.states, [DeliveryState::Suppressed]);
    let address = Personal::new("ada@example.com".parse().unwrap());
    installation.commands.erase_recipient(&by, EraseRecipient { address, note: None, keep_suppressed: true }).await.unwrap();
    let later = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    assert_eq!(installation.email(&by, later).await.state.delivery.states, [DeliveryState::Suppressed]);
}

#[tokio::test]
async fn whoever_was_forgotten_is_not_remembered_to_be_restricted() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let address = Personal::new("ada@example.com".parse().unwrap());
    installation.commands.erase_recipient(&by, EraseRecipient { address, note: None, keep_suppressed: true }).await.unwrap();
    let keys = installation.count("keyring.key").await;
    let restricted = installation.commands.restrict_processing(&by, ada(), RestrictionGround::LegalClaim).await;
    assert!(matches!(restricted, Err(Failure::Refused(LimitRefusal::Forgotten))));
    assert_eq!(installation.count("keyring.key").await, keys);
}
