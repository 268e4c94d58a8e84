//! A message's text, checked once so that it can be sent as it is.

use std::fmt;

/// The longest line that SMTP carries, its CR LF not counted (RFC 5321, section 4.5.3.1.6).
const LINE_MAX: usize = 998;

/// An RFC 5322 message whose lines all end in CR LF. A lone CR or LF, which servers read differently, would let a part of the text pass for
/// the end of the message and smuggle another one in behind it.
#[derive(Clone, PartialEq)]
pub struct MessageText {
    bytes: Vec<u8>,
    is_ascii: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageTextError {
    #[error("the message holds a CR or LF that is not part of a CR LF")]
    LoneLineBreak,
    #[error("the message holds a line of more than 998 bytes")]
    LineTooLong,
    #[error("the message does not end with a CR LF")]
    Unended,
    #[error("the message holds a NUL byte")]
    Nul,
}

impl MessageText {
    pub fn new(bytes: Vec<u8>) -> Result<Self, MessageTextError> {
        let mut line_start = 0;
        for end in memchr::memchr_iter(b'\n', &bytes) {
            check_line(&bytes[line_start..end])?;
            line_start = end + 1;
        }
        if line_start != bytes.len() || bytes.is_empty() {
            return Err(MessageTextError::Unended);
        }
        if memchr::memchr(0, &bytes).is_some() {
            return Err(MessageTextError::Nul);
        }
        let is_ascii = bytes.is_ascii();
        Ok(Self { bytes, is_ascii })
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Composed messages are, except where an address is not.
    pub fn is_ascii(&self) -> bool {
        self.is_ascii
    }
}

/// `line` is without its LF, and must end in its only CR.
fn check_line(line: &[u8]) -> Result<(), MessageTextError> {
    let content = line.strip_suffix(b"\r").ok_or(MessageTextError::LoneLineBreak)?;
    if memchr::memchr(b'\r', content).is_some() {
        return Err(MessageTextError::LoneLineBreak);
    }
    if content.len() > LINE_MAX { Err(MessageTextError::LineTooLong) } else { Ok(()) }
}

impl fmt::Debug for MessageText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MessageText({} bytes)", self.bytes.len())
    }
}
