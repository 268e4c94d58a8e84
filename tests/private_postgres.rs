//! The PostgreSQL that the program runs for itself.

mod dies_with_us;
mod keeps_to_itself;
mod repairs;
mod starts_and_stops;

use crate::program::{Place, eventually};
use nix::unistd::Pid;
use tokio_postgres::{Client, Config, NoTls};

/// A connection to the server that runs on `place`.
async fn connect(place: &Place) -> Client {
    let mut config = Config::new();
    config.host_path(place.data().join("socket")).user("lethemail").dbname("lethemail");
    let (client, connection) = config.connect(NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn show(client: &Client, setting: &str) -> String {
    client.query_one(&format!("SHOW {setting}"), &[]).await.unwrap().get(0)
}

fn postmaster(place: &Place) -> Pid {
    let text = std::fs::read_to_string(place.data().join("postgres/postmaster.pid")).unwrap();
    Pid::from_raw(text.lines().next().unwrap().parse().unwrap())
}

/// Processes whose working directory is the cluster: all of a server's.
fn servers(place: &Place) -> usize {
    let directory = place.data().canonicalize().unwrap().join("postgres");
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter(|entry| std::fs::read_link(entry.path().join("cwd")).is_ok_and(|cwd| cwd == directory)).count()
}

fn until_no_server(place: &Place) {
    eventually("no server works on the data", || servers(place) == 0);
}

fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
