//! What is looked up when it is asked for. What cannot be looked at now is left out, and `lethemail_part_up` says so.

use crate::serve::Foundation;
use crate::service::Service;
use deadpool_postgres::Pool;
use domain::{Clock, Urgency};
use event_store::EventStore;
use projections::{Lag, delivery_queue, erasures, lags};
use std::fmt::{Display, Write};
use std::sync::Arc;

pub(super) struct Watched {
    store: EventStore,
    clock: Arc<dyn Clock>,
    pools: [(&'static str, Pool); 4],
}

impl Watched {
    pub fn new(foundation: &Foundation, service: &Service) -> Self {
        let pools = &foundation.pools;
        let pools = [("app", &pools.app), ("vault", &pools.vault), ("projector", &pools.projector), ("analyst", &pools.analyst)];
        Self { store: service.store.clone(), clock: foundation.clock.clone(), pools: pools.map(|(name, pool)| (name, pool.clone())) }
    }

    pub async fn look(&self) -> String {
        let mut text = Text::default();
        text.gauge("lethemail_build_info", "Always 1; the version is the label", [(label("version", env!("CARGO_PKG_VERSION")), 1)]);
        if let Some(bytes) = resident_bytes() {
            text.gauge("process_resident_memory_bytes", "Memory that the process holds", [(String::new(), bytes)]);
        }
        self.pools(&mut text);
        let log = self.log(&mut text).await;
        let database = self.database(&mut text).await;
        let parts = [("log", log), ("database", database)].map(|(part, up)| (label("part", part), u8::from(up.is_some())));
        text.gauge("lethemail_part_up", "Whether the part answered just now", parts);
        text.0
    }

    fn pools(&self, text: &mut Text) {
        let each = |value: fn(&Pool) -> usize| self.pools.iter().map(move |(name, pool)| (label("pool", name), value(pool)));
        text.gauge("lethemail_pool_connections_max", "Connections that a pool may have", each(|pool| pool.status().max_size));
        text.gauge("lethemail_pool_connections", "Connections that a pool has, resting ones included", each(|pool| pool.status().size));
        text.gauge("lethemail_pool_connections_idle", "Connections that rest", each(|pool| pool.status().available));
        text.gauge("lethemail_pool_waiting", "Callers that wait for a connection", each(|pool| pool.status().waiting));
    }

    async fn log(&self, text: &mut Text) -> Option<()> {
        let head = self.store.head().await.ok()?;
        let help = "Where the log ends: a count of events on PostgreSQL, a byte offset on KurrentDB";
        text.gauge("lethemail_log_head_position", help, [(String::new(), head.commit)]);
        Some(())
    }

    async fn database(&self, text: &mut Text) -> Option<()> {
        let client = self.pools[0].1.get().await.ok()?;
        let now = self.clock.now();
        let (due, later) = delivery_queue::depth(&client, now).await.ok()?;
        let depth = [("due", due), ("later", later)].map(|(state, messages)| (label("state", state), messages));
        text.gauge("lethemail_delivery_queue_messages", "Messages with work left, due now or later", depth);
        let open = erasures::open(&client).await.ok()?;
        let count = |urgency: Urgency| open.iter().filter(|case| case.urgency(now) == urgency).count();
        let words = [
            ("in_time", Urgency::InTime),
            ("half_gone", Urgency::HalfGone),
            ("nearly_due", Urgency::NearlyDue),
            ("overdue", Urgency::Overdue),
        ];
        let cases = words.map(|(word, urgency)| (label("urgency", word), count(urgency)));
        text.gauge("lethemail_erasures_open", "Requests to be forgotten that are not answered, by how near their date is", cases);
        let lags = lags(&client, &self.store).await.ok()?;
        let of = |(name, _): &(&'static str, Lag)| label("projection", name);
        let seconds = lags.iter().map(|found| (of(found), found.1.age(now).as_secs_f64()));
        text.gauge("lethemail_projection_lag_seconds", "Age of the oldest event that a read model has not seen", seconds);
        let events = lags.iter().filter_map(|found| Some((of(found), found.1.events?)));
        text.gauge("lethemail_projection_lag_events", "Events that a read model has not seen, where the log counts them", events);
        Some(())
    }
}

fn label(name: &str, value: &str) -> String {
    format!("{{{name}=\"{value}\"}}")
}

#[derive(Default)]
struct Text(String);

impl Text {
    fn gauge<V: Display>(&mut self, name: &str, help: &str, values: impl IntoIterator<Item = (String, V)>) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in values {
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}
