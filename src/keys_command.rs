//! `lethemail keys`: where the epochs are, and turning them by hand.

use crate::config::{Config, Role};
use crate::progress;
use crate::serve::Foundation;
use crate::service::Service;
use anyhow::bail;
use clap::Subcommand;
use std::time::Duration;
use vault::{EpochRecord, EpochState, Rotation, RotationPolicy, RotationStep};

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum KeysCommand {
    /// The epochs, when the next one is due, and how far a rotation is
    Status,
    /// Open a new epoch now, wrap every living key again, and destroy the old epoch's key
    Rotate,
    /// Say that the clock is right after it moved by more than 48 hours, so that days expire again
    AcceptClock,
}

/// How often to ask again while another process rotates.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) async fn run(mut config: Config, command: KeysCommand) -> anyhow::Result<()> {
    // Neither workers nor projections: whatever runs beside us has them.
    config.role = Role::Api;
    let foundation = Foundation::beside(config).await?;
    let service = Service::start(&foundation).await?;
    let outcome = match command {
        KeysCommand::Status => status(&foundation, &service).await,
        KeysCommand::Rotate => rotate(&foundation, &service).await,
        KeysCommand::AcceptClock => service.vault.accept_clock().await.map_err(Into::into),
    };
    service.stop().await;
    foundation.stop().await?;
    outcome
}

async fn status(foundation: &Foundation, service: &Service) -> anyhow::Result<()> {
    let policy = foundation.config.keys.rotation();
    for epoch in service.vault.epochs().await? {
        println!("epoch {:<6} {}; its key: {}", epoch.epoch, describe(&epoch, &policy), epoch.provider.describe());
    }
    println!("next epoch   its key: {}", foundation.config.keys.provider().describe());
    for obstacle in service.vault.provider_obstacles().await? {
        println!("waits        {obstacle}");
    }
    if let Some(rotation) = service.vault.rotation(&policy).await? {
        let who = if rotation.held { "" } else { ", and nobody is at it" };
        println!("rotation     {}: {} of {} pages{who}", rotation.pass, rotation.pages_done, rotation.pages_total);
        for obstacle in rotation.obstacles {
            println!("waits        {obstacle}");
        }
    }
    Ok(())
}

fn describe(epoch: &EpochRecord, policy: &RotationPolicy) -> String {
    let at = |time: Option<domain::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    match epoch.state {
        EpochState::BeingMade => "being made".into(),
        EpochState::Open => format!("open since {}, followed by the next on {}", epoch.opened_at, epoch.opened_at + policy.interval),
        EpochState::Closed => format!("closed {}, what it wraps is being wrapped again", at(epoch.closed_at)),
        EpochState::Condemned => "about to be destroyed".into(),
        EpochState::Destroyed => format!("destroyed {}", at(epoch.destroyed_at)),
    }
}

async fn rotate(foundation: &Foundation, service: &Service) -> anyhow::Result<()> {
    let rotation = loop {
        match service.vault.take_rotation().await? {
            Some(rotation) => break rotation,
            None => foundation.clock.sleep_until(foundation.clock.now() + PATIENCE).await,
        }
    };
    let at_once = RotationPolicy { interval: Duration::ZERO, ..foundation.config.keys.rotation() };
    let outcome = carry_out(service, &rotation, &at_once).await;
    rotation.release().await?;
    outcome
}

/// A rotation that was under way is ended first.
async fn carry_out(service: &Service, rotation: &Rotation, at_once: &RotationPolicy) -> anyhow::Result<()> {
    let mut progress = progress::bar("rotating", 0);
    let (mut opened, mut current) = (false, "");
    loop {
        match rotation.step(at_once).await? {
            RotationStep::Progress { pass, done, total } => {
                if pass != current {
                    progress.begin(pass, total);
                    current = pass;
                }
                progress.at(done);
                continue;
            }
            RotationStep::Resting { .. } => {}
            RotationStep::Opened { epoch, closed } => {
                opened = true;
                println!("epoch {epoch} is open, epoch {closed} closed");
            }
            RotationStep::Rewrapped { epoch } => println!("nothing that lives needs epoch {epoch} any more"),
            RotationStep::Waiting { epoch, obstacles } => {
                let obstacles: Vec<String> = obstacles.iter().map(ToString::to_string).collect();
                bail!("the key of epoch {epoch} is kept for now: {}", obstacles.join("; "));
            }
            RotationStep::Destroyed { epoch } => println!("the key of epoch {epoch} is destroyed"),
        }
        service.commands.record_key_epochs(1).await?;
        if opened && service.vault.epochs().await?.iter().all(|epoch| matches!(epoch.state, EpochState::Open | EpochState::Destroyed)) {
            return Ok(());
        }
    }
}
