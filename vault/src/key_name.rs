//! What a key is called: whose it is, and for which class of data.

use domain::{Class, Day, FiscalYear, FiscalYearStart, OrganizationId, SmtpServerId, SubjectId, Timestamp};
use uuid::Uuid;

/// Whose data a subject key seals. Closed: a kind is stored as its number, which is never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A recipient, user, member or visitor.
    Person(SubjectId),
    /// The organisation itself.
    Organization,
    /// The access data of a connected server; a new secret has a key of its own.
    SmtpServer { id: SmtpServerId, secret_version: u32 },
    /// The HMAC key by which the organisation's addresses are found.
    LookupKey,
    /// The HMAC key by which its suppressions are found.
    SuppressionKey,
    /// The key of its tracking and unsubscribe links.
    TokenKey,
    /// The key of its sessions.
    SessionKey,
    /// Who asked for access or erasure.
    Requester(Uuid),
}

/// Names one subject key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct KeyName {
    pub organization: OrganizationId,
    pub subject: Subject,
    pub class: Class,
}

impl KeyName {
    /// Whether an event of `organization` may speak of this subject: its own do, and those of the platform, whose users act in every organisation. Such data
    /// stays the platform's, under the platform's bucket.
    pub(crate) fn may_stand_in(&self, organization: OrganizationId) -> bool {
        self.organization == organization || self.organization == OrganizationId::PLATFORM
    }
}

/// Names one bucket key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct BucketName {
    pub(crate) organization: OrganizationId,
    pub(crate) class: Class,
    pub(crate) bucket: i32,
}

impl Subject {
    /// As stored: kind, id, generation.
    pub(crate) fn columns(self) -> (i16, Uuid, i32) {
        match self {
            Subject::Person(id) => (1, id.0, 0),
            Subject::Organization => (2, Uuid::nil(), 0),
            Subject::SmtpServer { id, secret_version } => (3, id.0, secret_version.cast_signed()),
            Subject::LookupKey => (4, Uuid::nil(), 0),
            Subject::SuppressionKey => (5, Uuid::nil(), 0),
            Subject::TokenKey => (6, Uuid::nil(), 0),
            Subject::SessionKey => (7, Uuid::nil(), 0),
            Subject::Requester(id) => (8, id, 0),
        }
    }

    /// Keys for MACs and tokens, which seal no event.
    pub(crate) fn is_tool(self) -> bool {
        matches!(self, Subject::LookupKey | Subject::SuppressionKey | Subject::TokenKey | Subject::SessionKey)
    }

    pub(crate) fn from_columns(kind: i16, id: Uuid, generation: i32) -> Option<Self> {
        Some(match kind {
            1 => Subject::Person(SubjectId(id)),
            2 => Subject::Organization,
            3 => Subject::SmtpServer { id: SmtpServerId(id), secret_version: generation.cast_unsigned() },
            4 => Subject::LookupKey,
            5 => Subject::SuppressionKey,
            6 => Subject::TokenKey,
            7 => Subject::SessionKey,
            8 => Subject::Requester(id),
            _ => return None,
        })
    }
}

pub(crate) fn class_from_number(number: i16) -> Option<Class> {
    Class::ALL.iter().copied().find(|class| class.number() == number)
}

impl BucketName {
    /// The bucket of what happened at `time`. Financial years are those of the organisation whose event it is; the platform's own are calendar years.
    pub(crate) fn at(organization: OrganizationId, class: Class, time: Timestamp, fiscal_year: FiscalYearStart) -> Self {
        let day = time.day();
        let bucket = match class {
            Class::Ops | Class::Web => day.0,
            Class::Fin if organization == OrganizationId::PLATFORM => FiscalYearStart::default().year_of(day).0,
            Class::Fin => fiscal_year.year_of(day).0,
            Class::Id | Class::Support | Class::Case | Class::Suppress => 0,
        };
        Self { organization, class, bucket }
    }

    /// The operational bucket of a day.
    pub(crate) fn of_day(organization: OrganizationId, day: Day) -> Self {
        Self { organization, class: Class::Ops, bucket: day.0 }
    }

    /// Whether today or yesterday falls into the bucket: no other is ever made.
    pub(crate) fn is_current(&self, today: Day) -> bool {
        match self.class {
            Class::Ops | Class::Web => self.bucket == today.0 || self.bucket == today.previous().0,
            Class::Fin => FiscalYear(self.bucket).beginning() <= today && today.previous() < FiscalYear(self.bucket).end(),
            Class::Id | Class::Support | Class::Case | Class::Suppress => self.bucket == 0,
        }
    }
}
