//! What a projection is, and which there are.

use deadpool_postgres::Transaction;
use domain::{Category, Event, Position, RecordedEvent};
use event_store::{Fault, Filter, ReadError};
use std::pin::Pin;

/// A read model: the tables it owns and the code that moves them.
#[derive(Debug)]
pub struct Projection {
    /// The name of its file, and of its bookmark.
    pub name: &'static str,
    /// Grows when the same events should make other rows. Content of an older version is shown, as it stands, until the new one is made beside it.
    pub version: i32,
    /// The streams it reads.
    pub categories: &'static [Category],
    pub tables: &'static [Table],
    pub(crate) project: Project,
}

/// A table and what of it must be the same after every rebuild.
#[derive(Debug)]
pub struct Table {
    pub name: &'static str,
    pub columns: &'static str,
    pub primary_key: &'static str,
}

/// Moves the rows by a run of events, oldest first, inside the transaction that moves the bookmark. Its statements name tables without a schema:
/// the session says which generation they fill.
pub(crate) type Project = for<'a> fn(&'a Transaction<'a>, &'a [&'a RecordedEvent]) -> Projected<'a>;
pub(crate) type Projected<'a> = Pin<Box<dyn Future<Output = Result<(), ProjectionError>> + Send + 'a>>;

impl Projection {
    pub(crate) fn wants(&self, event: &RecordedEvent) -> bool {
        self.categories.contains(&event.header.stream.category)
    }

    /// What to ask the log for. Messages are nearly all of it: whoever reads them reads everything, in plain runs of positions.
    pub(crate) fn filter(&self) -> Filter {
        if self.categories.contains(&Category::Email) { Filter::default() } else { Filter::categories(self.categories) }
    }
}

static ALL: [&Projection; 9] = [
    &crate::emails::PROJECTION,
    &crate::organizations::PROJECTION,
    &crate::api_keys::PROJECTION,
    &crate::smtp_servers::PROJECTION,
    &crate::suppressions::PROJECTION,
    &crate::delivery_stats::PROJECTION,
    &crate::account_history::PROJECTION,
    &crate::erasures::PROJECTION,
    &crate::processing::PROJECTION,
];

/// Every projection there is.
pub fn all() -> &'static [&'static Projection] {
    &ALL
}

pub fn find(name: &str) -> Option<&'static Projection> {
    all().iter().copied().find(|projection| projection.name == name)
}

#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    #[error("the read side cannot be written: {0}")]
    Database(Fault),
    #[error(transparent)]
    Read(#[from] ReadError),
    /// Skipping it would make the content wrong for good, so the projection stands until a program comes that knows the event.
    #[error("the event at position {position} cannot be understood")]
    Undecodable { position: Position },
    /// The stream lacks the event that everything else of it builds on.
    #[error("the event at position {position} concerns something that was never begun")]
    OutOfPlace { position: Position },
    #[error("another process moves this projection now")]
    LeaseLost,
    /// Another version of the program made the content; this one must not move it.
    #[error("the content has version {found}, and this program makes {known}")]
    OtherVersion { found: i32, known: i32 },
    /// One rebuild and one comparison at a time.
    #[error("another process fills or compares this read model now; it holds its place for a few seconds after its end")]
    Busy,
    #[error("nothing is left of a former content to go back to")]
    NoFormer,
    /// A migration came between; what was filled before it is of no use.
    #[error("the tables of this read model were changed meanwhile")]
    ShapeChanged,
    #[error(transparent)]
    Row(#[from] QueryError),
}

#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("the read side cannot be asked: {0}")]
    Database(Fault),
    #[error("a row of {table} does not have the form that its projection writes")]
    Damaged { table: &'static str },
}

macro_rules! from_faults {
    ($($error:ident from $source:ty;)*) => {$(
        impl From<$source> for $error {
            fn from(error: $source) -> Self {
                $error::Database(error.into())
            }
        }
    )*};
}
from_faults! {
    ProjectionError from tokio_postgres::Error;
    ProjectionError from deadpool_postgres::PoolError;
    QueryError from tokio_postgres::Error;
    QueryError from deadpool_postgres::PoolError;
}

/// The event behind the stored facts.
pub(crate) fn decode<E: Event>(recorded: &RecordedEvent) -> Result<E, ProjectionError> {
    let header = &recorded.header;
    E::decode(&header.event_type, header.schema_version, &recorded.facts)
        .map_err(|_| ProjectionError::Undecodable { position: recorded.position })
}
