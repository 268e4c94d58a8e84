//! Recording what operators do to the installation.

use crate::serve::Foundation;
use anyhow::{Context, bail};
use domain::{
    Actor, Aggregate, CorrelationId, Draft, Event, EventId, Evidence, LossAccepted, NewEvent, Operations, PauseGround, ResumeGround,
    SealedSlots, StreamName, SystemActor, fold,
};
use event_store::{AppendError, EventStore, ExpectedVersion, StreamAppend};
use std::borrow::Cow;

/// Several processes write to these streams.
const ATTEMPTS: usize = 10;

pub(crate) async fn pause(foundation: &Foundation, store: &EventStore, ground: PauseGround) -> anyhow::Result<()> {
    record(foundation, store, Operations::stream(), |operations: &Operations| operations.pause(ground)).await
}

pub(crate) async fn resume(foundation: &Foundation, store: &EventStore) -> anyhow::Result<()> {
    record(foundation, store, Operations::stream(), |operations: &Operations| operations.resume(ResumeGround::Operator)).await
}

pub(crate) async fn accept_loss(foundation: &Foundation, store: &EventStore, loss: &LossAccepted) -> anyhow::Result<()> {
    record(foundation, store, Evidence::stream_of_recordings(), |evidence: &Evidence| evidence.accept_loss(loss.clone())).await
}

/// Folds the stream and appends what `decide` makes of it; again when somebody else was quicker.
pub(crate) async fn record<A: Aggregate>(
    foundation: &Foundation,
    store: &EventStore,
    stream: StreamName,
    decide: impl Fn(&A) -> Vec<Draft<A::Event>>,
) -> anyhow::Result<()> {
    for _ in 0..ATTEMPTS {
        let recorded = store.read_streams(&[stream]).await?.pop().unwrap_or_default();
        let folded = fold::<A>(stream, &recorded).context("an event of the platform's cannot be read")?;
        let drafts = decide(&folded.state);
        if drafts.is_empty() {
            return Ok(());
        }
        let events = events(foundation, &drafts, folded.last_occurred_at);
        let expected = folded.version.map_or(ExpectedVersion::NoStream, ExpectedVersion::Exact);
        match store.append(StreamAppend { stream, expected, events }).await {
            Err(AppendError::WrongVersion { .. }) => {}
            outcome => return outcome.map(drop).map_err(Into::into),
        }
    }
    bail!("others write to the same stream all the time")
}

fn events<E: Event>(foundation: &Foundation, drafts: &[Draft<E>], last: Option<domain::Timestamp>) -> Vec<NewEvent> {
    let now = foundation.clock.now();
    let occurred_at = last.map_or(now, |last| last.max(now));
    let correlation = CorrelationId(foundation.ids.time_ordered(occurred_at));
    let event = |draft: &Draft<E>| {
        let (event_type, schema_version) = draft.event.event_type();
        NewEvent {
            id: EventId(foundation.ids.time_ordered(occurred_at)),
            event_type: Cow::Borrowed(event_type),
            schema_version,
            occurred_at,
            actor: Actor::System(SystemActor::Platform),
            correlation,
            causation: None,
            facts: draft.event.facts(),
            slots: SealedSlots::default(),
            salt: foundation.ids.salt(),
        }
    };
    drafts.iter().map(event).collect()
}
