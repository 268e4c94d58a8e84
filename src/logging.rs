//! JSON log lines on standard error, and a panic message that shows no data.

use std::panic::PanicHookInfo;
use tracing::level_filters::LevelFilter;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// The targets that obey the configured level. Everybody else's crates log what they are given (tokio-postgres its parameters, for
/// example), so they never speak below WARN.
const OURS: &[&str] = &[
    "lethemail",
    "domain",
    "event_store",
    "vault",
    "transparency",
    "mail",
    "egress",
    "commands",
    "projections",
    "api",
    "workers",
    "migrations",
];

/// Call once, at start.
pub fn install(level: LevelFilter) {
    let lines = fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_filter(filter_fn(move |metadata| is_wanted(level, metadata)))
        .with_filter(level);
    tracing_subscriber::registry().with(lines).init();
    std::panic::set_hook(Box::new(|panic| tracing::error!("{}", describe(panic))));
}

fn is_wanted(level: LevelFilter, metadata: &Metadata<'_>) -> bool {
    is_ours(metadata.target()) || (*metadata.level() <= Level::WARN && *metadata.level() <= level)
}

/// `mail` and `mail::smtp` are ours, `mail_parser` is not.
fn is_ours(target: &str) -> bool {
    let crate_name = target.split_once("::").map_or(target, |(name, _)| name);
    OURS.contains(&crate_name)
}

/// Where it happened, never what was said: a panic's text can hold the value that caused it.
fn describe(panic: &PanicHookInfo<'_>) -> String {
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    match panic.location() {
        Some(place) => format!("a thread panicked: {thread} at {}:{}:{}", place.file(), place.line(), place.column()),
        None => format!("a thread panicked: {thread}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[test]
    fn crates_that_are_not_ours_stay_at_warn_even_when_their_names_begin_alike() {
        for ours in ["lethemail", "lethemail::serve", "mail", "event_store::append"] {
            assert!(is_ours(ours), "{ours}");
        }
        for theirs in ["mail_parser", "mail_parser::parsers", "tokio_postgres::query", "lettre", "api_client"] {
            assert!(!is_ours(theirs), "{theirs}");
        }
    }

    #[test]
    fn a_panic_says_where_and_never_what() {
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| *heard.lock().unwrap() = describe(panic)));
        let outcome = std::panic::catch_unwind(|| panic!("alice@example.org"));
        std::panic::set_hook(before);
        assert!(outcome.is_err());
        let said = said.lock().unwrap();
        assert!(said.contains("src/logging.rs"), "{said}");
        assert!(!said.contains("alice"), "{said}");
    }
}
