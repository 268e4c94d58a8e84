//! The only file that knows the KurrentDB client (crate `kurrentdb`, depended on as `eventstore`). What that client does not survive is
//! kept out here or told to the supervisor:
//!
//! - Its subscriptions never return once the server ends them cleanly (they spin without yielding), so it is never asked for one. Reads of
//!   a bounded number of events come to an end by themselves.
//! - Its deadlines are a header that the server may or may not honour, so each wait has a limit of its own.
//! - After a refused first connection it answers nothing any more, and after its node's death it stays with that node. Both come out as
//!   [`Trouble`], and the supervisor puts a new client in its place.
//! - Its `batch_append` closes itself at the first conflict and sends no deadline that means anything. It is not used.

use bytes::Bytes;
use domain::Position;
use eventstore::{
    AppendToStreamOptions, Client, ClientSettings, CurrentRevision, Error, EventData, ReadAllOptions, ReadStream, ReadStreamOptions,
    StreamPosition, StreamState, SubscriptionFilter, operations,
};
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// Where the cluster is and how to speak to it: a connection string, understood. It may hold a password, so it shows nothing.
#[derive(Clone)]
pub(super) struct Address(ClientSettings);

impl Address {
    /// `None` for a connection string that cannot be understood. Its own error repeats the password.
    pub fn parse(url: &str) -> Option<Self> {
        let separator = if url.contains('?') { '&' } else { '?' };
        // Appends need the leader, and only the leader's reads see them at once. The last word on a setting is the one that counts.
        format!("{url}{separator}nodePreference=leader").parse().ok().map(Self)
    }

    /// The ports that nodes listen at, as far as the address tells: where nodes are discovered, they have the same port as a rule.
    pub fn ports(&self) -> HashSet<u16> {
        self.0.hosts().iter().filter_map(|host| u16::try_from(host.port).ok()).collect()
    }
}

/// What a call came to when it did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// There was no connection, or the node was not ready: nothing was done.
    NotReached,
    /// The node was not the leader: nothing was done. The client turns to the leader that the node named.
    NotLeader,
    /// The connection broke: it may have been done.
    Lost,
    /// No answer came in time: it may have been done.
    Silent,
    /// The stream is at this version, not at the expected one.
    WrongVersion(Option<u64>),
    TooLarge {
        limit: Option<usize>,
    },
    StreamNotFound,
    /// The server will not do it, however often it is asked.
    Refused(&'static str),
}

/// An event as it is handed to the server.
pub(super) struct Proposal {
    pub id: Uuid,
    pub event_type: String,
    pub data: Bytes,
    pub metadata: Bytes,
}

/// An event as the server gives it back: whatever anybody wrote there, the server's own events included.
pub(super) struct Found {
    pub id: Uuid,
    pub stream: String,
    pub version: u64,
    pub event_type: String,
    pub position: Position,
    pub data: Bytes,
    pub metadata: Bytes,
    /// Microseconds since 1970.
    pub created: i64,
}

/// Which version the stream must have: always a definite one, since only such appends may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    NoStream,
    Version(u64),
}

/// Where a read begins, and which way it goes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Start<P> {
    /// The event here is the first one. (Backwards in the whole log: the one before it.)
    Forwards(P),
    Backwards(P),
    /// Backwards, the last event first.
    End,
}

/// What the server leaves out of a read of the whole log. By prefixes only: they cost it the least.
#[derive(Clone, Debug)]
pub(super) enum Prefixes {
    Streams(Vec<String>),
    EventTypes(Vec<String>),
}

/// One client. Cheap to clone.
#[derive(Clone)]
pub(super) struct Link {
    client: Client,
    deadline: Duration,
}

impl Link {
    /// It connects when it is first used.
    pub fn new(address: &Address, deadline: Duration) -> Result<Self, Trouble> {
        let client = Client::new(address.0.clone()).map_err(|_| Trouble::Refused("the client cannot be set up as the address asks"))?;
        Ok(Self { client, deadline })
    }

    /// The position of the last event. `None` when the answer tells none, as it may for a repeat.
    pub async fn append(&self, stream: &str, at: At, events: Vec<Proposal>) -> Result<Option<Position>, Trouble> {
        let state = match at {
            At::NoStream => StreamState::NoStream,
            At::Version(version) => StreamState::StreamRevision(version),
        };
        let options = AppendToStreamOptions::default().stream_state(state).requires_leader(true).deadline(self.deadline);
        let events: Vec<EventData> = events.into_iter().map(event_data).collect();
        let written = self.in_time(self.client.append_to_stream(stream, &options, events)).await?;
        let position = Position { commit: written.position.commit, prepare: written.position.prepare };
        Ok((position != Position::START && position.commit != u64::MAX).then_some(position))
    }

    pub async fn read_stream(&self, stream: &str, start: Start<u64>, limit: usize) -> Result<Events, Trouble> {
        let options = ReadStreamOptions::default().requires_leader(true).max_count(limit);
        let options = match start {
            Start::Forwards(version) => options.forwards().position(StreamPosition::Position(version)),
            Start::Backwards(version) => options.backwards().position(StreamPosition::Position(version)),
            Start::End => options.backwards().position(StreamPosition::End),
        };
        let events = self.in_time(self.client.read_stream(stream, &options)).await?;
        Ok(Events { events, deadline: self.deadline })
    }

