//! An SMTP client (RFC 5321) over a socket of our own.
//!
//! One session is one connection: [`SmtpSession::envelope`] names sender and recipients, [`SmtpSession::transmit`] hands over the text. They
//! are two calls so that the caller can record in between that the text is about to leave: from then on a lost connection means doubt.

mod connecting;
mod envelope;
mod error;
mod extensions;
mod login;
mod server;
mod text;
mod tls;
mod wire;

pub use envelope::{EnvelopeOutcome, EnvelopeReply};
pub use error::{Missing, SmtpError, Step, TlsFailure};
pub use login::{LoginVerdict, check_login};
pub use server::{Credentials, SmtpServer, TimeOuts, TlsMode};
pub use tls::{TlsTrust, TlsTrustError, TlsVersion};

use crate::Reply;
use extensions::Extensions;
use std::time::Duration;
use wire::Wire;

/// A connection on which mail can be sent, one transaction after another.
pub struct SmtpSession {
    wire: Wire,
    extensions: Extensions,
    time_outs: TimeOuts,
    state: State,
    transmitted: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Between transactions.
    Ready,
    /// A transaction was begun and left; it must be reset before the next.
    Begun,
    /// The server waits for the text.
    AwaitingText,
    /// Nothing more can be said. Also while something is being said: whoever gives up in the middle leaves a connection that nobody else
    /// can use.
    Broken,
}

impl SmtpSession {
    /// The version of TLS that was negotiated; `None` on a connection in clear.
    pub fn tls_version(&self) -> Option<TlsVersion> {
        self.wire.tls_version()
    }

    /// Whether another transaction can be begun on this connection.
    pub fn is_reusable(&self) -> bool {
        matches!(self.state, State::Ready | State::Begun)
    }

    /// How many messages' texts this connection has carried.
    pub fn transmitted(&self) -> u32 {
        self.transmitted
    }

    /// Abandons the transaction. Where the server already waits for the text the only way back is to hang up.
    pub async fn reset(&mut self) -> Result<(), SmtpError> {
        if !self.is_reusable() {
            self.state = State::Broken;
            return Err(SmtpError::OutOfOrder);
        }
        self.simple(b"RSET\r\n", Step::Reset).await
    }

    /// Asks whether the server is still there.
    pub async fn noop(&mut self) -> Result<(), SmtpError> {
        self.simple(b"NOOP\r\n", Step::Noop).await
    }

    /// Says goodbye. A connection may as well be dropped; this is politer.
    pub async fn quit(mut self) -> Result<(), SmtpError> {
        self.simple(b"QUIT\r\n", Step::Quit).await
    }

    async fn simple(&mut self, command: &[u8], step: Step) -> Result<(), SmtpError> {
        if !self.is_reusable() {
            return Err(SmtpError::OutOfOrder);
        }
        let state = std::mem::replace(&mut self.state, State::Broken);
        let reply = self.exchange(command, step).await?;
        if reply.is_positive() {
            self.state = if step == Step::Reset { State::Ready } else { state };
            return Ok(());
        }
        Err(SmtpError::Refused { step, reply })
    }

    async fn exchange(&mut self, command: &[u8], step: Step) -> Result<Reply, SmtpError> {
        self.wire.send(command, step, self.time_outs.command).await?;
        self.reply(step, self.time_outs.command).await
    }

    async fn reply(&mut self, step: Step, time_out: Duration) -> Result<Reply, SmtpError> {
        self.wire.read_reply(step, time_out).await
    }
}
