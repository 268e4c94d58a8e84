//! Backups on a real PostgreSQL: made, added to, damaged, and brought back.

#[path = "backup/damage.rs"]
mod damage;
#[path = "backup/log.rs"]
mod log;
#[path = "backup/support.rs"]
mod support;
