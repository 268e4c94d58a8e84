//! Personal data as clients see it: the value, or why it cannot be known any more. That is data, never an error.

use async_graphql::Enum;
use vault::Opened;

/// Whether personal data can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub(crate) enum PersonalData {
    /// It can.
    Readable,
    /// The person was forgotten; the keys are destroyed.
    Erased,
    /// Its retention has ended; the keys are destroyed.
    Expired,
    /// Its use is restricted.
    Restricted,
}

impl<T> From<&Opened<T>> for PersonalData {
    fn from(opened: &Opened<T>) -> Self {
        match opened {
            Opened::Readable(_) => PersonalData::Readable,
            Opened::Erased => PersonalData::Erased,
            Opened::Expired => PersonalData::Expired,
            Opened::Restricted => PersonalData::Restricted,
        }
    }
}

/// The value, where it can be read.
pub(crate) fn shown<T>(opened: &Opened<T>) -> Option<&T> {
    match opened {
        Opened::Readable(value) => Some(value.expose()),
        Opened::Erased | Opened::Expired | Opened::Restricted => None,
    }
}
