//! What a client did that a rule does not allow: data, never an error of GraphQL.

use crate::message::Problem;
use async_graphql::{Enum, SimpleObject};

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $name:ident => $message:literal,)*) => {
        /// Why something was not done.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        pub(crate) enum UserErrorCode { $($(#[doc = $doc])* $name,)* }

        impl UserErrorCode {
            pub fn message(self) -> &'static str {
                match self { $(UserErrorCode::$name => $message,)* }
            }
        }
    };
}

codes! {
    /// The account was closed.
    AccountClosed => "the account was closed",
    /// Not of the form `local@domain` or `Name <local@domain>`.
    AddressInvalid => "an address has the form local@domain, or Name <local@domain>",
    /// The link in the confirmation mail was not opened yet.
    AddressNotConfirmed => "the address is not confirmed yet",
    /// The person was forgotten, and nothing about them is kept.
    AlreadyErased => "the person was forgotten, and nothing about them is kept",
    /// An account needs the statement that its holder is at least 16 years old.
    AgeNotAttested => "an account needs the statement that its holder is at least 16 years old",
    /// More than 40 MiB together.
    AttachmentsTooLarge => "the attachments have more than 40 MiB together",
    /// Not base64.
    EncodingInvalid => "the content must be base64",
    /// The confirmation link is unknown, used or too old.
    ConfirmationInvalid => "the link is unknown, used or too old",
    /// Not a media type.
    ContentTypeInvalid => "the content type is not one",
    /// Username and secret come together or not at all.
    CredentialsIncomplete => "username and secret come together or not at all",
    /// Unknown address or wrong password; nobody is told which.
    CredentialsInvalid => "address or password is wrong",
    /// The first day is after the last, or they are more than ten years apart.
    DaysInvalid => "name a first and a last day, at most ten years from each other",
    /// The request was refused before.
    ErasureRefused => "the request was refused before",
    /// Keys are being destroyed.
    ErasureStarted => "the erasure has begun, and there is no way back",
    /// Not in the future, or more than two years ahead.
    ExpiryInvalid => "a hold ends in the future, and within two years",
    /// A line break or another character that may not stand there.
    ForbiddenCharacter => "it holds a character that may not stand there",
    /// Not a header that may be set, or one that is there already.
    HeaderInvalid => "the header's name is not valid, is reserved or is there already",
    /// Neither a host name nor an IP address.
    HostInvalid => "a host name has 1 to 253 letters, digits, hyphens and dots, or is an IP address",
    /// It was released, or its time was over.
    HoldEnded => "the hold has ended",
    /// 1 to 256 characters are needed.
    IdempotencyKeyLength => "an idempotency key has 1 to 256 characters",
    /// The key was used for another request.
    IdempotencyKeyReused => "the idempotency key was used for another request",
    /// The first request with this key is still being worked on.
    IdempotencyRequestInFlight => "the first request with this idempotency key is still being worked on",
    /// The person must be told before a restriction is lifted.
    LiftNotAnnounced => "the person has not been told yet that the restriction ends",
    /// Not of the form that its field needs.
    Malformed => "it does not have the form that is needed",
    /// 1 to 12.
    MonthInvalid => "a month is a number from 1 to 12",
    /// 1 to 100 messages are needed.
    MessageCount => "a request has 1 to 100 messages",
    /// 1 to 200 characters, none of them a control character, are needed.
    NameInvalid => "a name has 1 to 200 characters and no control characters",
    /// There is no such thing, or it is not yours.
    NotFound => "there is no such thing",
    /// No recipient is waiting any more.
    NothingToCancel => "no recipient is waiting any more: the message has left or ended",
    /// Nothing is restricted.
    NotRestricted => "nothing is restricted",
    /// The data is on hold.
    OnHold => "the person's data is on hold",
    /// A person with no organization or several must name one.
    OrganizationRequired => "say which organization is meant",
    /// Only an owner may do this.
    OwnerRequired => "only an owner may do this",
    /// 8 to 256 characters are needed.
    PasswordLength => "a password has 8 to 256 characters",
    /// You signed in too long ago for this: give your password.
    PasswordRequired => "you signed in too long ago for this: give your password",
    /// The privacy policy in force must be accepted.
    PolicyNotAccepted => "the privacy policy in force was not the one accepted",
    /// 1 to 65535.
    PortInvalid => "a port is a number from 1 to 65535",
    /// At least one in `to`, and at most 50 in all.
    RecipientCount => "a message has at least one recipient in its to field and at most 50 in all",
    /// It is needed.
    Required => "it is required",
    /// 1 to 3650 days.
    RetentionOutOfRange => "data is kept for 1 to 3650 days",
    /// More than 30 days.
    ScheduledTooFarAhead => "mail can be scheduled up to 30 days ahead",
    /// A key needs at least one scope.
    ScopeRequired => "a key needs at least one scope",
    /// A host that must not be connected to.
    ServerAddressNotAllowed => "the server's address is not one that may be connected to",
    /// Its certificate is not trusted, or TLS could not be agreed on.
    ServerTlsFailed => "a protected connection could not be made, or its certificate is not trusted",
    /// It does not know these credentials, or takes none.
    ServerLoginRefused => "the server did not accept the username and secret",
    /// No answer, or not one of a mail server.
    ServerUnreachable => "the server did not answer as a mail server does",
    /// Name and value have 1 to 256 letters, digits, hyphens or underscores; at most 75 tags.
    TagInvalid => "a message has at most 75 tags; name and value have 1 to 256 ASCII letters, digits, - or _",
    /// Longer than it may be.
    TooLong => "it is longer than it may be",
}

/// Something in the input that a rule does not allow. Nothing was done.
#[derive(Clone, Debug, SimpleObject)]
pub(crate) struct UserError {
    /// Where: the path from the mutation's argument, as in `["input", "to", "0"]`. Null when it is about no single field.
    field: Option<Vec<String>>,
    /// The same in a sentence, for people.
    message: &'static str,
    /// Which rule.
    code: UserErrorCode,
}

impl UserError {
    pub fn at(field: &str, code: UserErrorCode) -> Self {
        Self::path(vec!["input".to_owned(), field.to_owned()], code)
    }

    pub fn general(code: UserErrorCode) -> Self {
        Self { field: None, message: code.message(), code }
    }

    pub fn path(path: Vec<String>, code: UserErrorCode) -> Self {
        Self { field: Some(path), message: code.message(), code }
    }

    /// A problem with a message that stands at `prefix`.
    pub fn in_message(prefix: &[String], problem: &Problem) -> Self {
        let inner = problem.path();
        if inner.is_empty() {
            return Self::general(problem.code);
        }
        Self::path(prefix.iter().cloned().chain(inner).collect(), problem.code)
    }
}
