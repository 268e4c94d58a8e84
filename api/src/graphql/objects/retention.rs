//! How long things are kept, and what is held.

use super::{DataClass, EndGround, HoldGround, HoldStage, RetentionChangeGround};
use crate::call::Call;
use crate::graphql::code::internal;
use crate::graphql::past;
use crate::node_id::NodeId;
use async_graphql::{ID, Result, SimpleObject};
use chrono::{DateTime, NaiveDate, Utc};
use commands::KeptBucket;
use domain::{Category, Day, HoldId, HoldTarget, OrganizationId, Position, Timestamp};
use history::Moment;

/// For how long an organization's operational data is kept.
#[derive(SimpleObject)]
pub(crate) struct Retention {
    /// So many days after a day has closed, the key to its data is destroyed.
    days: u16,
    /// Since when; null where it was so from the beginning.
    effective_at: Option<DateTime<Utc>>,
    /// Why it was changed; null where it never was.
    ground: Option<RetentionChangeGround>,
    /// A shorter retention whose notice runs.
    upcoming: Option<RetentionTerm>,
    /// The month, 1 to 12, with which its fiscal year begins. Financial records are kept for seven years after the end of theirs.
    fiscal_year_first_month: u8,
}

/// A retention that was announced.
#[derive(SimpleObject)]
pub(crate) struct RetentionTerm {
    /// So many days after a day has closed, the key to its data is destroyed.
    days: u16,
    /// From when on.
    effective_at: DateTime<Utc>,
    /// Why.
    ground: RetentionChangeGround,
}

/// Data that ends together, with one key.
#[derive(SimpleObject)]
pub(crate) struct Bucket {
    /// What kind of data is in it.
    class: DataClass,
    /// The first day (UTC) whose data can be in it; null where it is not by days.
    first_day: Option<NaiveDate>,
    /// The last one.
    last_day: Option<NaiveDate>,
    /// When its key is due to be destroyed, as things stand; null where it ends with the account or the object.
    ends_at: Option<DateTime<Utc>>,
    /// Why then.
    end_ground: Option<EndGround>,
    /// When its key was destroyed.
    destroyed_at: Option<DateTime<Utc>>,
}

/// Something that is not destroyed for now.
#[derive(SimpleObject)]
pub(crate) struct Hold {
    /// Its id.
    id: ID,
    /// The first of the days (UTC) whose data is held; null where a person is.
    first_day: Option<NaiveDate>,
    /// The last of them.
    last_day: Option<NaiveDate>,
    /// Why.
    ground: HoldGround,
    /// Where it stands.
    stage: HoldStage,
    /// When somebody asked for it.
    requested_at: DateTime<Utc>,
    /// When it ends at the latest.
    expires_at: DateTime<Utc>,
    /// When somebody ended it.
    released_at: Option<DateTime<Utc>>,
    /// Who approved it. It takes two.
    approvals: Vec<HoldApproval>,
}

/// One person's approval.
#[derive(SimpleObject)]
pub(crate) struct HoldApproval {
    /// Whose.
    user_id: ID,
    /// When.
    approved_at: DateTime<Utc>,
}

impl Retention {
    pub fn at(time: Timestamp, organization: &domain::Organization) -> Self {
        let retention = organization.retention;
        let term = retention.term_at(time);
        Self {
            days: retention.days_at(time),
            effective_at: term.map(|term| term.effective_at.to_datetime()),
            ground: term.map(|term| term.ground.into()),
            upcoming: retention.upcoming_at(time).map(|term| RetentionTerm {
                days: term.days,
                effective_at: term.effective_at.to_datetime(),
                ground: term.ground.into(),
            }),
            fiscal_year_first_month: organization.fiscal_year.into(),
        }
    }

    pub async fn now(call: &Call, organization: OrganizationId) -> Result<Self> {
        let found = call.state.commands.organization_now(organization).await.map_err(internal)?;
        Ok(Self::at(call.state.clock.now(), &found))
    }
}

impl Bucket {
    pub async fn of_organization(call: &Call, organization: OrganizationId) -> Result<Vec<Self>> {
        let kept = call.state.commands.kept_data(organization).await.map_err(internal)?;
        Ok(kept.buckets.into_iter().map(Self::from).collect())
    }
}

impl From<KeptBucket> for Bucket {
    fn from(bucket: KeptBucket) -> Self {
        let KeptBucket { record, days, end } = bucket;
        Self {
            class: record.class.into(),
            first_day: days.map(|(first, _)| date(first)),
            last_day: days.map(|(_, last)| date(last)),
            ends_at: end.map(|end| end.at.to_datetime()),
            end_ground: end.map(|end| end.ground.into()),
            destroyed_at: record.destroyed_at.map(Timestamp::to_datetime),
        }
    }
}

impl Hold {
    pub async fn of_organization(call: &Call, organization: OrganizationId, moment: Moment) -> Result<Vec<Self>> {
        let history = &call.state.history;
        let time = history.time_of(moment).await.map_err(past::refused)?;
        let holds = history.all::<domain::Hold>(organization, moment).await.map_err(past::refused)?;
        Ok(holds.into_iter().filter_map(|past| Self::at(time, organization, HoldId(past.stream.id), &past.state)).collect())
    }

    /// As it is since `position`.
    pub async fn since(call: &Call, organization: OrganizationId, id: HoldId, position: Position) -> Result<Option<Self>> {
        let past = call.state.history.as_of::<domain::Hold>(organization, id.0, Moment::Position(position)).await.map_err(past::refused)?;
        Ok(past.and_then(|past| Self::at(call.state.clock.now(), organization, id, &past.state)))
    }

    /// `None` when nobody ever asked for it.
    fn at(time: Timestamp, organization: OrganizationId, id: HoldId, state: &domain::Hold) -> Option<Self> {
        let days = match state.target {
            Some(HoldTarget::Days { from, until }) => Some((date(from), date(until))),
            Some(HoldTarget::Person { .. }) | None => None,
        };
        Some(Self {
            id: NodeId::new(Category::Hold, organization, id.0).into(),
            first_day: days.map(|(first, _)| first),
            last_day: days.map(|(_, last)| last),
            ground: state.ground?.into(),
            stage: state.stage_at(time)?.into(),
            requested_at: state.requested_at?.to_datetime(),
            expires_at: state.expires_at?.to_datetime(),
            released_at: state.released_at.map(Timestamp::to_datetime),
            approvals: state.approvals.iter().map(|(user, at)| HoldApproval::new(user.0, *at)).collect(),
        })
    }
}

impl HoldApproval {
    fn new(user: uuid::Uuid, approved_at: Timestamp) -> Self {
        let user_id = NodeId::new(Category::User, OrganizationId::PLATFORM, user).into();
        Self { user_id, approved_at: approved_at.to_datetime() }
    }
}

fn date(day: Day) -> NaiveDate {
    day.start().to_datetime().date_naive()
}
