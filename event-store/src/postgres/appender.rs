//! The one writer of this process: takes what waits, writes it in one statement, answers.
//!
//! `base` is the last position that the appender knows. Its statement succeeds only if nobody has written behind `base`; then every cached
//! version is current, and what was decided in memory was decided on the truth. Otherwise nothing was written: it reads what came, and
//! decides again.

use super::batch::{Plan, Probed, decide};
use super::connector::Connector;
use super::queue::{Queue, Request};
use super::session::{PARTITION_SIZE, Session};
use super::statement::{self, Outcome};
use super::versions::Versions;
use crate::head::{self, Head};
use crate::{AppendError, Fault, at};
use domain::Clock;
use futures::future;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_postgres::Config;

/// After a miss, this many batches take the lock: processes that contend take turns instead of missing each other.
const CONTENDED_BATCHES: u8 = 16;
const BACKOFF_MIN: Duration = Duration::from_millis(20);
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// Refusals that make no sense are not repeated for ever.
const REFUSALS_MAX: u8 = 3;

pub(super) struct Appender {
    pub config: Config,
    pub connector: Connector,
    pub clock: Arc<dyn Clock>,
    pub head: Arc<watch::Sender<Head>>,
    /// How long callers wait for a lost connection to come back.
    pub patience: Duration,
    session: Option<Session>,
    base: u64,
    versions: Versions,
    contended: u8,
    /// A transaction with the lock was begun, and nothing has ended it yet.
    in_transaction: bool,
    /// Up to (not including) this position there are partitions.
    partitioned_to: u64,
}

/// Why a batch was not written at the first go.
enum Setback {
    Missed,
    /// The statement found a stream at another version than was taken for granted.
    Stale(Fault),
    Refused(Fault),
    /// The connection broke; a statement that was `sent` may have arrived.
    Lost {
        sent: bool,
    },
}

impl From<tokio_postgres::Error> for Setback {
    /// For everything but the writing statement itself.
    fn from(error: tokio_postgres::Error) -> Self {
        match Fault::from(&error) {
            Fault::Connection => Setback::Lost { sent: false },
            refused => Setback::Refused(refused),
        }
    }
}

impl Appender {
    pub async fn start(
        config: Config,
        connector: Connector,
        clock: Arc<dyn Clock>,
        head: Arc<watch::Sender<Head>>,
        patience: Duration,
    ) -> Result<Self, Fault> {
        let (session, versions, in_transaction) = (None, Versions::default(), false);
        let mut appender =
            Self { config, connector, clock, head, patience, session, base: 0, versions, contended: 0, in_transaction, partitioned_to: 0 };
        appender.connect().await?;
        Ok(appender)
    }

    pub async fn run(mut self, mut queue: Queue) {
        while let Some(requests) = queue.next().await {
            let verdicts = match self.write(&requests).await {
                Ok(verdicts) => verdicts,
                Err(error) => vec![Err(error); requests.len()],
            };
            for (request, verdict) in requests.into_iter().zip(verdicts) {
                request.answer(verdict);
            }
            self.prepare_partition().await;
        }
    }

    /// Tries until the batch is decided on the truth and durable.
    async fn write(&mut self, requests: &[Request]) -> Result<Vec<Result<crate::Appended, AppendError>>, AppendError> {
        let mut assume_new = true;
        let mut refusals = 0;
        loop {
            self.check_whole()?;
            if self.session.is_none() {
                self.reconnect(false).await?;
            }
            let fault = match self.attempt(requests, assume_new).await {
                Ok(plan) => return Ok(plan.verdicts),
                Err(Setback::Missed) => {
                    self.contended = CONTENDED_BATCHES;
                    continue;
                }
                Err(Setback::Lost { sent }) => {
                    // Decided again on a new connection, the batch finds its own ids if it had arrived.
                    self.session = None;
                    self.reconnect(sent).await?;
                    continue;
                }
                Err(Setback::Stale(fault)) => {
                    if !std::mem::take(&mut assume_new) {
                        self.versions.clear();
                    }
                    fault
                }
                Err(Setback::Refused(fault)) => {
                    // A new connection may lead to a server that takes writes.
                    tracing::warn!(%fault, "the log refused a batch");
                    self.session = None;
                    fault
                }
            };
            refusals += 1;
            if refusals > REFUSALS_MAX {
                return Err(AppendError::Unavailable(fault));
            }
        }
    }

    async fn attempt(&mut self, requests: &[Request], assume_new: bool) -> Result<Plan, Setback> {
        let locked = self.contended > 0;
        self.contended = self.contended.saturating_sub(1);
        let outcome = self.attempt_in(requests, assume_new, locked).await;
        if std::mem::take(&mut self.in_transaction) && !matches!(outcome, Err(Setback::Lost { .. })) {
            self.session()?.roll_back().await?;
        }
        if matches!(outcome, Err(Setback::Missed)) {
            self.refresh().await?;
        }
        outcome
    }

