//! `lethemail projections`: looking at the read models, making one again, going back, and comparing.

use crate::config::Config;
use crate::event_log::open_store;
use crate::progress;
use crate::serve::Foundation;
use anyhow::{Context, bail};
use clap::Subcommand;
use domain::Timestamp;
use event_store::EventStore;
use projections::{Freshness, Generation, GenerationStatus, Lag, Progress, Projection, Projector, content_hash, lags, status};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ProjectionsCommand {
    /// Name, events behind the log (seconds where the log cannot count), and the SHA-256 of the content
    List,
    /// Version, position, lag and holder of each read model, and what lies beside it
    Status,
    /// Fill new tables from the log beside those in use, and change places when they have caught up; a running server goes on meanwhile
    Rebuild { name: String },
    /// Go back to the content from before the last rebuild, brought up to date first
    Rollback { name: String },
    /// Drop what the last rebuild kept of the former content
    Drop { name: String },
    /// Make read models again beside those in use and compare the content; fails when one differs
    Verify {
        /// All of them without a name
        name: Option<String>,
    },
}

pub(crate) async fn run(config: Config, command: ProjectionsCommand) -> anyhow::Result<()> {
    let foundation = Foundation::beside(config).await?;
    let store = open_store(&foundation).await?;
    let outcome = Command { foundation: &foundation, store: &store }.run(command).await;
    store.shutdown().await;
    foundation.stop().await?;
    outcome
}

struct Command<'a> {
    foundation: &'a Foundation,
    store: &'a EventStore,
}

impl Command<'_> {
    async fn run(&self, command: ProjectionsCommand) -> anyhow::Result<()> {
        match command {
            ProjectionsCommand::List => self.list().await,
            ProjectionsCommand::Status => self.status().await,
            ProjectionsCommand::Rebuild { name } => self.rebuild(find(&name)?).await,
            ProjectionsCommand::Rollback { name } => self.roll_back(find(&name)?).await,
            ProjectionsCommand::Drop { name } => self.drop_former(find(&name)?).await,
            ProjectionsCommand::Verify { name: Some(name) } => self.verify(&[find(&name)?]).await,
            ProjectionsCommand::Verify { name: None } => self.verify(projections::all()).await,
        }
    }

    async fn list(&self) -> anyhow::Result<()> {
        let client = self.foundation.pools.projector.get().await?;
        let lags = lags(&client, self.store).await?;
        let now = self.foundation.clock.now();
        for (projection, (_, lag)) in projections::all().iter().zip(lags) {
            let behind = lag.events.map_or_else(|| seconds(&lag, now), |events| events.to_string());
            println!("{:<18} {behind:>10} behind  {}", projection.name, hex(content_hash(projection, &client).await?));
        }
        Ok(())
    }

    async fn status(&self) -> anyhow::Result<()> {
        let client = self.foundation.pools.projector.get().await?;
        let now = self.foundation.clock.now();
        for found in status(&client, self.store, now).await? {
            let live = found.live.as_ref().map_or_else(|| "never filled".to_owned(), describe);
            println!("{:<18} {live}  {}", found.projection.name, behind(&found.lag, now));
            if found.live.as_ref().is_some_and(|live| live.version != found.projection.version) {
                println!("  this program makes version {}", found.projection.version);
            }
            for (generation, beside) in &found.beside {
                println!("  {:<16} {}", name_of(*generation), describe(beside));
            }
        }
        Ok(())
    }

    async fn rebuild(&self, projection: &'static Projection) -> anyhow::Result<()> {
        let progress = self.progress("rebuilding").await?;
        self.projector().rebuild(projection, progress).await.context("the read model could not be rebuilt")?;
        println!("{} is rebuilt: {}", projection.name, self.hash(projection).await?);
        Ok(())
    }

    async fn roll_back(&self, projection: &'static Projection) -> anyhow::Result<()> {
        let progress = self.progress("catching up").await?;
        self.projector().roll_back(projection, progress).await.context("the read model could not be rolled back")?;
        println!("{} is rolled back: {}", projection.name, self.hash(projection).await?);
        Ok(())
    }

    async fn drop_former(&self, projection: &'static Projection) -> anyhow::Result<()> {
        let dropped = self.projector().drop_former(projection).await.context("the former content could not be dropped")?;
        println!("{}: {}", projection.name, if dropped { "the former content is dropped" } else { "there was nothing to drop" });
        Ok(())
    }

    async fn verify(&self, projections: &[&'static Projection]) -> anyhow::Result<()> {
        let mut differ = Vec::new();
        for projection in projections {
            let progress = self.progress("verifying").await?;
            let found = self
                .projector()
                .verify(projection, progress)
                .await
                .with_context(|| format!("{} could not be verified", projection.name))?;
            let verdict = if found.is_same() { "same" } else { "DIFFERENT" };
            println!(
                "{:<18} at {}: {verdict}\n  in use  {}\n  rebuilt {}",
                projection.name,
                found.position,
                hex(found.live),
                hex(found.rebuilt)
            );
            for table in found.tables.iter().filter(|table| table.live != table.rebuilt) {
                println!("  {} differs: {} in use, {} rebuilt", table.name, hex(table.live), hex(table.rebuilt));
            }
            if !found.is_same() {
                differ.push(projection.name);
            }
        }
        if !differ.is_empty() {
            bail!("what the log makes differs from what is in use: {}", differ.join(", "));
        }
        Ok(())
    }

    fn projector(&self) -> Projector {
        Projector::new(projections::Parts {
            store: self.store.clone(),
            pool: self.foundation.pools.projector.clone(),
            clock: self.foundation.clock.clone(),
            ids: self.foundation.ids.clone(),
            freshness: Freshness::new(self.foundation.pools.app.clone(), self.foundation.clock.clone()),
        })
    }

    /// A bar up to where the log ends now. It shows a share: positions need not count events.
    async fn progress(&self, what: &'static str) -> anyhow::Result<impl FnMut(Progress) + use<>> {
        let mut bar = progress::bar(what, self.store.head().await?.commit);
        Ok(move |at: Progress| bar.at(at.reached.commit))
    }

    async fn hash(&self, projection: &Projection) -> anyhow::Result<String> {
        Ok(hex(content_hash(projection, &*self.foundation.pools.projector.get().await?).await?))
    }
}

fn find(name: &str) -> anyhow::Result<&'static Projection> {
    let names = || projections::all().iter().map(|projection| projection.name).collect::<Vec<&str>>().join(", ");
    projections::find(name).with_context(|| format!("there is no read model of this name; there are {}", names()))
}

/// In events, where the log can count them, and in seconds.
pub(crate) fn behind(lag: &Lag, now: Timestamp) -> String {
    let events = lag.events.map_or_else(String::new, |events| format!("{events} events, "));
    format!("{events}{} behind", seconds(lag, now))
}

fn seconds(lag: &Lag, now: Timestamp) -> String {
    format!("{:.1} s", lag.age(now).as_secs_f64())
}

fn describe(status: &GenerationStatus) -> String {
    let holder = status.holder.as_deref().map_or_else(|| "held by nobody".to_owned(), |holder| format!("held by {holder}"));
    format!("version {}  position {}  {holder}", status.version, status.position)
}

fn name_of(generation: Generation) -> &'static str {
    match generation {
        Generation::Live => "in use",
        Generation::Next => "being filled",
        Generation::Former => "former",
        Generation::Check => "being compared",
    }
}

pub(crate) fn hex(hash: [u8; 32]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}
