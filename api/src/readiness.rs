//! Whether requests should be sent here.

use futures::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::watch;

/// Why not, in a few words that tell nothing about data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not ready: {0}")]
pub struct NotReady(pub &'static str);

/// Ready, perhaps with a word on what else whoever looks should know.
type Ready = Option<&'static str>;

type Check = dyn Fn() -> BoxFuture<'static, Result<Ready, NotReady>> + Send + Sync;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Starting,
    Serving,
    Stopping,
}

/// A flag that the program sets and takes back, and a look at what everything stands on (database, migrations, lag). Clones share the flag.
#[derive(Clone)]
pub struct Readiness {
    stage: watch::Sender<Stage>,
    check: Arc<Check>,
}

impl Readiness {
    /// Not ready until [`Self::set_serving`] says so.
    pub fn new(check: impl Fn() -> BoxFuture<'static, Result<Ready, NotReady>> + Send + Sync + 'static) -> Self {
        Self { stage: watch::Sender::new(Stage::Starting), check: Arc::new(check) }
    }

    /// `false` means that the program stops: streams that would go on for ever end.
    pub fn set_serving(&self, serving: bool) {
        self.stage.send_replace(if serving { Stage::Serving } else { Stage::Stopping });
    }

    /// Completes when the program stops.
    pub(crate) fn stopping(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut stage = self.stage.subscribe();
        async move {
            // An error means that nobody is left who could say more, which is the end as well.
            let _ = stage.wait_for(|stage| *stage == Stage::Stopping).await;
        }
    }

    pub(crate) async fn look(&self) -> Result<Ready, NotReady> {
        if *self.stage.borrow() != Stage::Serving {
            return Err(NotReady("starting or stopping"));
        }
        (self.check)().await
    }
}
