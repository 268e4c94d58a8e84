//! What would keep destroyed keys alive beyond the dates that certificates promise.

use super::{Finding, Note, Well, Wrong};
use crate::config::Config;
use tokio_postgres::Client;

/// An epoch lasts a week at most; what still is there two days after that is stuck.
const EPOCHS: &str =
    "SELECT epoch, state, extract(epoch FROM clock_timestamp() - coalesce(closed_at, opened_at)) / 86400 > $1::float8 AS late
    FROM keyring.epoch WHERE state IN (1, 2, 4) ORDER BY epoch";
const SLOTS: &str = "SELECT slot_name::text FROM pg_replication_slots WHERE NOT active AND NOT temporary ORDER BY 1";
const STANDBYS: &str = "SELECT application_name, coalesce(replay_lag > interval '1 day', false) AS delayed, replay_lsn IS NULL AS unseen
    FROM pg_stat_replication WHERE state IS DISTINCT FROM 'backup' ORDER BY 1";

/// By the database's clock: what is overdue, and what is due within six days.
const ERASURES: &str =
    "WITH open AS (SELECT due_at_us, decided_at_us, extract(epoch FROM clock_timestamp()) * 1000000 AS now_us FROM read.erasures
        WHERE stage IN ('requested', 'approved', 'started'))
    SELECT count(*) FILTER (WHERE now_us >= due_at_us OR now_us >= decided_at_us + 86400000000) AS overdue,
        count(*) FILTER (WHERE now_us < due_at_us AND now_us >= due_at_us - 6 * 86400000000) AS near FROM open";

/// Whether somebody waits to be forgotten for longer than is allowed.
pub(super) async fn erasures(client: &Client) -> Option<Finding> {
    // Before the first start there is nothing to look at.
    let row = client.query_one(ERASURES, &[]).await.ok()?;
    Some(match (row.get::<_, i64>("overdue"), row.get::<_, i64>("near")) {
        (0, 0) => Well("erasures: no request is near its date".into()),
        (0, near) => Note(format!("erasures: {near} requests are due within six days; the query erasures shows them")),
        (overdue, _) => {
            Wrong(format!("erasures: {overdue} requests are overdue; decide on them, and see that a server runs (lethemail serve)"))
        }
    })
}
// Buckets are looked at once an hour.
const SWEEP: &str = "SELECT coalesce(last_run_us < extract(epoch FROM clock_timestamp() - interval '3 hours') * 1000000, false) AS late, overdue FROM keyring.sweep";

pub(super) async fn findings(config: &Config, client: &Client) -> Vec<Finding> {
    match look(config, client).await {
        Ok(findings) if findings.is_empty() => vec![Well("keys: nothing keeps destroyed keys beyond their date".into())],
        Ok(findings) => findings,
        Err(_) => vec![Note("keys: with this login's rights it cannot be seen what keeps destroyed keys".into())],
    }
}

async fn look(config: &Config, client: &Client) -> Result<Vec<Finding>, tokio_postgres::Error> {
    let mut findings = Vec::new();
    let days = f64::from(config.keys.epoch_minutes) / (24.0 * 60.0) + 2.0;
    for row in client.query(EPOCHS, &[&days]).await?.iter().filter(|row| row.get("late")) {
        let epoch: i32 = row.get("epoch");
        findings.push(Wrong(match row.get::<_, i16>("state") {
            1 => format!("keys: epoch {epoch} is open for too long; is a server running (lethemail serve)? lethemail keys rotate ends it"),
            _ => format!("keys: epoch {epoch} was closed long ago and its key is not destroyed; lethemail keys status says why"),
        }));
    }
    findings.extend(sweep(client).await?);
    for row in client.query(SLOTS, &[]).await? {
        let slot: &str = row.get(0);
        findings.push(Wrong(format!(
            "replication slot {slot}: nobody reads it, and what it keeps holds destroyed keys; bring its reader back, or SELECT pg_drop_replication_slot('{slot}')"
        )));
    }
    let standbys = client.query(STANDBYS, &[]).await?;
    for row in &standbys {
        let name: &str = row.get("application_name");
        if row.get("delayed") {
            findings.push(Wrong(format!("standby {name}: it is more than a day behind; set recovery_min_apply_delay = 0 there")));
        } else if row.get("unseen") && name != "pg_receivewal" {
            findings.push(Wrong(format!("standby {name}: how far it is cannot be seen; grant pg_monitor to this login")));
        }
    }
    for wanted in &config.keys.standbys {
        if !standbys.iter().any(|row| row.get::<_, &str>("application_name") == wanted) {
            findings.push(Wrong(format!(
                "standby {wanted}: keys.standbys names it, and it is not connected; no old epoch key is destroyed without it"
            )));
        }
    }
    Ok(findings)
}

/// Whether days expire when they should.
async fn sweep(client: &Client) -> Result<Option<Finding>, tokio_postgres::Error> {
    let Some(row) = client.query_opt(SWEEP, &[]).await? else { return Ok(None) };
    let overdue: i64 = row.get("overdue");
    Ok(if row.get("late") {
        Some(Wrong("retention: nobody has looked for three hours which days have ended; is a server running? After a jump of the clock: lethemail keys accept-clock".into()))
    } else if overdue > 0 {
        Some(Wrong(format!("retention: {overdue} buckets are due and have a key still; two of each organisation go in an hour")))
    } else {
        None
    })
}
