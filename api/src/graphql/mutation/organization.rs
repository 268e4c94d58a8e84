//! Organisations, their keys and their servers.

use super::{Outcome, acting, call, payload, token};
use crate::call::Need;
use crate::graphql::objects::{ApiKey, ApiScope, Organization, SmtpServer, TlsMode};
use crate::graphql::user_error::{UserError, UserErrorCode as Code};
use crate::node_id::NodeId;
use crate::position_token::PositionToken;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use commands::{
    ConnectRefusal, ConnectServer, CreateApiKey, CreateApiKeyRefusal, CreateOrganization, CreateOrganizationRefusal, LoginVerdict,
    RevokeApiKey,
};
use domain::{ApiKeyId, Category, OrganizationId, Personal};

/// A new organization.
#[derive(InputObject)]
struct CreateOrganizationInput {
    /// What it is called, in 1 to 200 characters.
    name: String,
}

/// The organization that you own now.
#[derive(Default, SimpleObject)]
struct CreateOrganizationPayload {
    /// The new organization.
    organization: Option<Organization>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// A new API key.
#[derive(InputObject)]
struct CreateApiKeyInput {
    /// Whose key it is. You need not say it when you have one organization.
    organization: Option<ID>,
    /// What you call it, in 1 to 200 characters.
    name: String,
    /// What it may do; at least one.
    scopes: Vec<ApiScope>,
}

/// The key, shown once.
#[derive(Default, SimpleObject)]
struct CreateApiKeyPayload {
    /// The new key.
    api_key: Option<ApiKey>,
    /// The credential itself. It is shown this once, and stored nowhere.
    token: Option<String>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// A key that shall not work any more.
#[derive(InputObject)]
struct RevokeApiKeyInput {
    /// The key.
    api_key: ID,
}

/// The key does not work any more.
#[derive(Default, SimpleObject)]
struct RevokeApiKeyPayload {
    /// The revoked key.
    api_key: Option<ApiKey>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input.
    user_errors: Vec<UserError>,
}

/// Your own mail server.
#[derive(InputObject)]
struct ConnectSmtpServerInput {
    /// Whose mail goes through it. You need not say it when you have one organization.
    organization: Option<ID>,
    /// Host name or IP address.
    host: String,
    /// 1 to 65535; usually 587 with STARTTLS or 465 with TLS from the start.
    port: u32,
    /// How the connection is protected.
    tls_mode: TlsMode,
    /// As whom to log in.
    username: Option<String>,
    /// The password or token. It can be written here and read nowhere.
    secret: Option<String>,
}

/// The server that the organization's mail goes through from now on.
#[derive(Default, SimpleObject)]
struct ConnectSmtpServerPayload {
    /// The connected server.
    smtp_server: Option<SmtpServer>,
    /// Where it is recorded.
    position: Option<PositionToken>,
    /// What is wrong with the input, or with the server's answer.
    user_errors: Vec<UserError>,
}

#[derive(Default)]
pub(super) struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// Founds an organization. Its mail is captured by the built-in sandbox until a server is connected.
    async fn create_organization(&self, context: &Context<'_>, input: CreateOrganizationInput) -> Result<CreateOrganizationPayload> {
        payload(create_organization(context, input).await, |user_errors| CreateOrganizationPayload { user_errors, ..Default::default() })
    }

    /// Makes an API key for an application. Owners and admins may do so.
    async fn create_api_key(&self, context: &Context<'_>, input: CreateApiKeyInput) -> Result<CreateApiKeyPayload> {
        payload(create_api_key(context, input).await, |user_errors| CreateApiKeyPayload { user_errors, ..Default::default() })
    }

    /// Ends an API key, at once.
    async fn revoke_api_key(&self, context: &Context<'_>, input: RevokeApiKeyInput) -> Result<RevokeApiKeyPayload> {
        payload(revoke_api_key(context, input).await, |user_errors| RevokeApiKeyPayload { user_errors, ..Default::default() })
    }