    async fn attempt_in(&mut self, requests: &[Request], assume_new: bool, locked: bool) -> Result<Plan, Setback> {
        if locked {
            self.begin_locked().await?;
        }
        let mut probed = Probed::new();
        let mut plan = self.decide(requests, &mut probed, assume_new).await?;
        while plan.rows.is_empty() {
            // No statement proves that the cache is current, so a look does, before anybody is refused.
            if !self.refresh().await? {
                return Ok(plan);
            }
            probed.clear();
            plan = self.decide(requests, &mut probed, assume_new).await?;
        }
        self.send(requests, &plan, locked).await?;
        self.base += plan.rows.len() as u64;
        for change in &plan.streams {
            self.versions.set(change.stream, Some(change.after));
        }
        head::advance(&self.head, self.base);
        Ok(plan)
    }

    async fn decide(&mut self, requests: &[Request], probed: &mut Probed, assume_new: bool) -> Result<Plan, Setback> {
        loop {
            match decide(self.base, requests, &self.versions, probed, assume_new) {
                Ok(plan) => return Ok(plan),
                Err(missing) => {
                    let session = self.session.as_ref().ok_or(Setback::Lost { sent: false })?;
                    session.fetch(&missing, &mut self.versions, probed).await?;
                }
            }
        }
    }

    async fn send(&mut self, requests: &[Request], plan: &Plan, locked: bool) -> Result<(), Setback> {
        self.in_transaction = false;
        let session = self.session()?;
        let lost = |error: tokio_postgres::Error| match Fault::from(&error) {
            Fault::Connection => Setback::Lost { sent: true },
            Fault::Refused(code) if statement::is_stale(&code) => Setback::Stale(Fault::Refused(code)),
            refused => Setback::Refused(refused),
        };
        let append = statement::append(&session.client, &session.append, self.base, requests, plan, self.clock.now());
        let outcome = if locked {
            // COMMIT follows without waiting. After a statement that failed it rolls back and succeeds, so the statement is asked first.
            let (appended, committed) = future::join(append, session.commit()).await;
            let outcome = appended.map_err(lost)?;
            committed.map_err(lost)?;
            outcome
        } else {
            append.await.map_err(lost)?
        };
        match outcome {
            Outcome::Written => Ok(()),
            Outcome::Missed => Err(Setback::Missed),
        }
    }

    /// Takes the lock and reads what came before it was free, in one go.
    async fn begin_locked(&mut self) -> Result<(), Setback> {
        let session = self.session.as_ref().ok_or(Setback::Lost { sent: false })?;
        let (begun, base) = future::join(session.begin_locked(), session.refresh(self.base, &mut self.versions)).await;
        begun?;
        self.in_transaction = true;
        self.move_base(base?);
        Ok(())
    }

    /// Reads what others wrote. Whether there was something.
    async fn refresh(&mut self) -> Result<bool, Setback> {
        let session = self.session.as_ref().ok_or(Setback::Lost { sent: false })?;
        let base = session.refresh(self.base, &mut self.versions).await?;
        let news = base > self.base;
        self.move_base(base);
        Ok(news)
    }

    fn move_base(&mut self, base: u64) {
        self.base = base;
        head::advance(&self.head, base);
    }

    fn session(&self) -> Result<&Session, Setback> {
        self.session.as_ref().ok_or(Setback::Lost { sent: false })
    }

    /// Connects again, more and more slowly, as long as callers can be asked to wait. `sent`: a statement was on its way.
    async fn reconnect(&mut self, sent: bool) -> Result<(), AppendError> {
        let (mut waited, mut backoff) = (Duration::ZERO, BACKOFF_MIN);
        loop {
            self.check_whole()?;
            let fault = match self.connect().await {
                Ok(()) => return self.check_whole(),
                Err(fault) => fault,
            };
            waited += backoff;
            if waited > self.patience {
                return Err(if sent { AppendError::OutcomeUnknown(fault) } else { AppendError::Unavailable(fault) });
            }
            super::pause(backoff).await;
            backoff = BACKOFF_MAX.min(backoff * 2);
        }
    }

    /// Once events were lost, this process writes no more, even if the log grows past the old end again: that is another history.
    fn check_whole(&self) -> Result<(), AppendError> {
        match *self.head.borrow() {
            Head::Lost { head, seen } => Err(AppendError::LogLost { head: at(head), seen: at(seen) }),
            Head::At(_) | Head::Closed => Ok(()),
        }
    }

    async fn connect(&mut self) -> Result<(), Fault> {
        let session = Session::open(&self.config, &self.connector).await?;
        let head = session.head().await?;
        if head < self.base {
            // After a fail-over that lost events, writing on at `base` would leave a gap, and from `head` would begin another history.
            head::lose(&self.head, head, self.base);
            return Ok(());
        }
        self.base = head;
        self.versions.clear();
        head::advance(&self.head, head);
        self.session = Some(session);
        self.partitioned_to = 0;
        self.prepare_partition().await;
        Ok(())
    }

    /// Makes the partitions of this position and the next one long before they are needed.
    async fn prepare_partition(&mut self) {
        let next = self.base + 1;
        if next + PARTITION_SIZE / 2 < self.partitioned_to {
            return;
        }
        let Ok(session) = self.session() else { return };
        let (this, following) = (session.ensure_partition(next).await, session.ensure_partition(next + PARTITION_SIZE).await);
        match this.and(following) {
            Ok(()) => self.partitioned_to = (next / PARTITION_SIZE + 2) * PARTITION_SIZE,
            Err(error) => tracing::warn!(fault = %Fault::from(&error), "the log's next partition could not be made"),
        }
    }
}
