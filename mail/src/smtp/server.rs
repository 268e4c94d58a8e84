//! Which server to speak to, and how.

use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// Everything needed to open a session with one server.
#[derive(Clone)]
pub struct SmtpServer {
    pub host: String,
    pub port: u16,
    pub tls: TlsMode,
    pub credentials: Option<Credentials>,
    /// The name that this client greets with: its own host name, or an address in brackets.
    pub client_name: String,
    pub time_outs: TimeOuts,
}

/// There is no mode that tries TLS and goes on without: whoever sits on the line would choose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TlsMode {
    /// TLS from the first byte (port 465, RFC 8314).
    Implicit,
    /// STARTTLS, and nothing without it (RFC 3207).
    StartTls,
    /// In clear, for trusted networks. Credentials are sent in clear too.
    None,
}

#[derive(Clone)]
pub struct Credentials {
    username: Zeroizing<String>,
    password: Zeroizing<String>,
}

impl Credentials {
    pub fn new(username: String, password: String) -> Self {
        Self { username: Zeroizing::new(username), password: Zeroizing::new(password) }
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    pub(super) fn password(&self) -> &str {
        &self.password
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl fmt::Debug for SmtpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmtpServer").field("tls", &self.tls).finish_non_exhaustive()
    }
}

/// How long each step may take. Opening the socket has its own limit in the egress policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeOuts {
    /// For the greeting and for each side's part of the TLS handshake.
    pub greeting: Duration,
    /// For the reply to each command.
    pub command: Duration,
    /// For each piece of the text to leave.
    pub text: Duration,
    /// For the reply to the whole text. Long, since giving up here means not knowing.
    pub outcome: Duration,
}

impl Default for TimeOuts {
    /// RFC 5321, section 4.5.3.2, except for the greeting and commands: a server that needs five minutes for those is tried again later.
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { greeting: seconds(60), command: seconds(120), text: seconds(180), outcome: seconds(600) }
    }
}
