//! Accepting mail.

use super::installation::{Installation, message};
use commands::{CancelEmail, Failure, MessageFault, SendRefusal};
use domain::*;
use std::time::Duration;

#[tokio::test]
async fn an_accepted_message_is_spooled_and_recorded() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let accepted = installation.send(&by, vec![message(&["ada@example.com", "bob@example.com"])], None).await.unwrap();
    let email = installation.email(&by, accepted[0].email).await;
    assert_eq!(email.state.delivery.states, [DeliveryState::Queued; 2]);
    let spooled = installation.commands.spool().open(accepted[0].email).await.unwrap().unwrap();
    assert_eq!((spooled.from.as_str(), spooled.recipients.len()), ("shop@example.org", 2));
    let text = mail::parse_message(spooled.text.as_bytes()).unwrap();
    assert_eq!((text.subject.as_deref(), text.text.as_deref()), (Some("Hello"), Some("Good morning.\r\n")));
}

#[tokio::test]
async fn a_repeat_with_the_same_key_gets_the_first_answer() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let first = installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")).await.unwrap();
    let events = installation.count("log.event").await;
    let repeat = installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")).await.unwrap();
    assert_eq!(repeat, first);
    assert_eq!(installation.count("log.event").await, events);

    let other = installation.send(&by, vec![message(&["bob@example.com"])], Some("order-1")).await;
    assert!(matches!(other, Err(Failure::Refused(SendRefusal::KeyUsedForOtherPayload))));
    let elsewhere = installation.organization().await;
    assert_ne!(installation.send(&elsewhere, vec![message(&["ada@example.com"])], Some("order-1")).await.unwrap(), first);
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_also_when_the_recipient_was_forgotten_meanwhile() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let first = installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")).await.unwrap();
    let erase = commands::EraseRecipient { address: Personal::new("ada@example.com".parse().unwrap()), note: None, keep_suppressed: true };
    installation.commands.erase_recipient(&by, erase).await.unwrap();
    let keys = installation.count("keyring.key").await;
    assert_eq!(installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")).await.unwrap(), first);
    assert_eq!(installation.count("keyring.key").await, keys, "the repeat makes no key for somebody who was forgotten");
}

#[tokio::test]
async fn m1_6_a_message_that_goes_to_nobody_leaves_no_body() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let erase = commands::EraseRecipient { address: Personal::new("ada@example.com".parse().unwrap()), note: None, keep_suppressed: true };
    installation.commands.erase_recipient(&by, erase).await.unwrap();
    let accepted = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap();
    assert!(installation.commands.spool().open(accepted[0].email).await.unwrap().is_none());
}

#[tokio::test]
async fn a_repeat_on_the_next_day_gets_the_first_answer() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let first = installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")).await.unwrap();
    installation.clock.advance(Duration::from_secs(24 * 3600));
    let repeat = installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")).await.unwrap();
    assert_eq!(repeat, first);
}

#[tokio::test]
async fn a_repeat_completes_what_a_crash_left_between_spool_and_event() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let client = installation.database.client().await;
    client.batch_execute("REVOKE INSERT ON log.event FROM lethemail_app").await.unwrap();
    assert!(installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")).await.is_err());
    client.batch_execute("GRANT INSERT ON log.event TO lethemail_app").await.unwrap();
    let reserved: Vec<uuid::Uuid> = client.query_one("SELECT ids FROM ops.reservation", &[]).await.unwrap().get(0);
    let repeat = installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")).await.unwrap();
    assert_eq!(repeat[0].email, EmailId(reserved[0]));
    assert!(installation.commands.spool().open(repeat[0].email).await.unwrap().is_some());
    assert_eq!(installation.email(&by, repeat[0].email).await.state.delivery.states, [DeliveryState::Queued]);
}

