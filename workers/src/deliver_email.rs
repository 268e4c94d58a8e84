//! Delivers what is due: claims messages for this process, works on many at a time, and lets each go when its attempt is recorded.

use crate::delivery_attempt::{Deliverer, Outcome};
use crate::{Parts, pause};
use domain::{Clock, EmailId, SmtpServerId, Timestamp, Transport};
use projections::ClaimedDelivery;
use projections::delivery_queue::{self, Room, Round};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::{self, JoinError, JoinSet};
use uuid::Uuid;

/// How long a claim lasts unless it is renewed. After a crash, others wait this long.
const LEASE: Duration = Duration::from_secs(60);
const RENEWAL: Duration = Duration::from_secs(20);
/// How soon to look again when nothing was due.
const IDLE: Duration = Duration::from_millis(100);
/// A lease is given back this long after the attempt, when the queue has seen what was recorded.
const SETTLING: Duration = Duration::from_secs(1);
/// What could not be carried out for a fault of ours is not tried in a loop.
const AFTER_FAULT: Duration = Duration::from_secs(30);

pub(crate) async fn run(parts: Parts, mut stopping: watch::Receiver<bool>) {
    let deliverer = Arc::new(Deliverer::new(&parts));
    let mut leases = Leases::new(&parts);
    let mut deliveries = JoinSet::new();
    while !*stopping.borrow() {
        let free = parts.settings.deliveries_max.saturating_sub(deliveries.len());
        let claimed = leases.claim(free).await;
        let idle = claimed.is_empty();
        for delivery in claimed {
            let task = deliveries.spawn(deliver(parts.clock.clone(), deliverer.clone(), delivery.clone()));
            leases.held.insert(task.id(), delivery);
        }
        leases.keep(&deliverer).await;
        if idle {
            tokio::select! {
                Some(ended) = deliveries.join_next_with_id(), if !deliveries.is_empty() => leases.settle(ended),
                stop = pause(&*parts.clock, &mut stopping, IDLE) => if stop { break },
            }
        }
        while let Some(ended) = deliveries.try_join_next_with_id() {
            leases.settle(ended);
        }
    }
    // What was begun is finished, however long a server takes; the leases are kept up meanwhile.
    while !deliveries.is_empty() {
        let again = parts.clock.now() + SETTLING;
        tokio::select! {
            Some(ended) = deliveries.join_next_with_id() => leases.settle(ended),
            () = parts.clock.sleep_until(again) => leases.keep(&deliverer).await,
        }
    }
    leases.give_back(|_| true).await;
}

/// A message whose lease ends at a time.
struct Settled {
    email: EmailId,
    release_at: Timestamp,
}

/// One message. Whatever goes wrong, the lease ends.
async fn deliver(clock: Arc<dyn Clock>, deliverer: Arc<Deliverer>, delivery: ClaimedDelivery) -> Settled {
    let settling = match deliverer.deliver(delivery.organization, delivery.email).await {
        Ok(Outcome::Recorded) => SETTLING,
        Ok(Outcome::Overtaken) => {
            tracing::info!("another process worked on the same message");
            SETTLING
        }
        Err(error) => {
            tracing::warn!(error = format!("{error:#}"), "a delivery could not be carried out");
            AFTER_FAULT
        }
    };
    Settled { email: delivery.email, release_at: clock.now() + settling }
}

/// This process's claims.
struct Leases<'a> {
    parts: &'a Parts,
    token: Uuid,
    /// What is being worked on.
    held: HashMap<task::Id, ClaimedDelivery>,
    /// What is done, and keeps its lease for a moment.
    settled: Vec<Settled>,
    round: Round,
    /// When a claim last found nothing, and the servers that were busy then.
    fruitless: Option<(Timestamp, Vec<SmtpServerId>)>,
    renew_at: Timestamp,
    release_at: Timestamp,
}

