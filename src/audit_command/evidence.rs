//! `lethemail audit export`, `verify`, `prove`, `consistency` and `key`: the history for those who were not there.

use super::arguments::Format;
use crate::exit::Broken;
use crate::serve::Foundation;
use crate::service::{logs, vault_config};
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use domain::{EventId, ExportFormat, KeyId, LossAccepted, OrganizationId, Timestamp};
use event_store::EventStore;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use transparency::{EventsFormat, Log, Logs, Report, Verdict, VerifierKey, VerifyOptions, verify_bundle};
use vault::{Signer, Vault, VaultConfig, signature_holds};

/// Attempts to get the logs while a running server has them in its hands, one a second: it never keeps them longer than a round.
const ATTEMPTS: usize = 60;
/// Keys asked for at a time.
const KEYS_AT_ONCE: usize = 1_000;

#[derive(Args, Clone, Debug)]
pub(crate) struct ExportArguments {
    /// The organisation: its id, as 32 hex digits or with hyphens, or as GraphQL gives it
    #[arg(long, value_name = "ORGANISATION")]
    org: String,
    /// A directory that does not exist yet
    #[arg(long, value_name = "DIRECTORY")]
    to: PathBuf,
    /// From the first event that happened at this time (RFC 3339) or later
    #[arg(long, value_name = "TIME", value_parser = super::arguments::time)]
    since: Option<Timestamp>,
    /// To the last event that happened before this time (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = super::arguments::time)]
    until: Option<Timestamp>,
    #[arg(long, value_enum, default_value_t)]
    format: LineFormat,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LineFormat {
    #[default]
    Jsonl,
    Cloudevents,
}

#[derive(Args, Clone, Debug)]
pub(crate) struct VerifyArguments {
    /// What `audit export` wrote
    bundle: PathBuf,
    /// The log's public key, as `audit key` prints it; without it the bundle's own is believed
    #[arg(long, value_name = "KEY")]
    key: Option<VerifierKey>,
    /// A witness that must have signed, by its public key
    #[arg(long, value_name = "KEY")]
    witness: Vec<VerifierKey>,
    /// A file with ids of events that must be there, one a line
    #[arg(long, value_name = "FILE")]
    receipts: Option<PathBuf>,
    /// A checkpoint that was kept earlier: the history must go on from it
    #[arg(long, value_name = "FILE")]
    checkpoint: Vec<PathBuf>,
    /// The log must be here from its first event to its last
    #[arg(long)]
    whole: bool,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(super) async fn export(foundation: &Foundation, store: &EventStore, arguments: ExportArguments) -> anyhow::Result<()> {
    let ExportArguments { org, to, since, until, format } = arguments;
    let organization = organization(&org)?;
    if to.exists() {
        bail!("{} exists already", to.display());
    }
    let (logs, vault) = (logs(foundation, store), vault(foundation).await?);
    let signer = vault.signer().await?;
    publish(foundation, &logs, &signer).await?;
    if logs.note(Log::Organization(organization)).await?.is_none() {
        bail!("nothing has happened in this organisation, or there is none");
    }
    let (recorded_as, lines) = match format {
        LineFormat::Jsonl => (ExportFormat::Jsonl, EventsFormat::Jsonl),
        LineFormat::Cloudevents => (ExportFormat::Cloudevents, EventsFormat::Cloudevents),
    };
    // The copy tells of its own making.
    logs.record_export(organization, recorded_as, (since, until)).await?;
    publish(foundation, &logs, &signer).await?;
    let mut export = logs.export(&to, organization, (since, until), lines, signer.public_key()).await?;
    let gone = gone(&vault, &export.keys).await?;
    logs.explain(&mut export, &gone).await?;
    let manifest = export.finish()?;
    println!("{} events of {} in {}", manifest.count, manifest.tree_size, to.display());
    Ok(())
}

/// A round of signing, or the one that a running server is in the middle of and then one more.
async fn publish(foundation: &Foundation, logs: &Logs, signer: &Signer) -> anyhow::Result<()> {
    for _ in 0..ATTEMPTS {
        if workers::publish_checkpoints(logs, signer).await? {
            return Ok(());
        }
        foundation.clock.sleep_until(foundation.clock.now() + Duration::from_secs(1)).await;
    }
    bail!("another process has been signing for a minute")
}

async fn gone(vault: &Vault, keys: &BTreeSet<KeyId>) -> anyhow::Result<Vec<KeyId>> {
    let keys: Vec<KeyId> = keys.iter().copied().collect();
    let mut gone = Vec::new();
    for some in keys.chunks(KEYS_AT_ONCE) {
        gone.extend(vault.gone_among(some).await?);
    }
    Ok(gone)
}

pub(super) async fn prove(foundation: &Foundation, store: &EventStore, org: &str, event: EventId) -> anyhow::Result<()> {
    let (organization, logs) = (organization(org)?, logs(foundation, store));
    let index = logs.index_of(organization, event).await?.context("this organisation's log has no such event, or not yet")?;
    let proof = logs.prove(Log::Organization(organization), index).await?.context("the event is not under a signed checkpoint yet")?;
    print!("{}", proof.text());
    Ok(())
}

pub(super) async fn consistency(foundation: &Foundation, store: &EventStore, org: &str, old: u64, new: u64) -> anyhow::Result<()> {
    let (organization, logs) = (organization(org)?, logs(foundation, store));
    let log = Log::Organization(organization);
    let signed = logs.checkpoint(log).await?.map_or(0, |(checkpoint, _)| checkpoint.size);
    if old > new || new > signed {
        bail!("sizes rise from the older to the newer, and {signed} events are signed");
    }
    let root = |hash: transparency::Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let path: Vec<String> = logs.consistency(log, old, new).await?.into_iter().map(root).collect();
    let (old_root, new_root) = (root(logs.root_at(log, old).await?), root(logs.root_at(log, new).await?));
    println!("{:#}", json!({ "old": { "size": old, "root": old_root }, "new": { "size": new, "root": new_root }, "proof": path }));
    Ok(())
}

pub(super) async fn key(foundation: &Foundation, org: Option<&str>) -> anyhow::Result<()> {
    let public = vault(foundation).await?.signer().await?.public_key();
    let log = org.map(organization).transpose()?.map_or(Log::Platform, Log::Organization);
    println!("{}", log.verifier_key(public));
    Ok(())
}

/// Needs neither database nor keys.
pub(crate) fn verify(arguments: VerifyArguments) -> anyhow::Result<()> {
    let VerifyArguments { bundle, key, witness, receipts, checkpoint, whole, format } = arguments;
    let receipts = receipts.map(|path| read_receipts(&path)).transpose()?.unwrap_or_default();
    let read = |path: &PathBuf| std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()));
    let earlier = checkpoint.iter().map(read).collect::<anyhow::Result<_>>()?;
    let options = VerifyOptions { verify: signature_holds, key, witnesses: witness, receipts, whole, earlier };
    let report = verify_bundle(&bundle, &options)?;
    match format {
        Format::Json => println!("{:#}", as_json(&report)),
        Format::Text => tell(&report),
    }
    match report.exit_code() {
        0 => Ok(()),
        code => Err(Broken(code).into()),
    }
}

