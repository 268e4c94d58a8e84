//! `lethemail log copy`: the whole log into another store, and what an installation needs to go on there.

use super::place::Place;
use super::switch::Switch;
use crate::config::Config;
use crate::progress;
use crate::serve::Foundation;
use anyhow::Context;
use event_store::{Copied, EventStore};

pub(super) async fn run(config: Config, from: &Place, to: &Place, switch: bool) -> anyhow::Result<()> {
    let is_here = switch || [from, to].into_iter().any(|place| matches!(place, Place::Database));
    let foundation = if is_here { Some(Foundation::beside(config.clone()).await?) } else { None };
    let outcome = with(&config, foundation.as_ref(), from, to, switch).await;
    if let Some(foundation) = foundation {
        foundation.stop().await?;
    }
    outcome
}

async fn with(config: &Config, foundation: Option<&Foundation>, from: &Place, to: &Place, switch: bool) -> anyhow::Result<()> {
    let source = from.source(config, foundation).await.context("the source")?;
    let switch = match foundation.filter(|_| switch) {
        Some(foundation) => Some(Switch::begin(foundation, &source, matches!(from, Place::Database)).await?),
        None => None,
    };
    let target = to.target(config, foundation).await.context("the target")?;
    let outcome = copy_and_switch(&source, &target, switch).await;
    source.shutdown().await;
    target.shutdown().await;
    outcome
}

async fn copy_and_switch(source: &EventStore, target: &EventStore, mut switch: Option<Switch<'_>>) -> anyhow::Result<()> {
    // Positions count or are offsets: either way they tell how much of the log is behind.
    let mut bar = progress::bar("copying", source.head().await?.commit);
    let copied = event_store::copy(source, target, |event| {
        bar.at(event.source.commit);
        switch.iter_mut().for_each(|switch| switch.pass(event));
    });
    let copied = copied.await?;
    drop(bar);
    tell(&copied);
    match switch {
        Some(switch) => switch.finish(source, target, &copied).await,
        None => Ok(()),
    }
}

fn tell(copied: &Copied) {
    let Copied { events, written, streams, chain, source, target } = copied;
    let chain: String = chain.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("{events} events in {streams} streams stand in both logs, byte for byte; {written} of them were written now");
    println!("the last one: position {source} of the source, {target} of the target");
    println!("chain of all leaf hashes, of either: {chain}");
}
