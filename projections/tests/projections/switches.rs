//! The queue of deliveries changes places together with the messages, and whoever works on it notices nothing.

use crate::story::Story;
use crate::support::{START, Site};
use domain::EmailId;
use projections::delivery_queue::{self, Room, Round};
use projections::find;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_delivery_is_missed_or_handed_out_twice_while_the_queue_changes_places() {
    let mut site = Site::open().await;
    site.let_time_run();
    let mut story = Story::new(61, START);
    let running = site.start(1);
    running.reach(site.append(story.steps(500)).await).await;
    let done = Arc::new(AtomicBool::new(false));
    // Everything is due for them, and nothing that they hold comes free.
    let now = story.now + Duration::from_secs(1_000 * 24 * 3600);
    let until = now + Duration::from_secs(3600);
    let process = |token: u128| {
        let (app, done) = (site.app.clone(), done.clone());
        tokio::spawn(async move {
            let client = app.get().await.unwrap();
            let (mut all, mut round) = (Vec::new(), Round::default());
            loop {
                let last = done.load(Ordering::Acquire);
                let room = Room { messages: 3, per_server: 3, busy: &[] };
                let claimed = delivery_queue::claim(&client, Uuid::from_u128(token), now, until, &room, &mut round).await.unwrap();
                if last && claimed.is_empty() {
                    return all;
                }
                all.extend(claimed.into_iter().map(|claimed| claimed.email));
            }
        })
    };
    let workers = [process(1), process(2)];
    let mut due = BTreeSet::new();
    let (projector, _) = site.projector(2);
    for _ in 0..6 {
        let (rebuilt, ()) = tokio::join!(projector.rebuild(find("emails").unwrap(), |_| {}), async {
            for _ in 0..3 {
                running.reach(site.append(story.steps(15)).await).await;
            }
        });
        rebuilt.unwrap();
    }
    running.reach(site.store.head().await.unwrap()).await;
    due.extend(story.emails.iter().filter(|email| email.state.delivery.due_at.is_some()).map(|email| EmailId(email.name.id)));
    done.store(true, Ordering::Release);
    let mut claimed = Vec::new();
    for worker in workers {
        claimed.extend(worker.await.unwrap());
    }
    let handed_out: BTreeSet<EmailId> = claimed.iter().copied().collect();
    assert_eq!(handed_out.len(), claimed.len(), "nothing was handed out twice");
    let missed: Vec<_> = due.difference(&handed_out).collect();
    assert!(missed.is_empty() && due.len() > 50, "{} of {} were missed", missed.len(), due.len());
    running.stop().await;
}
