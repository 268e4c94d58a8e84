//! An installation goes on with a copy of its log: bookmarks are translated, what holds positions is made again, and the former log is closed.

use crate::event_log::remembered;
use crate::serve::Foundation;
use anyhow::{Context, bail};
use event_store::{Copied, Counterparts, EventStore};
use projections::Relocation;
use tokio_postgres::Transaction;
use transparency::Logs;

/// Whoever still appends is waited for; whoever comes later is refused, also a process that has not heard of the move.
const CLOSE: &str =
    "LOCK TABLE log.event IN SHARE MODE; SET LOCAL ROLE lethemail_owner; REVOKE INSERT ON log.event FROM lethemail_app; RESET ROLE";
const REMEMBER: &str = "INSERT INTO ops.log_name (id, first_event) VALUES ($1, $2)
    ON CONFLICT (only_one) DO UPDATE SET id = EXCLUDED.id, first_event = EXCLUDED.first_event";

pub(super) struct Switch<'a> {
    foundation: &'a Foundation,
    relocation: Relocation,
    from_database: bool,
}

impl<'a> Switch<'a> {
    /// Before anything is copied: nobody may be at work, and the source must be the log that this installation uses.
    pub async fn begin(foundation: &'a Foundation, source: &EventStore, from_database: bool) -> anyhow::Result<Self> {
        let client = foundation.pools.projector.get().await?;
        let app = foundation.pools.app.get().await?;
        let (known, name) = (remembered(&app).await?, source.name().await?);
        if let Some(known) = known.filter(|known| Some(*known) != name) {
            bail!("this installation uses log {known}, which is not the source: copy from where it lies");
        }
        let relocation = Relocation::begin(&client, foundation.clock.now()).await.context(AT_WORK)?;
        Ok(Self { foundation, relocation, from_database })
    }

    pub fn pass(&mut self, event: Counterparts) {
        self.relocation.pass(event.source, event.target);
    }

    /// All of it or nothing, in one transaction.
    pub async fn finish(self, source: &EventStore, target: &EventStore, copied: &Copied) -> anyhow::Result<()> {
        let Some(name) = target.name().await? else { bail!("the log is empty: there is nothing to move") };
        let mut client = self.foundation.database.connect().await?;
        let transaction = client.transaction().await?;
        if self.from_database {
            transaction.batch_execute(CLOSE).await.context("the log of the database cannot be closed")?;
        }
        if !source.read_all(copied.source, 1).await?.is_empty() {
            bail!("the log went on while it was copied: stop every process, and run this again");
        }
        self.relocate(&transaction).await?;
        transaction.execute(REMEMBER, &[&&name.id[..], &name.first_event.0]).await?;
        transaction.commit().await?;
        println!(
            "this installation goes on with log {name}: set event_store.url to its address, or leave it out if the log lies in the database now"
        );
        Ok(())
    }

    async fn relocate(&self, transaction: &Transaction<'_>) -> anyhow::Result<()> {
        self.relocation.apply(transaction, self.foundation.clock.now()).await.context(AT_WORK)?;
        Ok(Logs::forget(transaction).await?)
    }
}

const AT_WORK: &str = "stop every process of this installation first (one that was killed keeps its place for five seconds)";
