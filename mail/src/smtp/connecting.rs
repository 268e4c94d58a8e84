//! From a socket to a session: greeting, TLS, login.

use super::extensions::Extensions;
use super::wire::Wire;
use super::{Credentials, Missing, SmtpError, SmtpServer, SmtpSession, State, Step, TlsMode, TlsTrust};
use crate::Reply;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use egress::Egress;
use tokio::net::TcpStream;
use zeroize::Zeroizing;

impl SmtpSession {
    /// Connects, secures the connection as the server's mode demands, and logs in where there are credentials.
    pub async fn connect(egress: &Egress, server: &SmtpServer, trust: &TlsTrust) -> Result<Self, SmtpError> {
        let stream = egress.connect(&server.host, server.port).await?;
        Self::on_stream(stream, server, trust).await
    }

    /// The same on a socket that is already connected. It should have `TCP_NODELAY` set.
    pub async fn on_stream(stream: TcpStream, server: &SmtpServer, trust: &TlsTrust) -> Result<Self, SmtpError> {
        let hello = hello(&server.client_name)?;
        let mut wire = Wire::plain(stream);
        if server.tls == TlsMode::Implicit {
            wire = wire.secured(trust, &server.host, server.time_outs.greeting).await?;
        }
        let mut session =
            Self { wire, extensions: Extensions::default(), time_outs: server.time_outs, state: State::Broken, transmitted: 0 };
        let greeting = session.reply(Step::Greeting, server.time_outs.greeting).await?;
        positive(greeting, Step::Greeting)?;
        session.hello(&hello).await?;
        if server.tls == TlsMode::StartTls {
            session = session.start_tls(server, trust).await?;
            // What was said in clear is void: everything is asked again (RFC 3207, section 4.2).
            session.hello(&hello).await?;
        }
        if let Some(credentials) = &server.credentials {
            session.log_in(credentials).await?;
        }
        session.state = State::Ready;
        Ok(session)
    }

    async fn hello(&mut self, hello: &[u8]) -> Result<(), SmtpError> {
        let reply = positive(self.exchange(hello, Step::Hello).await?, Step::Hello)?;
        self.extensions = Extensions::read(&reply);
        Ok(())
    }

    async fn start_tls(mut self, server: &SmtpServer, trust: &TlsTrust) -> Result<Self, SmtpError> {
        if !self.extensions.start_tls {
            return Err(SmtpError::NotOffered(Missing::StartTls));
        }
        positive(self.exchange(b"STARTTLS\r\n", Step::StartTls).await?, Step::StartTls)?;
        let wire = self.wire.secured(trust, &server.host, server.time_outs.greeting).await?;
        Ok(Self { wire, ..self })
    }

    async fn log_in(&mut self, credentials: &Credentials) -> Result<(), SmtpError> {
        let (username, password) = (credentials.username(), credentials.password());
        if username.contains('\0') || password.contains('\0') {
            return Err(SmtpError::Unspeakable);
        }
        if self.extensions.login_plain {
            let secret = Zeroizing::new(format!("\0{username}\0{password}"));
            self.login_line("AUTH PLAIN ", &secret, 235).await
        } else if self.extensions.login_login {
            let reply = self.exchange(b"AUTH LOGIN\r\n", Step::Login).await?;
            expect(reply, 334)?;
            self.login_line("", username, 334).await?;
            self.login_line("", password, 235).await
        } else {
            Err(SmtpError::NotOffered(Missing::Login))
        }
    }

    async fn login_line(&mut self, start: &str, secret: &str, expected: u16) -> Result<(), SmtpError> {
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(secret));
        let line = Zeroizing::new(format!("{start}{}\r\n", encoded.as_str()));
        expect(self.exchange(line.as_bytes(), Step::Login).await?, expected)
    }
}

fn hello(client_name: &str) -> Result<Vec<u8>, SmtpError> {
    let valid = !client_name.is_empty() && client_name.len() <= 255 && client_name.bytes().all(|byte| byte.is_ascii_graphic());
    if valid { Ok(format!("EHLO {client_name}\r\n").into_bytes()) } else { Err(SmtpError::Unspeakable) }
}

fn positive(reply: Reply, step: Step) -> Result<Reply, SmtpError> {
    if (200..300).contains(&reply.code()) { Ok(reply) } else { Err(SmtpError::Refused { step, reply }) }
}

fn expect(reply: Reply, code: u16) -> Result<(), SmtpError> {
    if reply.code() == code { Ok(()) } else { Err(SmtpError::Refused { step: Step::Login, reply }) }
}
