use super::until_no_server;
use crate::program::{Place, Program, eventually, lethemail};
use std::path::PathBuf;

fn unfinished(place: &Place) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(place.data()).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.to_string_lossy().contains("postgres.unfinished")).collect()
}

#[test]
fn an_initialisation_killed_in_the_middle_is_begun_again() {
    let place = Place::new();
    let program = Program::spawn(&mut lethemail(&place));
    eventually("initdb has begun to write", || unfinished(&place).iter().any(|path| path.join("base").exists()));
    program.kill();
    assert!(!place.data().join("postgres").exists(), "a half cluster never carries the name of a whole one");
    let program = Program::start(&place);
    assert!(program.said.iter().any(|line| line.contains("interrupted")), "{:?}", program.said);
    assert_eq!(program.terminate().0.code(), Some(0));
    Program::start(&place).terminate();
    assert_eq!(unfinished(&place), Vec::<PathBuf>::new());
}

#[test]
fn data_of_another_major_version_is_refused_untouched() {
    let place = Place::new();
    Program::start(&place).terminate();
    let version = place.data().join("postgres/PG_VERSION");
    std::fs::write(&version, "9\n").unwrap();
    let output = lethemail(&place).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("written by PostgreSQL 9") && said.contains("pg_upgrade"), "{said}");
}

#[test]
fn a_number_in_the_pid_file_that_belongs_to_somebody_else_is_no_obstacle() {
    let place = Place::new();
    Program::start(&place).kill();
    until_no_server(&place);
    // As after a restart of a container: the number of a living process that is no server.
    let stale = format!("{}\n{}\n0\n5432\n\n\n0 0\nready\n", std::process::id(), place.data().join("postgres").display());
    std::fs::write(place.data().join("postgres/postmaster.pid"), stale).unwrap();
    assert_eq!(Program::start(&place).terminate().0.code(), Some(0));
}

#[test]
fn a_directory_without_server_programs_is_named() {
    let place = Place::new();
    let output = lethemail(&place).env("LETHEMAIL_DATABASE__BIN_DIR", place.path()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("there is no initdb"), "{said}");
}
