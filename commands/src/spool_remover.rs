//! Group commit for finished bodies: one task removes what all deliveries have finished at the moment in one statement. It
//! does not wait for the disk: a body that a crash of the database brings back is of a finished message, and expires.

use crate::SpoolError;
use deadpool_postgres::Pool;
use domain::EmailId;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

/// Requests carried out together at most.
const REQUESTS_MAX: usize = 500;

const DELETE: &str = "DELETE FROM spool.entry USING (SELECT set_config('synchronous_commit', 'off', true)) later
    WHERE email = ANY ($1) AND NOT captured";

struct Waiting {
    emails: Vec<EmailId>,
    answer: oneshot::Sender<Result<(), SpoolError>>,
}

#[derive(Clone)]
pub(crate) struct SpoolRemover {
    queue: mpsc::Sender<Waiting>,
}

impl SpoolRemover {
    pub fn start(pool: Pool) -> Self {
        let (queue, waiting) = mpsc::channel(REQUESTS_MAX);
        tokio::spawn(run(pool, waiting));
        Self { queue }
    }

    /// Returns when the rows are gone. Giving up waiting cancels nothing.
    pub async fn remove(&self, emails: &[EmailId]) -> Result<(), SpoolError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Waiting { emails: emails.to_vec(), answer }).await.map_err(|_| SpoolError::Closed)?;
        answered.await.map_err(|_| SpoolError::Closed)?
    }
}

async fn run(pool: Pool, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(REQUESTS_MAX);
    while waiting.recv_many(&mut batch, REQUESTS_MAX).await > 0 {
        let emails = batch.iter().flat_map(|waiting: &Waiting| &waiting.emails).map(|email| email.0).collect();
        let outcome = delete(&pool, emails).await;
        for request in batch.drain(..) {
            // Nobody may be waiting any more.
            let _ = request.answer.send(outcome.clone());
        }
    }
}

/// What the sandbox caught meanwhile stays.
async fn delete(pool: &Pool, emails: Vec<Uuid>) -> Result<(), SpoolError> {
    let client = pool.get().await?;
    let statement = client.prepare_cached(DELETE).await?;
    client.execute(&statement, &[&emails]).await?;
    Ok(())
}
