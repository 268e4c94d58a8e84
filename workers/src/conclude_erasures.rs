//! Carries erasures on: after a crash from where they stopped, and otherwise from the deletion of the keys to the live certificate.

use crate::{Parts, every};
use commands::Request;
use domain::{Actor, OrganizationId, SystemActor};
use projections::{UnfinishedErasure, delivery_queue, emails, erasures};
use std::time::Duration;
use tokio::sync::watch;

const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) async fn run(parts: Parts, stopping: watch::Receiver<bool>) {
    every(parts, stopping, INTERVAL, "conclude_erasures", round).await;
}

async fn round(parts: Parts) -> anyhow::Result<()> {
    let client = parts.pool.get().await?;
    let unfinished = erasures::unfinished(&client).await?;
    drop(client);
    for erasure in unfinished {
        // One that fails holds up no other; one that another process works on is looked at again in the next round.
        if let Err(error) = conclude(&parts, &erasure).await {
            tracing::warn!(erasure = %erasure.erasure, error = format!("{error:#}"), "an erasure could not be carried on");
        }
    }
    Ok(())
}

async fn conclude(parts: &Parts, erasure: &UnfinishedErasure) -> anyhow::Result<()> {
    let by = as_erasure(parts, erasure.organization);
    if parts.commands.carry_out_erasure(&by, erasure.erasure).await?.held {
        return Ok(());
    }
    let keys = parts.commands.doomed_keys_of(erasure.organization, erasure.erasure).await?;
    let client = parts.pool.get().await?;
    let waiting = delivery_queue::of_recipient(&client, erasure.organization, &keys).await?;
    let all = emails::of_recipient(&client, erasure.organization, &keys).await?;
    drop(client);
    parts.commands.spool().remove_captured(&all).await?;
    for email in waiting {
        parts.commands.cancel_forgotten(erasure.organization, email).await?;
    }
    if parts.commands.conclude_erasure(&by, erasure.erasure).await? {
        // The epoch may have ended in the meantime.
        parts.commands.conclude_erasure_everywhere(&by, erasure.erasure).await?;
    }
    Ok(())
}

pub(crate) fn as_erasure(parts: &Parts, organization: OrganizationId) -> Request {
    Request { actor: Actor::System(SystemActor::Erasure), ..parts.commands.as_delivery(organization) }
}
