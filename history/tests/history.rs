//! Looking back, on a log in memory.

mod history {
    mod diff;
    mod listing;
    mod log;
    mod past;
}
