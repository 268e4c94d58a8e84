//! One reader of the log per process; whoever waits for news of a stream waits here. It carries no events, only word that there are some: a
//! subscriber reads its own stream, so nothing is lost or doubled whatever the hub misses.

use domain::StreamName;
use event_store::{EventStore, Filter, ReadError, SubscriptionEvent};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;

type Waiting = Arc<Mutex<HashMap<StreamName, watch::Sender<u64>>>>;

pub(crate) struct Hub {
    waiting: Waiting,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hub {
    /// Starts to follow the log. Must be called on a tokio runtime.
    pub fn following(store: &EventStore) -> Self {
        let waiting = Waiting::default();
        let task = tokio::spawn(follow(store.clone(), waiting.clone()));
        Self { waiting, task }
    }

    /// Changes whenever something was appended to the stream.
    pub fn news_of(&self, stream: StreamName) -> watch::Receiver<u64> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Those whom nobody hears any more go when somebody new comes.
        waiting.retain(|_, sender| sender.receiver_count() > 0);
        waiting.entry(stream).or_insert_with(|| watch::Sender::new(0)).subscribe()
    }
}

async fn follow(store: EventStore, waiting: Waiting) {
    loop {
        let Ok(head) = store.head().await else {
            pause().await;
            continue;
        };
        let mut subscription = store.subscribe(head, Filter::default());
        // What was appended before the subscription began.
        tell_all(&waiting);
        loop {
            match subscription.next().await {
                Ok(SubscriptionEvent::Events(events)) => {
                    let waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
                    for event in events {
                        if let Some(sender) = waiting.get(&event.header.stream) {
                            sender.send_modify(|count| *count += 1);
                        }
                    }
                }
                Ok(SubscriptionEvent::CaughtUp(_)) => {}
                Err(ReadError::Unavailable(_)) => pause().await,
                Err(ReadError::Closed) => return dismiss_all(&waiting),
                // What is lost or damaged stays so: whoever waits is told, and newcomers hear what comes behind it.
                Err(error) => {
                    tracing::error!(%error, "the log cannot be followed here; all who wait for news are sent away");
                    dismiss_all(&waiting);
                    pause().await;
                    break;
                }
            }
        }
    }
}

fn tell_all(waiting: &Waiting) {
    for sender in waiting.lock().unwrap_or_else(PoisonError::into_inner).values() {
        sender.send_modify(|count| *count += 1);
    }
}

/// Without its sender a receiver gets an error, and so its stream ends.
fn dismiss_all(waiting: &Waiting) {
    waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

#[expect(clippy::disallowed_methods, reason = "a breath before the database is asked again, which no test has to move")]
async fn pause() {
    tokio::time::sleep(Duration::from_millis(200)).await;
}
