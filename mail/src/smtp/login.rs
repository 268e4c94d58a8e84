//! Trying a server out before it is relied on.

use super::{Missing, SmtpError, SmtpServer, SmtpSession, Step, TlsFailure, TlsTrust, TlsVersion};
use egress::{Egress, EgressError};

/// What came of connecting and logging in as configured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginVerdict {
    /// The server can be used; the connection was in clear where there is no version.
    Accepted {
        tls: Option<TlsVersion>,
    },
    /// The server knows no such username and password.
    CredentialsRefused,
    /// The server takes no username and password by PLAIN or LOGIN, perhaps for lack of TLS.
    LoginNotOffered,
    TlsNotOffered,
    CertificateNotTrusted,
    TlsFailed,
    /// The host's address is one that must not be connected to.
    AddressNotAllowed,
    HostUnknown,
    Unreachable,
    TimedOut,
    /// The server does not want to speak to us, now or ever.
    ServerRefused {
        code: u16,
    },
    /// Something else than SMTP is behind this port, or TLS where none was expected.
    NotSmtp,
    /// The host, username or password cannot be used in SMTP.
    Unspeakable,
}

/// Connects, logs in and says goodbye, sending nothing.
pub async fn check_login(egress: &Egress, server: &SmtpServer, trust: &TlsTrust) -> LoginVerdict {
    match SmtpSession::connect(egress, server, trust).await {
        Ok(session) => {
            let tls = session.tls_version();
            // The verdict stands whether or not the goodbye is heard.
            let _ = session.quit().await;
            LoginVerdict::Accepted { tls }
        }
        Err(error) => verdict(&error),
    }
}

fn verdict(error: &SmtpError) -> LoginVerdict {
    match error {
        SmtpError::NotConnected(EgressError::NotAllowed) => LoginVerdict::AddressNotAllowed,
        SmtpError::NotConnected(EgressError::NotResolved) => LoginVerdict::HostUnknown,
        SmtpError::NotConnected(EgressError::TimedOut) | SmtpError::TimedOut { .. } => LoginVerdict::TimedOut,
        SmtpError::NotConnected(EgressError::Refused | EgressError::Unreachable) => LoginVerdict::Unreachable,
        SmtpError::Tls(TlsFailure::Certificate) => LoginVerdict::CertificateNotTrusted,
        SmtpError::Tls(TlsFailure::Handshake) => LoginVerdict::TlsFailed,
        SmtpError::NotOffered(Missing::StartTls) => LoginVerdict::TlsNotOffered,
        SmtpError::NotOffered(_) => LoginVerdict::LoginNotOffered,
        // A server that is only overloaded says 4xx, and then the credentials may be right.
        SmtpError::Refused { step: Step::Login, reply } if reply.code() >= 500 => LoginVerdict::CredentialsRefused,
        SmtpError::Refused { reply, .. } => LoginVerdict::ServerRefused { code: reply.code() },
        SmtpError::Disconnected { .. } | SmtpError::NotSmtp { .. } | SmtpError::MessageTooLarge { .. } | SmtpError::OutOfOrder => {
            LoginVerdict::NotSmtp
        }
        SmtpError::Unspeakable => LoginVerdict::Unspeakable,
    }
}
