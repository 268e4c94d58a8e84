//! Folded accounts, organisations, keys and servers, so that a send reads no stream twice. The log's own tail keeps the cache true.

use crate::{Commands, Fault};
use domain::{Aggregate, Category, Clock, Folded, OrganizationId, Position, StreamName};
use event_store::{EventStore, Filter, ReadError, SubscriptionEvent};
use moka::sync::Cache;
use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// Streams kept at most.
const STREAMS_MAX: u64 = 20_000;
/// How soon the tail is followed again after it broke.
const RETRY: Duration = Duration::from_millis(500);
/// The tail is no further behind than this, and does not look at each batch of messages.
const PACE: Duration = Duration::from_millis(15);

/// What is kept. Each message gets events all the time: were it forgotten too, hardly anything read meanwhile could be kept.
const KEPT: [Category; 4] = [Category::User, Category::Organization, Category::ApiKey, Category::SmtpServer];

pub(crate) struct FoldCache {
    entries: Cache<StreamName, Arc<dyn Any + Send + Sync>>,
    /// Counts forgettings: what was read before one may be older than it, and is not kept.
    generation: AtomicU64,
    /// Whether the tail is being followed; nothing is kept while it is not.
    following: AtomicBool,
}

impl FoldCache {
    /// A cache that forgets each stream that gets an event, from any process.
    pub fn following(store: &EventStore, clock: Arc<dyn Clock>) -> Arc<Self> {
        let cache = Arc::new(Self { entries: Cache::new(STREAMS_MAX), generation: AtomicU64::new(0), following: AtomicBool::new(false) });
        tokio::spawn(follow(Arc::downgrade(&cache), store.clone(), clock));
        cache
    }

    pub fn forget(&self, stream: StreamName) {
        if !KEPT.contains(&stream.category) {
            return;
        }
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.entries.invalidate(&stream);
    }

    fn get<A: Aggregate + Send + Sync + 'static>(&self, stream: StreamName) -> Option<Arc<Folded<A>>> {
        self.entries.get(&stream).and_then(|entry| entry.downcast().ok())
    }

    fn keep<A: Aggregate + Send + Sync + 'static>(&self, folded: &Arc<Folded<A>>, generation: u64) {
        if !self.following.load(Ordering::SeqCst) || folded.version.is_none() {
            return;
        }
        let entry: Arc<dyn Any + Send + Sync> = folded.clone();
        self.entries.insert(folded.stream, entry);
        if self.generation.load(Ordering::SeqCst) != generation {
            self.entries.invalidate(&folded.stream);
        }
    }

    fn stop_keeping(&self) {
        self.following.store(false, Ordering::SeqCst);
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.entries.invalidate_all();
    }
}

/// Follows the tail for as long as the cache is used; starts over when the store fails.
async fn follow(cache: std::sync::Weak<FoldCache>, store: EventStore, clock: Arc<dyn Clock>) {
    let kept = Filter::categories(&KEPT);
    while cache.strong_count() > 0 {
        let ended = match store.head().await {
            Ok(head) => follow_from(&cache, &store, head, kept.clone()).await,
            Err(error) => Some(error),
        };
        if let Some(cache) = cache.upgrade() {
            cache.stop_keeping();
        }
        if matches!(ended, Some(ReadError::Closed | ReadError::LogLost { .. } | ReadError::AnotherLog)) {
            return;
        }
        let again = clock.now() + RETRY;
        clock.sleep_until(again).await;
    }
}

/// Until the cache is gone, or the log cannot be read.
async fn follow_from(cache: &std::sync::Weak<FoldCache>, store: &EventStore, head: Position, kept: Filter) -> Option<ReadError> {
    let mut tail = store.subscribe(head, kept).paced(PACE);
    loop {
        let next = tail.next().await;
        let cache = cache.upgrade()?;
        match next {
            Ok(SubscriptionEvent::Events(events)) => events.iter().for_each(|event| cache.forget(event.header.stream)),
            Ok(SubscriptionEvent::CaughtUp(_)) => cache.following.store(true, Ordering::SeqCst),
            Err(error) => return Some(error),
        }
    }
}

impl Commands {
    /// Folds a stream, or takes it from the cache. For reading rights and settings; what is decided on is folded afresh.
    pub(crate) async fn fold_cached<A>(&self, id: Uuid, organization: OrganizationId) -> Result<Arc<Folded<A>>, Fault>
    where
        A: Aggregate + Send + Sync + 'static,
    {
        let stream = StreamName::new(A::CATEGORY, organization, id);
        if let Some(folded) = self.cache.get(stream) {
            return Ok(folded);
        }
        let generation = self.cache.generation.load(Ordering::SeqCst);
        let folded = Arc::new(self.fold(id, organization).await?);
        self.cache.keep(&folded, generation);
        Ok(folded)
    }
}
