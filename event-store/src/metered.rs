//! Appends as metrics count them. Where nobody counts, this costs next to nothing.

use crate::{AppendError, Appended, StreamAppend};
use std::borrow::Cow;
use std::time::Instant;

/// One call, of one append or a batch.
pub(crate) struct Metered {
    started: Instant,
    /// The types of each append's events.
    types: Vec<Vec<Cow<'static, str>>>,
}

impl Metered {
    #[expect(clippy::disallowed_methods, reason = "it is measured how long people wait; nothing is decided by it")]
    pub fn begin<'a>(appends: impl IntoIterator<Item = &'a StreamAppend>) -> Self {
        let types = |append: &StreamAppend| append.events.iter().map(|event| event.event_type.clone()).collect();
        Self { started: Instant::now(), types: appends.into_iter().map(types).collect() }
    }

    pub fn end<'a>(self, answers: impl IntoIterator<Item = &'a Result<Appended, AppendError>>) {
        metrics::histogram!("lethemail_append_duration_seconds").record(self.started.elapsed());
        for (types, answer) in self.types.into_iter().zip(answers) {
            let outcome = outcome(answer);
            metrics::counter!("lethemail_appends_total", "outcome" => outcome).increment(1);
            if outcome == "written" {
                types.into_iter().for_each(|event| metrics::counter!("lethemail_events_total", "event" => event).increment(1));
            }
        }
    }
}

fn outcome(answer: &Result<Appended, AppendError>) -> &'static str {
    use AppendError::{AnotherLog, Empty, EventIdReused, LogLost, OutcomeUnknown, ShuttingDown, TooLarge, Unavailable, WrongVersion};
    match answer {
        Ok(Appended { already: true, .. }) => "repeated",
        Ok(_) => "written",
        Err(WrongVersion { .. } | EventIdReused | TooLarge { .. } | Empty) => "refused",
        Err(Unavailable(_) | OutcomeUnknown(_) | LogLost { .. } | AnotherLog | ShuttingDown) => "failed",
    }
}
