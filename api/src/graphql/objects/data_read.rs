//! Who opened an organisation's data, and why.

use super::history::{ActorKind, actor};
use super::{Purpose, reader};
use crate::call::Call;
use crate::graphql::code::{Code, fault, internal};
use async_graphql::{ID, Result, SimpleObject};
use chrono::{NaiveDate, NaiveTime};
use commands::data_reads;
use domain::{Day, OrganizationId, Timestamp};

const DAYS: i32 = 30;
const DAYS_MAX: i32 = 400;

/// How often one actor opened one kind of data for one purpose on one day (UTC). Each opening is about one person.
#[derive(SimpleObject)]
pub(crate) struct DataRead {
    /// The day.
    day: NaiveDate,
    /// What kind of actor.
    actor_kind: ActorKind,
    /// Who: the person or key; null for Lethemail itself.
    actor_id: Option<ID>,
    /// Why.
    purpose: Purpose,
    /// What, by its name in the data policy.
    data: String,
    /// How often.
    count: u64,
}

impl DataRead {
    /// What this process has counted is included; of others, the last seconds may be missing.
    pub async fn of(call: &Call, organization: OrganizationId, since: Option<NaiveDate>, until: Option<NaiveDate>) -> Result<Vec<Self>> {
        let last = until.map_or_else(|| call.state.clock.now().day(), day);
        let first = since.map_or(Day(last.0.saturating_sub(DAYS)), day);
        if last.0.saturating_sub(first.0) > DAYS_MAX {
            return Err(Code::BadUserInput.error("`since` and `until` are at most 400 days apart"));
        }
        call.state.commands.reads().flush().await.map_err(fault)?;
        let reads = data_reads(&*reader(call).await?, organization, first, last).await.map_err(internal)?;
        let shown = reads.into_iter().map(|read| {
            let (actor_kind, actor_id) = actor(read.actor, organization);
            Self {
                day: read.day.start().to_datetime().date_naive(),
                actor_kind,
                actor_id: actor_id.map(ID::from),
                purpose: read.purpose.into(),
                data: read.data.as_str().to_owned(),
                count: read.count,
            }
        });
        Ok(shown.collect())
    }
}

fn day(date: NaiveDate) -> Day {
    Timestamp::from(date.and_time(NaiveTime::MIN).and_utc()).day()
}
