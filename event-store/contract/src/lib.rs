//! The event store's contract as a test suite: each case is named after its rule in `event-store/CONTRACT.md`.
//!
//! A backend shows that it keeps the contract by running [`suite`] on a [`Fixture`] of its own, and [`model`] beside it. The cases know no
//! backend. A log may be shared with other cases and with strangers, so each case writes under an organisation of its own, begins where the log
//! ends, and takes no position to be the one after another.

#![expect(clippy::disallowed_methods, reason = "ids of these cases decide nothing, and latency is measured in real time")]

mod bytes;
mod cancellation;
mod concurrency;
mod expected_version;
mod following;
mod limits;
mod live;
pub mod model;
mod one_stream;
mod repeats;
pub mod sample;
mod shutdown;
mod whole_log;

use event_store::EventStore;
use futures::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;

/// A log for one case.
pub trait Fixture: Send + Sync {
    /// Opens the log, as one process more would: several stores opened by one fixture write to one log.
    fn open(&self) -> BoxFuture<'_, EventStore>;
}

/// The log of a case, as the case holds it.
pub type Log = Arc<dyn Fixture>;

/// One statement of the contract.
#[derive(Clone, Copy)]
pub struct Case {
    /// `c6_a_repeat_gets_the_first_answer` shows rule C6.
    pub name: &'static str,
    run: fn(Log) -> BoxFuture<'static, ()>,
}

impl Case {
    /// Panics if the log breaks the rule, or takes longer than any sound log would on a crowded machine.
    pub async fn run(&self, log: Log) {
        let in_time = tokio::time::timeout(Duration::from_secs(60), (self.run)(log)).await;
        assert!(in_time.is_ok(), "{} took more than a minute", self.name);
    }
}

/// Hands the names of all cases to a macro: `module::name, …`. So a test binary can make each of them a test of its own.
#[macro_export]
macro_rules! for_each_case {
    ($then:ident) => {
        $then! {
            expected_version::c1_any_takes_a_stream_at_whatever_version,
            expected_version::c2_no_stream_takes_only_the_first_append,
            expected_version::c3_stream_exists_takes_only_a_later_append,
            expected_version::c4_an_exact_version_takes_only_the_stream_at_that_version,
            one_stream::c5_an_append_is_read_back_whole_as_it_was_written,
            bytes::c5_whatever_an_event_holds_comes_back_byte_for_byte,
            bytes::c5_the_time_of_recording_is_the_same_for_every_reader,
            repeats::c6_a_repeat_gets_the_first_answer,
            repeats::c6_a_repeat_is_recognised_by_another_process,
            repeats::c6_a_repeat_is_recognised_by_its_ids_alone,
            repeats::c7_ids_that_partly_stand_in_the_stream_are_refused,
            repeats::c7_an_id_twice_in_one_append_is_refused,
            repeats::c8_a_batch_is_judged_stream_by_stream,
            repeats::c8_appends_to_one_stream_in_a_batch_see_each_other,
            limits::c9_what_is_too_large_is_refused_with_its_weight_and_the_limit,
            limits::c9_an_append_without_events_is_refused,
            bytes::c9_an_append_of_the_largest_weight_fits_whatever_it_is_made_of,
            concurrency::c10_what_was_answered_stands_before_what_was_asked_later,
            concurrency::c10_every_reader_sees_one_order,
            cancellation::c11_an_append_dropped_at_any_await_is_whole_or_absent_and_can_be_repeated,
            cancellation::c11_a_batch_dropped_at_any_await_is_whole_or_absent_stream_by_stream,
            cancellation::c11_an_append_dropped_at_any_moment_is_whole_or_absent,
            concurrency::c12_of_several_that_expect_the_same_one_is_written,
            one_stream::c13_the_same_id_in_another_organisation_or_category_is_another_stream,
            one_stream::c14_a_stream_is_read_forwards_from_any_version,
            one_stream::c14_a_stream_is_read_backwards_from_any_version,
            one_stream::c15_streams_are_read_in_the_order_asked,
            whole_log::c16_the_log_is_read_forwards_from_any_position,
            whole_log::c16_the_log_is_read_backwards_from_any_position,
            whole_log::c28_events_are_read_at_the_positions_asked_for,
            whole_log::c17_a_filter_lets_through_what_it_names_and_nothing_else,
            whole_log::c17_a_filter_holds_for_subscriptions_too,
            following::c18_a_subscription_reads_history_and_goes_on_with_news_without_a_seam,
            following::c18_readers_beside_busy_writers_miss_and_repeat_nothing,
            following::c19_a_reader_hears_when_it_has_caught_up,
            following::c19_a_filtered_reader_hears_how_far_it_has_come,
            live::c20_news_from_another_process_comes_in_time,
            following::c21_a_reader_resumes_where_its_checkpoint_was_taken,
            live::c22_a_reader_that_does_not_read_holds_up_no_writer,
            live::c22_what_is_handed_out_at_once_is_bounded_in_number_and_weight,
            cancellation::c23_a_reader_that_stops_waiting_at_any_await_misses_and_repeats_nothing,
            following::c24_a_reader_ahead_of_the_log_is_told,
            one_stream::c25_correlation_and_causation_are_kept,
            shutdown::c26_after_shutdown_nothing_is_taken_and_subscriptions_end,
            shutdown::c26_what_was_taken_before_shutdown_is_completed_and_answered,
        }
    };
}

macro_rules! cases {
    ($($file:ident :: $name:ident,)*) => {
        vec![$(Case { name: stringify!($name), run: |log| Box::pin($file::$name(log)) }),*]
    };
}

/// All cases, each to be run on a log of its own or on one that all share.
pub fn suite() -> Vec<Case> {
    for_each_case!(cases)
}

/// The case of that name.
///
/// # Panics
/// When there is none.
pub fn case(name: &str) -> Case {
    suite().into_iter().find(|case| case.name == name).expect("a test is named after a case of the suite")
}
