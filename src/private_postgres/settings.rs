//! How the server is run. Its files lie beside its data directory, in one that its account cannot write to.

use super::socket::SocketDirectory;
use super::{Binaries, Cluster, PostgresError};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What an operator may tune with ALTER SYSTEM. It comes after what initdb found out about this machine (its kind of shared memory).
const TUNABLE: &str = "\
shared_buffers = '128MB'
max_connections = 100
max_wal_size = '2GB'
wal_compression = on
jit = off
";

/// What nobody may change, since promises rest on it: durability, no network, and a log without any value that a client sent.
/// Errors are not logged at all (their text can quote values), statements and parameters never, details never (terse).
const FIXED: &[&str] = &[
    "fsync=on",
    "full_page_writes=on",
    "synchronous_commit=on",
    "wal_level=replica",
    "listen_addresses=",
    "port=5432",
    "unix_socket_permissions=0700",
    "restart_after_crash=on",
    // The one zone that needs no time zone files, which small containers lack. It is UTC.
    "timezone=GMT",
    "log_timezone=GMT",
    "lc_messages=C",
    "logging_collector=off",
    "log_destination=stderr",
    "log_min_messages=log",
    "log_min_error_statement=panic",
    "log_error_verbosity=terse",
    "log_statement=none",
    "log_min_duration_statement=-1",
    "log_min_duration_sample=-1",
    "log_parameter_max_length=0",
    "log_parameter_max_length_on_error=0",
    "log_lock_waits=off",
    "log_temp_files=-1",
    "log_line_prefix=%m [%p] ",
    "debug_print_parse=off",
    "debug_print_rewritten=off",
    "debug_print_plan=off",
    "shared_preload_libraries=",
    "session_preload_libraries=",
];

const LOG_BYTES_MAX: u64 = 16 * 1024 * 1024;
const LAST_LINES_BYTES: u64 = 2000;

/// The server's command line.
pub(super) fn server(cluster: &Cluster, binaries: &Binaries, socket: &SocketDirectory, data: &Path) -> Result<Command, PostgresError> {
    let files = write_files(data, cluster)?;
    let mut command = cluster.account().command(&binaries.program("postgres"));
    command.arg("-D").arg(cluster.path());
    let set = |name: &str, path: &Path| format!("{name}={}", path.display());
    let paths = [
        set("config_file", &files.join("postgresql.conf")),
        set("hba_file", &files.join("pg_hba.conf")),
        set("ident_file", &files.join("pg_ident.conf")),
        set("unix_socket_directories", Path::new(&quoted(socket.path()))),
    ];
    for setting in paths.iter().map(String::as_str).chain(FIXED.iter().copied()) {
        command.arg("-c").arg(setting);
    }
    let log = open_log(data).map_err(PostgresError::io("this log cannot be opened:", log_path(data)))?;
    let second = log.try_clone().map_err(PostgresError::io("this log cannot be opened:", log_path(data)))?;
    command.stdin(Stdio::null()).stdout(log).stderr(second);
    Ok(command)
}

/// The setting is a list; a comma or a quote in the path must not end an item.
fn quoted(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('"', "\"\""))
}

pub(super) fn log_path(data: &Path) -> PathBuf {
    data.join("postgres.log")
}

/// The end of the log, for the error that says why the server is gone.
pub(super) fn last_lines(log: &Path) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let start = file.metadata()?.len().saturating_sub(LAST_LINES_BYTES);
        file.seek(SeekFrom::Start(start))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        Ok(tail)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).trim().to_owned()
}

/// Opened by us and inherited, so the account needs no right to it. One older log is kept.
fn open_log(data: &Path) -> std::io::Result<File> {
    let path = log_path(data);
    if std::fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LOG_BYTES_MAX) {
        std::fs::rename(&path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().append(true).create(true).mode(0o600).open(path)
}

/// The directory mode keeps everybody else from the socket; the peer check keeps them out even if it did not: only the account of
/// the server and ours may log in.
fn write_files(data: &Path, cluster: &Cluster) -> Result<PathBuf, PostgresError> {
    let directory = data.join("postgres.settings");
    if !directory.is_dir() {
        let made = DirBuilder::new().mode(0o755).create(&directory);
        made.map_err(PostgresError::io("this directory cannot be made:", &directory))?;
    }
    let account = cluster.account();
    let machine = cluster.path().join("postgresql.conf").display().to_string().replace('\'', "''");
    let map: String = [&account.name, &account.our_name].map(|name| format!("ours \"{name}\" lethemail\n")).concat();
    let files = [
        ("postgresql.conf", format!("# Written anew at every start. Tune with ALTER SYSTEM.\ninclude '{machine}'\n{TUNABLE}")),
        ("pg_hba.conf", "local all lethemail peer map=ours\nlocal all all reject\n".to_owned()),
        ("pg_ident.conf", map),
    ];
    for (name, text) in files {
        let path = directory.join(name);
        std::fs::write(&path, text).map_err(PostgresError::io("this file cannot be written:", path))?;
    }
    Ok(directory)
}