fn read_receipts(path: &Path) -> anyhow::Result<BTreeSet<EventId>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| line.parse().with_context(|| format!("{line} is no event's id"))).collect()
}

fn tell(report: &Report) {
    let (first, end) = report.range;
    tell_verdict("integrity", &report.integrity, format!("{} events are those that were signed", report.events));
    tell_verdict("completeness", &report.completeness, format!("from event {first} to before {end}, of {}", report.tree_size));
    let erasure = format!(
        "{} keys destroyed, {} envelopes closed thereby, {} key epochs ended",
        report.destroyed_keys, report.closed_envelopes, report.epochs_destroyed
    );
    tell_verdict("erasure", &report.erasure, erasure);
    println!("key           {}{}", report.key, if report.key_is_bundled { " (the bundle's own: compare it)" } else { "" });
    for loss in &report.losses {
        println!("loss          {}", describe(loss));
    }
    println!("witnesses     {}", witnesses(report));
}

fn witnesses(report: &Report) -> String {
    let seen = |(name, size): &(String, u64)| format!("{name} has seen {size} of {} checkpoints", report.platform_size);
    let known: Vec<String> = report.witnesses.iter().map(seen).collect();
    let unknown: Vec<&str> = report.unknown_witnesses.iter().map(String::as_str).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    match unknown.is_empty() {
        true => known,
        false => format!("{known}; there are lines of {}, and no key to look at them with (--witness)", unknown.join(", ")),
    }
}

fn describe(loss: &LossAccepted) -> String {
    let time = |time: Option<Timestamp>| time.map_or_else(|| "an unknown time".to_owned(), |time| time.to_string());
    let key = loss.former.as_ref().map_or_else(String::new, |former| {
        format!("; what was signed before, with {} checkpoints, is {}'s", former.size, Log::Platform.origin(&former.key.0))
    });
    format!("what happened after {}, until {} or later, is missing, and an operator accepted that{key}", time(loss.since), time(loss.until))
}

fn tell_verdict(name: &str, verdict: &Verdict, told: String) {
    println!("{name:<13} {}{told}", if verdict.holds() { "holds: " } else { "BROKEN: looked at " });
    for fault in &verdict.faults {
        println!("    {}: {}", fault.place, fault.what);
    }
    if verdict.count > verdict.faults.len() as u64 {
        println!("    and {} more", verdict.count - verdict.faults.len() as u64);
    }
}

fn as_json(report: &Report) -> serde_json::Value {
    let verdict = |verdict: &Verdict| {
        let faults: Vec<_> = verdict.faults.iter().map(|fault| json!({ "place": fault.place, "what": fault.what })).collect();
        json!({ "holds": verdict.holds(), "faults": verdict.count, "first_faults": faults })
    };
    json!({
        "integrity": verdict(&report.integrity),
        "completeness": verdict(&report.completeness),
        "erasure": verdict(&report.erasure),
        "events": report.events,
        "first": report.range.0,
        "end": report.range.1,
        "tree_size": report.tree_size,
        "key": report.key,
        "key_is_bundled": report.key_is_bundled,
        "losses": report.losses,
        "witnesses": report.witnesses.iter().map(|(name, size)| json!({ "name": name, "checkpoints": size })).collect::<Vec<_>>(),
        "unknown_witnesses": report.unknown_witnesses,
        "checkpoints": report.platform_size,
        "destroyed_keys": report.destroyed_keys,
        "epochs_destroyed": report.epochs_destroyed,
        "closed_envelopes": report.closed_envelopes,
    })
}

pub(super) fn organization(text: &str) -> anyhow::Result<OrganizationId> {
    let named = text.parse().ok().or_else(|| Some(api::stream_of_id(text)?.organization));
    named.context("this is no organisation's id")
}

async fn vault(foundation: &Foundation) -> anyhow::Result<Vault> {
    vault::harden_process();
    let config = VaultConfig { cache_keys_max: 1_000, ..vault_config(foundation) };
    Vault::start(config).await.context("the vault cannot be opened")
}
