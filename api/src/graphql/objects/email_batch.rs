//! Messages that are shown together: whatever a field needs is loaded once for all of them, so that the statements do not grow with the rows.

use super::{fresh, reader};
use crate::call::{Call, Denied, Need};
use crate::graphql::code::internal;
use async_graphql::Result;
use domain::{EmailId, OrganizationId, Position, Purpose, RecipientDetails, SenderDetails};
use history::Moment;
use projections::{EmailRow, TimelineEntry, emails, timeline};
use std::collections::HashMap;
use tokio::sync::OnceCell;
use vault::Opened;

pub(crate) struct EmailBatch {
    organization: OrganizationId,
    ids: Vec<EmailId>,
    /// What the read model must show at least.
    after: Option<Position>,
    /// Events after it are left out.
    until: Option<Moment>,
    /// Whoever may send learns the ids of what was sent; all else is for those who may read.
    is_answer_to_sender: bool,
    rows: OnceCell<HashMap<EmailId, EmailRow>>,
    senders: OnceCell<HashMap<EmailId, Opened<SenderDetails>>>,
    recipients: OnceCell<HashMap<EmailId, Vec<Opened<RecipientDetails>>>>,
    timelines: OnceCell<HashMap<EmailId, Vec<TimelineEntry>>>,
}

impl EmailBatch {
    /// Messages known by id only.
    pub fn of_ids(organization: OrganizationId, ids: Vec<EmailId>, after: Option<Position>) -> Self {
        Self {
            organization,
            ids,
            after,
            until: None,
            is_answer_to_sender: false,
            rows: OnceCell::new(),
            senders: OnceCell::new(),
            recipients: OnceCell::new(),
            timelines: OnceCell::new(),
        }
    }

    /// Messages whose rows are here already.
    pub fn of_rows(organization: OrganizationId, rows: Vec<EmailRow>) -> Self {
        let ids = rows.iter().map(|row| row.id).collect();
        let rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
        Self { rows: OnceCell::new_with(Some(rows)), ..Self::of_ids(organization, ids, None) }
    }

    /// A message as it was at a moment.
    pub fn as_of(row: EmailRow, moment: Moment) -> Self {
        Self { until: Some(moment), ..Self::of_rows(row.organization, vec![row]) }
    }

    /// Messages that somebody just sent or stopped, which needs another right than reading them.
    pub fn of_sender(organization: OrganizationId, ids: Vec<EmailId>, after: Position) -> Self {
        Self { is_answer_to_sender: true, ..Self::of_ids(organization, ids, Some(after)) }
    }

    pub fn ids(&self) -> &[EmailId] {
        &self.ids
    }

    pub fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// Asked before anything is loaded, and only where something is.
    async fn may_be_read(&self, call: &Call) -> Result<bool> {
        if !self.is_answer_to_sender {
            return Ok(true);
        }
        match call.allow(self.organization, Need::Read).await {
            Ok(_) => Ok(true),
            Err(Denied::Fault(fault)) => Err(Denied::Fault(fault).into()),
            Err(_) => Ok(false),
        }
    }

    async fn rows(&self, call: &Call) -> Result<&HashMap<EmailId, EmailRow>> {
        self.rows
            .get_or_try_init(|| async {
                if !self.may_be_read(call).await? {
                    return Ok(HashMap::new());
                }
                fresh(call, &["emails"], self.after).await?;
                let client = reader(call).await?;
                let rows = emails::by_ids(&client, self.organization, &self.ids).await.map_err(internal)?;
                Ok(rows.into_iter().map(|row| (row.id, row)).collect())
            })
            .await
    }

    pub async fn row(&self, call: &Call, id: EmailId) -> Result<Option<&EmailRow>> {
        Ok(self.rows(call).await?.get(&id))
    }

    pub async fn sender(&self, call: &Call, id: EmailId) -> Result<Option<&Opened<SenderDetails>>> {
        let rows = self.rows(call).await?;
        let senders = self.senders.get_or_try_init(|| async {
            let (ids, sealed): (Vec<_>, Vec<_>) = rows.iter().map(|(id, row)| (*id, &row.sender)).unzip();
            let opened = call.open_many(Purpose::Service, &sealed).await.map_err(internal)?;
            Ok::<_, async_graphql::Error>(ids.into_iter().zip(opened).collect())
        });
        Ok(senders.await?.get(&id))
    }

    /// The opened details of a message's recipients, by number.
    pub async fn recipients(&self, call: &Call, id: EmailId) -> Result<&[Opened<RecipientDetails>]> {
        let rows = self.rows(call).await?;
        let recipients = self.recipients.get_or_try_init(|| async {
            let sealed: Vec<_> = rows.values().flat_map(|row| row.recipients.iter().map(|recipient| &recipient.details)).collect();
            let mut opened = call.open_many(Purpose::Service, &sealed).await.map_err(internal)?.into_iter();
            let by_email = rows.iter().map(|(id, row)| (*id, opened.by_ref().take(row.recipients.len()).collect()));
            Ok::<_, async_graphql::Error>(by_email.collect::<HashMap<_, Vec<_>>>())
        });
        Ok(recipients.await?.get(&id).map_or(&[], Vec::as_slice))
    }

    /// Straight from the log, and so never behind it.
    pub async fn timeline(&self, call: &Call, id: EmailId) -> Result<&[TimelineEntry]> {
        let timelines = self.timelines.get_or_try_init(|| async {
            if !self.may_be_read(call).await? {
                return Ok(HashMap::new());
            }
            let mut events = timeline::of_emails(&call.state.store, self.organization, &self.ids).await.map_err(internal)?;
            if let Some(moment) = self.until {
                let known = |entry: &TimelineEntry| moment.covers(entry.recorded.header.occurred_at, entry.position);
                events.iter_mut().for_each(|entries| entries.retain(known));
            }
            Ok::<_, async_graphql::Error>(self.ids.iter().copied().zip(events).collect::<HashMap<_, _>>())
        });
        Ok(timelines.await?.get(&id).map_or(&[], Vec::as_slice))
    }
}
