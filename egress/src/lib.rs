//! The only place that opens a connection to third parties.
//!
//! A host name that somebody else chose may point anywhere, also at this machine or its neighbours. So the address is checked where it is
//! connected to, after resolving, and what was checked is what is connected: a name that resolves differently a second time gains nothing.
//! This crate knows nothing of mail, webhooks or accounts, and its errors name neither hosts nor addresses.

mod network;
mod public;

pub use network::{Network, NetworkError};
pub use public::is_public;

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::TcpStream;

/// Where connections may go.
#[derive(Clone, Debug)]
pub struct EgressPolicy {
    /// Networks that may be reached besides public addresses, such as an operator's own relay.
    pub allowed_networks: Vec<Network>,
    /// For resolving the name, and again for each address that is tried.
    pub connect_timeout: Duration,
}

impl Default for EgressPolicy {
    fn default() -> Self {
        Self { allowed_networks: Vec::new(), connect_timeout: Duration::from_secs(30) }
    }
}

impl EgressPolicy {
    fn allows(&self, address: IpAddr) -> bool {
        // ::ffff:127.0.0.1 is 127.0.0.1, to the rules as to the kernel.
        let address = address.to_canonical();
        is_public(address) || self.allowed_networks.iter().any(|network| network.contains(address))
    }
}

/// Why there is no connection. The host is the caller's to name, never this error's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EgressError {
    #[error("the host's address is not one that may be connected to")]
    NotAllowed,
    #[error("the host name could not be resolved")]
    NotResolved,
    #[error("the host refused the connection")]
    Refused,
    #[error("the host did not answer in time")]
    TimedOut,
    #[error("the host could not be reached")]
    Unreachable,
}

/// Opens connections as its policy allows.
#[derive(Clone, Debug)]
pub struct Egress {
    policy: EgressPolicy,
}

impl Egress {
    pub fn new(policy: EgressPolicy) -> Self {
        Self { policy }
    }

    /// Connects to the first address of `host` that is allowed and answers. `TCP_NODELAY` is set: whoever speaks a dialogue in small
    /// pieces would otherwise wait 40 ms for each (Nagle's algorithm against delayed acknowledgements).
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, EgressError> {
        let mut failure = EgressError::NotAllowed;
        for address in self.resolve(host, port).await? {
            if !self.policy.allows(address.ip()) {
                continue;
            }
            match self.open(address).await {
                Ok(stream) => return Ok(stream),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>, EgressError> {
        // An address literal of IPv6 comes in brackets from URLs, without them from settings.
        let bare = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
        let lookup = tokio::time::timeout(self.policy.connect_timeout, tokio::net::lookup_host((bare, port)));
        let addresses: Vec<_> = match lookup.await {
            Ok(Ok(addresses)) => addresses.collect(),
            Ok(Err(_)) => return Err(EgressError::NotResolved),
            Err(_) => return Err(EgressError::TimedOut),
        };
        if addresses.is_empty() { Err(EgressError::NotResolved) } else { Ok(addresses) }
    }

    async fn open(&self, address: SocketAddr) -> Result<TcpStream, EgressError> {
        let stream = tokio::time::timeout(self.policy.connect_timeout, TcpStream::connect(address))
            .await
            .map_err(|_| EgressError::TimedOut)?
            .map_err(|error| failure(error.kind()))?;
        stream.set_nodelay(true).map_err(|error| failure(error.kind()))?;
        Ok(stream)
    }
}

fn failure(kind: io::ErrorKind) -> EgressError {
    match kind {
        io::ErrorKind::ConnectionRefused => EgressError::Refused,
        io::ErrorKind::TimedOut => EgressError::TimedOut,
        _ => EgressError::Unreachable,
    }
}
