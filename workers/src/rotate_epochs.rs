//! Follows the epochs: opens a new one when it is time, carries its rotation to the end piece by piece, records what happened, and issues the certificates that
//! waited for an old key to be destroyed.

use crate::{Parts, anchored_log, pause};
use domain::ErasureId;
use projections::erasures;
use std::time::Duration;
use tokio::sync::watch;
use uuid::Uuid;
use vault::RotationStep;

const INTERVAL: Duration = Duration::from_secs(60);
/// Erasures looked at with one query.
const PAGE: i64 = 500;

/// What this process knows to be done already.
#[derive(Default)]
struct Done {
    /// All epochs before this one are recorded to their end.
    epochs_before: u32,
    /// All epochs up to this one were gone when the certificates were last looked at.
    certified_up_to: Option<u32>,
}

pub(crate) async fn run(parts: Parts, mut stopping: watch::Receiver<bool>) {
    let mut done = Done::default();
    loop {
        if let Err(error) = round(&parts, &stopping, &mut done).await {
            tracing::warn!(worker = "rotate_epochs", error = format!("{error:#}"), "a round failed and will be repeated");
        }
        if pause(&*parts.clock, &mut stopping, INTERVAL).await {
            return;
        }
    }
}

async fn round(parts: &Parts, stopping: &watch::Receiver<bool>, done: &mut Done) -> anyhow::Result<()> {
    anchored_log::check(&parts.logs, &parts.vault.signer().await?).await?;
    if let Some(rotation) = parts.vault.take_rotation().await? {
        let mut outcome = Ok(true);
        // A rotation of many keys takes long; between any two pieces it may be left to the next process.
        while matches!(outcome, Ok(true)) && !*stopping.borrow() {
            outcome = step(parts, &rotation, done).await;
        }
        rotation.release().await?;
        outcome?;
    }
    done.epochs_before = parts.commands.record_key_epochs(done.epochs_before).await?;
    certify(parts, done).await
}

/// `false`: there is nothing to do now.
async fn step(parts: &Parts, rotation: &vault::Rotation, done: &mut Done) -> anyhow::Result<bool> {
    match rotation.step(&parts.settings.rotation).await? {
        RotationStep::Resting { .. } => Ok(false),
        RotationStep::Waiting { epoch, obstacles } => {
            for obstacle in obstacles {
                tracing::warn!(epoch, %obstacle, "an old epoch's key is kept, and certificates wait for its end");
            }
            Ok(false)
        }
        RotationStep::Progress { .. } => Ok(true),
        RotationStep::Opened { .. } | RotationStep::Rewrapped { .. } | RotationStep::Destroyed { .. } => {
            done.epochs_before = parts.commands.record_key_epochs(done.epochs_before).await?;
            Ok(true)
        }
    }
}

/// Looks at the erasures that wait when epochs have gone since the last look, and once after a start.
async fn certify(parts: &Parts, done: &mut Done) -> anyhow::Result<()> {
    let gone = parts.commands.epochs_gone().await?;
    if gone == 0 || done.certified_up_to == Some(gone) {
        return Ok(());
    }
    let mut after = ErasureId(Uuid::nil());
    loop {
        let client = parts.pool.get().await?;
        let waiting = erasures::live_only(&client, after, PAGE).await?;
        drop(client);
        for erasure in &waiting {
            let by = crate::conclude_erasures::as_erasure(parts, erasure.organization);
            parts.commands.conclude_erasure_everywhere(&by, erasure.erasure).await?;
        }
        match waiting.last() {
            Some(last) => after = last.erasure,
            None => break,
        }
    }
    done.certified_up_to = Some(gone);
    Ok(())
}
