//! Days that are kept for longer or less long, and days that are held.

use super::installation::{Installation, message};
use commands::{BucketSweep, EraseRecipient, KeptUntil, Request, RequestHold, RetentionDecisions, SetRetention};
use domain::*;
use std::time::Duration;
use vault::{ExpiredBucket, Opened};

const DAY: Duration = Duration::from_secs(86_400);

/// An organisation with a message, and a process that looks for due days.
struct World {
    installation: Installation,
    by: Request,
    first: EmailId,
    decisions: RetentionDecisions,
}

impl World {
    async fn new() -> Self {
        let installation = Installation::new().await;
        let by = installation.organization().await;
        let first = send(&installation, &by).await;
        Self { installation, by, first, decisions: RetentionDecisions::default() }
    }

    async fn look(&mut self) -> Vec<ExpiredBucket> {
        match self.installation.commands.expire_buckets(&mut self.decisions).await.unwrap() {
            BucketSweep::Swept { destroyed, .. } => destroyed,
            jumped => panic!("{jumped:?}"),
        }
    }

    /// Lets days pass, with a look at the end of each.
    async fn pass(&mut self, days: u32) -> Vec<ExpiredBucket> {
        let mut destroyed = Vec::new();
        for _ in 0..days {
            self.installation.clock.advance(DAY);
            destroyed.extend(self.look().await);
        }
        destroyed
    }

    async fn readable(&self, email: EmailId) -> bool {
        let queued = self.installation.email(&self.by, email).await.state.queued.unwrap();
        match self.installation.vault.open(Purpose::Service, &queued.recipients[0].details).await.unwrap() {
            Opened::Readable(_) => true,
            Opened::Expired => false,
            other => panic!("{other:?}"),
        }
    }

    async fn keep_for(&self, days: u16) {
        let request = SetRetention { days, ground: RetentionChangeGround::OwnChoice };
        self.installation.commands.set_retention(&self.by, request).await.unwrap();
    }

    fn today(&self) -> Day {
        self.installation.clock.now().day()
    }

    async fn hold(&self, from: Day, until: Day, span: Duration) -> HoldId {
        let expires_at = self.installation.clock.now() + span;
        let request = RequestHold { target: HoldTarget::Days { from, until }, ground: HoldGround::LegalClaim, expires_at };
        self.installation.commands.request_hold(&self.by, request).await.unwrap().0
    }

    async fn approve(&self, hold: HoldId, approver: UserId) {
        self.installation.commands.approve_hold(&self.by, hold, approver).await.unwrap();
    }

    async fn approve_twice(&self, hold: HoldId) {
        for number in [1, 2] {
            self.approve(hold, UserId(uuid::Uuid::from_u128(number))).await;
        }
    }

    async fn events(&self, hold: HoldId) -> Vec<String> {
        let stream = StreamName::new(Category::Hold, self.by.organization, hold.0);
        let events = self.installation.store.read_streams(&[stream]).await.unwrap().remove(0);
        events.iter().map(|event| event.header.event_type.to_string()).collect()
    }
}

async fn send(installation: &Installation, by: &Request) -> EmailId {
    installation.send(by, vec![message(&["ada@example.com"])], None).await.unwrap()[0].email
}

#[tokio::test]
async fn m4_5_an_extension_at_day_eighty_keeps_what_a_downgrade_ends_after_its_notice() {
    let mut world = World::new().await;
    let other = world.installation.organization().await;
    let elsewhere = send(&world.installation, &other).await;
    world.pass(80).await;
    world.keep_for(365).await;
    let destroyed = world.pass(40).await;
    assert!(world.readable(world.first).await, "day 120");
    assert!(destroyed.iter().all(|bucket| bucket.organization != world.by.organization));
    let queued = world.installation.email(&other, elsewhere).await.state.queued.unwrap();
    let opened = world.installation.vault.open(Purpose::Service, &queued.recipients[0].details).await.unwrap();
    assert_eq!(opened, Opened::Expired, "of those who did not extend");
    world.keep_for(90).await;
    world.pass(6).await;
    assert!(world.readable(world.first).await, "the notice runs");
    world.pass(1).await;
    assert!(!world.readable(world.first).await);
    world.keep_for(3650).await;
    world.pass(1).await;
    assert!(!world.readable(world.first).await, "what is destroyed stays so");
}

