//! Epochs change: a new one opens, everything that lives is wrapped again under its key, and the old key is destroyed, so that whatever was destroyed meanwhile
//! is gone from every copy of the database too.
//!
//! One process rotates at a time, under a lease, but nothing hangs on that: each step decides by the rows whether it may happen, can be repeated, and can be cut
//! off anywhere. Others go on creating and destroying keys.

mod check;
mod condemn;
mod copy_addresses;
mod lease;
mod open;
mod pass;
mod rewrap;
mod status;

use crate::epochs::{CLOSED, CONDEMNED, OPEN};
use crate::error::VaultError;
use crate::vault::Vault;
pub use condemn::Obstacle;
use domain::Timestamp;
pub use lease::Rotation;
use pass::{Pass, Place};
pub use status::{EpochRecord, EpochState, RotationStatus};
use std::time::Duration;

/// What an operator decides about rotation.
#[derive(Clone, Debug)]
pub struct RotationPolicy {
    /// An epoch that has been open for so long is followed by the next.
    pub interval: Duration,
    /// Standbys, by their `application_name`, without which no old key is destroyed.
    pub standbys: Vec<String>,
}

impl Default for RotationPolicy {
    /// A week, so that a key which was destroyed is gone everywhere within 15 days.
    fn default() -> Self {
        Self { interval: Duration::from_secs(7 * 86_400), standbys: vec![] }
    }
}

/// What one step came to.
#[derive(Clone, Debug, PartialEq)]
pub enum RotationStep {
    /// Nothing is due before then.
    Resting {
        until: Timestamp,
    },
    /// New keys are wrapped under `epoch` from now on, and none under `closed`.
    Opened {
        epoch: u32,
        closed: u32,
    },
    /// Pages of one of several passes.
    Progress {
        pass: &'static str,
        done: u64,
        total: u64,
    },
    /// Nothing that lives needs the epoch's key any more, and every row was opened with the new one.
    Rewrapped {
        epoch: u32,
    },
    /// The epoch's key must not go yet.
    Waiting {
        epoch: u32,
        obstacles: Vec<Obstacle>,
    },
    Destroyed {
        epoch: u32,
    },
}

impl Rotation {
    /// Does the next bounded piece of work. An `interval` of zero opens a new epoch as soon as no old one is left.
    pub async fn step(&self, policy: &RotationPolicy) -> Result<RotationStep, VaultError> {
        let outcome = self.next(policy).await;
        match outcome {
            // Somebody destroys what we wrap again, and each waits for the other's rows: we stand back.
            Err(VaultError::Database(error)) if is_contention(&error) => self.progress().await,
            // Nothing is lost by waiting: every step finds its place again.
            Err(error) => match Obstacle::of(&error) {
                Some(obstacle) => Ok(RotationStep::Waiting { epoch: self.oldest().await?, obstacles: vec![obstacle] }),
                None => Err(error),
            },
            outcome => outcome,
        }
    }

    async fn next(&self, policy: &RotationPolicy) -> Result<RotationStep, VaultError> {
        self.keep().await?;
        let rows = status::epochs(&self.vault).await?;
        if let Some(condemned) = rows.iter().find(|row| row.state == CONDEMNED) {
            return condemn::destroy(self, condemned).await;
        }
        let Some(closed) = rows.iter().find(|row| row.state == CLOSED).map(|row| row.epoch) else {
            return open::open_next(self, &rows, policy.interval).await;
        };
        match self.pass().await? {
            None => self.begin(Pass::FIRST, closed).await,
            Some((Pass::Rewrap(place), at)) => rewrap::rewrap(self, place, closed, at).await,
            Some((Pass::CopyAddresses, at)) => copy_addresses::copy(self, closed, at).await,
            Some((Pass::CheckAddresses, at)) => copy_addresses::check(self, closed, at).await,
            Some((Pass::Settle, _)) => copy_addresses::settle(self, closed).await,
            Some((Pass::Check(place), at)) => check::check(self, place, closed, at).await,
            Some((Pass::Gate, _)) => condemn::condemn(self, closed, policy).await,
        }
    }

    /// The oldest epoch whose key is not destroyed.
    async fn oldest(&self) -> Result<u32, VaultError> {
        let rows = status::epochs(&self.vault).await?;
        let oldest = rows.iter().find(|row| matches!(row.state, OPEN | CLOSED | CONDEMNED));
        oldest.map(|row| number(row.epoch)).ok_or(VaultError::UnknownEpoch(0))
    }

    /// Before anything is wrapped again, what the anchor names goes: a restored keyring must not carry it into the new epoch.
    async fn begin(&self, pass: Pass, closed: i32) -> Result<RotationStep, VaultError> {
        crate::destroy::apply_anchor(self.vault.keyring()).await?;
        self.enter(pass, closed).await
    }
}

impl Vault {
    /// The right to rotate. `None`: another process has it.
    pub async fn take_rotation(&self) -> Result<Option<Rotation>, VaultError> {
        Rotation::take(self).await
    }
}

/// Marks a place where a crash must do no harm. Whoever watches the log at this level sees rotation's every step.
fn boundary(name: &'static str) {
    tracing::debug!(target: "vault::rotation", boundary = name);
}

fn is_contention(error: &tokio_postgres::Error) -> bool {
    use tokio_postgres::error::SqlState;
    matches!(error.code(), Some(&SqlState::LOCK_NOT_AVAILABLE | &SqlState::T_R_DEADLOCK_DETECTED))
}

/// Epochs count from 1.
fn number(epoch: i32) -> u32 {
    epoch.unsigned_abs()
}
