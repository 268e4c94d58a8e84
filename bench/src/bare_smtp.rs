//! The limit of delivering: our SMTP client over pooled connections, with nothing to claim, open or record.

use crate::made_up_events::now;
use anyhow::ensure;
use egress::{Egress, EgressPolicy};
use mail::{MessageText, Pool, PoolSettings, SmtpServer, SmtpSession, TimeOuts, TlsMode, TlsTrust};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

pub struct BareSmtp {
    pool: Pool<()>,
    egress: Egress,
    trust: TlsTrust,
    server: SmtpServer,
    message: MessageText,
}

impl BareSmtp {
    /// For messages of a text of `bytes`.
    pub fn new(port: u16, connections: usize, bytes: usize) -> anyhow::Result<Arc<Self>> {
        let policy = EgressPolicy { allowed_networks: vec!["127.0.0.0/8".parse()?], connect_timeout: Duration::from_secs(5) };
        let server = SmtpServer {
            host: "127.0.0.1".into(),
            port,
            tls: TlsMode::None,
            credentials: None,
            client_name: "client.test".into(),
            time_outs: TimeOuts::default(),
        };
        let settings = PoolSettings { connections_max: connections, ..PoolSettings::default() };
        let text = format!("Subject: measured\r\nFrom: a@client.test\r\nTo: b@sink.test\r\n\r\n{}", lines(bytes));
        Ok(Arc::new(Self {
            pool: Pool::new(Arc::new(domain::ManualClock::new(now())), settings),
            egress: Egress::new(policy),
            trust: TlsTrust::system(None)?,
            server,
            message: MessageText::new(text.into_bytes())?,
        }))
    }

    /// Messages per second.
    pub async fn messages_per_second(self: &Arc<Self>, connections: usize, span: Duration) -> anyhow::Result<f64> {
        let (sent, start) = (Arc::new(AtomicU64::new(0)), Instant::now());
        let senders: Vec<_> = (0..connections).map(|_| tokio::spawn(self.clone().send(start + span, sent.clone()))).collect();
        for sender in senders {
            sender.await??;
        }
        Ok(sent.load(Ordering::Relaxed) as f64 / start.elapsed().as_secs_f64())
    }

    async fn send(self: Arc<Self>, until: Instant, sent: Arc<AtomicU64>) -> anyhow::Result<()> {
        while Instant::now() < until {
            let mut session = self.pool.acquire(&(), || SmtpSession::connect(&self.egress, &self.server, &self.trust)).await?;
            let envelope = session.envelope("a@client.test", &["b@sink.test"], &self.message).await?;
            ensure!(envelope.awaits_text(), "the sink takes everything");
            let reply = session.transmit(&self.message).await?;
            ensure!(reply.is_positive(), "the sink takes everything");
            sent.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Text in lines, as mail has it.
pub fn lines(bytes: usize) -> String {
    let line = format!("{}\r\n", "x".repeat(76));
    line.repeat(bytes.div_ceil(line.len()))
}
