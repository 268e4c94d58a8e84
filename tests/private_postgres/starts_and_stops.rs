use super::{connect, is_root, postmaster, servers, show};
use crate::program::{Place, Program, at, lethemail};
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

#[tokio::test]
async fn a_fresh_directory_becomes_a_durable_server_without_privileges() {
    let place = Place::new();
    let program = Program::start(&place);
    let owner = std::fs::metadata(format!("/proc/{}", postmaster(&place))).unwrap().uid();
    assert_ne!(owner, 0, "PostgreSQL never runs as root");
    let client = connect(&place).await;
    for (setting, value) in
        [("fsync", "on"), ("data_checksums", "on"), ("full_page_writes", "on"), ("server_encoding", "UTF8"), ("listen_addresses", "")]
    {
        assert_eq!(show(&client, setting).await, value, "{setting}");
    }
    drop(client);
    let (status, said) = program.terminate();
    assert_eq!(status.code(), Some(0), "{said:?}");
    assert_eq!(servers(&place), 0);
    assert!(place.log().contains("database system is shut down"));
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let place = Place::new();
    let program = Program::start(&place);
    connect(&place).await.batch_execute("CREATE TABLE ops.kept AS SELECT 7 AS seven").await.unwrap();
    program.terminate();
    let _program = Program::start(&place);
    let seven: i32 = connect(&place).await.query_one("SELECT seven FROM ops.kept", &[]).await.unwrap().get(0);
    assert_eq!(seven, 7);
}

#[test]
fn a_second_process_on_the_same_data_is_told_who_holds_it() {
    let place = Place::new();
    let program = Program::start(&place);
    let output = lethemail(&place).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(&format!("in use by another process ({})", program.id())), "{said}");
}

#[test]
fn a_path_too_long_for_a_socket_is_no_obstacle() {
    let mut place = Place::new();
    place.descend(&"long-name/".repeat(12));
    let program = Program::start(&place);
    let output = lethemail(&place).arg("doctor").output().unwrap();
    let found = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(found.contains("ok     database: all migrations applied"), "{found}");
    assert_eq!(program.terminate().0.code(), Some(0));
}

#[test]
fn a_user_without_privileges_needs_none() {
    if !is_root() {
        return; // Every other test here is this one.
    }
    let place = Place::new();
    let program = place.path().join("lethemail");
    std::fs::copy(env!("CARGO_BIN_EXE_lethemail"), &program).unwrap();
    let nobody = nix::unistd::User::from_name("nobody").unwrap().unwrap();
    nix::unistd::chown(place.path(), Some(nobody.uid), Some(nobody.gid)).unwrap();
    let mut command = at(Command::new(&program), &place);
    command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw()).env("HOME", place.path());
    let mut running = Program::spawn(&mut command);
    running.until("\"ready\"");
    assert_eq!(std::fs::metadata(format!("/proc/{}", postmaster(&place))).unwrap().uid(), nobody.uid.as_raw());
    assert_eq!(running.terminate().0.code(), Some(0));
    // Root takes over what belongs to that user, as that user.
    let as_root = Program::start(&place);
    assert_eq!(std::fs::metadata(format!("/proc/{}", postmaster(&place))).unwrap().uid(), nobody.uid.as_raw());
    assert_eq!(as_root.terminate().0.code(), Some(0));
}

#[test]
fn a_directory_with_other_files_is_left_alone() {
    let place = Place::new();
    std::fs::create_dir(place.data()).unwrap();
    std::fs::write(place.data().join("thesis.txt"), "years of work").unwrap();
    let output = lethemail(&place).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(std::fs::read_dir(place.data()).unwrap().count(), 1);
}

#[test]
fn root_is_told_which_directory_shuts_the_server_out() {
    if !is_root() {
        return;
    }
    let place = Place::new();
    std::fs::set_permissions(place.path(), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let output = lethemail(&place).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains(&format!("may not pass through {}", place.path().display())), "{said}");
}

#[test]
fn a_moved_clock_is_for_data_that_was_made_with_it() {
    let place = Place::new();
    let clock: PathBuf = place.path().join("clock");
    std::fs::write(&clock, "86400\n").unwrap();
    Program::start(&place).terminate();
    let output = lethemail(&place).env("LETHEMAIL_CLOCK_FILE", &clock).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("was not made for tests"));

    let made_for_tests = Place::new();
    for _ in 0..2 {
        let mut program = Program::spawn(lethemail(&made_for_tests).env("LETHEMAIL_CLOCK_FILE", &clock));
        program.until("\"ready\"");
        program.terminate();
    }
}
