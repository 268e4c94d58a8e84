//! Where a read model's rows lie: what queries see, and up to three tables of the same name beside it.

use crate::Projection;
use crate::projection::Table;

/// One set of a projection's tables, with a bookmark of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// What queries see.
    Live,
    /// Being filled, to become what queries see.
    Next,
    /// What queries saw before: the way back.
    Former,
    /// Filled to be compared with what queries see.
    Check,
}

impl Generation {
    pub(crate) fn schema(self) -> &'static str {
        match self {
            Self::Live => "read",
            Self::Next => "read_next",
            Self::Former => "read_former",
            Self::Check => "read_check",
        }
    }

    /// The name of its bookmark.
    pub(crate) fn reader(self, projection: &Projection) -> String {
        match self {
            Self::Live => projection.name.to_owned(),
            Self::Next => format!("{}/next", projection.name),
            Self::Former => format!("{}/former", projection.name),
            Self::Check => format!("{}/check", projection.name),
        }
    }
}

impl Projection {
    /// The names of its tables without a schema.
    pub(crate) fn table_names(&self) -> Vec<&'static str> {
        self.tables.iter().map(Table::bare_name).collect()
    }
}

impl Table {
    pub(crate) fn bare_name(&self) -> &'static str {
        self.name.strip_prefix("read.").expect("every read model lies in the schema read")
    }
}
