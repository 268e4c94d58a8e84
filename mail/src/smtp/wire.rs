//! The connection itself: bytes out, replies in, each within its time.

use super::tls::{TlsTrust, TlsVersion};
use super::{SmtpError, Step};
use crate::Reply;
use std::io;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

pub(super) struct Wire {
    stream: Stream,
    /// Received and not yet taken as a reply.
    received: Vec<u8>,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    pub fn plain(stream: TcpStream) -> Self {
        Self { stream: Stream::Plain(stream), received: Vec::new() }
    }

    /// Goes on inside TLS. What came before it in clear was written by anybody: it must not be taken for the server's words inside.
    pub async fn secured(self, trust: &TlsTrust, host: &str, time_out: Duration) -> Result<Self, SmtpError> {
        let Stream::Plain(stream) = self.stream else { return Err(SmtpError::OutOfOrder) };
        if !self.received.is_empty() {
            return Err(SmtpError::NotSmtp { step: Step::StartTls });
        }
        let handshake = tokio::time::timeout(time_out, trust.connect(stream, host));
        let stream = handshake.await.map_err(|_| SmtpError::TimedOut { step: Step::StartTls })??;
        Ok(Self { stream: Stream::Tls(Box::new(stream)), received: Vec::new() })
    }

    pub fn tls_version(&self) -> Option<TlsVersion> {
        match &self.stream {
            Stream::Plain(_) => None,
            Stream::Tls(stream) => TlsVersion::of(stream),
        }
    }

    pub async fn send(&mut self, bytes: &[u8], step: Step, time_out: Duration) -> Result<(), SmtpError> {
        match tokio::time::timeout(time_out, self.write(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(SmtpError::Disconnected { step }),
            Err(_) => Err(SmtpError::TimedOut { step }),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.stream {
            Stream::Plain(stream) => stream.write_all(bytes).await,
            Stream::Tls(stream) => {
                stream.write_all(bytes).await?;
                stream.flush().await
            }
        }
    }

    pub async fn read_reply(&mut self, step: Step, time_out: Duration) -> Result<Reply, SmtpError> {
        match self.take_reply(step)? {
            Some(reply) => Ok(reply),
            None => tokio::time::timeout(time_out, self.await_reply(step)).await.map_err(|_| SmtpError::TimedOut { step })?,
        }
    }

    async fn await_reply(&mut self, step: Step) -> Result<Reply, SmtpError> {
        loop {
            self.received.reserve(1024);
            let read = match &mut self.stream {
                Stream::Plain(stream) => stream.read_buf(&mut self.received).await,
                Stream::Tls(stream) => stream.read_buf(&mut self.received).await,
            };
            if !matches!(read, Ok(1..)) {
                return Err(SmtpError::Disconnected { step });
            }
            if let Some(reply) = self.take_reply(step)? {
                return Ok(reply);
            }
        }
    }

    fn take_reply(&mut self, step: Step) -> Result<Option<Reply>, SmtpError> {
        let taken = Reply::take(&self.received).map_err(|_| SmtpError::NotSmtp { step })?;
        Ok(taken.map(|(reply, length)| {
            self.received.drain(..length);
            reply
        }))
    }
}