    /// Connects a mail server. A real login must succeed before anything is stored.
    async fn connect_smtp_server(&self, context: &Context<'_>, input: ConnectSmtpServerInput) -> Result<ConnectSmtpServerPayload> {
        payload(connect_smtp_server(context, input).await, |user_errors| ConnectSmtpServerPayload { user_errors, ..Default::default() })
    }
}

async fn create_organization(context: &Context<'_>, input: CreateOrganizationInput) -> Result<CreateOrganizationPayload, Outcome> {
    let call = call(context);
    let owner = call.person().map_err(Outcome::denied)?.user;
    let by = call.request(OrganizationId::PLATFORM).map_err(Outcome::denied)?;
    let request = CreateOrganization { owner, name: Personal::new(input.name) };
    let made = call.state.commands.create_organization(&by, request).await.map_err(|failure| {
        Outcome::of(failure, |refusal| {
            vec![match refusal {
                CreateOrganizationRefusal::NameInvalid => UserError::at("name", Code::NameInvalid),
                CreateOrganizationRefusal::Rule(_) => UserError::general(Code::AccountClosed),
            }]
        })
    })?;
    Ok(CreateOrganizationPayload {
        organization: Some(Organization::at(made.organization, made.position)),
        position: Some(token(call, made.position).await?),
        user_errors: vec![],
    })
}

async fn create_api_key(context: &Context<'_>, input: CreateApiKeyInput) -> Result<CreateApiKeyPayload, Outcome> {
    let call = call(context);
    let organization = acting(call, &input.organization, Need::Administer).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let scopes = input.scopes.into_iter().map(domain::Scope::from).collect();
    let request = CreateApiKey { name: Personal::new(input.name), scopes };
    let made = call.state.commands.create_api_key(&by, request).await.map_err(|failure| {
        Outcome::of(failure, |refusal| {
            vec![match refusal {
                CreateApiKeyRefusal::NameInvalid => UserError::at("name", Code::NameInvalid),
                CreateApiKeyRefusal::Rule(_) => UserError::at("scopes", Code::ScopeRequired),
            }]
        })
    })?;
    Ok(CreateApiKeyPayload {
        api_key: Some(ApiKey::at(organization, made.key, made.position)),
        token: Some(made.token.into_exposed()),
        position: Some(token(call, made.position).await?),
        user_errors: vec![],
    })
}

async fn revoke_api_key(context: &Context<'_>, input: RevokeApiKeyInput) -> Result<RevokeApiKeyPayload, Outcome> {
    let call = call(context);
    let unknown = || Outcome::from(UserError::at("apiKey", Code::NotFound));
    call.request(OrganizationId::PLATFORM).map_err(Outcome::denied)?;
    let node = NodeId::parse_as(Category::ApiKey, input.api_key.as_str()).ok_or_else(unknown)?;
    let allowed = call.allow(node.organization, Need::Administer).await;
    let organization = allowed.map_err(|denied| match denied {
        crate::call::Denied::NoSuchOrganization => unknown(),
        denied => Outcome::denied(denied),
    })?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let key = ApiKeyId(node.id);
    let revoked = call.state.commands.revoke_api_key(&by, RevokeApiKey { key }).await;
    let position = revoked.map_err(|failure| Outcome::of(failure, |_| vec![UserError::at("apiKey", Code::NotFound)]))?;
    Ok(RevokeApiKeyPayload {
        api_key: Some(ApiKey::at(organization, key, position)),
        position: Some(token(call, position).await?),
        user_errors: vec![],
    })
}

async fn connect_smtp_server(context: &Context<'_>, input: ConnectSmtpServerInput) -> Result<ConnectSmtpServerPayload, Outcome> {
    let call = call(context);
    let organization = acting(call, &input.organization, Need::Administer).await?;
    let by = call.request(organization).map_err(Outcome::denied)?;
    let port = u16::try_from(input.port).ok().filter(|port| *port > 0).ok_or_else(|| UserError::at("port", Code::PortInvalid))?;
    let request = ConnectServer {
        host: Personal::new(input.host),
        port,
        tls_mode: input.tls_mode.into(),
        username: input.username.map(Personal::new),
        secret: input.secret.map(Personal::new),
    };
    let connected = call.state.commands.connect_smtp_server(&by, request).await;
    let connected = connected.map_err(|failure| Outcome::of(failure, |refusal| vec![connect_error(refusal)]))?;
    Ok(ConnectSmtpServerPayload {
        smtp_server: Some(SmtpServer::at(organization, connected.smtp_server, connected.position)),
        position: Some(token(call, connected.position).await?),
        user_errors: vec![],
    })
}

fn connect_error(refusal: ConnectRefusal) -> UserError {
    match refusal {
        ConnectRefusal::HostInvalid => UserError::at("host", Code::HostInvalid),
        ConnectRefusal::CredentialsIncomplete => UserError::at("secret", Code::CredentialsIncomplete),
        ConnectRefusal::Rule(_) => UserError::at("organization", Code::NotFound),
        ConnectRefusal::LoginFailed(verdict) => match verdict {
            LoginVerdict::CredentialsRefused | LoginVerdict::LoginNotOffered => UserError::at("secret", Code::ServerLoginRefused),
            LoginVerdict::TlsNotOffered | LoginVerdict::CertificateNotTrusted | LoginVerdict::TlsFailed => {
                UserError::at("tlsMode", Code::ServerTlsFailed)
            }
            LoginVerdict::AddressNotAllowed => UserError::at("host", Code::ServerAddressNotAllowed),
            LoginVerdict::Unspeakable => UserError::at("username", Code::ForbiddenCharacter),
            LoginVerdict::Accepted { .. }
            | LoginVerdict::HostUnknown
            | LoginVerdict::Unreachable
            | LoginVerdict::TimedOut
            | LoginVerdict::ServerRefused { .. }
            | LoginVerdict::NotSmtp => UserError::at("host", Code::ServerUnreachable),
        },
    }
}
