//! Whether requests should be sent here.

use futures::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Why not, in a few words that tell nothing about data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not ready: {0}")]
pub struct NotReady(pub &'static str);

type Check = dyn Fn() -> BoxFuture<'static, Result<(), NotReady>> + Send + Sync;

/// A flag that the program sets and takes back, and a look at what everything stands on (database, migrations, lag). Clones share the flag.
#[derive(Clone)]
pub struct Readiness {
    serving: Arc<AtomicBool>,
    check: Arc<Check>,
}

impl Readiness {
    /// Not ready until [`Self::set_serving`] says so.
    pub fn new(check: impl Fn() -> BoxFuture<'static, Result<(), NotReady>> + Send + Sync + 'static) -> Self {
        Self { serving: Arc::default(), check: Arc::new(check) }
    }

    pub fn set_serving(&self, serving: bool) {
        self.serving.store(serving, Ordering::Release);
    }

    pub(crate) async fn look(&self) -> Result<(), NotReady> {
        if !self.serving.load(Ordering::Acquire) {
            return Err(NotReady("starting or stopping"));
        }
        (self.check)().await
    }
}
