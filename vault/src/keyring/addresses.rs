//! Keys by address: the look-up table. A person's keys of different classes are found by the same value; each belongs to a random subject of its own,
//! which is drawn together with the key and goes with it. So an erased address that is mailed again begins as somebody new.

use super::names::ordinal;
use super::rows::KeyColumns;
use super::{KeyState, Keyring, SubjectKey};
use crate::epoch::EpochKey;
use crate::error::VaultError;
use crate::key_cache::Known;
use crate::key_name::{KeyName, Subject};
use deadpool_postgres::Client;
use domain::{Class, KeyId, OrganizationId, SubjectId};
use std::collections::{HashMap, HashSet};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;
use uuid::Uuid;

/// Whom to look for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Address {
    pub(crate) organization: OrganizationId,
    pub(crate) class: Class,
    /// The first half of the address's HMAC under the organisation's look-up key.
    pub(crate) mac: [u8; 16],
}

#[derive(Clone, Copy)]
pub(crate) struct AddressRequest {
    pub(crate) address: Address,
    pub(crate) create: bool,
}

const ATTEMPTS: usize = 5;

// Always a row: without one that says so, nobody could tell an unknown address from a table that decides no more. LIMIT keeps the planner from joining
// the list with a whole table.
const FIND: &str = "
    SELECT e.lookup, found.* FROM keyring.epoch e LEFT JOIN LATERAL (
        SELECT u.n, k.* FROM unnest($2::uuid[], $3::bytea[], $4::smallint[]) WITH ORDINALITY AS u(organization, value, class, n)
        CROSS JOIN LATERAL (
            SELECT key FROM keyring.lookup l
            WHERE l.epoch = $1 AND l.organization = u.organization AND l.value = u.value AND l.class = u.class LIMIT 1
        ) l
        CROSS JOIN LATERAL (
            SELECT id, organization, kind, subject, generation, class, limits, epoch, wrapped FROM keyring.key k WHERE k.id = l.key LIMIT 1
        ) k
    ) found ON e.lookup WHERE e.epoch = $1";

// Only who gets the look-up row creates the key. While a closed epoch's table still decides, the row is written into the open one's too. IS TRUE keeps
// the planner from turning IN into a join, which goes quadratic between two lists of unknown length; a hashed subplan does not.
const CREATE: &str = "
    WITH living AS MATERIALIZED (SELECT epoch FROM keyring.epoch WHERE epoch = $1 AND state = 1 FOR SHARE),
    deciding AS MATERIALIZED (SELECT epoch FROM keyring.epoch WHERE epoch = $10 AND lookup FOR SHARE),
    held AS MATERIALIZED (SELECT living.epoch, deciding.epoch AS deciding FROM living CROSS JOIN deciding),
    named AS (
        INSERT INTO keyring.lookup (epoch, organization, value, class, key)
        SELECT held.deciding, u.organization, u.value, u.class, u.id
        FROM held CROSS JOIN unnest($2::uuid[], $3::uuid[], $4::smallint[], $11::bytea[]) AS u(id, organization, class, value)
        ON CONFLICT (organization, value, class, epoch) DO NOTHING RETURNING key
    ),
    named_anew AS (
        INSERT INTO keyring.lookup (epoch, organization, value, class, key)
        SELECT held.epoch, u.organization, u.value, u.class, u.id
        FROM held CROSS JOIN unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::bytea[]) AS u(id, organization, class, value)
        WHERE held.epoch <> held.deciding AND (u.id IN (SELECT key FROM named)) IS TRUE
    ),
    made AS (
        INSERT INTO keyring.key (id, organization, kind, subject, generation, class, epoch, wrapped)
        SELECT u.id, u.organization, u.kind, u.subject, u.generation, u.class, held.epoch, u.wrapped
        FROM held CROSS JOIN unnest($2::uuid[], $3::uuid[], $6::smallint[], $7::uuid[], $8::integer[], $4::smallint[], $9::bytea[])
            AS u(id, organization, kind, subject, generation, class, wrapped)
        WHERE (u.id IN (SELECT key FROM named)) IS TRUE
        RETURNING id
    )
    SELECT (SELECT count(*) FROM held), ARRAY(SELECT id FROM made)";

const KEYS_BEHIND: &str = "
    SELECT e.lookup, k.id, k.class, k.epoch FROM keyring.epoch e LEFT JOIN (
        keyring.lookup l JOIN keyring.key k ON k.id = l.key
    ) ON e.lookup AND l.epoch = $3 AND l.organization = $1 AND l.value = $2
    WHERE e.epoch = $3 ORDER BY k.class";

pub(crate) async fn addresses(keyring: &Keyring, requests: Vec<AddressRequest>) -> Result<Vec<Option<KeyId>>, VaultError> {
    let client = keyring.pool.get().await?;
    let mut found: HashMap<Address, KeyId> = HashMap::new();
    let mut asked: HashSet<Address> = requests.iter().map(|request| request.address).collect();
    for _ in 0..ATTEMPTS {
        let addresses: Vec<Address> = asked.iter().copied().collect();
        found.extend(find(keyring, &client, &addresses).await?);
        asked = requests.iter().filter(|request| request.create).map(|request| request.address).collect();
        asked.retain(|address| !found.contains_key(address));
        if !asked.is_empty() {
            let new: Vec<_> = asked.iter().map(|address| (*address, SubjectKey::new(recipient(address)))).collect();
            found.extend(create(keyring, &client, new).await?);
            asked.retain(|address| !found.contains_key(address));
        }
        if asked.is_empty() {
            return Ok(requests.iter().map(|request| found.get(&request.address).copied()).collect());
        }
    }
    Err(VaultError::Contended)
}

