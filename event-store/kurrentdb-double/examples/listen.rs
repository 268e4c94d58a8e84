//! A double as a process of its own: prints its address and listens until it is ended. An argument says how many nodes it has (one).
//!
//!     cargo run --package kurrentdb-double --example listen -- 3

use kurrentdb_double::Double;

#[tokio::main]
async fn main() {
    let nodes = std::env::args().nth(1).map_or(1, |nodes| nodes.parse().expect("a number of nodes"));
    let double = Double::cluster(nodes).await;
    println!("{}", double.url());
    std::future::pending::<()>().await;
}
