//! Keys by address: the look-up table. A person's keys of different classes are found by the same value; each belongs to a random subject of its own,
//! which is drawn together with the key and goes with it. So an erased address that is mailed again begins as somebody new.

use super::names::ordinal;
use super::rows::KeyColumns;
use super::{KeyState, Keyring, SubjectKey};
use crate::error::VaultError;
use crate::key_cache::Known;
use crate::key_name::{KeyName, Subject};
use deadpool_postgres::Client;
use domain::{Class, KeyId, OrganizationId, SubjectId};
use std::collections::{HashMap, HashSet};
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

// LIMIT keeps the planner from joining the list with a whole table.
const FIND: &str = "
    SELECT u.n, k.* FROM unnest($2::uuid[], $3::bytea[], $4::smallint[]) WITH ORDINALITY AS u(organization, value, class, n)
    CROSS JOIN LATERAL (
        SELECT key FROM keyring.lookup l
        WHERE l.epoch = $1 AND l.organization = u.organization AND l.value = u.value AND l.class = u.class LIMIT 1
    ) l
    CROSS JOIN LATERAL (
        SELECT id, organization, kind, subject, generation, class, epoch, wrapped FROM keyring.key k WHERE k.id = l.key LIMIT 1
    ) k";

// Only who gets the look-up row creates the key. IS TRUE keeps the planner from turning IN into a join, which goes quadratic between two lists of
// unknown length; a hashed subplan does not.
const CREATE: &str = "
    WITH living AS MATERIALIZED (SELECT epoch FROM keyring.epoch WHERE epoch = $1 AND state = 1 FOR SHARE),
    named AS (
        INSERT INTO keyring.lookup (epoch, organization, value, class, key)
        SELECT living.epoch, u.organization, u.value, u.class, u.id
        FROM living CROSS JOIN unnest($2::uuid[], $3::uuid[], $4::smallint[], $5::bytea[]) AS u(id, organization, class, value)
        ON CONFLICT (organization, value, class, epoch) DO NOTHING RETURNING key
    ),
    made AS (
        INSERT INTO keyring.key (id, organization, kind, subject, generation, class, epoch, wrapped)
        SELECT u.id, u.organization, u.kind, u.subject, u.generation, u.class, living.epoch, u.wrapped
        FROM living CROSS JOIN unnest($2::uuid[], $3::uuid[], $6::smallint[], $7::uuid[], $8::integer[], $4::smallint[], $9::bytea[])
            AS u(id, organization, kind, subject, generation, class, wrapped)
        WHERE (u.id IN (SELECT key FROM named)) IS TRUE
        RETURNING id
    )
    SELECT (SELECT count(*) FROM living), ARRAY(SELECT id FROM made)";

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
    let epoch = keyring.epochs.open();
    let organizations: Vec<Uuid> = addresses.iter().map(|address| address.organization.0).collect();
    let values: Vec<[u8; 16]> = addresses.iter().map(|address| epoch.lookup_value(address.organization, address.mac)).collect();
    let values: Vec<&[u8]> = values.iter().map(<[u8; 16]>::as_slice).collect();
    let classes: Vec<i16> = addresses.iter().map(|address| address.class.number()).collect();
    let statement = client.prepare_cached(FIND).await?;
    let rows = client.query(&statement, &[&epoch.epoch, &organizations, &values, &classes]).await?;
    let mut found = HashMap::with_capacity(rows.len());
    let mut keys = Vec::with_capacity(rows.len());
    for row in &rows {
        found.insert(addresses[ordinal(row)], KeyId(row.get("id")));
        keys.extend(SubjectKey::from_row(row, &keyring.epochs).ok());
    }
    keyring.cache.keep_keys(stamp, keys.into_iter().map(|key| (key.id, KeyState::from(key))));
    keyring.cache.keep_names(stamp, found.iter().map(|(address, id)| (known(address), *id)));
    Ok(found)
}

pub(crate) fn known(address: &Address) -> Known {
    Known::Address(address.organization, address.class, address.mac)
}

/// Stores keys for addresses that have none; returns those that were stored. Others were faster with the rest.
pub(crate) async fn create(
    keyring: &Keyring,
    client: &Client,
    mut new: Vec<(Address, SubjectKey)>,
) -> Result<HashMap<Address, KeyId>, VaultError> {
    let stamp = keyring.cache.stamp();
    let epoch = keyring.epochs.open();
    // Everyone inserts in the same order, so that two processes cannot wait for each other.
    new.sort_by_key(|(address, _)| *address);
    let mut columns = KeyColumns::default();
    new.iter().for_each(|(_, key)| columns.push_key(key, epoch));
    let values: Vec<[u8; 16]> = new.iter().map(|(address, _)| epoch.lookup_value(address.organization, address.mac)).collect();
    let values: Vec<&[u8]> = values.iter().map(<[u8; 16]>::as_slice).collect();
    let KeyColumns { ids, organizations, kinds, subjects, generations, classes, wrapped } = columns;
    let arguments: [&(dyn ToSql + Sync); 9] =
        [&epoch.epoch, &ids, &organizations, &classes, &values, &kinds, &subjects, &generations, &wrapped];
    let statement = client.prepare_cached(CREATE).await?;
    let row = client.query_one(&statement, &arguments).await?;
    if row.get::<_, i64>(0) == 0 {
        return Err(VaultError::UnknownEpoch(epoch.epoch));
    }
    let made: HashSet<Uuid> = row.get::<_, Vec<Uuid>>(1).into_iter().collect();
    new.retain(|(_, key)| made.contains(&key.id.0));
    let stored: HashMap<Address, KeyId> = new.iter().map(|(address, key)| (*address, key.id)).collect();
    keyring.cache.keep_keys(stamp, new.into_iter().map(|(_, key)| (key.id, KeyState::from(key))));
    keyring.cache.keep_names(stamp, stored.iter().map(|(address, id)| (known(address), *id)));
    Ok(stored)
}
