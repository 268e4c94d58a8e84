//! The closed list of `extensions.code`, and errors that carry one.

use crate::call::Denied;
use crate::position_token::PositionError;
use async_graphql::{Error, ErrorExtensions};
use commands::Fault;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The HTTP request does not hold a GraphQL request.
    BadRequest,
    MethodNotAllowed,
    NotAcceptable,
    UnsupportedMediaType,
    PayloadTooLarge,
    ForeignOrigin,
    /// Too much is being worked on; try again.
    Overloaded,
    GraphqlParseFailed,
    GraphqlValidationFailed,
    /// An argument's value does not have the form of its type.
    BadUserInput,
    /// Too deep, too large, too many aliases.
    LimitExceeded,
    Unauthenticated,
    Forbidden,
    /// There is no such thing, or it is not yours.
    NotFound,
    OrganizationRequired,
    /// `atLeast` names a place in another log.
    PositionOfAnotherLog,
    /// What `atLeast` asks for has not arrived in the read models yet.
    NotFreshYet,
    /// What `asOf` asks for has not happened yet.
    AsOfInFuture,
    /// What `asOf` asks for was before the organisation's beginning.
    AsOfBeforeBeginning,
    Internal,
}

impl Code {
    pub fn as_str(self) -> &'static str {
        match self {
            Code::BadRequest => "BAD_REQUEST",
            Code::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Code::NotAcceptable => "NOT_ACCEPTABLE",
            Code::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Code::PayloadTooLarge => "PAYLOAD_TOO_LARGE",
            Code::ForeignOrigin => "FOREIGN_ORIGIN",
            Code::Overloaded => "OVERLOADED",
            Code::GraphqlParseFailed => "GRAPHQL_PARSE_FAILED",
            Code::GraphqlValidationFailed => "GRAPHQL_VALIDATION_FAILED",
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::LimitExceeded => "LIMIT_EXCEEDED",
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::NotFound => "NOT_FOUND",
            Code::OrganizationRequired => "ORGANIZATION_REQUIRED",
            Code::PositionOfAnotherLog => "POSITION_OF_ANOTHER_LOG",
            Code::NotFreshYet => "NOT_FRESH_YET",
            Code::AsOfInFuture => "AS_OF_IN_FUTURE",
            Code::AsOfBeforeBeginning => "AS_OF_BEFORE_BEGINNING",
            Code::Internal => "INTERNAL",
        }
    }

    pub fn error(self, message: &'static str) -> Error {
        Error::new(message).extend_with(|_, extensions| extensions.set("code", self.as_str()))
    }
}

/// Logs a fault where it is handled; clients learn only that there was one.
pub(crate) fn internal(fault: impl std::error::Error) -> Error {
    report(&fault);
    Code::Internal.error("something went wrong on our side")
}

/// The chain of an error's causes. None of our errors' texts holds personal data.
pub(crate) fn report(fault: &dyn std::error::Error) {
    let causes: Vec<String> = std::iter::successors(fault.source(), |error| error.source()).map(redacted).collect();
    tracing::error!(fault = %fault, causes = causes.join(": "), "a request failed");
}

/// PostgreSQL's own text may quote values.
fn redacted(error: &(dyn std::error::Error + 'static)) -> String {
    match error.downcast_ref::<tokio_postgres::Error>().and_then(|error| error.code()) {
        Some(code) => format!("SQLSTATE {}", code.code()),
        None if error.is::<tokio_postgres::error::DbError>() => "the database refused".to_owned(),
        None => error.to_string(),
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Unauthenticated => Code::Unauthenticated.error("sign in, or send an API key"),
            Denied::Forbidden => Code::Forbidden.error("this needs another scope or role"),
            Denied::OrganizationRequired => Code::OrganizationRequired.error("say which organization is meant"),
            // Where this can happen, the caller has turned it into null or a user error already.
            Denied::NoSuchOrganization => Code::NotFound.error("there is no such organization"),
            Denied::Fault(fault) => internal(fault),
        }
    }
}

impl From<PositionError> for Error {
    fn from(error: PositionError) -> Self {
        match error {
            PositionError::OtherLog => Code::PositionOfAnotherLog.error("the position belongs to another log"),
            PositionError::Read(error) => internal(error),
        }
    }
}

/// A fault as an error of a resolver.
pub(crate) fn fault(fault: Fault) -> Error {
    internal(fault)
}
