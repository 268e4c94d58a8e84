//! Appending.

use super::Here;
use crate::faults::AppendFault;
use crate::lock;
use crate::log::{ExpectedRevision, Proposed, Verdict};
use crate::messages::{
    AppendContent, AppendOptions, AppendRequest, AppendResponse, AppendResult, Current, Expected, ExpectedThen, Position, ProposedMessage,
    Success, WrongExpectedVersion,
};
use futures::future::pending;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

/// The server's own limit.
const APPEND_BYTES_MAX: usize = 1 << 20;

pub(super) async fn append(here: Here, request: Request<Streaming<AppendRequest>>) -> Result<Response<AppendResponse>, Status> {
    here.check_leader(request.metadata())?;
    let (options, proposed) = receive(request.into_inner()).await?;
    let fault = lock(&here.cluster.append_faults).pop_front();
    match fault {
        Some(AppendFault::CutBeforeWriting) => here.connections.cut(),
        Some(AppendFault::Hang) => return pending().await,
        Some(AppendFault::NotReady) => return Err(Status::unavailable("Server Is Not Ready")),
        Some(AppendFault::TooLarge { limit }) => return Err(too_large(limit)),
        _ => {}
    }
    if fault == Some(AppendFault::CutBeforeWriting) {
        return pending().await;
    }
    let stream = name(&options)?;
    let answer = {
        let mut log = lock(&here.cluster.log);
        if fault == Some(AppendFault::OvertakenByAnother) {
            let id = Uuid::from_u128(u128::from(log.end()) << 64);
            log.write_another(&stream, id);
        }
        let verdict = log.append(&stream, expected(&options)?, proposed);
        response(verdict, options.expected)
    };
    match fault {
        Some(AppendFault::CutAfterWriting) => {
            here.connections.cut();
            pending().await
        }
        Some(AppendFault::HangAfterWriting) => pending().await,
        Some(AppendFault::CommitTimeout) => Err(Status::aborted("Operation timed out: Commit phase timeout")),
        _ => Ok(Response::new(answer)),
    }
}

async fn receive(mut requests: Streaming<AppendRequest>) -> Result<(AppendOptions, Vec<Proposed>), Status> {
    let first = requests.message().await?.and_then(|request| request.content);
    let Some(AppendContent::Options(options)) = first else { return Err(Status::unknown("options come first")) };
    let (mut proposed, mut bytes) = (Vec::new(), 0);
    while let Some(request) = requests.message().await? {
        let Some(AppendContent::Proposed(message)) = request.content else { return Err(Status::unknown("events come next")) };
        let event = proposal(message)?;
        bytes += 2 * event.event_type.len() + event.data.len() + event.custom_metadata.len();
        if bytes > APPEND_BYTES_MAX {
            return Err(too_large(APPEND_BYTES_MAX));
        }
        proposed.push(event);
    }
    Ok((options, proposed))
}

fn too_large(limit: usize) -> Status {
    Status::invalid_argument(format!("Maximum Append Size of {limit} Exceeded."))
}

fn proposal(message: ProposedMessage) -> Result<Proposed, Status> {
    let missing = || Status::invalid_argument("Required Metadata Property is missing");
    let metadata = |name: &str| message.metadata.get(name).cloned().ok_or_else(missing);
    Ok(Proposed {
        id: message.id.as_ref().and_then(|id| id.parse()).ok_or_else(missing)?,
        event_type: metadata("type")?,
        content_type: metadata("content-type")?,
        data: message.data,
        custom_metadata: message.custom_metadata,
    })
}

fn name(options: &AppendOptions) -> Result<String, Status> {
    let name = options.stream.as_ref().map(|stream| stream.name.to_vec()).unwrap_or_default();
    String::from_utf8(name).map_err(|_| Status::invalid_argument("a stream's name is text"))
}

fn expected(options: &AppendOptions) -> Result<ExpectedRevision, Status> {
    match options.expected {
        Some(Expected::Any(())) => Ok(ExpectedRevision::Any),
        Some(Expected::NoStream(())) => Ok(ExpectedRevision::NoStream),
        Some(Expected::StreamExists(())) => Ok(ExpectedRevision::StreamExists),
        Some(Expected::Revision(revision)) if i64::try_from(revision).is_ok() => Ok(ExpectedRevision::Exact(revision)),
        _ => Err(Status::unknown("Exception was thrown by handler.")),
    }
}

fn response(verdict: Verdict, expected: Option<Expected>) -> AppendResponse {
    let result = match verdict {
        Verdict::Written { revision, position } => AppendResult::Success(Success {
            current_revision: Some(revision),
            position: Some(Position { commit: position, prepare: position }),
        }),
        Verdict::Wrong { current } => AppendResult::WrongExpectedVersion(WrongExpectedVersion {
            current: Some(current.map_or(Current::NoStream(()), Current::Revision)),
            expected: expected.map(|expected| match expected {
                Expected::Any(()) => ExpectedThen::Any(()),
                Expected::NoStream(()) => ExpectedThen::NoStream(()),
                Expected::StreamExists(()) => ExpectedThen::StreamExists(()),
                Expected::Revision(revision) => ExpectedThen::Revision(revision),
            }),
        }),
    };
    AppendResponse { result: Some(result) }
}
