//! How to reach the database: in clear only where nobody can listen.

use crate::config::Secret;
use anyhow::{Context, anyhow};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// An address, and the means to make a connection to it safe.
#[derive(Clone)]
pub struct Database {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Database {
    /// Without `sslmode` in the address, a server on this machine is spoken to in clear, and any other only through TLS with a
    /// certificate of its name. `sslmode=disable` and `sslmode=require` are taken at their word.
    pub fn at(url: &Secret) -> anyhow::Result<Self> {
        // The parser's error could quote the address.
        let mut config: Config = url.expose().parse().map_err(|_| anyhow!("a database address cannot be understood"))?;
        if config.get_ssl_mode() == SslMode::Prefer {
            config.ssl_mode(if config.get_hosts().iter().all(is_here) { SslMode::Disable } else { SslMode::Require });
        }
        survive_loss(&mut config);
        Ok(Self { config, tls: MakeRustlsConnect::new(tls()?) })
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub fn tls(&self) -> MakeRustlsConnect {
        self.tls.clone()
    }

    /// One connection with the login's own rights.
    pub async fn connect(&self) -> anyhow::Result<Client> {
        let (client, connection) = self.config.connect(self.tls()).await.context("the database cannot be connected")?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Where the address says nothing else: of several servers the one that takes writes is meant, and a machine that has gone without a word is given up
/// after seconds, not after the hours that TCP would wait.
fn survive_loss(config: &mut Config) {
    if config.get_hosts().len() > 1 && config.get_target_session_attrs() == TargetSessionAttrs::Any {
        config.target_session_attrs(TargetSessionAttrs::ReadWrite);
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(Duration::from_secs(5));
    }
    if config.get_tcp_user_timeout().is_none() {
        config.tcp_user_timeout(Duration::from_secs(10));
    }
    if config.get_keepalives_idle() == Config::new().get_keepalives_idle() {
        config.keepalives_idle(Duration::from_secs(5));
    }
    if config.get_keepalives_interval().is_none() {
        config.keepalives_interval(Duration::from_secs(2));
    }
}

fn is_here(host: &Host) -> bool {
    match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()),
    }
}

/// Trusts what the system trusts; `SSL_CERT_FILE` names another list, for an authority of one's own.
fn tls() -> anyhow::Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider())).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_on_this_machine_is_spoken_to_in_clear() {
        let mode = |url: &str| Database::at(&Secret::new(url)).unwrap().config.get_ssl_mode();
        for here in ["postgresql://u@localhost/x", "postgresql://u@127.0.0.1/x", "postgresql://u@[::1]/x", "postgresql://u@%2Frun%2Fpg/x"] {
            assert_eq!(mode(here), SslMode::Disable, "{here}");
        }
        for elsewhere in ["postgresql://u@db.example/x", "postgresql://u@10.0.0.7/x", "postgresql://u@localhost,db.example/x"] {
            assert_eq!(mode(elsewhere), SslMode::Require, "{elsewhere}");
        }
        assert_eq!(mode("postgresql://u@db.example/x?sslmode=disable"), SslMode::Disable);
        assert_eq!(mode("postgresql://u@localhost/x?sslmode=require"), SslMode::Require);
    }

    #[test]
    fn of_several_servers_the_one_that_takes_writes_is_meant_and_a_dead_one_is_given_up_soon() {
        let config = |url: &str| Database::at(&Secret::new(url)).unwrap().config.clone();
        let several = config("postgresql://u@10.0.0.7,10.0.0.8/x");
        assert_eq!(several.get_target_session_attrs(), TargetSessionAttrs::ReadWrite);
        assert_eq!(config("postgresql://u@10.0.0.7/x").get_target_session_attrs(), TargetSessionAttrs::Any);
        assert_eq!(several.get_connect_timeout(), Some(&Duration::from_secs(5)));
        assert_eq!(
            (several.get_tcp_user_timeout(), several.get_keepalives_idle()),
            (Some(&Duration::from_secs(10)), Duration::from_secs(5))
        );
        let said = config("postgresql://u@10.0.0.7/x?connect_timeout=60&tcp_user_timeout=90&keepalives_idle=600");
        assert_eq!(said.get_connect_timeout(), Some(&Duration::from_secs(60)));
        assert_eq!((said.get_tcp_user_timeout(), said.get_keepalives_idle()), (Some(&Duration::from_secs(90)), Duration::from_secs(600)));
    }

    #[test]
    fn an_address_that_cannot_be_understood_is_not_repeated() {
        let error = Database::at(&Secret::new("postgresql://u:hunter2@db:port/x")).err().unwrap();
        assert!(!format!("{error:#} {error:?}").contains("hunter2"));
    }
}
