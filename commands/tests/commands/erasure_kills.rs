//! A process is killed at each of its writes in the course of an erasure, and another one carries on: the end is always the same.
//!
//! Whatever an erasure leaves outside a process is a statement to the database, or a line in the anchor just before one. So the n-th statement is made to
//! fail, for every n; the process that met it is not used again.

use super::installation::{Installation, member, message};
use commands::{Commands, EraseAccount, EraseOrganization, EraseRecipient, Failure, Fault, IdentityProof, LEASES_WAIT, Request};
use domain::*;
use std::collections::HashMap;
use uuid::Uuid;

const TRAP: &str = "
    CREATE SCHEMA trap;
    CREATE SEQUENCE trap.writes;
    CREATE TABLE trap.stop (at bigint);
    INSERT INTO trap.stop VALUES (0);
    CREATE FUNCTION trap.strike() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
        IF nextval('trap.writes') = (SELECT at FROM trap.stop) THEN RAISE EXCEPTION 'the process is killed here'; END IF;
        RETURN NULL;
    END $$;";
/// Every table that an erasure writes to.
const TABLES: [&str; 8] = [
    "log.event",
    "keyring.key",
    "keyring.bucket",
    "keyring.destroyed",
    "keyring.fence",
    "keyring.lookup",
    "spool.entry",
    "ops.reservation",
];

#[derive(Clone, Copy, PartialEq)]
enum Whom {
    Recipient,
    Account,
    Organization,
}

/// Somebody with mail under way, to be forgotten.
struct Scene {
    by: Request,
    user: UserId,
    waiting: EmailId,
    /// Where the log ended before.
    from: i64,
}

async fn scene(installation: &Installation, number: u64) -> Scene {
    let address = format!("owner{number}@example.org");
    let user = installation.confirmed_user(&address).await;
    let platform = member(user, OrganizationId::PLATFORM);
    let create = commands::CreateOrganization { owner: user, name: Personal::new("Engines".into()) };
    let organization = installation.commands.create_organization(&platform, create).await.unwrap().organization;
    let by = member(user, organization);
    let waiting = installation.send(&by, vec![message(&["ada@example.com", "bob@example.com"])], None).await.unwrap()[0].email;
    let from = installation.database.client().await.query_one("SELECT max(position) FROM log.event", &[]).await.unwrap().get(0);
    Scene { by, user, waiting, from }
}

/// What a process does from the request to the live certificate; one that comes later finds the case and carries on.
async fn erase(installation: &Installation, commands: &Commands, whom: Whom, scene: &Scene) -> Result<(), Fault> {
    let proof = IdentityProof::Password(Personal::new("correct horse".into()));
    let begun = cases(installation, scene).await;
    if begun.is_empty() {
        match whom {
            Whom::Recipient => {
                let address = Personal::new("ada@example.com".parse().unwrap());
                drop(commands.erase_recipient(&scene.by, EraseRecipient { address, note: None, keep_suppressed: true }).await?);
            }
            Whom::Account => {
                drop(commands.erase_account(&scene.by, EraseAccount { user: scene.user, note: None, proof }).await.map_err(fault)?)
            }
            Whom::Organization => drop(
                commands.erase_organization(&scene.by, EraseOrganization { owner: scene.user, note: None, proof }).await.map_err(fault)?,
            ),
        }
    }
    for (organization, erasure) in cases(installation, scene).await {
        let by = Request { actor: Actor::System(SystemActor::Erasure), ..commands.as_delivery(organization) };
        // That of an organisation which was left behind waits until it is due.
        if !commands.load_erasure(organization, erasure).await?.state.is_approved() {
            continue;
        }
        commands.carry_out_erasure(&by, erasure).await?;
        commands.cancel_forgotten(scene.by.organization, scene.waiting).await?;
        installation.clock.advance(LEASES_WAIT);
        assert!(commands.conclude_erasure(&by, erasure).await?);
    }
    Ok(())
}

fn fault<R: std::fmt::Debug>(failure: Failure<R>) -> Fault {
    match failure {
        Failure::Fault(fault) => fault,
        Failure::Refused(refusal) => panic!("refused: {refusal:?}"),
    }
}

/// Header and facts of every event since the scene was set, in the log's order.
async fn events(installation: &Installation, scene: &Scene) -> Vec<(EventHeader, String)> {
    let select = "SELECT header, facts FROM log.event WHERE position > $1 ORDER BY position";
    let rows = installation.database.client().await.query(select, &[&scene.from]).await.unwrap();
    let read = |row: &tokio_postgres::Row| {
        (serde_json::from_slice(row.get::<_, &[u8]>(0)).unwrap(), String::from_utf8(row.get::<_, Vec<u8>>(1)).unwrap())
    };
    rows.iter().map(read).collect()
}

async fn cases(installation: &Installation, scene: &Scene) -> Vec<(OrganizationId, ErasureId)> {
    let requested = events(installation, scene).await.into_iter().filter(|(header, _)| header.event_type == "ErasureRequested");
    requested.map(|(header, _)| (header.organization, ErasureId(header.stream.id))).collect()
}

