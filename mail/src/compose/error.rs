//! What cannot be part of a message, by field and kind.

/// Where the fault is. Lists are counted from zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComposeField {
    MessageId,
    Date,
    From,
    To(usize),
    Cc(usize),
    ReplyTo(usize),
    Subject,
    /// The text or the HTML.
    Body,
    Header(usize),
    Attachment(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ComposeCode {
    /// Neither text nor HTML, or an attachment without a file name.
    Missing,
    InvalidAddress,
    /// CR, LF, NUL or another control character where a line is meant: header injection, or an accident that would look like it.
    ControlCharacter,
    /// A header field that the message's structure or its signature owns.
    ReservedHeader,
    /// The same header field twice.
    RepeatedHeader,
    InvalidHeaderName,
    InvalidContentType,
    /// Not of the form that its field needs.
    Malformed,
    TooLong,
    OutOfRange,
}

/// It names the place and the kind, never what was written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the message cannot be composed: {code:?} in {field:?}")]
pub struct ComposeError {
    pub field: ComposeField,
    pub code: ComposeCode,
}

impl ComposeError {
    pub(super) fn new(field: ComposeField, code: ComposeCode) -> Self {
        Self { field, code }
    }
}
