//! Who opens what for which purpose: counted, or refused and written down.

use super::installation::{Installation, message};
use commands::{DataRead, Fault, Request, SpooledMail, SpooledRecipient, data_reads};
use domain::*;
use event_store::Filter;
use std::time::Duration;
use vault::{Opened, VaultError};

const DAY: Duration = Duration::from_secs(86_400);

/// The sealed recipients of a message that was sent to these addresses.
async fn recipients(installation: &Installation, by: &Request, to: &[&str]) -> Vec<Sealed<RecipientDetails>> {
    let sent = installation.send(by, vec![message(to)], None).await.unwrap()[0].email;
    let queued = installation.email(by, sent).await.state.queued.unwrap();
    queued.recipients.into_iter().map(|recipient| recipient.details).collect()
}

/// What was written down about openings in an organisation's log.
async fn accesses(installation: &Installation, organization: OrganizationId) -> Vec<Recorded<DataAccessEvent>> {
    let filter = Filter { organization: Some(organization), ..Filter::categories(&[Category::DataAccess]) };
    let events = installation.store.read_matching(Position::START, 100, &filter).await.unwrap();
    events.iter().map(|event| Recorded::decode(event).unwrap()).collect()
}

async fn reads(installation: &Installation, organization: OrganizationId) -> Vec<DataRead> {
    installation.commands.reads().flush().await.unwrap();
    let today = installation.clock.now().day();
    data_reads(&installation.database.client().await, organization, Day(today.0 - 200), today).await.unwrap()
}

#[tokio::test]
async fn m1_4_c6_1_a_refused_purpose_is_an_error_and_an_event_in_the_log_of_whose_data_it_was() {
    let installation = Installation::new().await;
    let (by, other) = (installation.organization().await, installation.organization().await);
    let mine = recipients(&installation, &by, &["ada@example.com", "bob@example.com"]).await;
    let theirs = recipients(&installation, &other, &["carol@example.com"]).await;
    let all: Vec<_> = mine.iter().chain(&theirs).collect();
    let refused = installation.commands.open_many(by.actor, Purpose::SmtpAuth, &all).await.unwrap_err();
    assert!(matches!(refused, Fault::Vault(VaultError::PurposeRefused { purpose: Purpose::SmtpAuth, .. })), "{refused}");
    for (organization, count) in [(by.organization, 2), (other.organization, 1)] {
        let told = accesses(&installation, organization).await;
        let (purpose, data) = (Purpose::SmtpAuth, DataName::RecipientDetails);
        let expected = PurposeRefused { purpose, data, refusal: PurposeRefusal::NotForThisData, count };
        assert_eq!(told.iter().map(|told| told.event.clone()).collect::<Vec<_>>(), [expected.into()]);
        assert_eq!(told[0].header.actor, by.actor);
        assert!(reads(&installation, organization).await.iter().all(|read| read.data != data), "nothing was opened");
    }
    let context = &mine[0].context;
    let SlotContent::Envelope(envelope) = &mine[0].content else { panic!("sealed") };
    let named = installation.commands.open_named(by.actor, Purpose::LegalObligation, DataName::RecipientDetails, context, envelope).await;
    assert!(matches!(named, Err(Fault::Vault(VaultError::PurposeRefused { .. }))));
    assert_eq!(accesses(&installation, by.organization).await.len(), 2);
}

#[tokio::test]
async fn c8_1c_reads_are_counted_for_each_actor_purpose_kind_of_data_and_day() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let sealed = recipients(&installation, &by, &["ada@example.com", "bob@example.com"]).await;
    let sealed: Vec<_> = sealed.iter().collect();
    let key = Actor::ApiKey(ApiKeyId(uuid::Uuid::from_u128(7)));
    for (actor, purpose) in [(by.actor, Purpose::Service), (by.actor, Purpose::Service), (key, Purpose::Support)] {
        let opened = installation.commands.open_many(actor, purpose, &sealed).await.unwrap();
        assert!(opened.iter().all(|opened| matches!(opened, Opened::Readable(_))));
    }
    let (data, today) = (DataName::RecipientDetails, installation.clock.now().day());
    let read = |day: Day, actor: Actor, purpose: Purpose, count: u64| DataRead { day, actor, purpose, data, count };
    let expected = [read(today, key, Purpose::Support, 2), read(today, by.actor, Purpose::Service, 4)];
    assert_eq!(reads(&installation, by.organization).await, expected);
    // What was written stays when more comes; a new day is another row; nobody else's are there.
    installation.clock.advance(DAY);
    installation.commands.open_many(key, Purpose::Support, &sealed).await.unwrap();
    installation.commands.open_many(key, Purpose::Support, &sealed[..1]).await.unwrap();
    let later = reads(&installation, by.organization).await;
    assert_eq!(later[0], read(Day(today.0 + 1), key, Purpose::Support, 3));
    assert_eq!(later[1..], expected);
    let other = installation.organization().await;
    assert!(reads(&installation, other.organization).await.iter().all(|read| read.data != data));
    // Counts go with what they tell of.
    installation.clock.advance(DAY * 90);
    installation.commands.open(by.actor, Purpose::Service, sealed[0]).await.unwrap();
    let kept = reads(&installation, by.organization).await;
    assert_eq!(kept.iter().map(|read| (read.day, read.count)).collect::<Vec<_>>(), [(Day(today.0 + 91), 1), (Day(today.0 + 1), 3)]);
}

#[tokio::test]
async fn a_page_of_fifty_people_costs_no_statement_to_count() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let addresses: Vec<String> = (0..50).map(|number| format!("person{number}@example.com")).collect();
    let mut sealed = Vec::new();
    for some in addresses.chunks(10) {
        sealed.extend(recipients(&installation, &by, &some.iter().map(String::as_str).collect::<Vec<_>>()).await);
    }
    installation.commands.reads().flush().await.unwrap();
    let before = installation.count("ops.data_read").await;
    installation.commands.open_many(by.actor, Purpose::Service, &sealed.iter().collect::<Vec<_>>()).await.unwrap();
    assert_eq!(installation.count("ops.data_read").await, before, "nothing is written before its time");
    installation.commands.reads().flush().await.unwrap();
    assert_eq!(installation.count("ops.data_read").await, before + 1, "and then one row");
}

#[tokio::test]
async fn m2_10_opening_a_waiting_text_is_counted_as_delivery() {
    let installation = Installation::new().await;
    let by = installation.organization().await;
    let email = installation.send(&by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email;
    let mail = installation.commands.open_spooled(email).await.unwrap().unwrap();
    let counted = reads(&installation, by.organization).await;
    let of_texts: Vec<_> = counted.iter().filter(|read| read.data == DataName::SpooledMail).collect();
    assert_eq!(of_texts.len(), 1);
    assert_eq!((of_texts[0].purpose, of_texts[0].count), (Purpose::Deliver, 1));
    assert_eq!(of_texts[0].actor, Actor::System(SystemActor::Delivery));
    // Every field of a spooled message is in the policy. A new one does not compile here before it is named.
    let SpooledMail { from: _, recipients, text: _ } = mail;
    let SpooledRecipient { number: _, address: _ } = &recipients[0];
    let listed: Vec<String> = DataName::SpooledMail.entry().all_fields().into_iter().map(|(name, _)| name).collect();
    assert_eq!(listed, ["SpooledMail.from", "SpooledMail.recipients.address", "SpooledMail.text"]);
}