    pub async fn read_all(&self, start: Start<Position>, limit: usize, prefixes: Option<Prefixes>) -> Result<Events, Trouble> {
        let at = |position: Position| eventstore::Position { commit: position.commit, prepare: position.prepare };
        let options = ReadAllOptions::default().requires_leader(true).max_count(limit);
        let options = match start {
            Start::Forwards(Position::START) => options.forwards().position(StreamPosition::Start),
            Start::Forwards(position) => options.forwards().position(StreamPosition::Position(at(position))),
            Start::Backwards(position) => options.backwards().position(StreamPosition::Position(at(position))),
            Start::End => options.backwards().position(StreamPosition::End),
        };
        let options = match prefixes {
            Some(prefixes) => options.filter(filter(prefixes)),
            None => options,
        };
        let events = self.in_time(self.client.read_all(&options)).await?;
        Ok(Events { events, deadline: self.deadline })
    }

    /// The node that is called, as `host:port`, and the version that it tells.
    pub async fn node(&self) -> Result<(String, Option<String>), Trouble> {
        let settings = self.client.settings().clone();
        let operations =
            operations::Client::new(settings).map_err(|_| Trouble::Refused("the client cannot be set up as the address asks"))?;
        let node = self.in_time(operations.current_selected_node()).await?;
        let version = self.in_time(self.client.server_info()).await?.version();
        Ok((format!("{}:{}", node.host, node.port), (version.major() > 0).then(|| version.to_string())))
    }

    async fn in_time<T>(&self, call: impl Future<Output = eventstore::Result<T>>) -> Result<T, Trouble> {
        timeout(self.deadline, call).await.map_err(|_| Trouble::Silent)?.map_err(|error| trouble(&error))
    }
}

/// What a read finds, as it arrives. Dropping it ends the read.
pub(super) struct Events {
    events: ReadStream,
    deadline: Duration,
}

impl Events {
    /// `None` at the end, or where the server ended the read: how far it got must be seen from the events.
    pub async fn next(&mut self) -> Result<Option<Found>, Trouble> {
        let next = timeout(self.deadline, self.events.next()).await.map_err(|_| Trouble::Silent)?;
        // Links are not resolved, so that what stands in the log comes as it is.
        Ok(next.map_err(|error| trouble(&error))?.and_then(|resolved| resolved.event).map(found))
    }
}

fn event_data(proposal: Proposal) -> EventData {
    let Proposal { id, event_type, data, metadata } = proposal;
    // What is JSON is marked so for the server's own tools; its text is handed through as it is.
    let json = serde_json::from_slice::<&RawValue>(&data).ok().filter(|json| json.get().len() == data.len());
    let event = json.and_then(|json| EventData::json(&event_type, &json).ok());
    event.unwrap_or_else(|| EventData::binary(&event_type, data.clone())).id(id).metadata(metadata)
}

fn found(event: eventstore::RecordedEvent) -> Found {
    // The client cuts the time to whole seconds. The server sends units of 100 ns since 1970.
    let ticks = event.metadata.get("created").and_then(|ticks| ticks.parse::<i64>().ok()).unwrap_or(0);
    Found {
        id: event.id,
        stream: event.stream_id().to_owned(),
        version: event.revision,
        position: Position { commit: event.position.commit, prepare: event.position.prepare },
        event_type: event.event_type,
        data: event.data,
        metadata: event.custom_metadata,
        created: ticks / 10,
    }
}

fn filter(prefixes: Prefixes) -> SubscriptionFilter {
    let (filter, prefixes) = match prefixes {
        Prefixes::Streams(prefixes) => (SubscriptionFilter::on_stream_name(), prefixes),
        Prefixes::EventTypes(prefixes) => (SubscriptionFilter::on_event_type(), prefixes),
    };
    prefixes.iter().fold(filter, SubscriptionFilter::add_prefix)
}

fn trouble(error: &Error) -> Trouble {
    match error {
        Error::NotLeaderException(_) => Trouble::NotLeader,
        Error::WrongExpectedVersion { current, .. } => Trouble::WrongVersion(match current {
            CurrentRevision::Current(version) => Some(*version),
            CurrentRevision::NoStream => None,
        }),
        Error::ConnectionClosed | Error::GrpcConnectionError(_) | Error::InitializationError(_) => Trouble::NotReached,
        // The server says so before it begins.
        Error::ServerError(text) if text.contains("Server Is Not Ready") || text.contains("Server Is Too Busy") => Trouble::NotReached,
        Error::ServerError(text) if text.contains("No leader info") => Trouble::NotReached,
        Error::ResourceNotFound => Trouble::StreamNotFound,
        Error::AccessDenied => Trouble::Refused("access denied"),
        Error::ResourceDeleted => Trouble::Refused("the stream was deleted in the server"),
        Error::UnsupportedFeature => Trouble::Refused("the server does not speak this protocol"),
        Error::Grpc { code, message } => status(&format!("{code:?}"), message),
        _ => Trouble::Lost,
    }
}

/// A bare gRPC status. Of its text only numbers are taken over: it may quote what was sent.
fn status(code: &str, message: &str) -> Trouble {
    match code {
        "InvalidArgument" if message.contains("Maximum Append") => {
            let limit = message.rsplit(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty());
            Trouble::TooLarge { limit: limit.and_then(|digits| digits.parse().ok()) }
        }
        "ResourceExhausted" => Trouble::TooLarge { limit: None },
        "InvalidArgument" => Trouble::Refused("invalid argument"),
        "FailedPrecondition" => Trouble::Refused("failed precondition"),
        "OutOfRange" => Trouble::Refused("out of range"),
        // Above all Aborted, which is how the server says that its own commit took too long.
        _ => Trouble::Lost,
    }
}
