//! What has to hold on KurrentDB, as one program that needs neither a toolchain nor this repository, only PostgreSQL's server programs in their
//! usual places or in PATH: the main-path story, and with a server in `KURRENTDB_URL` also the event store's contract on it
//! (`make test-kurrentdb`). Without one, the story runs on a double of KurrentDB's protocol; the contract does so in `event-store/tests`.
//!
//! The story runs the program itself, which is this file under another name.

mod contract;
#[expect(dead_code, reason = "other stories use more of it")]
mod program;
mod stories {
    #[expect(dead_code, reason = "other stories use more of it")]
    pub mod account;
    pub mod client;
    pub mod histories;
    pub mod installation;
    pub mod kurrentdb;
}

use kurrentdb_double::Double;
use libtest_mimic::{Arguments, Trial};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use stories::kurrentdb::mail_is_sent_explained_and_forgotten_and_a_kill_loses_nothing_acknowledged as the_story;
use tokio::runtime::Runtime;

const PROGRAM: &str = "lethemail";

fn main() -> ExitCode {
    if std::env::args_os().next().is_some_and(|name| Path::new(&name).file_name().is_some_and(|name| name == PROGRAM)) {
        return lethemail::main();
    }
    let mut arguments = Arguments::from_args();
    let trials = match std::env::var("KURRENTDB_URL") {
        Ok(url) => {
            // The story comes first, while the server holds nothing, and nobody else is at work while the contract measures time.
            arguments.test_threads = Some(1);
            on_the_server(url)
        }
        Err(_) => on_doubles(),
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// The program that the story runs.
fn built_program() -> Command {
    let mut command = Command::new(std::env::current_exe().expect("Linux knows where a program's file is"));
    command.arg0(PROGRAM);
    command
}

fn on_the_server(url: String) -> Vec<Trial> {
    let contract = contract::on(&url);
    let story = Trial::test("story::on_the_server", move || {
        the_story(url);
        Ok(())
    });
    std::iter::once(story).chain(contract).collect()
}

fn on_doubles() -> Vec<Trial> {
    let one = || {
        let runtime = Runtime::new()?;
        let server = runtime.block_on(Double::start());
        the_story(server.url());
        Ok(())
    };
    let three = || {
        let runtime = Runtime::new()?;
        let cluster = runtime.block_on(Double::cluster(3));
        // The first of the address follows.
        cluster.lead(1);
        the_story(cluster.url());
        Ok(())
    };
    vec![Trial::test("story::on_one_node", one), Trial::test("story::on_a_cluster_of_three", three)]
}
