//! The few calls of the server's HTTP API that are needed. The operator names the server, so this is no egress.

use super::super::settings::TransitSettings;
use super::{away, refused};
use crate::error::VaultError;
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use ureq::Agent;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};

/// A server that takes longer counts as away.
const PATIENCE: Duration = Duration::from_secs(10);
const ANSWER_BYTES_MAX: u64 = 1 << 20;
/// Of a server's own words.
const REASON_LENGTH_MAX: usize = 300;

#[derive(Clone, Copy)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

pub(super) enum Answer {
    Done(Value),
    /// There is no such thing.
    Absent,
    /// The request makes no sense to the server, or what it names does not fit.
    Wrong(String),
    /// The token may not do that.
    Denied(String),
}

impl Answer {
    pub(super) fn done(self) -> Result<Value, VaultError> {
        match self {
            Answer::Done(value) => Ok(value),
            Answer::Absent => Err(refused("there is nothing under this path; is the engine mounted there?")),
            Answer::Wrong(reason) | Answer::Denied(reason) => Err(refused(reason)),
        }
    }
}

pub(super) struct Client {
    settings: TransitSettings,
    /// Made when it is first needed: certificates are files that somebody may be about to put there.
    agent: OnceLock<Agent>,
}

impl Client {
    pub(super) fn new(settings: TransitSettings) -> Self {
        Self { settings, agent: OnceLock::new() }
    }

    pub(super) fn mount(&self) -> &str {
        self.settings.mount.trim_matches('/')
    }

    pub(super) fn address(&self) -> &str {
        self.settings.address.trim_end_matches('/')
    }

    pub(super) fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Answer, VaultError> {
        let (agent, url) = (self.agent()?, format!("{}/v1/{path}", self.address()));
        let token = self.settings.token.expose();
        let namespace = self.settings.namespace.as_deref();
        let sent = match method {
            Method::Get => with_headers(agent.get(url), token, namespace).call(),
            Method::Delete => with_headers(agent.delete(url), token, namespace).call(),
            Method::Post => with_headers(agent.post(url), token, namespace).send_json(body.unwrap_or(&Value::Null)),
        };
        let mut response = sent.map_err(away)?;
        let text = response.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_string().map_err(away)?;
        let answer: Value =
            if text.is_empty() { Value::Null } else { serde_json::from_str(&text).map_err(|_| away("it does not answer in JSON"))? };
        match response.status().as_u16() {
            200..=299 => Ok(Answer::Done(answer)),
            404 => Ok(Answer::Absent),
            403 => Ok(Answer::Denied(reason(&answer))),
            400 => Ok(Answer::Wrong(reason(&answer))),
            // Sealed, a standby that forwards nothing, too many requests: all of that may pass.
            status => Err(away(format!("status {status}, {}", reason(&answer)))),
        }
    }

    fn agent(&self) -> Result<&Agent, VaultError> {
        if let Some(agent) = self.agent.get() {
            return Ok(agent);
        }
        let made = agent(self.settings.ca_file.as_deref())?;
        Ok(self.agent.get_or_init(|| made))
    }
}

fn with_headers<B>(request: ureq::RequestBuilder<B>, token: &str, namespace: Option<&str>) -> ureq::RequestBuilder<B> {
    let request = request.header("x-vault-token", token).header("x-vault-request", "true");
    match namespace {
        Some(namespace) => request.header("x-vault-namespace", namespace),
        None => request,
    }
}

/// No proxy of the environment and no redirect gets to see the token.
fn agent(ca_file: Option<&Path>) -> Result<Agent, VaultError> {
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .root_certs(RootCerts::Specific(Arc::new(roots(ca_file)?)));
    let config = Agent::config_builder()
        .tls_config(tls.build())
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE));
    Ok(config.build().into())
}

fn roots(ca_file: Option<&Path>) -> Result<Vec<Certificate<'static>>, VaultError> {
    let Some(path) = ca_file else {
        let found = rustls_native_certs::load_native_certs().certs;
        return Ok(found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect());
    };
    let pem = std::fs::read(path)
        .map_err(|error| refused(format!("its certificate authorities in {} cannot be read: {error}", path.display())))?;
    let certificates: Vec<_> =
        parse_pem(&pem).filter_map(|item| if let Ok(PemItem::Certificate(found)) = item { Some(found) } else { None }).collect();
    if certificates.is_empty() { Err(refused(format!("{} holds no certificate", path.display()))) } else { Ok(certificates) }
}

/// The server's own words, which name paths and rights.
fn reason(answer: &Value) -> String {
    let errors = answer["errors"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let words: Vec<&str> = errors.flat_map(str::split_whitespace).collect();
    let text: String = words.join(" ").chars().take(REASON_LENGTH_MAX).collect();
    if text.is_empty() { "it gives no reason".into() } else { text }
}
