//! One thing at one moment.

use super::log::{ADA, HERE, Log, NOON, key, stream};
use domain::*;
use history::{HistoryError, Moment};
use std::time::Duration;

#[tokio::test]
async fn a_state_is_folded_from_what_is_dated_up_to_the_moment() {
    let log = Log::new();
    log.found().await;
    log.make_key(5).await;
    log.revoke_key(5).await;
    let key_at = async |moment| log.history.as_of::<ApiKey>(HERE, stream(Category::ApiKey, 5).id, moment).await.unwrap();
    assert!(key_at(Moment::Time(NOON)).await.is_none(), "it was made a second later");
    let made = key_at(Log::at(1)).await.unwrap();
    assert_eq!((made.state.revoked, made.version, made.state.created_by), (false, 0, Some(Actor::Member(ADA))));
    let revoked = key_at(Log::at(2)).await.unwrap().state;
    assert_eq!((revoked.revoked, revoked.revoked_at), (true, Some(NOON + Duration::from_secs(2))));
    assert!(!key_at(Moment::Time(NOON + Duration::from_micros(1_999_999))).await.unwrap().state.revoked);
}

#[tokio::test]
async fn a_state_at_a_position_is_what_was_recorded_up_to_there() {
    let log = Log::new();
    let founded = log.found().await;
    let made = log.make_key(5).await;
    let revoked = log.revoke_key(5).await;
    let revoked_at = async |position| {
        let past = log.history.as_of::<ApiKey>(HERE, stream(Category::ApiKey, 5).id, Moment::Position(position)).await.unwrap();
        past.map(|past| past.state.revoked)
    };
    assert_eq!((revoked_at(founded).await, revoked_at(made).await, revoked_at(revoked).await), (None, Some(false), Some(true)));
}

#[tokio::test]
async fn the_future_and_what_was_before_the_beginning_are_refused() {
    let log = Log::new();
    log.clock.advance(Duration::from_secs(60));
    let founded = log.found().await;
    let check = async |moment| log.history.check(HERE, moment).await;
    assert_eq!(check(Log::at(59)).await, Err(HistoryError::BeforeBeginning));
    assert_eq!(check(Moment::Position(Position::START)).await, Err(HistoryError::BeforeBeginning));
    assert_eq!(check(Log::at(60)).await, Ok(()));
    assert_eq!(check(log.history.now()).await, Ok(()));
    assert_eq!(check(Log::at(62)).await, Err(HistoryError::Future));
    assert_eq!(check(Moment::Position(founded)).await, Ok(()));
    let beyond = Position { commit: founded.commit + 1, prepare: founded.prepare + 1 };
    assert_eq!(check(Moment::Position(beyond)).await, Err(HistoryError::Future));
    // Where nothing ever was, there is no beginning either.
    let nowhere = OrganizationId(key(3).0);
    assert_eq!(log.history.check(nowhere, Log::at(0)).await, Ok(()));
}

#[tokio::test]
async fn a_member_who_left_is_there_before_and_not_after() {
    let log = Log::new();
    log.found().await;
    log.decide(stream(Category::Organization, 1), |state: &Organization| state.remove_member(ADA)).await;
    let members_at = async |moment| {
        let past = log.history.as_of::<Organization>(HERE, HERE.0, moment).await.unwrap().unwrap().state;
        (past.members.len(), past.joined_at.get(&ADA).copied(), past.closed_at)
    };
    assert_eq!(members_at(Log::at(0)).await, (1, Some(NOON), None));
    assert_eq!(members_at(Log::at(1)).await, (0, None, Some(NOON + Duration::from_secs(1))), "the last owner went");
}
