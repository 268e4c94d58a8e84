//! The rules, told by their sentences, and the bytes that can never change.

mod domain {
    mod accounts;
    mod clock;
    mod data_policy;
    mod delivery;
    mod erasing;
    mod event_bytes;
    mod given;
    mod golden_events;
    mod stored_forms;
    mod stored_log;
}
