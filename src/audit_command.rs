//! `lethemail audit`: how things were, what changed, and what happened, for whoever runs the installation and has its database.
//!
//! Without `--open` no key is touched: personal data is told by what it is, and stays sealed.

mod arguments;
mod evidence;
mod reads;
mod replay;
mod reveal;
mod tell;

use crate::config::Config;
use crate::event_log::open_store;
use crate::serve::Foundation;
use anyhow::{Context, bail};
use arguments::{AtArguments, BetweenArguments, Format, Opening};
use clap::Subcommand;
use domain::{ApiKey, Category, EventId, Hold, SmtpServer, StreamName, Suppression};
use event_store::EventStore;
pub(crate) use evidence::verify;
use evidence::{ExportArguments, VerifyArguments};
use history::{Fields, History, Moment};
use reads::ReadsArguments;
use replay::ReplayArguments;
use reveal::Reveal;

#[derive(Clone, Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Print a thing as it was
    Show {
        /// Its stream, as in `organization-<organisation>.<id>`, or its id in GraphQL
        thing: String,
        #[command(flatten)]
        at: AtArguments,
        /// Of an organisation: its keys, servers and suppressions too
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        opening: Opening,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print what changed between two moments, and which events did it; of an organisation, with its keys, servers and suppressions
    Diff {
        /// Its stream, as in `organization-<organisation>.<id>`, or its id in GraphQL
        thing: String,
        #[command(flatten)]
        between: BetweenArguments,
        #[command(flatten)]
        opening: Opening,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print all that happened to a thing, oldest first, with the facts and without personal data
    Timeline {
        /// Its stream, as in `organization-<organisation>.<id>`, or its id in GraphQL
        thing: String,
        #[command(flatten)]
        between: BetweenArguments,
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Make the read models anew as they were, in a database of their own, and print the SHA-256 of each
    Replay(ReplayArguments),
    /// Print who opened an organisation's data and why, as counts of each day
    Reads(ReadsArguments),
    /// Write an organisation's history as files that anybody can verify without this installation; the export itself is recorded
    Export(ExportArguments),
    /// Look through what `export` wrote, offline: is it what was signed, is anything missing, is what cannot be opened explained
    Verify(VerifyArguments),
    /// Print the proof that an event stands under the newest signed checkpoint (C2SP tlog-proof)
    Prove {
        #[arg(long, value_name = "ORGANISATION")]
        org: String,
        event: EventId,
    },
    /// Print the proof that the log with OLD events is the beginning of the log with NEW events
    Consistency {
        #[arg(long, value_name = "ORGANISATION")]
        org: String,
        old: u64,
        new: u64,
    },
    /// Print the public key under the name that it has in an organisation's log, or in the platform's
    Key {
        #[arg(long, value_name = "ORGANISATION")]
        org: Option<String>,
    },
}

pub(crate) async fn run(config: Config, command: AuditCommand) -> anyhow::Result<()> {
    if let AuditCommand::Replay(arguments) = command {
        return replay::run(config, arguments).await;
    }
    let foundation = Foundation::beside(config).await?;
    let store = open_store(&foundation).await?;
    let history = History::new(store.clone(), foundation.clock.clone());
    let outcome = answer(&foundation, &store, &history, command).await;
    store.shutdown().await;
    foundation.stop().await?;
    outcome
}

async fn answer(foundation: &Foundation, store: &EventStore, history: &History, command: AuditCommand) -> anyhow::Result<()> {
    match command {
        AuditCommand::Show { thing, at, all, opening, format } => {
            let (stream, moment) = (named(&thing)?, at.moment()?.unwrap_or(history.now()));
            history.check_past(moment).await?;
            let things = states(history, stream, moment, all).await?;
            if things.is_empty() {
                bail!("there was no such thing at that moment");
            }
            let reveal = Reveal::start(foundation, store, opening.open).await?;
            tell::states(&things, &reveal, format).await
        }
        AuditCommand::Diff { thing, between, opening, format } => {
            let (stream, (from, to)) = (named(&thing)?, between.moments(history).await?);
            if history.fields(stream, to).await?.is_none() {
                bail!("there was no such thing until then");
            }
            let changes = match stream.category {
                Category::Organization => history.diff_organization(stream, from, to).await?,
                _ => history.diff(stream, from, to).await?,
            };
            let reveal = Reveal::start(foundation, store, opening.open).await?;
            tell::changes(&changes, &reveal, format).await
        }
        AuditCommand::Timeline { thing, between, format } => {
            let (stream, (from, to)) = (named(&thing)?, between.moments(history).await?);
            let entries = history.timeline(stream, Some(from), to).await?;
            tell::timeline(&entries, format)
        }
        AuditCommand::Reads(arguments) => reads::reads(foundation, arguments).await,
        AuditCommand::Export(arguments) => evidence::export(foundation, store, arguments).await,
        AuditCommand::Verify(arguments) => evidence::verify(arguments),
        AuditCommand::Replay(_) => unreachable!("answered before this installation's log was opened"),
        AuditCommand::Prove { org, event } => evidence::prove(foundation, store, &org, event).await,
        AuditCommand::Consistency { org, old, new } => evidence::consistency(foundation, store, &org, old, new).await,
        AuditCommand::Key { org } => evidence::key(foundation, org.as_deref()).await,
    }
}

/// By either name that people meet.
fn named(thing: &str) -> anyhow::Result<StreamName> {
    thing.parse().ok().or_else(|| api::stream_of_id(thing)).context("this is neither a stream's name nor an id that GraphQL gives")
}

async fn states(history: &History, stream: StreamName, moment: Moment, all: bool) -> anyhow::Result<Vec<(StreamName, Fields)>> {
    let mut streams = vec![stream];
    if all && stream.category == Category::Organization {
        let organization = stream.organization;
        streams.extend(history.all::<ApiKey>(organization, moment).await?.iter().map(|past| past.stream));
        streams.extend(history.all::<SmtpServer>(organization, moment).await?.iter().map(|past| past.stream));
        streams.extend(history.all::<Suppression>(organization, moment).await?.iter().map(|past| past.stream));
        streams.extend(history.all::<Hold>(organization, moment).await?.iter().map(|past| past.stream));
    }
    let mut states = Vec::with_capacity(streams.len());
    for stream in streams {
        states.extend(history.fields(stream, moment).await?.map(|fields| (stream, fields)));
    }
    Ok(states)
}
