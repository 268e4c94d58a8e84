//! From decision to log: seal, append, and decide again when somebody else was faster.

use crate::{Commands, Failure, Fault, Request};
use domain::{
    Aggregate, Class, Draft, Event, EventId, FiscalYearStart, Folded, NewEvent, Organization, OrganizationId, Position, SealedSlots,
    StreamName, Timestamp, fold,
};
use event_store::{AppendError, Appended, ExpectedVersion, StreamAppend};
use std::borrow::Cow;
use std::collections::HashMap;
use uuid::Uuid;
use vault::SealRequest;

/// How often a decision is taken anew because the stream had moved on.
const DECISIONS_MAX: usize = 8;

/// What a command left in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recorded {
    pub position: Position,
}

impl Commands {
    /// Folds a stream as it is now.
    pub(crate) async fn fold<A: Aggregate>(&self, id: Uuid, organization: domain::OrganizationId) -> Result<Folded<A>, Fault> {
        let stream = StreamName::new(A::CATEGORY, organization, id);
        let events = self.store.read_streams(&[stream]).await?.pop().unwrap_or_default();
        Ok(fold(stream, &events)?)
    }

    /// Folds, decides, seals and appends; decides again when the stream moved on meanwhile. A decision without events appends nothing.
    pub(crate) async fn decide<A: Aggregate, R>(
        &self,
        request: &Request,
        stream: StreamName,
        decide: impl Fn(&A) -> Result<Vec<Draft<A::Event>>, R>,
    ) -> Result<Recorded, Failure<R>> {
        for _ in 0..DECISIONS_MAX {
            let folded: Folded<A> = self.fold(stream.id, stream.organization).await?;
            let drafts = decide(&folded.state).map_err(Failure::Refused)?;
            if drafts.is_empty() {
                return Ok(Recorded { position: self.store.head().await? });
            }
            match self.record(request, &folded, &drafts).await {
                Err(Fault::Append(AppendError::WrongVersion { .. })) => {}
                outcome => return Ok(outcome?),
            }
        }
        Err(Fault::Contended.into())
    }

    /// Seals and appends what was decided on exactly this state.
    pub(crate) async fn record<A: Aggregate>(
        &self,
        request: &Request,
        folded: &Folded<A>,
        drafts: &[Draft<A::Event>],
    ) -> Result<Recorded, Fault> {
        self.seal_and_append(request, folded, drafts).await.map(|(recorded, _)| recorded)
    }

    /// As [`Self::record`], and evolves the state, so that the next decision needs no reading. For whoever alone works on a stream at the moment;
    /// fails with `WrongVersion` when that proves wrong.
    pub async fn advance<A: Aggregate>(
        &self,
        request: &Request,
        folded: &mut Folded<A>,
        drafts: Vec<Draft<A::Event>>,
    ) -> Result<(), Fault> {
        if drafts.is_empty() {
            return Ok(());
        }
        let (_, events) = self.seal_and_append(request, folded, &drafts).await?;
        for (event, draft) in events.into_iter().zip(drafts) {
            let version = folded.version.map_or(0, |version| version + 1);
            let header = event.header(folded.stream, version);
            folded.version = Some(version);
            folded.last_occurred_at = Some(header.occurred_at);
            folded.state.evolve(&domain::Recorded { header, event: draft.event, slots: event.slots });
        }
        Ok(())
    }

    async fn seal_and_append<A: Aggregate>(
        &self,
        request: &Request,
        folded: &Folded<A>,
        drafts: &[Draft<A::Event>],
    ) -> Result<(Recorded, Vec<NewEvent>), Fault> {
        let now = self.clock.now();
        let occurred_at = folded.last_occurred_at.map_or(now, |last| last.max(now));
        let ids: Vec<EventId> = drafts.iter().map(|_| EventId(self.ids.time_ordered(now))).collect();
        let unsealed = Unsealed { stream: folded.stream, occurred_at, ids: &ids, drafts };
        let events = self.seal(request, &[unsealed]).await?.pop().unwrap_or_default();
        let expected = folded.version.map_or(ExpectedVersion::NoStream, ExpectedVersion::Exact);
        let appended = self.store.append(StreamAppend { stream: folded.stream, expected, events: events.clone() }).await?;
        self.cache.forget(folded.stream);
        Ok((appended.into(), events))
    }

    /// Seals the drafts of several streams in one go.
    pub(crate) async fn seal<E: Event>(&self, request: &Request, unsealed: &[Unsealed<'_, E>]) -> Result<Vec<Vec<NewEvent>>, Fault> {
        let fiscal_years = self.fiscal_years_for(unsealed).await?;
        let events =
            || unsealed.iter().flat_map(|stream| stream.drafts.iter().zip(stream.ids).map(move |(draft, id)| (stream, draft, *id)));
        let requests: Vec<SealRequest<'_>> = events()
            .map(|(stream, draft, event_id)| SealRequest {
                organization: stream.stream.organization,
                stream: stream.stream,
                event_id,
                event_type: draft.event.event_type().0,
                occurred_at: stream.occurred_at,
                slots: &draft.personal,
                fiscal_year: fiscal_years.get(&stream.stream.organization).copied().unwrap_or_default(),
            })
            .collect();
        let mut slots = self.vault.seal_many(&requests).await?.into_iter();
        let mut sealed = Vec::with_capacity(unsealed.len());
        for stream in unsealed {
            let drafts = stream.drafts.iter().zip(stream.ids);
            sealed.push(
                drafts
                    .map(|(draft, id)| self.new_event(request, stream.occurred_at, *id, draft, slots.next().unwrap_or_default()))
                    .collect(),
            );
        }
        Ok(sealed)
    }

    /// By which years each organisation keeps its books; looked up only where there are financial records.
    async fn fiscal_years_for<E: Event>(&self, unsealed: &[Unsealed<'_, E>]) -> Result<HashMap<OrganizationId, FiscalYearStart>, Fault> {
        let mut fiscal_years = HashMap::new();
        for stream in unsealed {
            let organization = stream.stream.organization;
            let financial = stream.drafts.iter().flat_map(|draft| &draft.personal).any(|slot| slot.class == Class::Fin);
            if financial && !fiscal_years.contains_key(&organization) {
                let folded = self.fold_cached::<Organization>(organization.0, organization).await?;
                fiscal_years.insert(organization, folded.state.fiscal_year);
            }
        }
        Ok(fiscal_years)
    }

    fn new_event<E: Event>(
        &self,
        request: &Request,
        occurred_at: Timestamp,
        id: EventId,
        draft: &Draft<E>,
        slots: SealedSlots,
    ) -> NewEvent {
        let (event_type, schema_version) = draft.event.event_type();
        NewEvent {
            id,
            event_type: Cow::Borrowed(event_type),
            schema_version,
            occurred_at,
            actor: request.actor,
            correlation: request.correlation,
            causation: request.causation,
            facts: draft.event.facts(),
            slots,
            salt: self.ids.salt(),
        }
    }
}

/// Decided events of one stream, with the ids they will have.
pub(crate) struct Unsealed<'a, E> {
    pub stream: StreamName,
    pub occurred_at: Timestamp,
    pub ids: &'a [EventId],
    pub drafts: &'a [Draft<E>],
}

impl From<Appended> for Recorded {
    fn from(appended: Appended) -> Self {
        Self { position: appended.position }
    }
}