#[tokio::test]
async fn of_many_simultaneous_repeats_one_message_comes() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let attempts = (0..8).map(|_| installation.send(&by, vec![message(&["ada@example.com"])], Some("order-1")));
    let mut ids = std::collections::BTreeSet::new();
    for outcome in join_all(attempts).await {
        match outcome {
            Ok(accepted) => drop(ids.insert(accepted[0].email)),
            Err(Failure::Refused(SendRefusal::RepeatInFlight)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(ids.len(), 1);
}

async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut pending: Vec<_> = futures.map(Box::pin).collect();
    let mut outcomes = Vec::new();
    std::future::poll_fn(|context| {
        pending.retain_mut(|future| match future.as_mut().poll(context) {
            std::task::Poll::Ready(outcome) => {
                outcomes.push(outcome);
                false
            }
            std::task::Poll::Pending => true,
        });
        if pending.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
    outcomes
}

#[tokio::test]
async fn one_bad_message_refuses_the_whole_request_and_leaves_nothing() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let (events, spooled) = (installation.count("log.event").await, installation.count("spool.entry").await);
    let mut injected = message(&["ada@example.com"]);
    injected.subject_line = "Hello\r\nBcc: everybody@example.com".into();
    let refused = installation.send(&by, vec![message(&["bob@example.com"]), injected], None).await;
    assert!(matches!(refused, Err(Failure::Refused(SendRefusal::Message(1, MessageFault::Text(_))))));

    let mut header = message(&["ada@example.com"]);
    header.headers.push(("X-Order\r\nBcc".into(), "everybody@example.com".into()));
    assert!(installation.send(&by, vec![header], None).await.is_err());
    let mut many = message(&["ada@example.com"]);
    many.to = vec![many.to[0].clone(); 51];
    assert!(matches!(
        installation.send(&by, vec![many], None).await,
        Err(Failure::Refused(SendRefusal::Message(0, MessageFault::RecipientCount)))
    ));
    assert!(matches!(installation.send(&by, vec![], None).await, Err(Failure::Refused(SendRefusal::MessageCount))));
    assert_eq!((installation.count("log.event").await, installation.count("spool.entry").await), (events, spooled));
}

#[tokio::test]
async fn m1_6_a_cancelled_message_loses_its_body_at_once() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let mut later = message(&["ada@example.com"]);
    later.scheduled_at = Some(installation_now(&installation) + Duration::from_secs(3600));
    let accepted = installation.send(&by, vec![later], None).await.unwrap();
    let cancel = || CancelEmail { email: accepted[0].email };
    let foreign = installation.organization().await;
    assert!(matches!(installation.commands.cancel_email(&foreign, cancel()).await, Err(Failure::Refused(EmailRefusal::Unknown))));
    installation.commands.cancel_email(&by, cancel()).await.unwrap();
    assert!(installation.commands.spool().open(accepted[0].email).await.unwrap().is_none());
    assert_eq!(installation.email(&by, accepted[0].email).await.state.delivery.status(), EmailStatus::Cancelled);
    installation.commands.cancel_email(&by, cancel()).await.unwrap();
}

#[tokio::test]
async fn m1_6_the_sweeper_removes_what_outlived_every_attempt() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let accepted = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap();
    let spool = installation.commands.spool();
    spool.sweep(installation_now(&installation) + DELIVERY_AGE_MAX).await.unwrap();
    assert!(spool.open(accepted[0].email).await.unwrap().is_some());
    spool.sweep(installation_now(&installation) + DELIVERY_AGE_MAX + Duration::from_secs(3601)).await.unwrap();
    assert!(spool.open(accepted[0].email).await.unwrap().is_none());
}

#[tokio::test]
async fn c5_3_the_same_recipient_has_other_keys_in_another_organisation() {
    let installation = Installation::new().await;
    let (one, two) = (installation.organization().await, installation.organization().await);
    let mut keys = Vec::new();
    for by in [&one, &one, &two] {
        let accepted = installation.send(by, vec![message(&["ada@example.com"])], None).await.unwrap();
        keys.push(installation.email(by, accepted[0].email).await.state.queued.unwrap().recipients[0].key.unwrap());
    }
    assert_eq!(keys[0], keys[1]);
    assert_ne!(keys[0], keys[2]);
}

fn installation_now(installation: &Installation) -> Timestamp {
    domain::Clock::now(&installation.clock)
}

#[tokio::test]
async fn a_body_sealed_in_an_epoch_that_was_closed_meanwhile_is_stored_in_the_next() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let before = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    // Twice: the process neither knows the epoch that its row names, nor the one that is open.
    installation.rotate_elsewhere().await;
    installation.rotate_elsewhere().await;
    let after = installation.send(&by, vec![message(&["bob@example.com"])], None).await.unwrap()[0].email;
    for email in [before, after] {
        assert!(installation.commands.spool().open(email).await.unwrap().is_some());
    }
    assert_eq!(installation.count("spool.entry WHERE epoch <> 3").await, 0);
}
