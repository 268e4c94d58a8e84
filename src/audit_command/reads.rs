//! `lethemail audit reads`: who opened an organisation's data, and why.

use super::arguments::Format;
use super::evidence::organization;
use crate::serve::Foundation;
use chrono::{NaiveDate, NaiveTime};
use clap::Args;
use commands::{DataRead, data_reads};
use domain::{Actor, Day, Timestamp, word_of};
use serde_json::{Value, json};

/// Days told where no first day is given.
const DAYS: i32 = 30;

#[derive(Args, Clone, Debug)]
pub(crate) struct ReadsArguments {
    /// The organisation: its id, as 32 hex digits or with hyphens, or as GraphQL gives it
    #[arg(long, value_name = "ORGANISATION")]
    org: String,
    /// From this day (UTC, as in 2026-09-21); 30 days back where none is given
    #[arg(long, value_name = "DAY")]
    since: Option<NaiveDate>,
    /// To this day; today where none is given
    #[arg(long, value_name = "DAY")]
    until: Option<NaiveDate>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn reads(foundation: &Foundation, arguments: ReadsArguments) -> anyhow::Result<()> {
    let ReadsArguments { org, since, until, format } = arguments;
    let last = until.map_or_else(|| foundation.clock.now().day(), day);
    let first = since.map_or(Day(last.0.saturating_sub(DAYS)), day);
    let client = foundation.pools.app.get().await?;
    let reads = data_reads(&client, organization(&org)?, first, last).await?;
    match format {
        Format::Json => println!("{:#}", Value::Array(reads.iter().map(as_json).collect())),
        Format::Text => reads.iter().for_each(|read| {
            let DataRead { day, purpose, data, count, .. } = read;
            println!("{day}  {:<48} {:<17} {:<20} {count}", who(read.actor), word_of(purpose), data.as_str());
        }),
    }
    Ok(())
}

fn as_json(read: &DataRead) -> Value {
    json!({ "day": read.day.to_string(), "actor": who(read.actor), "purpose": read.purpose, "data": read.data, "count": read.count })
}

fn who(actor: Actor) -> String {
    match actor {
        Actor::Member(user) => format!("member {}", user.0),
        Actor::ApiKey(key) => format!("api_key {}", key.0),
        Actor::System(part) => word_of(part),
    }
}

fn day(date: NaiveDate) -> Day {
    Timestamp::from(date.and_time(NaiveTime::MIN).and_utc()).day()
}
