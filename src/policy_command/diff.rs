//! A living database beside the policy's list of columns.

use domain::{COLUMNS, ColumnEntry};
use std::collections::BTreeMap;
use tokio_postgres::Client;

/// Tables of our schemas with their columns' types. A partition is its table; a side room of the read models counts as `read`, as far as there
/// is something in it.
const FIND: &str = "
    SELECT DISTINCT CASE WHEN n.nspname LIKE 'read\\_%' THEN 'read' ELSE n.nspname::text END || '.' || c.relname AS name, a.attname::text,
        format_type(a.atttypid, NULL)
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
        AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
    ORDER BY 1, 2";

/// A column as the database has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LivingColumn {
    pub table: String,
    pub column: String,
    pub kind: String,
}

pub(crate) async fn columns_of(client: &Client) -> Result<Vec<LivingColumn>, tokio_postgres::Error> {
    let rows = client.query(FIND, &[]).await?;
    Ok(rows.iter().map(|row| LivingColumn { table: row.get(0), column: row.get(1), kind: row.get(2) }).collect())
}

/// Each difference as a line.
pub(crate) fn compare(living: &[LivingColumn]) -> Vec<String> {
    let mut expected: BTreeMap<(&str, &str), ColumnEntry> =
        COLUMNS.iter().flat_map(|table| table.entries()).map(|entry| ((entry.table, entry.column), entry)).collect();
    let mut differences = Vec::new();
    for LivingColumn { table, column, kind } in living {
        match expected.remove(&(table.as_str(), column.as_str())) {
            None => differences.push(format!("{table}.{column} ({kind}) is not in the policy")),
            Some(entry) if !entry.holds.types().contains(&kind.as_str()) => {
                let holds = domain::word_of(entry.holds);
                differences.push(format!("{table}.{column} is {kind}, and the policy says that it holds {holds}"));
            }
            Some(_) => {}
        }
    }
    differences.extend(expected.keys().map(|(table, column)| format!("{table}.{column} is in the policy and not in the database")));
    differences
}
