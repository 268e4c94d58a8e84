//! The appender's own connection and what it asks before it writes.

use super::batch::{Missing, Probed, Standing};
use super::connector::Connector;
use super::statement::{self, Append};
use super::versions::Versions;
use domain::{Category, EventId, OrganizationId, StreamName};
use futures::StreamExt;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, Row, Statement};

/// Positions of one partition, as in `log.ensure_partition`.
pub(super) const PARTITION_SIZE: u64 = 10_000_000;
/// More news than this is not worth reading: the cached versions are forgotten instead.
const NEWS_MAX: i64 = 10_000;
/// Orders the batches of processes that contend. The number has no meaning but must be the same for all.
const WRITER_LOCK: &str = "BEGIN; SELECT pg_advisory_xact_lock(7811887866120170869)";

/// Planning each batch anew would cost more than running it, so plans are made once; they look rows up by index even while the tables are
/// small or never analysed. Durability is not left to the server's default.
const SETTINGS: &str = "SET ROLE lethemail_app; SET plan_cache_mode = force_generic_plan; SET jit = off;
    SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;
    SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local')";

const HEAD: &str = "SELECT position FROM log.event ORDER BY position DESC LIMIT 1";
const NEWS: &str =
    "SELECT position, category, organization, stream_id, version FROM log.event WHERE position > $1 ORDER BY position LIMIT $2";
const VERSIONS: &str = "SELECT s.category, s.organization, s.stream_id, s.version
    FROM (SELECT unnest($1::uuid[]) AS stream_id, unnest($2::uuid[]) AS organization, unnest($3::int2[]) AS category) AS wanted
    JOIN log.stream s USING (stream_id, organization, category)";
const PROBE: &str = "SELECT e.category, e.organization, e.stream_id, e.version, e.position, e.event_id
    FROM (SELECT unnest($1::uuid[]) AS stream_id, unnest($2::uuid[]) AS organization, unnest($3::int2[]) AS category, unnest($4::uuid[]) AS event_id) AS wanted
    JOIN log.event e USING (stream_id, organization, category, event_id)";

pub(super) struct Session {
    pub client: Client,
    pub append: Append,
    head: Statement,
    news: Statement,
    versions: Statement,
    probe: Statement,
    connection: JoinHandle<()>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Session {
    pub async fn open(config: &Config, connector: &Connector) -> Result<Self, Error> {
        let (client, mut messages) = connector.connect(config, "lethemail appender").await?;
        // Ends at the first error, which drops the connection: it shows in the next statement, where it is dealt with.
        let connection = tokio::spawn(async move { while let Some(Ok(_)) = messages.next().await {} });
        client.batch_execute(SETTINGS).await?;
        let append = Append::prepare(&client).await?;
        let (head, news) = (client.prepare(HEAD).await?, client.prepare(NEWS).await?);
        let (versions, probe) = (client.prepare(VERSIONS).await?, client.prepare(PROBE).await?);
        Ok(Self { client, append, head, news, versions, probe, connection })
    }

    pub async fn head(&self) -> Result<u64, Error> {
        Ok(self.client.query_opt(&self.head, &[]).await?.map_or(0, |row| unsigned(&row, 0)))
    }

    /// Brings cached versions up to date with what was written behind `base`, and returns the new base.
    pub async fn refresh(&self, base: u64, versions: &mut Versions) -> Result<u64, Error> {
        let rows = self.client.query(&self.news, &[&statement::signed(base), &NEWS_MAX]).await?;
        if rows.len() as i64 == NEWS_MAX {
            let head = self.head().await?;
            versions.clear();
            return Ok(head);
        }
        for row in &rows {
            if let Some(stream) = stream(row, 1) {
                versions.raise(stream, unsigned(row, 4));
            }
        }
        Ok(rows.last().map_or(base, |row| unsigned(row, 0)))
    }

    /// Reads what deciding the batch lacks: one statement for all streams, one for all ids, sent together.
    pub async fn fetch(&self, missing: &Missing, versions: &mut Versions, probed: &mut Probed) -> Result<(), Error> {
        futures::future::try_join(self.fetch_versions(&missing.streams, versions), self.fetch_ids(&missing.ids, probed)).await?;
        Ok(())
    }

    async fn fetch_versions(&self, streams: &[StreamName], versions: &mut Versions) -> Result<(), Error> {
        if streams.is_empty() {
            return Ok(());
        }
        let (ids, organizations, categories) = columns(streams.iter());
        let rows = self.client.query(&self.versions, &[&ids, &organizations, &categories]).await?;
        for stream in streams {
            versions.set(*stream, None);
        }
        for row in &rows {
            if let Some(stream) = stream(row, 0) {
                versions.set(stream, Some(unsigned(row, 3)));
            }
        }
        Ok(())
    }

    async fn fetch_ids(&self, ids: &[(StreamName, EventId)], probed: &mut Probed) -> Result<(), Error> {
        if ids.is_empty() {
            return Ok(());
        }
        let (stream_ids, organizations, categories) = columns(ids.iter().map(|(stream, _)| stream));
        let event_ids: Vec<_> = ids.iter().map(|(_, id)| id.0).collect();
        let rows = self.client.query(&self.probe, &[&stream_ids, &organizations, &categories, &event_ids]).await?;
        probed.extend(ids.iter().map(|key| (*key, None)));
        for row in &rows {
            if let Some(stream) = stream(row, 0) {
                let standing = Standing { version: unsigned(row, 3), position: unsigned(row, 4) };
                probed.insert((stream, EventId(row.get(5))), Some(standing));
            }
        }
        Ok(())
    }

    /// Opens a transaction that no other contending process shares: until its end, only a process that does not contend can come between.
    pub async fn begin_locked(&self) -> Result<(), Error> {
        self.client.batch_execute(WRITER_LOCK).await
    }

    /// COMMIT of an aborted transaction succeeds with the tag ROLLBACK; so it comes only after every statement's success was seen.
    pub async fn commit(&self) -> Result<(), Error> {
        self.client.batch_execute("COMMIT").await
    }

    pub async fn roll_back(&self) -> Result<(), Error> {
        self.client.batch_execute("ROLLBACK").await
    }

    pub async fn ensure_partition(&self, position: u64) -> Result<(), Error> {
        self.client.execute("SELECT log.ensure_partition($1)", &[&statement::signed(position)]).await?;
        Ok(())
    }
}

/// The columns category, organization and stream_id, from `start` on. `None` for a category that a later program made: nothing here can be about it.
fn stream(row: &Row, start: usize) -> Option<StreamName> {
    let category = Category::from_number(row.get(start))?;
    Some(StreamName::new(category, OrganizationId(row.get(start + 1)), row.get(start + 2)))
}

fn unsigned(row: &Row, column: usize) -> u64 {
    u64::try_from(row.get::<_, i64>(column)).expect("the log's positions and versions are not negative")
}

pub(super) fn columns<'a>(streams: impl Iterator<Item = &'a StreamName>) -> (Vec<uuid::Uuid>, Vec<uuid::Uuid>, Vec<i16>) {
    let mut columns = (Vec::new(), Vec::new(), Vec::new());
    for stream in streams {
        columns.0.push(stream.id);
        columns.1.push(stream.organization.0);
        columns.2.push(stream.category.number());
    }
    columns
}
