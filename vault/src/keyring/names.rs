//! Keys by the names of their subjects, made when they are missing.

use super::rows::KeyColumns;
use super::{KeyState, Keyring, SubjectKey};
use crate::error::VaultError;
use crate::key_cache::Known;
use crate::key_name::KeyName;
use deadpool_postgres::{Client, Transaction};
use domain::KeyId;
use std::collections::{HashMap, HashSet};
use tokio_postgres::types::ToSql;

#[derive(Clone, Copy)]
pub(crate) struct NameRequest {
    pub(crate) name: KeyName,
    pub(crate) create: bool,
}

/// How often to look again when others create and destroy the same keys.
const ATTEMPTS: usize = 5;

// LIMIT keeps the planner from joining the list with the whole table.
const FIND: &str = "
    SELECT u.n, k.* FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::integer[], $5::smallint[])
        WITH ORDINALITY AS u(organization, kind, subject, generation, class, n)
    CROSS JOIN LATERAL (
        SELECT id, organization, kind, subject, generation, class, limits, epoch, wrapped FROM keyring.key k
        WHERE k.organization = u.organization AND k.subject = u.subject AND k.kind = u.kind AND k.class = u.class
          AND k.generation = u.generation LIMIT 1
    ) k";

// Shared by creators, exclusive for `fence`: the statements after it see every fence.
const HOLD_EPOCH: &str = "SELECT 1 FROM keyring.epoch WHERE epoch = $1 AND state = 1 FOR SHARE";

const FENCED: &str = "
    SELECT u.n FROM unnest($1::uuid[], $2::smallint[], $3::uuid[], $4::smallint[]) WITH ORDINALITY AS u(organization, kind, subject, class, n)
    WHERE EXISTS (SELECT FROM keyring.fence f WHERE f.organization = u.organization AND f.subject = u.subject AND f.kind = u.kind
                  AND f.class = u.class)";

const CREATE: &str = "
    INSERT INTO keyring.key (id, organization, kind, subject, generation, class, epoch, wrapped)
    SELECT u.id, u.organization, u.kind, u.subject, u.generation, u.class, $1, u.wrapped
    FROM unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::uuid[], $6::integer[], $7::smallint[], $8::bytea[])
        AS u(id, organization, kind, subject, generation, class, wrapped)
    ON CONFLICT ON CONSTRAINT key_name DO NOTHING";

/// What a name leads to; a fenced one is refused to whoever wanted a new key.
pub(crate) async fn names(keyring: &Keyring, requests: Vec<NameRequest>) -> Result<Vec<Result<Option<KeyId>, VaultError>>, VaultError> {
    let mut found: HashMap<KeyName, KeyId> = HashMap::new();
    let mut fenced = HashSet::new();
    let mut client = keyring.pool.get().await?;
    let mut asked: HashSet<KeyName> = requests.iter().map(|request| request.name).collect();
    for _ in 0..ATTEMPTS {
        found.extend(find(keyring, &client, &asked).await?);
        asked = requests.iter().filter(|request| request.create).map(|request| request.name).collect();
        asked.retain(|name| !found.contains_key(name) && !fenced.contains(name));
        if asked.is_empty() {
            return Ok(requests.iter().map(|request| answer(request, &found, &fenced)).collect());
        }
        fenced.extend(create(keyring, &mut client, &asked).await?);
    }
    Err(VaultError::Contended)
}

fn answer(request: &NameRequest, found: &HashMap<KeyName, KeyId>, fenced: &HashSet<KeyName>) -> Result<Option<KeyId>, VaultError> {
    let refused = request.create && fenced.contains(&request.name);
    if refused { Err(VaultError::Fenced) } else { Ok(found.get(&request.name).copied()) }
}

async fn find(keyring: &Keyring, client: &Client, names: &HashSet<KeyName>) -> Result<HashMap<KeyName, KeyId>, VaultError> {
    let stamp = keyring.cache.stamp();
    let names: Vec<&KeyName> = names.iter().collect();
    let mut columns = KeyColumns::default();
    names.iter().for_each(|name| columns.push_name(name));
    let KeyColumns { organizations, kinds, subjects, generations, classes, .. } = columns;
    let statement = client.prepare_cached(FIND).await?;
    let rows = client.query(&statement, &[&organizations, &kinds, &subjects, &generations, &classes]).await?;
    let epochs = keyring.epochs();
    let mut found = HashMap::with_capacity(rows.len());
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        found.insert(*names[ordinal(row)], KeyId(row.get("id")));
        // A row that does not unwrap, or whose epoch is new here, is looked at again by whoever uses the key.
        keys.extend(SubjectKey::from_row(row, &epochs).ok());
    }
    keyring.cache.keep_keys(stamp, keys.into_iter().map(|key| (key.id, KeyState::from(key))));
    keyring.cache.keep_names(stamp, found.iter().map(|(name, id)| (Known::Name(*name), *id)));
    Ok(found)
}

/// The place in the list that a row of `WITH ORDINALITY` belongs to.
pub(crate) fn ordinal(row: &tokio_postgres::Row) -> usize {
    usize::try_from(row.get::<_, i64>("n") - 1).expect("ordinality counts from 1")
}

/// Creates keys unless somebody else is faster; returns the names that may not have one.
async fn create(keyring: &Keyring, client: &mut Client, names: &HashSet<KeyName>) -> Result<Vec<KeyName>, VaultError> {
    let epochs = keyring.epochs();
    let epoch = epochs.open();
    let mut names: Vec<KeyName> = names.iter().copied().collect();
    // Everyone inserts in the same order, so that two processes cannot wait for each other.
    names.sort_by_key(|name| (name.organization, name.subject.columns(), name.class));
    let transaction = client.transaction().await?;
    if transaction.query_opt(HOLD_EPOCH, &[&epoch.epoch]).await?.is_none() {
        // It was closed: the next attempt is made in the one that was opened.
        drop(transaction);
        keyring.renew_epochs(client, &epochs).await?;
        return Ok(Vec::new());
    }
    let fenced = fenced(&transaction, &names).await?;
    let mut columns = KeyColumns::default();
    for name in names.iter().filter(|name| !fenced.contains(name)) {
        columns.push_key(&SubjectKey::new(*name), epoch);
    }
    let KeyColumns { ids, organizations, kinds, subjects, generations, classes, wrapped } = columns;
    let values: [&(dyn ToSql + Sync); 8] = [&epoch.epoch, &ids, &organizations, &kinds, &subjects, &generations, &classes, &wrapped];
    transaction.execute(CREATE, &values).await?;
    transaction.commit().await?;
    Ok(fenced)
}

async fn fenced(transaction: &Transaction<'_>, names: &[KeyName]) -> Result<Vec<KeyName>, VaultError> {
    let mut columns = KeyColumns::default();
    names.iter().for_each(|name| columns.push_name(name));
    let rows = transaction.query(FENCED, &[&columns.organizations, &columns.kinds, &columns.subjects, &columns.classes]).await?;
    Ok(rows.iter().map(|row| names[ordinal(row)]).collect())
}
