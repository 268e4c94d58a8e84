//! The rules, told by their sentences, and the bytes that can never change.

mod domain {
    mod accounts;
    mod clock;
    mod data_policy;
    mod delivery;
    mod due_dates;
    mod erasing;
    mod event_bytes;
    mod given;
    mod golden_events;
    mod holds;
    mod processing;
    mod retention;
    mod stored_forms;
    mod stored_log;
}
