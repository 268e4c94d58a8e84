//! The write side on a real PostgreSQL, with a clock that stands still unless moved.

mod commands {
    mod accounts;
    mod erasing;
    mod erasure_kills;
    mod installation;
    mod limiting;
    mod opening;
    mod requesting_erasure;
    mod retention;
    mod sending;
}
