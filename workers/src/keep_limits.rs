//! Keeps the marks on keys as the log has them: after a crash between the two, and after a keyring was restored that is older than a restriction.

use crate::{Parts, every};
use domain::OrganizationId;
use projections::processing;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;

const INTERVAL: Duration = Duration::from_secs(60);
/// Subjects looked at with one query.
const PAGE: i64 = 500;

pub(crate) async fn run(parts: Parts, stopping: watch::Receiver<bool>) {
    every(parts, stopping, INTERVAL, "keep_limits", round).await;
}

async fn round(parts: Parts) -> anyhow::Result<()> {
    keep_limits(&parts).await
}

/// One comparison of all marks with the log.
pub async fn keep_limits(parts: &Parts) -> anyhow::Result<()> {
    let mut after = (OrganizationId::PLATFORM, Uuid::nil());
    loop {
        let client = parts.pool.get().await?;
        let limited = processing::page(&client, after, PAGE).await?;
        drop(client);
        for subject in &limited {
            parts.commands.keep_limits(subject.organization, subject.subject, subject.limits).await?;
        }
        match limited.last() {
            Some(last) => after = (last.organization, last.subject),
            None => return Ok(()),
        }
    }
}
