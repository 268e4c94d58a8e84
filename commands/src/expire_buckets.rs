//! One look at the buckets whose time has come: the log says what was decided and what is held, the keyring which keys there are.

use crate::erase_account::infallible;
use crate::{Commands, Fault};
use domain::{
    Category, DecodeError, Hold, HoldStage, HoldTarget, Organization, OrganizationEvent, OrganizationId, Position, Recorded, RecordedEvent,
    Retention, StreamName, Timestamp, fold,
};
use event_store::Filter;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use vault::{ClockLook, DueBuckets, ExpiredBucket, HeldDays};

/// What organisations decided about their retention, and what is held: folded from the log, and kept up with it. Holds only what differs from the usual, so
/// that a look need not ask for every organisation.
#[derive(Clone, Debug)]
pub struct RetentionDecisions {
    read_to: Position,
    retentions: BTreeMap<OrganizationId, Retention>,
    /// Those that have not ended.
    holds: BTreeMap<StreamName, Hold>,
}

/// What came of a look.
#[derive(Clone, Debug, PartialEq)]
pub enum BucketSweep {
    Swept {
        destroyed: Vec<ExpiredBucket>,
        /// Due, and left to the next looks.
        overdue: i64,
    },
    /// The clock has moved so far since the last look that a person has to say whether it is right.
    ClockJumped { last: Timestamp, now: Timestamp },
}

/// Events read at once.
const BATCH: usize = 500;

impl Default for RetentionDecisions {
    fn default() -> Self {
        Self { read_to: Position::START, retentions: BTreeMap::new(), holds: BTreeMap::new() }
    }
}

impl RetentionDecisions {
    fn due_at(&self, now: Timestamp) -> DueBuckets {
        let days = self.retentions.iter().map(|(organization, retention)| (*organization, retention.last_day_due(now))).collect();
        let held = self.holds.iter().filter(|(_, hold)| hold.is_active_at(now)).filter_map(|(stream, hold)| match hold.target {
            Some(HoldTarget::Days { from, until }) => Some(HeldDays { organization: stream.organization, from, until }),
            _ => None,
        });
        DueBuckets { at: now, days, held: held.collect() }
    }
}

impl Commands {
    /// Destroys the keys of buckets that are due, two of an organisation and class at most, and records it. It can be repeated and cut off at any place.
    pub async fn expire_buckets(&self, decisions: &mut RetentionDecisions) -> Result<BucketSweep, Fault> {
        let now = match self.vault.look_at_clock().await? {
            ClockLook::Steady(now) => now,
            ClockLook::Jumped { last, now } => return Ok(BucketSweep::ClockJumped { last, now }),
        };
        // Read after the clock, and just before keys are destroyed: whatever was decided until now counts.
        self.follow_decisions(decisions).await?;
        let due = decisions.due_at(now);
        let destroyed = self.vault.destroy_due(&due).await?;
        while self.record_expired_buckets().await? > 0 {}
        self.record_ended_holds(decisions, now).await?;
        Ok(BucketSweep::Swept { destroyed, overdue: self.vault.count_overdue(&due).await? })
    }

    /// Folds what has come since the last time. Each stream is folded anew as a whole, so that nothing depends on how far this was.
    async fn follow_decisions(&self, decisions: &mut RetentionDecisions) -> Result<(), Fault> {
        let filter = Filter::categories(&[Category::Organization, Category::Hold]);
        let head = self.store.head().await?;
        loop {
            let events = self.store.read_matching(decisions.read_to, BATCH, &filter).await?;
            let Some(last) = events.last() else { break };
            let mut streams = BTreeSet::new();
            for event in &events {
                if decides(event)? {
                    streams.insert(event.header.stream);
                }
            }
            self.fold_decisions(decisions, &streams.into_iter().collect::<Vec<_>>()).await?;
            decisions.read_to = last.position;
        }
        decisions.read_to = decisions.read_to.max(head);
        Ok(())
    }

    async fn fold_decisions(&self, decisions: &mut RetentionDecisions, streams: &[StreamName]) -> Result<(), Fault> {
        for (stream, events) in streams.iter().zip(self.store.read_streams(streams).await?) {
            if stream.category == Category::Hold {
                let hold: Hold = fold(*stream, &events)?.state;
                if hold.released_at.is_some() || hold.expired {
                    decisions.holds.remove(stream);
                } else {
                    decisions.holds.insert(*stream, hold);
                }
            } else {
                let organization: Organization = fold(*stream, &events)?.state;
                decisions.retentions.insert(stream.organization, organization.retention);
            }
        }
        Ok(())
    }

    async fn record_ended_holds(&self, decisions: &RetentionDecisions, now: Timestamp) -> Result<(), Fault> {
        let ended = decisions.holds.iter().filter(|(_, hold)| hold.stage_at(now) == Some(HoldStage::Expired));
        for (stream, _) in ended {
            let decide = |hold: &Hold| Ok::<_, Infallible>(hold.expire(now));
            infallible(self.decide(&self.as_platform(stream.organization), *stream, decide).await)?;
        }
        Ok(())
    }
}

fn decides(event: &RecordedEvent) -> Result<bool, DecodeError> {
    if event.header.stream.category == Category::Hold {
        return Ok(true);
    }
    let event = Recorded::<OrganizationEvent>::decode(event)?.event;
    Ok(matches!(event, OrganizationEvent::RetentionExtended(_) | OrganizationEvent::RetentionShortened(_)))
}
