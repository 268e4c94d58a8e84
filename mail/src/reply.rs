//! What a server answers.

use std::borrow::Cow;
use std::fmt;

/// A complete reply, kept as it came. It may quote an address or a text back, so `Debug` shows its numbers only.
#[derive(Clone, PartialEq)]
pub struct Reply {
    code: u16,
    raw: Box<[u8]>,
}

/// An enhanced status code (RFC 3463), such as 5.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EnhancedStatus {
    pub class: u8,
    pub subject: u16,
    pub detail: u16,
}

/// More than any server says in earnest.
const REPLY_BYTES_MAX: usize = 64 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MalformedReply;

impl Reply {
    /// Reads back a reply that was kept by its raw bytes; `None` unless they are one whole reply.
    pub fn from_raw(raw: &[u8]) -> Option<Self> {
        let (reply, length) = Self::take(raw).ok()??;
        (length == raw.len()).then_some(reply)
    }

    /// Takes the first reply off `received`, with its length; `None` while it is incomplete. Lines may end in LF alone, as some servers'
    /// do: nothing hangs on it in this direction.
    pub(crate) fn take(received: &[u8]) -> Result<Option<(Self, usize)>, MalformedReply> {
        let mut line_start = 0;
        let mut code = None;
        for end in memchr::memchr_iter(b'\n', received) {
            let line = &received[line_start..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (line_code, is_last) = line_start_of(line)?;
            if *code.get_or_insert(line_code) != line_code {
                return Err(MalformedReply);
            }
            line_start = end + 1;
            if is_last {
                return Ok(Some((Self { code: line_code, raw: received[..line_start].into() }, line_start)));
            }
        }
        if received.len() > REPLY_BYTES_MAX { Err(MalformedReply) } else { Ok(None) }
    }

    pub fn code(&self) -> u16 {
        self.code
    }

    /// The reply as received, line ends included.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    pub fn is_positive(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// The lines without code, in one line.
    pub fn text(&self) -> String {
        self.lines().collect::<Vec<_>>().join(" ")
    }

    /// Each line without its code; bytes that are not UTF-8 are replaced.
    pub fn lines(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let lines = self.raw.strip_suffix(b"\n").unwrap_or(&self.raw).split(|byte| *byte == b'\n');
        lines.map(|line| String::from_utf8_lossy(line.get(4..).unwrap_or_default().trim_ascii()))
    }

    pub fn enhanced(&self) -> Option<EnhancedStatus> {
        let text = self.lines().next()?;
        let mut numbers = text.split([' ', '\t']).next()?.split('.');
        let class = numbers.next()?.parse().ok().filter(|class| matches!(class, 2 | 4 | 5))?;
        let subject = numbers.next()?.parse().ok()?;
        let detail = numbers.next()?.parse().ok()?;
        numbers.next().is_none().then_some(EnhancedStatus { class, subject, detail })
    }
}

/// The code at the start of a line, and whether the line is the last of its reply.
fn line_start_of(line: &[u8]) -> Result<(u16, bool), MalformedReply> {
    let (digits, rest) = line.split_first_chunk::<3>().ok_or(MalformedReply)?;
    if !digits.iter().all(u8::is_ascii_digit) || !matches!(digits[0], b'2'..=b'5') {
        return Err(MalformedReply);
    }
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    match rest.first() {
        None | Some(b' ') => Ok((code, true)),
        Some(b'-') => Ok((code, false)),
        Some(_) => Err(MalformedReply),
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({}, {:?})", self.code, self.enhanced())
    }
}

impl fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.class, self.subject, self.detail)
    }
}
