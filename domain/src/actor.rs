//! Who caused an event.

use crate::{ApiKeyId, UserId};
use serde::{Deserialize, Serialize};

/// The acting party, as every event header names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "by", content = "id", rename_all = "snake_case")]
pub enum Actor {
    /// A person in a session; also somebody signing up, who becomes that person.
    Member(UserId),
    /// An application with an API key.
    ApiKey(ApiKeyId),
    /// A part of Lethemail itself.
    System(SystemActor),
}

/// The parts of Lethemail that act on their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SystemActor {
    /// Starts and migrates the platform.
    Platform,
    /// Delivers queued mail.
    Delivery,
    /// Carries an erasure through its steps.
    Erasure,
    /// Whoever runs the installation, at its command line.
    Operator,
}
