//! Watches for what other processes write: by notification, and by a slow poll in case one was missed.

use super::connector::Connector;
use crate::Fault;
use crate::head::{self, Head};
use futures::StreamExt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio_postgres::{AsyncMessage, Client, Config};

const RETRY: Duration = Duration::from_millis(500);
const SETTINGS: &str = "SET ROLE lethemail_app; LISTEN lethemail_log";
const HEAD: &str = "SELECT position FROM log.event ORDER BY position DESC LIMIT 1";

pub(super) struct Tail {
    pub config: Config,
    pub connector: Connector,
    pub head: Arc<watch::Sender<Head>>,
    pub poll_interval: Duration,
}

impl Tail {
    /// Runs until aborted, or until the log is found to have lost events.
    pub async fn run(self) {
        loop {
            match self.watch().await {
                Ok(()) => return,
                Err(fault) => tracing::warn!(%fault, "the connection that watches the log broke"),
            }
            super::pause(RETRY).await;
        }
    }

    async fn watch(&self) -> Result<(), Fault> {
        let (client, mut messages) = self.connector.connect(&self.config, "lethemail tail").await?;
        let (sender, mut news) = mpsc::unbounded_channel();
        let pump = async move {
            while let Some(message) = messages.next().await {
                if let AsyncMessage::Notification(notification) = message?
                    && let Ok(position) = notification.payload().parse::<u64>()
                {
                    let _ = sender.send(position);
                }
            }
            Ok::<(), Fault>(())
        };
        let follow = async {
            client.batch_execute(SETTINGS).await?;
            loop {
                if self.poll(&client).await? {
                    return Ok(());
                }
                while let Ok(Some(position)) = tokio::time::timeout(self.poll_interval, news.recv()).await {
                    head::advance(&self.head, position);
                }
            }
        };
        tokio::select! {
            followed = follow => followed,
            pumped = pump => pumped.and(Err(Fault::Connection)),
        }
    }

    /// Looks the end up. Whether it is before what was written.
    async fn poll(&self, client: &Client) -> Result<bool, Fault> {
        // Taken before the look: what is known then must be in the log.
        let known = *self.head.borrow();
        let found = client.query_opt(HEAD, &[]).await?.map_or(0, |row| u64::try_from(row.get::<_, i64>(0)).unwrap_or(0));
        match known {
            Head::At(known) if found < known => {
                head::lose(&self.head, found, known);
                tracing::error!(head = found, seen = known, "the log has lost events: nothing more is read or written");
                Ok(true)
            }
            Head::At(_) => {
                head::advance(&self.head, found);
                Ok(false)
            }
            Head::Lost { .. } | Head::Closed => Ok(true),
        }
    }
}
