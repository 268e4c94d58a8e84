//! The event store's contract (`event-store/CONTRACT.md`) on a server: its log may hold anything, and nothing of it is deleted.

use event_store::{EventStore, KurrentdbConfig, KurrentdbStore};
use event_store_contract::{Case, Fixture, Log, model, suite};
use futures::future::BoxFuture;
use libtest_mimic::{Failed, Trial};
use std::sync::Arc;
use tokio::runtime::Runtime;

struct Server(String);

impl Fixture for Server {
    fn open(&self) -> BoxFuture<'_, EventStore> {
        Box::pin(async {
            let config = KurrentdbConfig::new(&self.0).expect("the address is understood");
            EventStore::Kurrentdb(KurrentdbStore::start(config).await.expect("the server is there"))
        })
    }
}

/// Each case as one to run, and the model's comparison.
pub fn on(url: &str) -> Vec<Trial> {
    let log: Log = Arc::new(Server(url.to_owned()));
    let modelled = log.clone();
    let cases = suite().into_iter().map(|case| {
        let log = log.clone();
        Trial::test(format!("contract::{}", case.name), move || held(case, log))
    });
    let model = Trial::test("contract::any_sequence_of_commands_is_answered_as_the_model_answers_it", move || modelled_by(&modelled));
    cases.chain([model]).collect()
}

fn held(case: Case, log: Log) -> Result<(), Failed> {
    Runtime::new()?.block_on(case.run(log));
    Ok(())
}

fn modelled_by(log: &Log) -> Result<(), Failed> {
    let runtime = Runtime::new()?;
    // Two processes in turn, so that what each one knows goes stale.
    let stores = runtime.block_on(async { [log.open().await, log.open().await] });
    model::hold(60, &runtime, &stores);
    Ok(())
}