impl<'a> Leases<'a> {
    fn new(parts: &'a Parts) -> Self {
        let now = parts.clock.now();
        let (token, held, round) = (parts.ids.random(), HashMap::new(), Round::default());
        Self { parts, token, held, settled: vec![], round, fruitless: None, renew_at: now + RENEWAL, release_at: now + SETTLING }
    }

    /// A few at a time, and none for a server that has enough to do: one that is slow holds up nobody else's mail.
    async fn claim(&mut self, free: usize) -> Vec<ClaimedDelivery> {
        let (now, busy) = (self.parts.clock.now(), self.busy());
        if free == 0 || self.nothing_new(now, &busy) {
            return vec![];
        }
        let room = Room { messages: free, per_server: 2 * self.parts.settings.connections_per_server_max, busy: &busy };
        let round = &mut self.round;
        let claimed = async {
            let client = self.parts.pool.get().await?;
            anyhow::Ok(delivery_queue::claim(&client, self.token, now, now + LEASE, &room, round).await?)
        };
        let claimed = claimed.await.unwrap_or_else(|error| {
            tracing::warn!(error = format!("{error:#}"), "due deliveries could not be claimed");
            vec![]
        });
        self.fruitless = claimed.is_empty().then_some((now, busy));
        claimed
    }

    /// Nothing was due a moment ago, and no server has become free since.
    fn nothing_new(&self, now: Timestamp, busy: &[SmtpServerId]) -> bool {
        self.fruitless.as_ref().is_some_and(|(at, were_busy)| now < *at + IDLE && were_busy.iter().all(|server| busy.contains(server)))
    }

    /// Servers with as many messages in hand as they may have connections.
    fn busy(&self) -> Vec<SmtpServerId> {
        let mut in_hand: HashMap<SmtpServerId, usize> = HashMap::new();
        for delivery in self.held.values() {
            if let Transport::SmtpServer(server) = delivery.transport {
                *in_hand.entry(server).or_default() += 1;
            }
        }
        let enough = self.parts.settings.connections_per_server_max;
        in_hand.into_iter().filter(|(_, count)| *count >= enough).map(|(server, _)| server).collect()
    }

    fn settle(&mut self, ended: Result<(task::Id, Settled), JoinError>) {
        match ended {
            Ok((id, settled)) => {
                self.held.remove(&id);
                self.settled.push(settled);
            }
            Err(error) => {
                // Not held any more, so its lease runs out.
                self.held.remove(&error.id());
                tracing::error!(panicked = error.is_panic(), "a delivery ended without a word");
            }
        }
    }

    /// Gives back what has settled, and prolongs what is being worked on now and then.
    async fn keep(&mut self, deliverer: &Deliverer) {
        let now = self.parts.clock.now();
        if now >= self.release_at {
            self.release_at = now + SETTLING;
            self.give_back(|settled| settled.release_at <= now).await;
        }
        if now >= self.renew_at {
            self.renew_at = now + RENEWAL;
            deliverer.connections.close_idle();
            let held: Vec<EmailId> = self.held.values().map(|delivery| delivery.email).collect();
            let renewed =
                async { anyhow::Ok(delivery_queue::renew(&*self.parts.pool.get().await?, &held, self.token, now + LEASE).await?) };
            if let Err(error) = renewed.await {
                tracing::warn!(error = format!("{error:#}"), "delivery leases could not be renewed");
            }
        }
    }

    /// A lease that cannot be given back now is not renewed either, and runs out by itself.
    async fn give_back(&mut self, is_due: impl Fn(&Settled) -> bool) {
        let due: Vec<EmailId> = self.settled.extract_if(.., |settled| is_due(settled)).map(|settled| settled.email).collect();
        if due.is_empty() {
            return;
        }
        let released = async { anyhow::Ok(delivery_queue::release_all(&*self.parts.pool.get().await?, &due, self.token).await?) };
        if let Err(error) = released.await {
            tracing::warn!(error = format!("{error:#}"), "delivery leases could not be given back");
        }
    }
}