/// Everything that is there in the end. Ids are numbered as they come, and times are left out: no two runs share them.
async fn end(installation: &Installation, scene: &Scene) -> String {
    let mut text = String::new();
    for (header, facts) in events(installation, scene).await {
        text.push_str(&format!("{} {} {facts}\n", header.stream, header.event_type));
    }
    for (organization, erasure) in cases(installation, scene).await {
        let certificate = installation.commands.erasure_certificate(organization, erasure).await.unwrap().unwrap();
        text.push_str(&format!("{}\n{}\n", certificate.text(), certificate.json()));
    }
    // A key made for a case whose process was killed before the case was written down is used by nothing, and nothing sweeps it: the append may have
    // succeeded, and its answer been lost.
    let keyring = "SELECT 'key ' || kind || ' ' || class || ' ' || count(*) FROM keyring.key WHERE organization = $1 AND kind <> 8 GROUP BY kind, class
        UNION ALL SELECT 'bucket ' || class || ' ' || (wrapped IS NULL) || ' ' || count(*) FROM keyring.bucket WHERE organization = $1
            GROUP BY class, wrapped IS NULL
        UNION ALL SELECT 'fence ' || kind || ' ' || class || ' ' || count(*) FROM keyring.fence WHERE organization = $1 OR subject = $2 GROUP BY kind, class
        UNION ALL SELECT 'look-up ' || class || ' ' || count(*) FROM keyring.lookup WHERE organization = $1 GROUP BY class
        UNION ALL SELECT 'account ' || class || ' ' || count(*) FROM keyring.key WHERE subject = $2 GROUP BY class
        UNION ALL SELECT 'body ' || count(*) FROM spool.entry WHERE organization = $1 ORDER BY 1";
    let client = installation.database.client().await;
    for row in client.query(keyring, &[&scene.by.organization.0, &scene.user.0]).await.unwrap() {
        text.push_str(&format!("{}\n", row.get::<_, &str>(0)));
    }
    normalized(&text)
}

fn normalized(text: &str) -> String {
    let mut seen: HashMap<Uuid, usize> = HashMap::new();
    let mut out = String::new();
    let is_part = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | ':' | '.');
    let mut rest = text;
    while let Some(start) = rest.find(is_part) {
        out.push_str(&rest[..start]);
        let length = rest[start..].find(|character| !is_part(character)).unwrap_or(rest.len() - start);
        let word = &rest[start..start + length];
        rest = &rest[start + length..];
        if word.starts_with("2026-") {
            out.push_str("TIME");
            continue;
        }
        out.push_str(&word.split_inclusive(['.', ':']).map(|part| replaced(part, &mut seen)).collect::<String>());
    }
    out + rest
}

fn replaced(part: &str, seen: &mut HashMap<Uuid, usize>) -> String {
    // `<category>-<organisation>`, an id alone, a time as a number or written out.
    let plain = part.trim_end_matches(['.', ':']);
    let (prefix, id) = plain.split_once('-').filter(|(_, id)| id.len() == 32).unwrap_or(("", plain));
    if let Ok(id) = Uuid::try_parse(id) {
        let next = seen.len();
        return format!("{prefix}#{}", seen.entry(id).or_insert(next));
    }
    match plain.len() >= 15 && plain.bytes().all(|byte| byte.is_ascii_digit()) {
        true => "TIME".to_owned(),
        false if plain.len() == 64 => "HASH".to_owned(),
        false => part.to_owned(),
    }
}

async fn killed_everywhere(whom: Whom, at_least: u64) {
    let installation = Installation::new().await;
    let client = installation.database.client().await;
    client.batch_execute(TRAP).await.unwrap();
    for table in TABLES {
        let trigger =
            format!("CREATE TRIGGER trap BEFORE INSERT OR UPDATE OR DELETE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION trap.strike()");
        client.batch_execute(&trigger).await.unwrap();
    }
    let undisturbed = scene(&installation, 0).await;
    erase(&installation, &installation.commands, whom, &undisturbed).await.unwrap();
    let expected = end(&installation, &undisturbed).await;
    for kill in 1.. {
        let scene = scene(&installation, kill).await;
        let process = installation.another_process().await;
        let offset = i64::try_from(kill).unwrap();
        client.execute("UPDATE trap.stop SET at = (SELECT last_value FROM trap.writes) + $1", &[&offset]).await.unwrap();
        // What it answers does not matter: whoever is killed answers nothing.
        let _ = erase(&installation, &process, whom, &scene).await;
        let stop = "UPDATE trap.stop SET at = 0 RETURNING (SELECT last_value FROM trap.writes) >= (SELECT at FROM trap.stop)";
        let struck: bool = client.query_one(stop, &[]).await.unwrap().get(0);
        drop(process);
        let successor = installation.another_process().await;
        erase(&installation, &successor, whom, &scene).await.unwrap();
        pretty(&end(&installation, &scene).await, &expected, kill);
        if !struck {
            assert!(kill > at_least, "only {kill} writes were seen");
            return;
        }
    }
}

fn pretty(found: &str, expected: &str, kill: u64) {
    let differing = found.lines().zip(expected.lines()).find(|(found, expected)| found != expected);
    assert!(found == expected, "killed at write {kill}: {differing:#?}\n--- found\n{found}\n--- expected\n{expected}");
}

#[tokio::test(flavor = "multi_thread")]
async fn m8_3_a_recipients_erasure_that_is_killed_at_any_write_ends_as_if_it_had_not_been() {
    killed_everywhere(Whom::Recipient, 8).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m4_2_an_accounts_erasure_that_is_killed_at_any_write_ends_as_if_it_had_not_been() {
    killed_everywhere(Whom::Account, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn m4_2_an_organisations_erasure_that_is_killed_at_any_write_ends_as_if_it_had_not_been() {
    killed_everywhere(Whom::Organization, 10).await;
}
