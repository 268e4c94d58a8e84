use super::{connect, is_root, show};
use crate::program::{Place, Program};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

const CANARY: &str = "canary-7f3a@example.org";

#[tokio::test]
async fn nothing_that_a_client_sends_reaches_the_log() {
    let place = Place::new();
    let _program = Program::start(&place);
    let client = connect(&place).await;
    // An operator's settings must not open what we closed.
    for setting in ["log_statement = 'all'", "log_min_duration_statement = 0", "log_min_messages = 'debug5'", "fsync = off"] {
        client.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await.unwrap();
    }
    client.batch_execute("SELECT pg_reload_conf()").await.unwrap();
    client.batch_execute(&format!("SELECT '{CANARY}'::int")).await.unwrap_err();
    client.query_one("SELECT ($1::text)::int", &[&CANARY]).await.unwrap_err();
    client.batch_execute("CREATE TABLE ops.unique_text (text text PRIMARY KEY)").await.unwrap();
    for _ in 0..2 {
        drop(client.execute("INSERT INTO ops.unique_text VALUES ($1)", &[&CANARY]).await);
    }
    client.batch_execute(&format!("DO $$ BEGIN RAISE WARNING '{CANARY}'; END $$")).await.unwrap();
    client.batch_execute(&format!("SELECT pg_terminate_backend(pg_backend_pid()), '{CANARY}'")).await.unwrap_err();
    assert_eq!(show(&connect(&place).await, "fsync").await, "on");
    let log = place.log();
    assert!(log.contains("terminating connection"), "the log is written: {log}");
    assert!(!log.contains("canary"), "{log}");
}

#[tokio::test]
async fn other_users_of_the_machine_cannot_connect() {
    let place = Place::new();
    let _program = Program::start(&place);
    let socket = place.data().join("socket");
    assert_eq!(std::fs::metadata(&socket).unwrap().mode() & 0o777, 0o700);
    assert_eq!(std::fs::metadata(place.data().join("postgres")).unwrap().mode() & 0o077, 0);
    if !is_root() {
        return; // Only root can try as somebody else.
    }
    let ask = |uid: u32, user: &str| {
        let address = format!("host={} user={user} dbname=lethemail", socket.display());
        Command::new("psql").arg(address).args(["-c", "SELECT 1"]).uid(uid).gid(uid).output()
    };
    let Ok(stranger) = ask(64_999, "lethemail") else { return };
    assert!(String::from_utf8_lossy(&stranger.stderr).contains("Permission denied"));
    // Even with the directory open, the server asks the kernel who is there.
    for directory in [place.data(), socket.clone()] {
        std::fs::set_permissions(directory, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    }
    std::fs::set_permissions(socket.join(".s.PGSQL.5432"), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let postgres_is_nobody = nix::unistd::User::from_name("postgres").unwrap().is_none();
    for user in ["lethemail", "lethemail_app"] {
        let answer = ask(nobody, user).unwrap();
        assert!(postgres_is_nobody || !answer.status.success(), "{user}");
    }
}