#[tokio::test]
async fn m4_4_a_shorter_retention_ends_days_earlier_and_leaves_the_younger_ones() {
    let mut world = World::new().await;
    world.keep_for(10).await;
    world.pass(2).await;
    let third = send(&world.installation, &world.by).await;
    world.pass(8).await;
    assert!(world.readable(world.first).await);
    world.pass(1).await;
    assert!(!world.readable(world.first).await);
    assert!(world.readable(third).await);
    world.pass(2).await;
    assert!(!world.readable(third).await);
}

#[tokio::test]
async fn another_process_that_starts_later_knows_what_was_decided() {
    let mut world = World::new().await;
    world.keep_for(365).await;
    world.pass(89).await;
    world.decisions = RetentionDecisions::default();
    world.pass(10).await;
    assert!(world.readable(world.first).await);
}

#[tokio::test]
async fn what_a_look_leaves_is_counted_and_comes_next() {
    let mut world = World::new().await;
    for _ in 0..4 {
        world.installation.clock.advance(DAY);
        send(&world.installation, &world.by).await;
    }
    world.look().await;
    world.installation.clock.advance(DAY * 200);
    let jumped = world.installation.commands.expire_buckets(&mut world.decisions).await.unwrap();
    assert!(matches!(jumped, BucketSweep::ClockJumped { .. }));
    assert!(world.readable(world.first).await);
    world.installation.vault.accept_clock().await.unwrap();
    let mut overdue = Vec::new();
    for _ in 0..3 {
        match world.installation.commands.expire_buckets(&mut world.decisions).await.unwrap() {
            BucketSweep::Swept { overdue: left, .. } => overdue.push(left),
            jumped => panic!("{jumped:?}"),
        }
    }
    assert!(overdue[0] >= 3 && overdue[1] < overdue[0] && overdue[2] == 0, "{overdue:?}");
    let remembered = world.installation.database.client().await.query_one("SELECT overdue FROM keyring.sweep", &[]).await.unwrap();
    assert_eq!(remembered.get::<_, i64>(0), 0);
}

#[tokio::test]
async fn m4_1_an_active_account_is_readable_after_ten_years() {
    let mut world = World::new().await;
    let user = world.installation.confirmed_user("grace@example.org").await;
    world.installation.clock.advance(DAY * 3650);
    world.installation.vault.accept_clock().await.unwrap();
    while !world.look().await.is_empty() {}
    assert!(!world.readable(world.first).await, "what is kept by days has ended");
    let stream = StreamName::new(Category::User, OrganizationId::PLATFORM, user.0);
    let events = world.installation.store.read_streams(&[stream]).await.unwrap().remove(0);
    let account = fold::<User>(stream, &events).unwrap().state;
    let opened = world.installation.vault.open(Purpose::Service, &account.details.unwrap()).await.unwrap();
    assert!(matches!(opened, Opened::Readable(details) if details.expose().address == "grace@example.org"));
}

#[tokio::test]
async fn c5_7a_held_days_outlive_their_retention_and_end_with_the_hold() {
    let mut world = World::new().await;
    let day = world.today();
    world.pass(1).await;
    let second = send(&world.installation, &world.by).await;
    let hold = world.hold(day, day, DAY * 120).await;
    world.approve_twice(hold).await;
    world.pass(100).await;
    assert!(world.readable(world.first).await, "held");
    assert!(!world.readable(second).await, "the day after is not");
    world.pass(19).await;
    assert!(world.readable(world.first).await);
    world.pass(1).await;
    assert!(!world.readable(world.first).await, "its time is over");
    assert_eq!(world.events(hold).await, ["HoldRequested", "HoldApproved", "HoldApproved", "HoldExpired"]);
    world.pass(2).await;
    assert_eq!(world.events(hold).await.len(), 4);
}

