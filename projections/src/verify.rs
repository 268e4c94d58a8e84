//! Whether what queries see is what the log says: it is made again beside, up to the same position, and compared.

use crate::bookmark::position;
use crate::content_hash::{of_tables, table_hashes};
use crate::generation::Generation;
use crate::mover::{Mover, session};
use crate::rebuild::Progress;
use crate::side_room::{close, open};
use crate::{Projection, ProjectionError, Projector};
use deadpool_postgres::{Client, ClientWrapper};
use domain::Position;

/// The outcome of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    /// Both contents show the log up to here.
    pub position: Position,
    pub tables: Vec<ComparedTable>,
    /// Over all tables: what queries see, as [`crate::content_hash`] has it.
    pub live: [u8; 32],
    /// Over all tables: what the log makes.
    pub rebuilt: [u8; 32],
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedTable {
    pub name: &'static str,
    pub live: [u8; 32],
    pub rebuilt: [u8; 32],
}

impl Verification {
    pub fn is_same(&self) -> bool {
        self.live == self.rebuilt
    }
}

impl Projector {
    /// Compares what queries see with what the log makes. Traffic goes on meanwhile, and nothing of what queries see is touched.
    ///
    /// # Errors
    /// [`ProjectionError::Busy`] while another process does it; [`ProjectionError::OtherVersion`] when what queries see was made by another
    /// version of the program, so that it has a right to differ.
    pub async fn verify(
        &self,
        projection: &'static Projection,
        mut progress: impl FnMut(Progress),
    ) -> Result<Verification, ProjectionError> {
        let mut client = session(&self.parts.pool, Generation::Check).await?;
        let lease = open(&mut client, projection, Generation::Check, self.parts.ids.random(), self.parts.clock.now()).await?;
        let mut mover = Mover::new(&self.parts, client, lease);
        let compared = self.compare(projection, &mut mover, &mut progress).await;
        let closed = close(&mut mover.client, &mover.lease).await;
        let compared = compared?;
        closed?;
        Ok(compared)
    }

    async fn compare(
        &self,
        projection: &'static Projection,
        mover: &mut Mover<'_>,
        progress: &mut impl FnMut(Progress),
    ) -> Result<Verification, ProjectionError> {
        let other = self.parts.pool.get().await?;
        let head = live_position(projection, &other).await?;
        let mut report = |reached| progress(Progress { reached, head });
        mover.replay(head, &mut report, || false).await?;
        let (position, live) = mover.hold_during(hash_live(projection, other)).await??;
        mover.replay(position, &mut report, || false).await?;
        let other = self.parts.pool.get().await?;
        let rebuilt = mover.hold_during(table_hashes(projection, Generation::Check, &other)).await??;
        let tables = live.iter().zip(&rebuilt).map(|((name, live), (_, rebuilt))| ComparedTable { name, live: *live, rebuilt: *rebuilt });
        Ok(Verification { position, tables: tables.collect(), live: of_tables(&live), rebuilt: of_tables(&rebuilt) })
    }
}

/// Position and hashes of one moment.
async fn hash_live(projection: &'static Projection, client: Client) -> Result<(Position, Vec<(&'static str, [u8; 32])>), ProjectionError> {
    // Not to go back to the pool amid a transaction.
    let client = Client::take(client);
    let tables: Vec<&str> = projection.tables.iter().map(|table| table.name).collect();
    // The tables are locked, so that none changes places, before the moment is taken, which is when the first rows are read.
    let begin = format!("BEGIN ISOLATION LEVEL REPEATABLE READ; LOCK TABLE {} IN ACCESS SHARE MODE", tables.join(", "));
    client.batch_execute(&begin).await?;
    let position = live_position(projection, &client).await?;
    Ok((position, table_hashes(projection, Generation::Live, &client).await?))
}

async fn live_position(projection: &Projection, client: &ClientWrapper) -> Result<Position, ProjectionError> {
    let select = "SELECT position, version FROM ops.bookmark WHERE reader = $1";
    let Some(row) = client.query_opt(select, &[&Generation::Live.reader(projection)]).await? else { return Ok(Position::START) };
    match row.get(1) {
        version if version == projection.version => Ok(position(row.get(0))),
        found => Err(ProjectionError::OtherVersion { found, known: projection.version }),
    }
}
