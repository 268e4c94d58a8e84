//! The lines that the program logs (rows M1.3, C4.8): which fields they may have, and what those hold. No field holds what somebody said.

use super::Content;

pub struct LogField {
    pub name: &'static str,
    pub holds: Content,
}

const fn field(name: &'static str, holds: Content) -> LogField {
    LogField { name, holds }
}

/// All fields that our own lines may have. A test finds every line of the program, and fails for a field that is not here.
pub const LOG_FIELDS: &[LogField] = &[
    // On every line.
    field("timestamp", Content::Time),
    field("level", Content::Word),
    field("target", Content::Program),
    field("message", Content::Program),
    // Of a request: never its path, query, headers, body or caller.
    field("method", Content::Word),
    field("route", Content::Program),
    field("status", Content::Number),
    field("elapsed_us", Content::Number),
    // What went wrong.
    field("fault", Content::Fault),
    field("causes", Content::Fault),
    field("error", Content::Fault),
    field("panicked", Content::Flag),
    // Which part it is about.
    field("worker", Content::Program),
    field("projection", Content::Program),
    field("boundary", Content::Program),
    field("obstacle", Content::Program),
    field("listen", Content::Program),
    field("metrics_listen", Content::Program),
    field("signal", Content::Word),
    field("private_postgresql", Content::Flag),
    field("postgresql", Content::Number),
    // How many, how far, since when.
    field("version", Content::Number),
    field("epoch", Content::Number),
    field("buckets", Content::Number),
    field("removed", Content::Number),
    field("processes", Content::Number),
    field("head", Content::Position),
    field("seen", Content::Position),
    field("last", Content::Time),
    field("now", Content::Time),
    field("since", Content::Time),
    field("due_at", Content::Time),
    field("erasure", Content::Id),
    field("reason", Content::OperatorText),
];
