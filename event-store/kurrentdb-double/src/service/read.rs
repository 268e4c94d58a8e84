//! Reading.

use super::Here;
use crate::faults::ReadFault;
use crate::lock;
use crate::log::{Log, Stored};
use crate::messages::{
    AllFrom, Filter, FilterBy, ReadContent, ReadCount, ReadEvent, ReadFilter, ReadOptions, ReadRequest, ReadResponse, ReadSource,
    RecordedEvent, StreamFrom, StreamIdentifier, StreamNotFound, StreamSource,
};
use futures::stream::{self, BoxStream, StreamExt};
use std::collections::HashMap;
use tonic::{Request, Response, Status};

pub(super) type Answer = BoxStream<'static, Result<ReadResponse, Status>>;

const BACKWARDS: i32 = 1;

pub(super) async fn read(here: Here, request: Request<ReadRequest>) -> Result<Response<Answer>, Status> {
    here.check_leader(request.metadata())?;
    let options = request.into_inner().options.unwrap_or_default();
    let Some(ReadCount::Count(count)) = options.count else { return Err(Status::unimplemented("the double has no subscriptions")) };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    // Looks at the last event happen all the time; a fault that one of them took would never be seen.
    let is_look = count == 1 && matches!(options.source, Some(ReadSource::All(_)));
    let fault = if is_look { None } else { lock(&here.cluster.read_faults).pop_front() };
    if fault == Some(ReadFault::NotReady) {
        return Err(Status::unavailable("Server Is Not Ready"));
    }
    let found = find(&lock(&here.cluster.log), &options, count)?;
    let events = stream::iter(found).map(Ok);
    let answer: Answer = match fault {
        Some(ReadFault::EndEarly { after }) => events.take(after).boxed(),
        Some(ReadFault::Hang) => stream::pending().boxed(),
        Some(ReadFault::Cut { after }) => {
            let cut = stream::once(async move {
                here.connections.cut();
                Err(Status::aborted("the connection is gone"))
            });
            events.take(after).chain(cut).boxed()
        }
        _ => events.boxed(),
    };
    Ok(Response::new(answer))
}

fn find(log: &Log, options: &ReadOptions, count: usize) -> Result<Vec<ReadResponse>, Status> {
    let backwards = options.direction == BACKWARDS;
    match &options.source {
        Some(ReadSource::Stream(source)) => find_in_stream(log, source, backwards, count),
        Some(ReadSource::All(source)) => {
            let filter = match &options.filter {
                Some(ReadFilter::Filter(filter)) => Some(filter),
                _ => None,
            };
            let events = log.events().iter().filter(|event| filter.is_none_or(|filter| lets_through(filter, event)));
            let from = match source.from {
                Some(AllFrom::Position(position)) if position.commit == 0 => 0,
                Some(AllFrom::Position(position)) => boundary(log, position.commit)?,
                Some(AllFrom::End(())) => u64::MAX,
                _ => 0,
            };
            // Forwards with the event at the position, backwards without it.
            Ok(if backwards {
                events.rev().filter(|event| event.position < from).take(count).map(response).collect()
            } else {
                events.filter(|event| event.position >= from).take(count).map(response).collect()
            })
        }
        None => Err(Status::invalid_argument("what is to be read?")),
    }
}

fn find_in_stream(log: &Log, source: &StreamSource, backwards: bool, count: usize) -> Result<Vec<ReadResponse>, Status> {
    let stream = source.stream.clone().unwrap_or_default();
    let name = String::from_utf8_lossy(&stream.name).into_owned();
    let events = log.stream(&name);
    if events.is_empty() {
        let content = ReadContent::StreamNotFound(StreamNotFound { stream: Some(stream) });
        return Ok(vec![ReadResponse { content: Some(content) }]);
    }
    let from = match source.from {
        Some(StreamFrom::Revision(revision)) if i64::try_from(revision).is_err() => return Err(Status::unknown("not a revision")),
        Some(StreamFrom::Revision(revision)) => revision,
        Some(StreamFrom::End(())) => u64::MAX,
        _ => 0,
    };
    Ok(if backwards {
        events.iter().rev().filter(|event| event.revision <= from).take(count).map(|event| response(event)).collect()
    } else {
        events.iter().filter(|event| event.revision >= from).take(count).map(|event| response(event)).collect()
    })
}

/// A position is where a record begins, or behind them all.
fn boundary(log: &Log, position: u64) -> Result<u64, Status> {
    let is_boundary = position >= log.end() || log.events().binary_search_by_key(&position, |event| event.position).is_ok();
    if is_boundary { Ok(position) } else { Err(Status::invalid_argument("Trying to read from an invalid position.")) }
}

fn lets_through(filter: &Filter, event: &Stored) -> bool {
    let (text, expression) = match &filter.by {
        Some(FilterBy::Stream(expression)) => (&event.stream, expression),
        Some(FilterBy::EventType(expression)) => (&event.event_type, expression),
        None => return true,
    };
    assert!(expression.regex.is_empty(), "the double knows prefixes only");
    expression.prefixes.iter().any(|prefix| text.starts_with(prefix))
}

fn response(event: &Stored) -> ReadResponse {
    let metadata =
        [("type", event.event_type.clone()), ("content-type", event.content_type.clone()), ("created", event.created.to_string())];
    let recorded = RecordedEvent {
        id: Some(event.id.into()),
        stream: Some(StreamIdentifier { name: event.stream.clone().into() }),
        revision: event.revision,
        prepare_position: event.position,
        commit_position: event.position,
        metadata: metadata.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<HashMap<_, _>>(),
        custom_metadata: event.custom_metadata.clone(),
        data: event.data.clone(),
    };
    let content = ReadContent::Event(ReadEvent { event: Some(recorded), commit_position: event.position });
    ReadResponse { content: Some(content) }
}
