//! Which part of the whole a process plays.

use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Everything in one process.
    #[default]
    All,
    /// GraphQL, REST and links.
    Api,
    /// Reactions: deliveries, webhooks, sweepers.
    Worker,
    /// Read models.
    Projector,
}

impl Role {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Role::All => "all",
            Role::Api => "api",
            Role::Worker => "worker",
            Role::Projector => "projector",
        }
    }

    pub fn serves_api(self) -> bool {
        matches!(self, Role::All | Role::Api)
    }

    pub fn works(self) -> bool {
        matches!(self, Role::All | Role::Worker)
    }

    pub fn projects(self) -> bool {
        matches!(self, Role::All | Role::Projector)
    }
}
