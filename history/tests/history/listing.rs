//! All things of a kind.

use super::log::{HERE, Log, stream};
use domain::*;
use history::Moment;
use uuid::Uuid;

/// The ids of the keys on the pages of two, page by page.
async fn pages(log: &Log, moment: Moment, keep: impl Fn(&ApiKey) -> bool + Copy) -> Vec<Vec<u128>> {
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = log.history.list::<ApiKey>(HERE, moment, 2, before, keep).await.unwrap();
        pages.push(page.things.iter().map(|past| past.stream.id.as_u128()).collect());
        before = page.next;
        if before.is_none() {
            return pages;
        }
    }
}

#[tokio::test]
async fn pages_hold_what_had_begun_by_the_moment_and_each_thing_once() {
    let log = Log::new();
    log.found().await;
    let mut made = Vec::new();
    for id in 11..=15 {
        made.push(log.make_key(id).await);
    }
    log.revoke_key(12).await;
    assert_eq!(pages(&log, log.history.now(), |_| true).await, [vec![15, 14], vec![13, 12], vec![11]]);
    assert_eq!(pages(&log, log.history.now(), |key| !key.revoked).await, [vec![15, 14], vec![13, 11]]);
    assert_eq!(pages(&log, Log::at(3), |key| !key.revoked).await, [vec![13, 12], vec![11]], "then the second still worked");
    assert_eq!(pages(&log, Moment::Position(made[2]), |_| true).await, [vec![13, 12], vec![11]]);
    assert_eq!(pages(&log, Log::at(0), |_| true).await, [Vec::<u128>::new()]);
}

#[tokio::test]
async fn another_organization_has_none_of_them() {
    let log = Log::new();
    log.found().await;
    log.make_key(11).await;
    let elsewhere = OrganizationId(Uuid::from_u128(2));
    assert!(log.history.all::<ApiKey>(elsewhere, log.history.now()).await.unwrap().is_empty());
    let foreign = StreamName::new(Category::ApiKey, elsewhere, stream(Category::ApiKey, 11).id);
    assert!(log.history.fields(foreign, log.history.now()).await.unwrap().is_none());
}

#[tokio::test]
async fn a_long_list_is_read_in_many_batches() {
    let log = Log::new();
    log.found().await;
    for id in 0..1_100 {
        log.make_key(1_000 + id).await;
    }
    assert_eq!(log.history.all::<ApiKey>(HERE, log.history.now()).await.unwrap().len(), 1_100);
}
