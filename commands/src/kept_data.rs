//! What an organisation's buckets are, when each ends, and why then.

use crate::{Commands, Fault};
use domain::{
    BucketEnd, Category, Class, Day, EndGround, FiscalYear, FiscalYearStart, Hold, HoldId, Organization, OrganizationId, Retention,
    Timestamp, WEB_DAYS, end_after, fold,
};
use event_store::Filter;
use vault::BucketRecord;

/// All that decides about the ends of an organisation's data, as it is now.
#[derive(Clone, Debug)]
pub struct KeptData {
    pub now: Timestamp,
    pub retention: Retention,
    pub fiscal_year: FiscalYearStart,
    /// The oldest first.
    pub holds: Vec<(HoldId, Hold)>,
    pub buckets: Vec<KeptBucket>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KeptBucket {
    pub record: BucketRecord,
    /// The first and the last day whose data can be in it; `None`: it is not by days.
    pub days: Option<(Day, Day)>,
    /// When its key is due; `None`: it ends with the account or the object.
    pub end: Option<BucketEnd>,
}

/// Events read at once.
const BATCH: usize = 500;

impl Commands {
    pub async fn kept_data(&self, organization: OrganizationId) -> Result<KeptData, Fault> {
        let now = self.clock.now();
        let Organization { retention, fiscal_year, .. } = self.organization_now(organization).await?;
        let holds = self.holds_of(organization).await?;
        let records = self.vault.bucket_records(organization).await?;
        let buckets = records.into_iter().map(|record| kept(record, &retention, &holds, now)).collect();
        Ok(KeptData { now, retention, fiscal_year, holds, buckets })
    }

    /// An organisation as the log has it now.
    pub async fn organization_now(&self, organization: OrganizationId) -> Result<Organization, Fault> {
        Ok(self.fold::<Organization>(organization.0, organization).await?.state)
    }

    /// All holds that anybody ever asked for.
    pub async fn holds_of(&self, organization: OrganizationId) -> Result<Vec<(HoldId, Hold)>, Fault> {
        let filter = Filter { organization: Some(organization), ..Filter::categories(&[Category::Hold]) };
        let (mut holds, mut after) = (Vec::new(), domain::Position::START);
        loop {
            let events = self.store.read_matching(after, BATCH, &filter).await?;
            let Some(last) = events.last() else { return Ok(holds) };
            after = last.position;
            let begun = events.iter().filter(|event| event.header.version == 0);
            let streams: Vec<_> = begun.map(|event| event.header.stream).collect();
            for (stream, events) in streams.iter().zip(self.store.read_streams(&streams).await?) {
                holds.push((HoldId(stream.id), fold(*stream, &events)?.state));
            }
        }
    }
}

fn kept(record: BucketRecord, retention: &Retention, holds: &[(HoldId, Hold)], now: Timestamp) -> KeptBucket {
    let day = Day(record.bucket);
    let (days, end) = match record.class {
        Class::Ops => ((day, day), retention.end_of(day, now)),
        Class::Web => ((day, day), BucketEnd { at: end_after(day, WEB_DAYS), ground: EndGround::Default }),
        Class::Fin => {
            let year = FiscalYear(record.bucket);
            let end = BucketEnd { at: year.records_end_at(), ground: EndGround::LegalObligation };
            ((year.beginning(), year.end().previous()), end)
        }
        Class::Id | Class::Support | Class::Case | Class::Suppress => return KeptBucket { record, days: None, end: None },
    };
    let end = holds.iter().fold(end, |end, (_, hold)| hold.postpone(days, end, now));
    KeptBucket { record, days: Some(days), end: Some(end) }
}
