//! The write side on a real PostgreSQL, with a clock that stands still unless moved.

mod commands {
    mod accounts;
    mod erasing;
    mod installation;
    mod opening;
    mod sending;
}
