use super::{connect, postmaster, servers, until_no_server};
use crate::program::{Place, Program};
use nix::sys::signal::{Signal, kill};

#[test]
fn kill_dash_nine_takes_the_server_along() {
    let place = Place::new();
    let program = Program::start(&place);
    assert!(servers(&place) > 0);
    program.kill();
    until_no_server(&place);
    assert!(place.log().contains("received fast shutdown request"));
}

#[tokio::test]
async fn a_server_that_outlived_kill_dash_nine_is_stopped_before_ours_starts() {
    let place = Place::new();
    let program = Program::start(&place);
    connect(&place).await.batch_execute("CREATE TABLE ops.kept AS SELECT 7 AS seven").await.unwrap();
    let orphan = postmaster(&place);
    // Frozen, it cannot follow the signal that our death sends it.
    kill(orphan, Signal::SIGSTOP).unwrap();
    program.kill();
    assert!(servers(&place) > 0);
    let program = Program::start(&place);
    assert!(program.said.iter().any(|line| line.contains("left over from an earlier run")), "{:?}", program.said);
    assert_ne!(postmaster(&place), orphan);
    let seven: i32 = connect(&place).await.query_one("SELECT seven FROM ops.kept", &[]).await.unwrap().get(0);
    assert_eq!(seven, 7);
}

#[test]
fn when_the_server_dies_the_program_says_so_and_ends() {
    let place = Place::new();
    let program = Program::start(&place);
    kill(postmaster(&place), Signal::SIGKILL).unwrap();
    let (status, said) = program.ended();
    assert_eq!(status.code(), Some(5), "{said:?}");
    assert!(said.iter().any(|line| line.contains("the private PostgreSQL stopped by itself")), "{said:?}");
    Program::start(&place).terminate();
}

#[test]
fn a_signal_during_the_first_start_ends_it_and_the_next_succeeds() {
    let place = Place::new();
    let mut program = Program::spawn(&mut crate::program::lethemail(&place));
    program.until("initialising");
    program.terminate();
    until_no_server(&place);
    assert_eq!(Program::start(&place).terminate().0.code(), Some(0));
}
