//! Group commit: while one statement runs, requests gather; the next statement takes them all.

use crate::error::VaultError;
use std::future::Future;
use tokio::sync::{mpsc, oneshot};

/// As much as one statement takes.
const ITEMS_MAX: usize = 2_000;

struct Request<I, O> {
    items: Vec<I>,
    answer: oneshot::Sender<Result<Vec<O>, VaultError>>,
}

/// Hands many callers' items to one task, which answers each caller in the order of his items.
pub(crate) struct Batching<I, O> {
    requests: mpsc::UnboundedSender<Request<I, O>>,
}

impl<I: Send + 'static, O: Send + 'static> Batching<I, O> {
    /// `run` gets the items of one batch and must answer with as many results. The task is spawned, so a caller that gives up cancels nothing.
    pub(crate) fn spawn<R, F>(run: R) -> Self
    where
        R: Fn(Vec<I>) -> F + Send + Sync + 'static,
        F: Future<Output = Result<Vec<O>, VaultError>> + Send,
    {
        let (requests, mut waiting) = mpsc::unbounded_channel::<Request<I, O>>();
        tokio::spawn(async move {
            while let Some(first) = waiting.recv().await {
                let mut batch = vec![first];
                let mut length = batch[0].items.len();
                while length < ITEMS_MAX
                    && let Ok(next) = waiting.try_recv()
                {
                    length += next.items.len();
                    batch.push(next);
                }
                answer(&run, batch).await;
            }
        });
        Self { requests }
    }

    pub(crate) async fn request(&self, items: Vec<I>) -> Result<Vec<O>, VaultError> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let (answer, answered) = oneshot::channel();
        self.requests.send(Request { items, answer }).map_err(|_| VaultError::Stopped)?;
        answered.await.map_err(|_| VaultError::Stopped)?
    }
}

async fn answer<I, O, R, F>(run: &R, batch: Vec<Request<I, O>>)
where
    R: Fn(Vec<I>) -> F,
    F: Future<Output = Result<Vec<O>, VaultError>>,
{
    let mut items = Vec::new();
    let mut callers = Vec::with_capacity(batch.len());
    for request in batch {
        callers.push((request.items.len(), request.answer));
        items.extend(request.items);
    }
    // A caller may have gone away; then nobody waits for his answer.
    match run(items).await {
        Ok(results) => {
            let mut results = results.into_iter();
            for (length, answer) in callers {
                let _ = answer.send(Ok(results.by_ref().take(length).collect()));
            }
        }
        Err(error) => callers.into_iter().for_each(|(_, answer)| drop(answer.send(Err(error.clone())))),
    }
}
