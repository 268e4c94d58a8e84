//! `lethemail retention`: every bucket of an organisation's data, or every key of a person, when it ends, and why then.

use crate::config::{Config, Role};
use crate::serve::Foundation;
use crate::service::Service;
use anyhow::Context;
use clap::Args;
use commands::{KeptBucket, KeptData, KeptKey, KeptUntil};
use domain::{BucketEnd, HoldStage, HoldTarget, KeyId, OrganizationId, Timestamp};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Clone, Debug, Args)]
pub(crate) struct RetentionArguments {
    /// The organisation: its id, as 32 hex digits or with hyphens, or as GraphQL gives it
    #[arg(long, value_name = "ORGANISATION")]
    org: String,
    /// What is left of one person instead: an address, or the id of one of the person's keys
    #[arg(long, value_name = "ADDRESS|KEY")]
    subject: Option<String>,
    /// Buckets whose keys are destroyed, too
    #[arg(long)]
    all: bool,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(mut config: Config, arguments: RetentionArguments) -> anyhow::Result<()> {
    // Neither workers nor projections: whatever runs beside us has them.
    config.role = Role::Api;
    let foundation = Foundation::beside(config).await?;
    let service = Service::start(&foundation).await?;
    let outcome = answer(&service, arguments).await;
    service.stop().await;
    foundation.stop().await?;
    outcome
}

async fn answer(service: &Service, arguments: RetentionArguments) -> anyhow::Result<()> {
    let org = &arguments.org;
    let named = org.parse().ok().or_else(|| Some(api::stream_of_id(org)?.organization));
    let organization: OrganizationId = named.context("this is no organisation's id")?;
    let told = match &arguments.subject {
        Some(subject) => keys(&kept_of(service, organization, subject).await?, arguments.json),
        None => buckets(&service.commands.kept_data(organization).await?, arguments.all, arguments.json),
    };
    println!("{told}");
    Ok(())
}

/// A subject that is not told apart from an unknown one has nothing left.
async fn kept_of(service: &Service, organization: OrganizationId, subject: &str) -> anyhow::Result<Vec<KeptKey>> {
    if let Ok(key) = subject.parse::<KeyId>() {
        return Ok(service.commands.kept_of_key(organization, key).await?);
    }
    let address: domain::EmailAddress = subject.parse().context("this is neither an address nor a key's id")?;
    Ok(service.commands.kept_of_address(organization, &address).await?)
}

fn buckets(kept: &KeptData, all: bool, as_json: bool) -> String {
    let shown: Vec<&KeptBucket> = kept.buckets.iter().filter(|bucket| all || bucket.record.destroyed_at.is_none()).collect();
    if as_json {
        return pretty(
            &json!({ "retention": terms(kept), "holds": holds(kept), "buckets": shown.iter().map(|bucket| row(bucket)).collect::<Vec<_>>() }),
        );
    }
    let mut lines = vec![format!("days are kept for {} days", kept.retention.days_at(kept.now))];
    if let Some(term) = kept.retention.upcoming_at(kept.now) {
        lines.push(format!("from {} on for {} days ({})", term.effective_at, term.days, word(&term.ground)));
    }
    for hold in holds(kept) {
        lines.push(format!("hold {} {} until {}", text(&hold["hold"]), text(&hold["stage"]), text(&hold["expires_at"])));
    }
    lines.extend(shown.iter().map(|bucket| line(bucket)));
    lines.join("\n")
}

fn line(bucket: &KeptBucket) -> String {
    let class = word(&bucket.record.class);
    let days = match bucket.days {
        Some((first, last)) if first == last => first.to_string(),
        Some((first, last)) => format!("{first} to {last}"),
        None => "all".into(),
    };
    let end = match (bucket.record.destroyed_at, bucket.end) {
        (Some(at), _) => format!("destroyed {at}"),
        (None, Some(end)) => told(end),
        (None, None) => "while the account or object lives".into(),
    };
    format!("{class:<8} {days:<24} {end}")
}

fn row(bucket: &KeptBucket) -> Value {
    json!({
        "key": bucket.record.key,
        "class": bucket.record.class,
        "first_day": bucket.days.map(|(first, _)| first.to_string()),
        "last_day": bucket.days.map(|(_, last)| last.to_string()),
        "ends_at": bucket.end.map(|end| end.at.to_string()),
        "ground": bucket.end.map(|end| end.ground),
        "destroyed_at": bucket.record.destroyed_at.map(|at| at.to_string()),
    })
}

fn terms(kept: &KeptData) -> Value {
    let upcoming = kept.retention.upcoming_at(kept.now);
    json!({
        "days": kept.retention.days_at(kept.now),
        "ground": kept.retention.term_at(kept.now).map(|term| term.ground),
        "upcoming": upcoming.map(|term| json!({ "days": term.days, "effective_at": term.effective_at.to_string(), "ground": term.ground })),
        "fiscal_year_first_month": kept.fiscal_year,
    })
}

/// Those that have not ended.
fn holds(kept: &KeptData) -> Vec<Value> {
    let running = kept.holds.iter().filter_map(|(id, hold)| Some((id, hold, hold.stage_at(kept.now)?)));
    let running = running.filter(|(.., stage)| matches!(stage, HoldStage::Requested | HoldStage::Active));
    let told = running.map(|(id, hold, stage)| {
        let days = match hold.target {
            Some(HoldTarget::Days { from, until }) => Some((from.to_string(), until.to_string())),
            _ => None,
        };
        json!({
            "hold": id, "stage": stage, "ground": hold.ground, "first_day": days.as_ref().map(|days| &days.0),
            "last_day": days.as_ref().map(|days| &days.1), "expires_at": hold.expires_at.map(|at| at.to_string()),
        })
    });
    told.collect()
}

fn keys(keys: &[KeptKey], as_json: bool) -> String {
    let until = |key: &KeptKey| match key.until {
        KeptUntil::LastBucket(end) => told(end),
        KeptUntil::Ended => "nothing that it sealed can be read".into(),
        KeptUntil::InUse => "while the account, contact or request lives".into(),
        KeptUntil::Suppression => "while the address must not be mailed".into(),
    };
    let end = |key: &KeptKey| match key.until {
        KeptUntil::LastBucket(end) => (Some(end.at.to_string()), word(&end.ground)),
        KeptUntil::Ended => (None, "ended".into()),
        KeptUntil::InUse => (None, "in_use".into()),
        KeptUntil::Suppression => (None, "suppression".into()),
    };
    if as_json {
        let rows = keys.iter().map(|key| {
            let (ends_at, ground) = end(key);
            json!({ "key": key.key, "class": key.class, "ends_at": ends_at, "ground": ground, "held_until": key.held_until.map(|at| at.to_string()) })
        });
        return pretty(&json!({ "keys": rows.collect::<Vec<_>>() }));
    }
    if keys.is_empty() {
        return "nothing is left".into();
    }
    let held = |at: Timestamp| format!(", held until {at}");
    let lines = keys.iter().map(|key| {
        let class = word(&key.class);
        format!("{class:<8} {} {}{}", key.key, until(key), key.held_until.map(held).unwrap_or_default())
    });
    lines.collect::<Vec<_>>().join("\n")
}

fn told(end: BucketEnd) -> String {
    format!("until {} ({})", end.at, word(&end.ground))
}

/// A word of a closed vocabulary, as it is stored.
fn word(word: &impl Serialize) -> String {
    text(&serde_json::to_value(word).unwrap_or_default())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}
