//! How far the log is known to reach, shared by everybody in this process who waits for more.

use tokio::sync::watch;

/// What this process knows of the log's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Every position up to here is written and visible.
    At(u64),
    /// The log was found to end at `head` after `seen` had been written.
    Lost { head: u64, seen: u64 },
    /// The store was shut down.
    Closed,
}

/// Moves the head forward; a late report of an earlier position changes nothing.
pub(crate) fn advance(sender: &watch::Sender<Head>, position: u64) {
    sender.send_if_modified(|head| match head {
        Head::At(known) if *known < position => {
            *known = position;
            true
        }
        _ => false,
    });
}

/// Tells every reader that the log lost events. It stays so until the process is started again.
pub(crate) fn lose(sender: &watch::Sender<Head>, head: u64, seen: u64) {
    sender.send_replace(Head::Lost { head, seen });
}
