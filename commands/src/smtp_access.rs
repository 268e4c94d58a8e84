//! How to reach an organisation's own mail server, credentials included. The one place where they are opened.

use crate::{Commands, Fault};
use domain::{Actor, OrganizationId, Purpose, SmtpServer, SmtpServerId, SystemActor, TlsMode};
use vault::Opened;

impl Commands {
    /// `None`: there is no such server, or its credentials are destroyed.
    pub async fn smtp_server(&self, organization: OrganizationId, id: SmtpServerId) -> Result<Option<mail::SmtpServer>, Fault> {
        let folded = self.fold_cached::<SmtpServer>(id.0, organization).await?;
        let Some(settings) = &folded.state.settings else { return Ok(None) };
        let by = Actor::System(SystemActor::Delivery);
        let Opened::Readable(details) = self.open(by, Purpose::SmtpAuth, &settings.details).await? else { return Ok(None) };
        let secret = match &settings.secret {
            None => None,
            Some(secret) => match self.open(by, Purpose::SmtpAuth, secret).await? {
                Opened::Readable(secret) => Some(secret.into_exposed().secret),
                _ => return Ok(None),
            },
        };
        let details = details.into_exposed();
        Ok(Some(self.speak_to(details.host, settings.port, settings.tls_mode, details.username.zip(secret))))
    }

    pub(crate) fn speak_to(&self, host: String, port: u16, tls: TlsMode, credentials: Option<(String, String)>) -> mail::SmtpServer {
        mail::SmtpServer {
            host,
            port,
            tls: match tls {
                TlsMode::Implicit => mail::TlsMode::Implicit,
                TlsMode::StartTls => mail::TlsMode::StartTls,
                TlsMode::None => mail::TlsMode::None,
            },
            credentials: credentials.map(|(username, secret)| mail::Credentials::new(username, secret)),
            client_name: self.settings.client_name.clone(),
            time_outs: self.settings.smtp_time_outs,
        }
    }

    /// Opens a session with a server as configured.
    pub async fn open_smtp_session(&self, server: &mail::SmtpServer) -> Result<mail::SmtpSession, mail::SmtpError> {
        mail::SmtpSession::connect(&self.egress, server, &self.trust).await
    }
}
