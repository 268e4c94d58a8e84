//! The command line.

use crate::audit_command::{self, AuditCommand};
use crate::backup_command::{self, BackupCommand};
use crate::config::{Config, Flags};
use crate::events_command::{self, EventsCommand};
use crate::exit::{EXIT_CODES, Exit};
use crate::keys_command::{self, KeysCommand};
use crate::log_command::{self, LogCommand};
use crate::policy_command::{self, PolicyArguments};
use crate::projections_command::{self, ProjectionsCommand};
use crate::queue_command::{self, QueueCommand};
use crate::restore_command::{self, RestoreArguments};
use crate::retention_command::{self, RetentionArguments};
use crate::{doctor, logging, serve};
use clap::{CommandFactory, Parser, Subcommand};
use nix::sys::resource::{Resource, setrlimit};
use std::io::Write;
use std::process::ExitCode;
use tracing::level_filters::LevelFilter;

/// An email platform backend for people who must account for what they did with personal data.
#[derive(Debug, Parser)]
#[command(name = "lethemail", version, after_help = EXIT_CODES)]
struct CommandLine {
    #[command(flatten)]
    flags: Flags,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Clone, Debug, Default, Subcommand)]
enum Command {
    /// Run the server (what happens without a command)
    #[default]
    Serve,
    /// Print the configuration that holds, without its secrets
    Config,
    /// Check the installation and say what is wrong
    Doctor,
    /// Read models: what they are, how far they are, and making them again from the log
    Projections {
        #[command(subcommand)]
        command: ProjectionsCommand,
    },
    /// How things were, what changed and which events did it; the history for those who were not there, and whether it holds
    Audit {
        #[command(subcommand)]
        command: AuditCommand,
    },
    /// The log itself: where it ends, how it grows, who reads it; and copying it into another store
    Log {
        #[command(subcommand)]
        command: LogCommand,
    },
    /// The keys: their epochs, and the days whose retention ends
    Keys {
        #[command(subcommand)]
        command: KeysCommand,
    },
    /// When an organisation's data ends, bucket by bucket, or what is left of one person, and why
    Retention {
        #[command(flatten)]
        arguments: RetentionArguments,
    },
    /// The data policy: what personal data there is, what it may be used for and on what ground, how long it is kept
    Policy {
        #[command(flatten)]
        arguments: PolicyArguments,
    },
    /// Mail that waits: how much, and holding it back for a while
    Queue {
        #[command(subcommand)]
        command: QueueCommand,
    },
    /// Back up the log or the keyring, each to a directory of its own
    Backup {
        #[command(subcommand)]
        command: BackupCommand,
    },
    /// Put a backup into an empty database. Nothing that waits is sent until `lethemail queue resume`
    Restore {
        #[command(flatten)]
        arguments: RestoreArguments,
    },
    /// The events of the log
    Events {
        #[command(subcommand)]
        command: EventsCommand,
    },
    /// Print the GraphQL schema
    Schema,
    /// Print a completion script for a shell
    Completions { shell: clap_complete::Shell },
}

/// The whole program.
pub fn main() -> ExitCode {
    // A core dump would hold keys and plaintext. PostgreSQL inherits the limit.
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    let line = CommandLine::parse();
    match run(line) {
        Ok(exit) => exit.into(),
        Err(error) => {
            eprintln!("lethemail: {error:#}");
            Exit::code(&error)
        }
    }
}

fn run(line: CommandLine) -> anyhow::Result<Exit> {
    if let Some(Command::Completions { shell }) = line.command {
        clap_complete::generate(shell, &mut CommandLine::command(), "lethemail", &mut std::io::stdout());
        return Ok(Exit::Done);
    }
    if let Some(Command::Schema) = line.command {
        std::io::stdout().write_all(api::sdl().as_bytes())?;
        return Ok(Exit::Done);
    }
    if let Some(Command::Events { command }) = line.command {
        return events_command::run(command).map(|()| Exit::Done);
    }
    if let Some(Command::Audit { command: AuditCommand::Verify(arguments) }) = line.command {
        return audit_command::verify(arguments).map(|()| Exit::Done);
    }
    if let Some(Command::Policy { arguments }) = &line.command
        && !arguments.compares()
    {
        policy_command::print(arguments);
        return Ok(Exit::Done);
    }
    let config = Config::load(&line.flags)?;
    match line.command.unwrap_or_default() {
        Command::Serve => {
            logging::install(level(&config));
            runtime()?.block_on(serve::run(config)).map(|()| Exit::Done)
        }
        Command::Config => {
            std::io::stdout().write_all(config.show().as_bytes())?;
            Ok(Exit::Done)
        }
        Command::Doctor => Ok(runtime()?.block_on(doctor::run(&config))),
        command => {
            logging::install(LevelFilter::WARN);
            runtime()?.block_on(run_beside(command, config)).map(|()| Exit::Done)
        }
    }
}

/// What works on an installation whose server may be running.
async fn run_beside(command: Command, config: Config) -> anyhow::Result<()> {
    match command {
        Command::Projections { command } => projections_command::run(config, command).await,
        Command::Audit { command } => audit_command::run(config, command).await,
        Command::Log { command } => log_command::run(config, command).await,
        Command::Keys { command } => keys_command::run(config, command).await,
        Command::Retention { arguments } => retention_command::run(config, arguments).await,
        Command::Policy { .. } => policy_command::compare(config).await,
        Command::Queue { command } => queue_command::run(config, command).await,
        Command::Backup { command } => backup_command::run(config, command).await,
        Command::Restore { arguments } => restore_command::run(config, arguments).await,
        Command::Serve | Command::Config | Command::Doctor | Command::Schema | Command::Completions { .. } | Command::Events { .. } => {
            unreachable!("answered before")
        }
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

fn level(config: &Config) -> LevelFilter {
    config.log.level.parse().expect("the configuration was validated")
}