/// The name of a new key: a random subject that nobody else knows.
fn recipient(address: &Address) -> KeyName {
    let subject = SubjectId(uuid::Builder::from_random_bytes(crate::cipher::random()).into_uuid());
    KeyName { organization: address.organization, subject: Subject::Person(subject), class: address.class }
}

pub(crate) async fn find(keyring: &Keyring, client: &Client, addresses: &[Address]) -> Result<HashMap<Address, KeyId>, VaultError> {
    let stamp = keyring.cache.stamp();
    let organizations: Vec<Uuid> = addresses.iter().map(|address| address.organization.0).collect();
    let classes: Vec<i16> = addresses.iter().map(|address| address.class.number()).collect();
    let statement = client.prepare_cached(FIND).await?;
    let mut epochs = keyring.epochs();
    let mut rows = Vec::new();
    for attempt in 0..ATTEMPTS {
        let epoch = epochs.deciding();
        let values = lookup_values(epoch, addresses.iter());
        rows = client.query(&statement, &[&epoch.epoch, &organizations, &values, &classes]).await?;
        if rows.first().is_some_and(|row| row.get("lookup")) {
            break;
        }
        if attempt + 1 == ATTEMPTS {
            return Err(VaultError::Contended);
        }
        epochs = keyring.renew_epochs(client, &epochs).await?;
    }
    rows.retain(|row| row.get::<_, Option<i64>>("n").is_some());
    let mut found = HashMap::with_capacity(rows.len());
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        found.insert(addresses[ordinal(row)], KeyId(row.get("id")));
        keys.extend(SubjectKey::from_row(row, &epochs).ok());
    }
    keyring.cache.keep_keys(stamp, keys.into_iter().map(|key| (key.id, KeyState::from(key))));
    keyring.cache.keep_names(stamp, found.iter().map(|(address, id)| (known(address), *id)));
    Ok(found)
}

fn lookup_values<'a>(epoch: &EpochKey, addresses: impl Iterator<Item = &'a Address>) -> Vec<Vec<u8>> {
    addresses.map(|address| epoch.lookup_value(address.organization, address.mac).to_vec()).collect()
}

pub(crate) fn known(address: &Address) -> Known {
    Known::Address(address.organization, address.class, address.mac)
}

/// The keys of every class behind an address's value.
pub(crate) async fn keys_behind(keyring: &Keyring, client: &Client, address: &Address) -> Result<Vec<Row>, VaultError> {
    let mut epochs = keyring.epochs();
    for _ in 0..ATTEMPTS {
        let epoch = epochs.deciding();
        let value = epoch.lookup_value(address.organization, address.mac);
        let mut rows = client.query(KEYS_BEHIND, &[&address.organization.0, &value.as_slice(), &epoch.epoch]).await?;
        if rows.first().is_some_and(|row| row.get("lookup")) {
            rows.retain(|row| row.get::<_, Option<Uuid>>("id").is_some());
            return Ok(rows);
        }
        epochs = keyring.renew_epochs(client, &epochs).await?;
    }
    Err(VaultError::Contended)
}

/// Stores keys for addresses that have none; returns those that were stored. Others were faster with the rest.
pub(crate) async fn create(
    keyring: &Keyring,
    client: &Client,
    mut new: Vec<(Address, SubjectKey)>,
) -> Result<HashMap<Address, KeyId>, VaultError> {
    let stamp = keyring.cache.stamp();
    let epochs = keyring.epochs();
    let (epoch, deciding) = (epochs.open(), epochs.deciding());
    // Everyone inserts in the same order, so that two processes cannot wait for each other.
    new.sort_by_key(|(address, _)| *address);
    let mut columns = KeyColumns::default();
    new.iter().for_each(|(_, key)| columns.push_key(key, epoch));
    let [values, deciding_values] = [epoch, deciding].map(|epoch| lookup_values(epoch, new.iter().map(|(address, _)| address)));
    let KeyColumns { ids, organizations, kinds, subjects, generations, classes, wrapped } = columns;
    let arguments: [&(dyn ToSql + Sync); 11] = [
        &epoch.epoch,
        &ids,
        &organizations,
        &classes,
        &values,
        &kinds,
        &subjects,
        &generations,
        &wrapped,
        &deciding.epoch,
        &deciding_values,
    ];
    let statement = client.prepare_cached(CREATE).await?;
    let row = client.query_one(&statement, &arguments).await?;
    if row.get::<_, i64>(0) == 0 {
        // One of them was closed meanwhile: the next attempt knows better.
        keyring.renew_epochs(client, &epochs).await?;
        return Ok(HashMap::new());
    }
    let made: HashSet<Uuid> = row.get::<_, Vec<Uuid>>(1).into_iter().collect();
    new.retain(|(_, key)| made.contains(&key.id.0));
    let stored: HashMap<Address, KeyId> = new.iter().map(|(address, key)| (*address, key.id)).collect();
    keyring.cache.keep_keys(stamp, new.into_iter().map(|(_, key)| (key.id, KeyState::from(key))));
    keyring.cache.keep_names(stamp, stored.iter().map(|(address, id)| (known(address), *id)));
    Ok(stored)
}
