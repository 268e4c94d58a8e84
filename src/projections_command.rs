//! `lethemail projections`: looking at the read models, and making one again.

use crate::config::Config;
use crate::progress;
use crate::serve::Foundation;
use crate::service::store_config;
use anyhow::{Context, bail};
use clap::Subcommand;
use event_store::{EventStore, PostgresStore};
use projections::{Freshness, Projection, Projector, content_hash, lag};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ProjectionsCommand {
    /// Name, events behind the log, and the SHA-256 of the content
    List,
    /// Empty a read model and fill it again from the log; a running server goes on meanwhile
    Rebuild { name: String },
}

pub(crate) async fn run(config: Config, command: ProjectionsCommand) -> anyhow::Result<()> {
    let foundation = Foundation::beside(config).await?;
    let store = PostgresStore::start(store_config(&foundation))
        .await
        .map_err(|fault| anyhow::anyhow!("the event log cannot be opened: {fault}"))?;
    let store = EventStore::Postgres(store);
    let outcome = match command {
        ProjectionsCommand::List => list(&foundation, &store).await,
        ProjectionsCommand::Rebuild { name } => rebuild(&foundation, &store, &name).await,
    };
    store.shutdown().await;
    foundation.stop().await?;
    outcome
}

async fn list(foundation: &Foundation, store: &EventStore) -> anyhow::Result<()> {
    let client = foundation.pools.projector.get().await?;
    for projection in projections::all() {
        let behind = lag(projection, &client, store).await?.distance();
        println!("{:<18} {behind:>10} behind  {}", projection.name, hash(projection, &client).await?);
    }
    Ok(())
}

async fn rebuild(foundation: &Foundation, store: &EventStore, name: &str) -> anyhow::Result<()> {
    let Some(projection) = projections::find(name) else {
        let names: Vec<&str> = projections::all().iter().map(|projection| projection.name).collect();
        bail!("there is no read model of this name; there are {}", names.join(", "));
    };
    let projector = Projector::new(projections::Parts {
        store: store.clone(),
        pool: foundation.pools.projector.clone(),
        clock: foundation.clock.clone(),
        ids: foundation.ids.clone(),
        freshness: Freshness::new(foundation.pools.app.clone(), foundation.clock.clone()),
    });
    let mut bar = progress::bar("rebuilding", store.head().await?.commit);
    projector.rebuild(projection, |at| bar.at(at.reached.commit)).await.context("the read model could not be rebuilt")?;
    drop(bar);
    let client = foundation.pools.projector.get().await?;
    println!("{} is rebuilt: {}", projection.name, hash(projection, &client).await?);
    Ok(())
}

async fn hash(projection: &Projection, client: &deadpool_postgres::Client) -> anyhow::Result<String> {
    let hash = content_hash(projection, client).await?;
    Ok(hash.iter().map(|byte| format!("{byte:02x}")).collect())
}
