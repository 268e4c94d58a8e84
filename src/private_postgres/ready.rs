//! Waiting until the server answers.

use super::child::Child;
use super::cluster::NAME;
use super::error::PostgresError;
use super::socket::SocketDirectory;
use crate::clock::pause;
use std::process::ExitStatus;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, Config, NoTls};

const LOOK_AGAIN: Duration = Duration::from_millis(50);
const ROUNDS_BETWEEN_WORDS: u64 = 200;

/// Some: the server ended instead. There is no limit of time, since a recovery takes what it takes.
pub(super) async fn wait(child: &mut Child, socket: &SocketDirectory) -> Result<Option<ExitStatus>, PostgresError> {
    tokio::select! {
        status = child.ended() => Ok(Some(status)),
        outcome = answer(socket) => outcome.map(|()| None),
    }
}

async fn answer(socket: &SocketDirectory) -> Result<(), PostgresError> {
    let mut config = Config::new();
    config.host_path(socket.path()).user(NAME).dbname("postgres");
    for round in 1_u64.. {
        match config.connect(NoTls).await {
            Ok((client, connection)) => {
                let driver = tokio::spawn(connection);
                let outcome = make_database(&client).await.map_err(PostgresError::Refused);
                driver.abort();
                return outcome;
            }
            Err(error) if is_starting(&error) => {}
            Err(error) => return Err(PostgresError::Refused(error)),
        }
        if round % ROUNDS_BETWEEN_WORDS == 0 {
            tracing::info!("the private PostgreSQL is still starting; after a crash it recovers first");
        }
        pause(LOOK_AGAIN).await;
    }
    Ok(())
}

/// No socket yet, or one that says "the database system is starting up".
fn is_starting(error: &tokio_postgres::Error) -> bool {
    match error.code() {
        Some(code) => *code == SqlState::CANNOT_CONNECT_NOW,
        None => true,
    }
}

async fn make_database(client: &Client) -> Result<(), tokio_postgres::Error> {
    let exists = client.query_opt("SELECT FROM pg_database WHERE datname = $1", &[&NAME]).await?.is_some();
    if !exists {
        client.batch_execute(&format!("CREATE DATABASE {NAME}")).await?;
    }
    Ok(())
}
