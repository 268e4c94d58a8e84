//! Handing over the text.

use super::{SmtpError, SmtpSession, State, Step};
use crate::{MessageText, Reply};

/// A message below this size leaves in one write with its final dot; a larger one in pieces, so that memory does not grow with it.
const PIECE_BYTES: usize = 64 * 1024;

impl SmtpSession {
    /// Sends the text to everybody whom [`SmtpSession::envelope`] accepted, and returns the server's verdict for all of them. An error whose
    /// [`SmtpError::outcome_unknown`] is true leaves them in doubt.
    pub async fn transmit(&mut self, message: &MessageText) -> Result<Reply, SmtpError> {
        if self.state != State::AwaitingText {
            return Err(SmtpError::OutOfOrder);
        }
        self.state = State::Broken;
        let mut pieces = Pieces { rest: message.as_bytes() };
        let mut piece = Vec::with_capacity(PIECE_BYTES.min(message.as_bytes().len() + 512));
        while !pieces.rest.is_empty() {
            piece.clear();
            pieces.fill(&mut piece);
            // The piece that ends the text may arrive even when writing it reports an error.
            let step = if pieces.rest.is_empty() { Step::Outcome } else { Step::Text };
            self.wire.send(&piece, step, self.time_outs.text).await?;
        }
        let reply = self.reply(Step::Outcome, self.time_outs.outcome).await?;
        self.transmitted += 1;
        if reply.code() != 421 {
            self.state = State::Ready;
        }
        Ok(reply)
    }
}

/// The text line by line, a dot doubled where it starts a line (RFC 5321, section 4.5.2), and the final dot.
struct Pieces<'a> {
    rest: &'a [u8],
}

impl Pieces<'_> {
    /// Fills `piece` with whole lines; the last piece carries the final dot.
    fn fill(&mut self, piece: &mut Vec<u8>) {
        while !self.rest.is_empty() && piece.len() < PIECE_BYTES - 1024 {
            if self.rest[0] == b'.' {
                piece.push(b'.');
            }
            // Up to the next line that starts with a dot, or as far as the piece takes.
            let room = (PIECE_BYTES - 1024 - piece.len()).min(self.rest.len());
            let run = match memchr::memmem::find(&self.rest[..room], b"\n.") {
                Some(dot) => dot + 1,
                None => line_end(self.rest, room),
            };
            piece.extend_from_slice(&self.rest[..run]);
            self.rest = &self.rest[run..];
        }
        if self.rest.is_empty() {
            piece.extend_from_slice(b".\r\n");
        }
    }
}

/// The end of the line that holds the byte before `from`: a line is never cut, so that a piece always starts with one.
fn line_end(text: &[u8], from: usize) -> usize {
    let start = from.saturating_sub(1);
    memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |end| start + end + 1)
}
