//! Who asks: a person in a session, a program with a key, or nobody we know.

use crate::cookies;
use crate::state::State;
use actix_web::HttpRequest;
use actix_web::http::header;
use commands::{ApiClient, Fault, Session};
use domain::{Personal, RequestOrigin};

/// `User-Agent` is cut to this.
const USER_AGENT_BYTES_MAX: usize = 512;
/// API keys can be told by this; every other bearer token is a session's.
const API_KEY_PREFIX: &str = "lm_";

#[derive(Clone, Debug)]
pub(crate) enum Caller {
    Nobody(Unknown),
    Person(Session),
    Program(ApiClient),
}

/// Why nobody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unknown {
    NoCredential,
    /// It was malformed, or is not (any more) good. Nobody is told which.
    BadCredential,
}

/// What was presented. It is kept while a stream lives, so that it can be looked at again.
#[derive(Clone)]
pub(crate) enum Credential {
    None,
    SessionToken(String),
    ApiKey(String),
    Malformed,
}

impl Credential {
    /// An `Authorization` header goes before a cookie.
    pub fn of(request: &HttpRequest) -> Self {
        match request.headers().get(header::AUTHORIZATION) {
            Some(value) => value.to_str().map_or(Credential::Malformed, Self::from_authorization),
            None => cookies::session_token(request).map_or(Credential::None, Credential::SessionToken),
        }
    }

    /// From a header's value, or from a WebSocket's `connection_init`.
    pub fn from_authorization(value: &str) -> Self {
        let Some((scheme, token)) = value.split_once(' ') else { return Credential::Malformed };
        let token = token.trim();
        match scheme.eq_ignore_ascii_case("bearer") {
            true if token.starts_with(API_KEY_PREFIX) => Credential::ApiKey(token.to_owned()),
            true => Credential::SessionToken(token.to_owned()),
            false => Credential::Malformed,
        }
    }

    pub async fn authenticate(&self, state: &State) -> Result<Caller, Fault> {
        let caller = match self {
            Credential::None => return Ok(Caller::Nobody(Unknown::NoCredential)),
            Credential::Malformed => None,
            Credential::SessionToken(token) => state.commands.authenticate_session(token).await?.map(Caller::Person),
            Credential::ApiKey(token) => state.commands.authenticate_api_key(token).await?.map(Caller::Program),
        };
        Ok(caller.unwrap_or(Caller::Nobody(Unknown::BadCredential)))
    }
}

impl Caller {
    pub fn is_known(&self) -> bool {
        !matches!(self, Caller::Nobody(_))
    }
}

/// Where the request came from, as the events it causes will tell.
pub(crate) fn origin_of(state: &State, request: &HttpRequest) -> Personal<RequestOrigin> {
    let text = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let forwarded = state.settings.client_address_header.as_deref().and_then(text);
    // A proxy appends the address that it saw itself; what stands before it was sent by the client.
    let forwarded = forwarded.and_then(|list| list.rsplit(',').next()?.trim().parse::<std::net::IpAddr>().ok());
    let ip = forwarded.or_else(|| request.peer_addr().map(|peer| peer.ip()));
    let user_agent = text("user-agent").map(|agent| cut(agent, USER_AGENT_BYTES_MAX).to_owned());
    Personal::new(RequestOrigin { ip: ip.map(|ip| ip.to_string()), user_agent })
}

fn cut(text: &str, bytes_max: usize) -> &str {
    &text[..text.floor_char_boundary(bytes_max)]
}
