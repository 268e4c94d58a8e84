//! What a key is called: whose it is, and for which class of data.

use domain::{Class, Day, OrganizationId, SmtpServerId, SubjectId, Timestamp};
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
    /// The bucket of what happened at `time`.
    pub(crate) fn at(organization: OrganizationId, class: Class, time: Timestamp) -> Self {
        Self { organization, class, bucket: bucket_of(class, time.day()) }
    }

    /// The operational bucket of a day.
    pub(crate) fn of_day(organization: OrganizationId, day: Day) -> Self {
        Self { organization, class: Class::Ops, bucket: bucket_of(Class::Ops, day) }
    }

    /// Whether the bucket is that of today or of yesterday: no other is ever made.
    pub(crate) fn is_current(&self, today: Day) -> bool {
        [today, today.previous()].iter().any(|day| bucket_of(self.class, *day) == self.bucket)
    }
}

/// OPS and WEB have a bucket a day, FIN a year, the others one for all time.
fn bucket_of(class: Class, day: Day) -> i32 {
    match class {
        Class::Ops | Class::Web => day.0,
        Class::Fin => calendar_year(day),
        Class::Id | Class::Support | Class::Case | Class::Suppress => 0,
    }
}

/// The fiscal year is the calendar year, UTC.
pub(crate) fn calendar_year(day: Day) -> i32 {
    day.to_string().split('-').next().and_then(|year| year.parse().ok()).expect("a day is written as year-month-day")
}
