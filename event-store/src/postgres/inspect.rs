//! What the log looks like on the disk and how fast it grows, for people who operate it.

use super::Reader;
use crate::ReadError;
use domain::Timestamp;
use std::time::Duration;

/// A log in a database, as `lethemail log status` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogStorage {
    /// Events recorded in the last 60 s, and in the last 3,600 s.
    pub last_minute: u64,
    pub last_hour: u64,
    /// In the order of their positions. Some are made before they are needed.
    pub partitions: Vec<LogPartition>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogPartition {
    pub name: String,
    /// As PostgreSQL writes it: `FOR VALUES FROM (first) TO (behind the last)`.
    pub bounds: String,
    /// With indexes.
    pub bytes: u64,
}

const RECORDED_SINCE: &str = "SELECT count(*) FROM log.event WHERE recorded_at > $1";

const PARTITIONS: &str = "SELECT partition.relname::text, pg_get_expr(partition.relpartbound, partition.oid), pg_total_relation_size(partition.oid)
    FROM pg_inherits JOIN pg_class partition ON partition.oid = inhrelid WHERE inhparent = 'log.event'::regclass ORDER BY partition.relname";

/// The streams whose last event stands where they say, and how many events there are if each stream has all up to its version.
const STREAMS: &str = "SELECT count(e.position), coalesce(sum(s.version + 1), 0)::bigint FROM log.stream s
    LEFT JOIN log.event e ON e.position = s.last_position AND e.version = s.version
        AND e.stream_id = s.stream_id AND e.organization = s.organization AND e.category = s.category";

impl Reader {
    pub async fn stream_account(&self) -> Result<(u64, u64), ReadError> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        // Everything is read once, which takes as long as it takes.
        transaction.batch_execute("SET LOCAL statement_timeout = 0; SET LOCAL enable_seqscan = on; SET LOCAL enable_hashjoin = on").await?;
        let row = transaction.query_one(STREAMS, &[]).await?;
        Ok((unsigned(row.get(0)), unsigned(row.get(1))))
    }

    pub async fn storage(&self, now: Timestamp) -> Result<LogStorage, ReadError> {
        let mut client = self.pool.get().await?;
        let transaction = client.transaction().await?;
        // The index on time is one that only bitmap scans use.
        transaction.batch_execute("SET LOCAL enable_bitmapscan = on").await?;
        let recorded_since = async |span: Duration| -> Result<u64, ReadError> {
            let row = transaction.query_one(RECORDED_SINCE, &[&(now - span).to_datetime()]).await?;
            Ok(unsigned(row.get(0)))
        };
        let (last_minute, last_hour) = (recorded_since(Duration::from_secs(60)).await?, recorded_since(Duration::from_secs(3600)).await?);
        let partitions = transaction.query(PARTITIONS, &[]).await?;
        let partitions =
            partitions.iter().map(|row| LogPartition { name: row.get(0), bounds: row.get(1), bytes: unsigned(row.get(2)) }).collect();
        Ok(LogStorage { last_minute, last_hour, partitions })
    }
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).expect("counts and sizes are not negative")
}
