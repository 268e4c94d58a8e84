//! Watches the dates of requests to be forgotten: says when one is near or missed (rows M8.8, M8.9), has organisations forgotten that were left without an
//! owner, and ends the record of cases that are over.

use crate::conclude_erasures::as_erasure;
use crate::{Parts, every};
use domain::{APPROVED_ERASURE_DUE, CASE_KEPT, ErasureId, Urgency};
use projections::{OpenErasure, erasures};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, watch};

const INTERVAL: Duration = Duration::from_secs(60);
/// Cases ended in one round.
const ENDED_MAX: i64 = 500;

/// What was said of which case, so that each alarm is told once.
type Told = Arc<Mutex<HashMap<ErasureId, Urgency>>>;

pub(crate) async fn run(parts: Parts, stopping: watch::Receiver<bool>) {
    let told = Told::default();
    every(parts, stopping, INTERVAL, "watch_erasures", |parts| round(parts, told.clone())).await;
}

/// One look at every open and every ended case.
pub async fn watch_erasures(parts: &Parts) -> anyhow::Result<()> {
    round(parts.clone(), Told::default()).await
}

async fn round(parts: Parts, told: Told) -> anyhow::Result<()> {
    let now = parts.clock.now();
    let client = parts.pool.get().await?;
    let open = erasures::open(&client).await?;
    let ended = erasures::ended(&client, now - CASE_KEPT, ENDED_MAX).await?;
    drop(client);
    let mut told = told.lock().await;
    told.retain(|erasure, _| open.iter().any(|case| case.erasure == *erasure));
    for case in &open {
        let urgency = case.urgency(now);
        if told.insert(case.erasure, urgency) != Some(urgency) {
            tell(case, urgency);
        }
        let by = as_erasure(&parts, case.organization);
        if now >= case.due_at {
            parts.commands.record_missed_deadline(&by, case.erasure).await?;
        }
        if case.is_orphaned() && case.decided_at.is_none() && now + APPROVED_ERASURE_DUE >= case.due_at {
            parts.commands.approve_orphaned(&by, case.erasure).await?;
        }
    }
    for case in ended {
        parts.commands.close_erasure_case(&as_erasure(&parts, case.organization), case.erasure).await?;
    }
    Ok(())
}

fn tell(case: &OpenErasure, urgency: Urgency) {
    let (erasure, due_at) = (case.erasure, case.due_at);
    match urgency {
        Urgency::InTime => {}
        Urgency::HalfGone => tracing::info!(%erasure, %due_at, "half of the time to answer a request to be forgotten has passed"),
        Urgency::NearlyDue => tracing::warn!(%erasure, %due_at, "a request to be forgotten is nearly due"),
        Urgency::Overdue => tracing::error!(%erasure, %due_at, "a request to be forgotten is overdue"),
    }
}
