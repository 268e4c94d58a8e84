//! What is kept by other measures than a day's mail: visits for 30 days, books for seven years after their fiscal year.

use crate::support::{DAY, Place, World, organization};
use domain::{
    Class, Clock, DataCategory, DataEntry, DataName, DataSubject, Day, FiscalYearStart, Keeping, KeyId, OrganizationId, Personal,
    PersonalData, PersonalSlot, Purpose, Sealed, SubjectId,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use vault::{ClockLook, DueBuckets, ExpiredBucket, HeldDays, KeyName, Opened, SealRequest, Subject};
use zeroize::Zeroizing;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Visit {
    page: String,
}

impl PersonalData for Visit {
    const CLASS: Class = Class::Web;
    const ENTRY: DataEntry = entry("visits", DataCategory::UsageData, Self::CLASS, &[Purpose::Service]);
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Invoice {
    company: String,
}

impl PersonalData for Invoice {
    const CLASS: Class = Class::Fin;
    const ENTRY: DataEntry = entry("invoices", DataCategory::AccountData, Self::CLASS, &[Purpose::Service, Purpose::LegalObligation]);
}

/// Nothing in the product has these classes yet, so these have no names of their own in the policy.
const fn entry(told: &'static str, category: DataCategory, class: Class, purposes: &'static [Purpose]) -> DataEntry {
    let (data, keeping, subject) = (DataName::RequestOrigin, Keeping::Class(class), DataSubject::ActingPerson);
    DataEntry { data, told, category, keeping, purposes, subject, rows: "", fields: &[] }
}

async fn subject(world: &World, organization: OrganizationId, subject: Subject, class: Class) -> KeyId {
    world.vault.keys(&[KeyName { organization, subject, class }]).await.unwrap()[0]
}

async fn seal<T: PersonalData>(world: &World, key: KeyId, place: &Place, data: &T, fiscal_year: FiscalYearStart) -> Sealed<T> {
    let plaintext = Zeroizing::new(serde_json::to_vec(data).unwrap());
    let slots = [PersonalSlot { key: Some(key), class: T::CLASS, plaintext }];
    let request = SealRequest {
        organization: place.stream.organization,
        stream: place.stream,
        event_id: place.event_id,
        event_type: place.event_type,
        occurred_at: world.clock.now(),
        slots: &slots,
        fiscal_year,
    };
    let sealed = world.vault.seal_many(&[request]).await.unwrap().remove(0);
    Sealed::from_parts(place.context(0), sealed.get(0).cloned().unwrap())
}

async fn sweep(world: &World, held: &[HeldDays]) -> Vec<ExpiredBucket> {
    match world.vault.look_at_clock().await.unwrap() {
        ClockLook::Steady(now) => world.vault.destroy_due(&DueBuckets { held: held.to_vec(), ..DueBuckets::usual(now) }).await.unwrap(),
        jumped => panic!("{jumped:?}"),
    }
}

/// Moves the clock at once and says that it is right.
async fn jump_to(world: &World, day: Day) {
    world.clock.advance(day.start().since(world.clock.now()));
    world.vault.accept_clock().await.unwrap();
}

#[tokio::test]
async fn m1_7_what_was_known_of_a_visit_is_gone_after_thirty_one_days() {
    let world = World::new().await;
    let place = Place::new(OrganizationId::PLATFORM);
    let key = subject(&world, OrganizationId::PLATFORM, Subject::Person(SubjectId(Uuid::new_v4())), Class::Web).await;
    let visit = Visit { page: "/pricing".into() };
    let first = seal(&world, key, &place, &visit, FiscalYearStart::default()).await;
    world.clock.advance(DAY * 2);
    let third = seal(&world, key, &place, &visit, FiscalYearStart::default()).await;
    for day in 2..30 {
        assert_eq!(sweep(&world, &[]).await, [], "day {day}");
        world.clock.advance(DAY);
    }
    assert_eq!(sweep(&world, &[]).await, []);
    assert!(matches!(world.vault.open(Purpose::Service, &first).await.unwrap(), Opened::Readable(_)));
    world.clock.advance(DAY);
    assert_eq!(sweep(&world, &[]).await.len(), 1);
    assert_eq!(world.vault.open(Purpose::Service, &first).await.unwrap(), Opened::Expired);
    assert_eq!(world.vault.open(Purpose::Service, &third).await.unwrap(), Opened::Readable(Personal::new(visit)));
}

fn april() -> FiscalYearStart {
    FiscalYearStart::try_from(4).unwrap()
}

/// The fiscal year of its books, as the key's own record names it.
async fn year_of_records(world: &World, organization: OrganizationId) -> domain::FiscalYear {
    let records = world.vault.bucket_records(organization).await.unwrap();
    domain::FiscalYear(records.iter().find(|record| record.class == Class::Fin).unwrap().bucket)
}

#[tokio::test]
async fn m4_3_an_invoice_is_gone_seven_years_after_its_fiscal_year_and_not_a_day_earlier() {
    // 15 June 2025: the calendar year ends in December, the other one in March.
    for (fiscal_year, ends) in [(FiscalYearStart::default(), "2026-01-01"), (april(), "2026-04-01")] {
        let world = World::new().await;
        let org = organization();
        let key = subject(&world, org, Subject::Organization, Class::Fin).await;
        let invoice = Invoice { company: "Engines Ltd".into() };
        let sealed = seal(&world, key, &Place::new(org), &invoice, fiscal_year).await;
        let year = year_of_records(&world, org).await;
        assert_eq!(year.end().to_string(), ends);
        let last = year.records_end_at().day();
        assert_eq!(last.to_string()[..4], (ends[..4].parse::<i32>().unwrap() + 7).to_string());
        jump_to(&world, last.previous()).await;
        assert_eq!(sweep(&world, &[]).await, []);
        assert_eq!(world.vault.open(Purpose::LegalObligation, &sealed).await.unwrap(), Opened::Readable(Personal::new(invoice)));
        jump_to(&world, last).await;
        assert_eq!(sweep(&world, &[]).await.len(), 1);
        assert_eq!(world.vault.open(Purpose::LegalObligation, &sealed).await.unwrap(), Opened::Expired);
    }
}

#[tokio::test]
async fn m4_3_after_an_erasure_books_open_for_a_legal_obligation_and_for_nothing_else() {
    let world = World::new().await;
    let org = organization();
    let keys = [Class::Fin, Class::Id].map(|class| KeyName { organization: org, subject: Subject::Organization, class });
    let key = world.vault.keys(&keys).await.unwrap()[0];
    let invoice = Invoice { company: "Engines Ltd".into() };
    let sealed = seal(&world, key, &Place::new(org), &invoice, FiscalYearStart::default()).await;
    let open = async |purpose| world.vault.open(purpose, &sealed).await.unwrap();
    assert_eq!(open(Purpose::Service).await, Opened::Readable(Personal::new(invoice.clone())));
    world.vault.fence(&keys[1..]).await.unwrap();
    assert_eq!(open(Purpose::Service).await, Opened::Restricted);
    assert_eq!(open(Purpose::LegalObligation).await, Opened::Readable(Personal::new(invoice)));
}

#[tokio::test]
async fn a_year_in_which_the_books_begin_elsewhere_is_made_while_it_lasts_and_never_later() {
    let world = World::new().await;
    let org = organization();
    let key = subject(&world, org, Subject::Organization, Class::Fin).await;
    let place = Place::new(org);
    let invoice = Invoice { company: "Engines Ltd".into() };
    for start in [FiscalYearStart::default(), april()] {
        seal(&world, key, &place, &invoice, start).await;
    }
    let records = world.vault.bucket_records(org).await.unwrap();
    let years: Vec<i32> = records.iter().filter(|record| record.class == Class::Fin).map(|record| record.bucket).collect();
    assert_eq!(years, [202_512, 202_603]);
}

#[tokio::test]
async fn held_days_keep_visits_and_books_that_touch_them_too() {
    let world = World::new().await;
    let org = organization();
    let person = Subject::Person(SubjectId(Uuid::new_v4()));
    let (web, fin) = (subject(&world, org, person, Class::Web).await, subject(&world, org, Subject::Organization, Class::Fin).await);
    let visit = seal(&world, web, &Place::new(org), &Visit { page: "/".into() }, FiscalYearStart::default()).await;
    let invoice = seal(&world, fin, &Place::new(org), &Invoice { company: "E".into() }, FiscalYearStart::default()).await;
    let today = world.clock.now().day();
    let held = [HeldDays { organization: org, from: Day(today.0 - 3), until: today }];
    jump_to(&world, Day(today.0 + 4000)).await;
    let due = DueBuckets { held: held.to_vec(), ..DueBuckets::usual(world.clock.now()) };
    assert_eq!(world.vault.count_overdue(&due).await.unwrap(), 0);
    assert_eq!(sweep(&world, &held).await, []);
    let other = [HeldDays { organization: organization(), ..held[0] }, HeldDays { from: Day(0), until: Day(today.0 - 400), ..held[0] }];
    assert_eq!(world.vault.count_overdue(&DueBuckets { held: other.to_vec(), ..due }).await.unwrap(), 2);
    assert_eq!(sweep(&world, &other).await.len(), 2);
    assert_eq!(world.vault.open(Purpose::Service, &visit).await.unwrap(), Opened::Expired);
    assert_eq!(world.vault.open(Purpose::Service, &invoice).await.unwrap(), Opened::Expired);
}

#[tokio::test]
async fn an_organisation_with_days_of_its_own_is_swept_by_them_and_the_others_are_not() {
    let world = World::new().await;
    let orgs = [organization(), organization(), organization()];
    for org in orgs {
        let key = world.person_key(org).await;
        world.seal_note(key, &Place::new(org), "x").await;
    }
    let today = world.clock.now().day();
    jump_to(&world, Day(today.0 + 95)).await;
    let days = [(orgs[0], Day(today.0 - 270)), (orgs[1], Day(today.0 + 84))].into_iter().collect();
    let swept = world.vault.destroy_due(&DueBuckets { days, ..DueBuckets::usual(world.clock.now()) }).await.unwrap();
    let mut swept: Vec<OrganizationId> = swept.iter().map(|bucket| bucket.organization).collect();
    swept.sort_unstable();
    let mut expected = vec![orgs[1], orgs[2]];
    expected.sort_unstable();
    assert_eq!(swept, expected);
}
