//! An organisation connects its own SMTP server. A real login must succeed before anything is stored (row C4.5).

use crate::{Commands, Failure, Request};
use domain::{
    Category, Class, ConnectSmtpServer, Organization, OrganizationRefusal, Personal, Position, SmtpSecret, SmtpServer, SmtpServerDetails,
    SmtpServerId, StreamName, TlsMode, TlsVersion, Traced,
};
use mail::LoginVerdict;
use std::convert::Infallible;
use vault::{KeyName, Subject};

pub struct ConnectServer {
    pub host: Personal<String>,
    pub port: u16,
    pub tls_mode: TlsMode,
    pub username: Option<Personal<String>>,
    pub secret: Option<Personal<String>>,
}

pub struct ServerConnected {
    pub smtp_server: SmtpServerId,
    pub tls_version: Option<TlsVersion>,
    pub position: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectRefusal {
    #[error("a host name has 1 to 253 letters, digits, hyphens and dots, or is an IP address")]
    HostInvalid,
    #[error("username and secret come together or not at all")]
    CredentialsIncomplete,
    #[error("the login did not succeed: {0:?}")]
    LoginFailed(LoginVerdict),
    #[error(transparent)]
    Rule(OrganizationRefusal),
}

impl Commands {
    pub async fn connect_smtp_server(&self, by: &Request, request: ConnectServer) -> Result<ServerConnected, Failure<ConnectRefusal>> {
        check(&request).map_err(Failure::Refused)?;
        let organization = self.fold::<Organization>(by.organization.0, by.organization).await?;
        if !organization.state.is_open() {
            return Err(Failure::Refused(ConnectRefusal::Rule(OrganizationRefusal::NotOpen)));
        }
        let tls_version = self.try_login(&request).await.map_err(Failure::Refused)?;
        let id = SmtpServerId(self.ids.time_ordered(self.clock.now()));
        let name = KeyName { organization: by.organization, subject: Subject::SmtpServer { id, secret_version: 1 }, class: Class::Id };
        let key = self.key(name).await?;
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let connect = ConnectSmtpServer {
            details: Personal::new(SmtpServerDetails {
                host: request.host.into_exposed(),
                username: request.username.map(Personal::into_exposed),
            }),
            secret: request.secret.map(|secret| Personal::new(SmtpSecret { secret: secret.into_exposed() })),
            port: request.port,
            tls_mode: request.tls_mode,
            tls_version,
            key,
        };
        // The server first: a crash between the two leaves a server that is not used yet, never a selection of none.
        let stream = StreamName::new(Category::SmtpServer, by.organization, id.0);
        let connected = self.decide(by, stream, |server: &SmtpServer| Ok::<_, Infallible>(server.connect(&connect, traced))).await;
        connected.map_err(|failure| failure.map_refusal(|never| match never {}))?;
        let recorded = self
            .decide(by, organization.stream, |organization: &Organization| organization.select_smtp_server(id, traced))
            .await
            .map_err(|failure| failure.map_refusal(ConnectRefusal::Rule))?;
        Ok(ServerConnected { smtp_server: id, tls_version, position: recorded.position })
    }

    async fn try_login(&self, request: &ConnectServer) -> Result<Option<TlsVersion>, ConnectRefusal> {
        let exposed = |value: &Personal<String>| value.expose().clone();
        let credentials = request.username.as_ref().map(exposed).zip(request.secret.as_ref().map(exposed));
        let server = self.speak_to(exposed(&request.host), request.port, request.tls_mode, credentials);
        match mail::check_login(&self.egress, &server, &self.trust).await {
            LoginVerdict::Accepted { tls } => Ok(tls.map(|version| match version {
                mail::TlsVersion::Tls12 => TlsVersion::Tls12,
                mail::TlsVersion::Tls13 => TlsVersion::Tls13,
            })),
            verdict => Err(ConnectRefusal::LoginFailed(verdict)),
        }
    }
}

fn check(request: &ConnectServer) -> Result<(), ConnectRefusal> {
    let host = request.host.expose();
    let is_host_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.');
    let is_address = host.parse::<std::net::IpAddr>().is_ok();
    if host.is_empty() || host.len() > 253 || !(is_host_name || is_address) {
        return Err(ConnectRefusal::HostInvalid);
    }
    if request.username.is_some() != request.secret.is_some() {
        return Err(ConnectRefusal::CredentialsIncomplete);
    }
    Ok(())
}
