//! An organisation's own SMTP server.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::user::Traced;
use crate::{Category, Draft, KeyId, Personal, RequestOrigin, Sealed, Slot, Slots, Timestamp};

personal_data! {
    /// Where an organisation's own mail server is, and as whom to log in there.
    pub struct SmtpServerDetails: SmtpCredentials, Id, of Organization, rows "C3.4 C4.5", for Service | SmtpAuth | Support | SubjectRights {
        /// The server's name or address.
        pub host: String,
        /// As whom to log in there.
        pub username: Option<String>,
    }
    /// The secret of that login. Write-only: the sender process alone may open it.
    pub struct SmtpSecret: SmtpCredentials, Id, of Organization, rows "C3.4 C4.5 C4.7", for SmtpAuth {
        /// The password or token.
        pub secret: String,
    }
}

vocabulary! {
    /// How the connection is protected.
    pub enum TlsMode {
        /// TLS from the first byte (RFC 8314).
        Implicit,
        /// STARTTLS, required (RFC 3207).
        StartTls,
        /// None. Only for servers in a trusted network.
        None,
    }
    /// What was agreed on.
    pub enum TlsVersion {
        Tls12,
        Tls13,
    }
}

facts! {
    /// A login with these credentials succeeded, and the organisation may send through this server.
    pub struct SmtpServerConnected {
        pub details: Slot<SmtpServerDetails>,
        pub secret: Option<Slot<SmtpSecret>>,
        pub secret_version: u32,
        pub port: u16,
        pub tls_mode: TlsMode,
        pub tls_version: Option<TlsVersion>,
        pub origin: Slot<RequestOrigin>,
    }
}

events! {
    pub enum SmtpServerEvent {
        SmtpServerConnected(SmtpServerConnected) = 1,
    }
}

/// A server as its events leave it.
#[derive(Clone, Debug, Default)]
pub struct SmtpServer {
    pub settings: Option<SmtpSettings>,
}

#[derive(Clone, Debug)]
pub struct SmtpSettings {
    pub details: Sealed<SmtpServerDetails>,
    pub secret: Option<Sealed<SmtpSecret>>,
    pub secret_version: u32,
    pub port: u16,
    pub tls_mode: TlsMode,
    /// What was agreed on at the login; `None` in clear.
    pub tls_version: Option<TlsVersion>,
    pub connected_at: Timestamp,
}

impl Aggregate for SmtpServer {
    type Event = SmtpServerEvent;
    const CATEGORY: Category = Category::SmtpServer;

    fn evolve(&mut self, recorded: &Recorded<SmtpServerEvent>) {
        let SmtpServerEvent::SmtpServerConnected(event) = &recorded.event;
        self.settings = Some(SmtpSettings {
            details: recorded.sealed(event.details),
            secret: event.secret.map(|slot| recorded.sealed(slot)),
            secret_version: event.secret_version,
            port: event.port,
            tls_mode: event.tls_mode,
            tls_version: event.tls_version,
            connected_at: recorded.header.occurred_at,
        });
    }
}

/// What a successful login showed.
pub struct ConnectSmtpServer {
    pub details: Personal<SmtpServerDetails>,
    pub secret: Option<Personal<SmtpSecret>>,
    pub port: u16,
    pub tls_mode: TlsMode,
    pub tls_version: Option<TlsVersion>,
    /// The server's own key, version 1 of its secret.
    pub key: KeyId,
}

impl SmtpServer {
    pub fn connect(&self, request: &ConnectSmtpServer, origin: Traced<'_>) -> Vec<Draft<SmtpServerEvent>> {
        if self.settings.is_some() {
            return vec![];
        }
        let mut slots = Slots::default();
        let connected = SmtpServerConnected {
            details: slots.put(Some(request.key), &request.details),
            secret: request.secret.as_ref().map(|secret| slots.put(Some(request.key), secret)),
            secret_version: 1,
            port: request.port,
            tls_mode: request.tls_mode,
            tls_version: request.tls_version,
            origin: slots.put(origin.key, origin.origin),
        };
        vec![Draft::new(connected, slots)]
    }
}
