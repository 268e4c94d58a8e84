//! Where tables may lie, and what each role may do with them, as PostgreSQL itself says it.

use std::collections::{BTreeMap, BTreeSet};
use test_support::{Role, TestDatabase};
use tokio_postgres::error::SqlState;

const SCHEMAS: [&str; 5] = ["keyring", "log", "ops", "read", "spool"];

/// What each role but the owner may do at most with the tables of each schema. What is not here is nothing.
const GRANTS: [(Role, &str, &[&str]); 10] = [
    (Role::App, "log", &["SELECT", "INSERT", "UPDATE"]),
    (Role::App, "ops", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    (Role::App, "read", &["SELECT"]),
    (Role::App, "spool", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    (Role::Vault, "keyring", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    (Role::Projector, "log", &["SELECT"]),
    (Role::Projector, "ops", &["SELECT", "INSERT", "UPDATE", "DELETE"]),
    (Role::Projector, "read", &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"]),
    (Role::Analyst, "read", &["SELECT"]),
    (Role::Owner, "log", &["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"]),
];

/// All tables, views and sequences that are not PostgreSQL's own: schema and name.
const TABLES: &str = "SELECT n.nspname::text, c.relname::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'";

#[tokio::test]
async fn every_table_lies_in_one_of_the_five_schemas() {
    let database = TestDatabase::create().await;
    let rows = database.client().await.query(TABLES, &[]).await.unwrap();
    let tables: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let strays: Vec<_> = tables.iter().filter(|(schema, _)| !SCHEMAS.contains(&schema.as_str())).collect();
    assert!(strays.is_empty(), "tables outside {SCHEMAS:?}: {strays:?}");
    let used: BTreeSet<&str> = tables.iter().map(|(schema, _)| schema.as_str()).collect();
    assert_eq!(used, BTreeSet::from(SCHEMAS));
}

#[tokio::test]
async fn m6_3_no_role_may_more_than_its_work_needs() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let allowed: BTreeMap<(&str, &str), &[&str]> = GRANTS.iter().map(|(role, schema, may)| ((role.as_str(), *schema), *may)).collect();
    let mut used = BTreeSet::new();
    for role in [Role::Owner, Role::App, Role::Vault, Role::Projector, Role::Analyst] {
        for (schema, table, privilege) in privileges(&client, role).await {
            let may = allowed.get(&(role.as_str(), schema.as_str())).copied().unwrap_or_default();
            assert!(may.contains(&privilege.as_str()), "{} may {privilege} {schema}.{table}", role.as_str());
            used.insert((role.as_str(), schema, privilege));
        }
        let attributes =
            "SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolbypassrls OR rolreplication FROM pg_roles WHERE rolname = $1";
        assert!(!client.query_one(attributes, &[&role.as_str()]).await.unwrap().get::<_, bool>(0), "{role:?}");
    }
    assert!(used.contains(&("lethemail_analyst", "read".into(), "SELECT".into())), "the question finds grants");
}

/// What a role may do with which table, also with some of its columns only. The role needs the way into the schema, too.
async fn privileges(client: &tokio_postgres::Client, role: Role) -> Vec<(String, String, String)> {
    let query = format!(
        "SELECT t.nspname, t.relname, p.name FROM ({TABLES}) t, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE']) p(name)
        WHERE has_schema_privilege($1, t.nspname, 'USAGE') AND CASE WHEN p.name IN ('DELETE', 'TRUNCATE')
            THEN has_table_privilege($1, format('%I.%I', t.nspname, t.relname), p.name)
            ELSE has_any_column_privilege($1, format('%I.%I', t.nspname, t.relname), p.name) END"
    );
    client.query(&query, &[&role.as_str()]).await.unwrap().iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn m6_3_nobody_changes_or_removes_an_event_and_the_app_reads_no_key() {
    let database = TestDatabase::create().await;
    for (role, tables) in [
        (Role::App, ["keyring.key", "keyring.bucket", "keyring.epoch", "keyring.lookup"]),
        (Role::Projector, ["keyring.key", "keyring.bucket", "spool.entry", "keyring.lookup"]),
        (Role::Analyst, ["keyring.key", "log.event", "spool.entry", "ops.reservation"]),
        (Role::Vault, ["log.event", "log.stream", "spool.entry", "read.emails"]),
    ] {
        let connection = database.pool(role, 1).get().await.unwrap();
        for table in tables {
            let error = connection.query(&format!("SELECT 1 FROM {table}"), &[]).await.unwrap_err();
            assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{role:?} reads {table}: {error}");
        }
    }
    for role in [Role::App, Role::Projector, Role::Vault, Role::Analyst] {
        let connection = database.pool(role, 1).get().await.unwrap();
        for statement in ["UPDATE log.event SET version = 1", "DELETE FROM log.event", "TRUNCATE log.event", "DELETE FROM log.stream"] {
            let error = connection.execute(statement, &[]).await.unwrap_err();
            assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{role:?}: {statement}: {error}");
        }
    }
    let analyst = database.pool(Role::Analyst, 1).get().await.unwrap();
    for writing in [
        "INSERT INTO read.members DEFAULT VALUES",
        "UPDATE read.members SET role = ''",
        "DELETE FROM read.members",
        "TRUNCATE read.members",
    ] {
        let error = analyst.execute(writing, &[]).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{writing}: {error}");
    }
}

#[tokio::test]
async fn an_event_is_refused_its_change_even_from_those_whom_no_grant_binds() {
    let database = TestDatabase::create().await;
    let client = database.client().await;
    let insert = "INSERT INTO log.event VALUES (1, 1, now(), now(), gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, 'E', '', '', '', '')";
    client.execute(insert, &[]).await.unwrap();
    for statement in ["UPDATE log.event SET version = 2", "DELETE FROM log.event", "TRUNCATE log.event"] {
        let error = client.execute(statement, &[]).await.unwrap_err();
        assert_eq!(error.code(), Some(&SqlState::RESTRICT_VIOLATION), "{statement}: {error}");
    }
}