#[tokio::test]
async fn a_hold_that_one_person_approved_twice_holds_nothing() {
    let mut world = World::new().await;
    let day = world.today();
    let hold = world.hold(day, day, DAY * 200).await;
    for _ in 0..2 {
        world.approve(hold, UserId(uuid::Uuid::from_u128(1))).await;
    }
    world.pass(91).await;
    assert!(!world.readable(world.first).await);
    assert_eq!(world.events(hold).await, ["HoldRequested", "HoldApproved"]);
}

#[tokio::test]
async fn a_released_hold_ends_its_days_at_the_next_look() {
    let mut world = World::new().await;
    let day = world.today();
    let hold = world.hold(day, day, DAY * 200).await;
    world.approve_twice(hold).await;
    world.pass(95).await;
    assert!(world.readable(world.first).await);
    world.installation.commands.release_hold(&world.by, hold).await.unwrap();
    assert_eq!(world.look().await.len(), 1);
    assert!(!world.readable(world.first).await);
}

#[tokio::test]
async fn c9_1b_every_bucket_is_told_with_its_end_and_its_ground() {
    let mut world = World::new().await;
    let day = world.today();
    let told = async |world: &World| {
        let kept = world.installation.commands.kept_data(world.by.organization).await.unwrap();
        let bucket = kept.buckets.iter().find(|bucket| bucket.record.class == Class::Ops && bucket.record.bucket == day.0).unwrap();
        (bucket.end.unwrap(), bucket.record.destroyed_at.is_some(), kept.buckets.len())
    };
    let end = |at, ground| BucketEnd { at, ground };
    let after = |days: i32| Day(day.0 + days + 1).start();
    assert_eq!(told(&world).await, (end(after(90), EndGround::Default), false, 2), "and the one of its name");
    world.keep_for(365).await;
    assert_eq!(told(&world).await.0, end(after(365), EndGround::Extension));
    world.keep_for(30).await;
    assert_eq!(told(&world).await.0, end(after(30), EndGround::Shortening));
    let hold = world.hold(day, day, DAY * 100).await;
    world.approve_twice(hold).await;
    assert_eq!(told(&world).await.0, end(world.installation.clock.now() + DAY * 100, EndGround::Hold));
    world.pass(101).await;
    assert!(told(&world).await.1);
}

#[tokio::test]
async fn c9_1b_what_is_left_of_a_person_is_told_key_by_key() {
    let mut world = World::new().await;
    let (organization, address) = (world.by.organization, "ada@example.com".parse().unwrap());
    let left = async |world: &World| world.installation.commands.kept_of_address(organization, &address).await.unwrap();
    let keys = left(&world).await;
    let end = BucketEnd { at: Day(world.today().0 + 91).start(), ground: EndGround::Default };
    assert_eq!(keys.iter().map(|key| (key.class, key.until)).collect::<Vec<_>>(), [(Class::Ops, KeptUntil::LastBucket(end))]);
    assert_eq!(world.installation.commands.kept_of_key(organization, keys[0].key).await.unwrap(), keys);
    let target = HoldTarget::Person { keys: vec![keys[0].key] };
    let expires_at = world.installation.clock.now() + DAY * 10;
    let request = RequestHold { target, ground: HoldGround::Investigation, expires_at };
    let hold = world.installation.commands.request_hold(&world.by, request).await.unwrap().0;
    world.approve_twice(hold).await;
    assert_eq!(left(&world).await[0].held_until, Some(expires_at));
    world.pass(11).await;
    assert_eq!(left(&world).await[0].held_until, None);
    let erase = EraseRecipient { address: Personal::new(address.clone()), note: None, keep_suppressed: true };
    world.installation.commands.erase_recipient(&world.by, erase).await.unwrap();
    let keys = left(&world).await;
    assert_eq!(keys.iter().map(|key| (key.class, key.until)).collect::<Vec<_>>(), [(Class::Suppress, KeptUntil::Suppression)]);
}
