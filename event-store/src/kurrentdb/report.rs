//! What a KurrentDB tells of itself, for people who operate it.

use super::KurrentdbConfig;
use super::client::Link;
use super::reader::{Reader, fault, unavailable};
use super::supervisor::Supervisor;
use crate::{Fault, ReadError};
use domain::Position;
use std::sync::Arc;

/// Of the node that leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KurrentdbReport {
    /// `host:port`.
    pub node: String,
    /// `None` from a server that does not tell.
    pub version: Option<String>,
    /// Where its log ends.
    pub head: Position,
}

impl KurrentdbConfig {
    /// Asks the server once everything that `doctor` wants to know.
    pub async fn report(&self) -> Result<KurrentdbReport, Fault> {
        let supervisor = Arc::new(Supervisor::new(self.address.clone(), self.deadline).map_err(fault)?);
        let reader = Reader { supervisor, patience: self.patience, landmark: Arc::default() };
        let asked = async {
            let head = reader.head(Position::START).await?.map_or(Position::START, |mark| mark.position);
            let (node, version) = reader.call(|link: Link| async move { link.node().await }).await.map_err(unavailable)?;
            Ok(KurrentdbReport { node, version, head })
        };
        asked.await.map_err(|error| match error {
            ReadError::Unavailable(fault) => fault,
            _ => Fault::Connection,
        })
    }
}
