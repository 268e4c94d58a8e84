//! Every column of every table, and what it holds. Personal data lies in three kinds of column only: envelopes of events, bodies in the spool, and
//! keyed hashes to look things up by. A column that is not here fails a test, and is named by `lethemail policy --diff`.

use crate::fact::vocabulary;

vocabulary! {
    /// What may lie in a column, or stand in a line of the log.
    pub enum Content {
        /// A random or time-ordered id.
        Id,
        /// A count, a number, a version.
        Number,
        Flag,
        Time,
        /// A place in the event log.
        Position,
        /// A word of a closed vocabulary, or several.
        Word,
        /// What parts of the program, their processes and addresses are called, and what the program signs.
        Program,
        /// What an operator typed as a reason, who is asked to name no person.
        OperatorText,
        /// What went wrong, in the program's own words.
        Fault,
        /// An event's header or facts, which `domain::Fact` keeps free of personal data.
        Facts,
        /// A hash of what anybody may know, or random bytes that keep hashes apart.
        Hash,
        /// Personal data: envelopes of events, sealed.
        Envelope,
        /// Personal data: a message that waits for delivery, sealed.
        Body,
        /// A keyed hash of personal data, to look something up by.
        Lookup,
        /// A key, wrapped under another.
        WrappedKey,
    }
}

impl Content {
    /// PostgreSQL's types for it, so that a text is not taken for an id.
    pub const fn types(self) -> &'static [&'static str] {
        match self {
            Content::Id => &["uuid", "uuid[]"],
            Content::Number => &["smallint", "integer", "bigint", "smallint[]"],
            Content::Flag => &["boolean"],
            Content::Time => &["bigint", "timestamp with time zone"],
            Content::Position => &["bigint", "bytea", "pg_lsn"],
            Content::Word => &["smallint", "text", "text[]"],
            Content::Program => &["text", "character varying"],
            Content::OperatorText => &["text"],
            Content::Fault => &[],
            Content::Facts | Content::Hash | Content::Envelope | Content::Body | Content::WrappedKey => &["bytea"],
            Content::Lookup => &["bytea", "uuid"],
        }
    }

    /// Whether it is somebody's data, or stands for it.
    pub const fn is_personal(self) -> bool {
        matches!(self, Content::Envelope | Content::Body | Content::Lookup)
    }
}

/// A table's columns by what they hold, names with spaces between them.
pub struct TableEntry {
    pub table: &'static str,
    pub columns: &'static [(Content, &'static str)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnEntry {
    pub table: &'static str,
    pub column: &'static str,
    pub holds: Content,
}

impl TableEntry {
    pub fn entries(&self) -> impl Iterator<Item = ColumnEntry> + use<> {
        let (table, columns) = (self.table, self.columns);
        columns.iter().flat_map(move |(holds, names)| names.split(' ').map(move |column| ColumnEntry { table, column, holds: *holds }))
    }
}

const fn table(table: &'static str, columns: &'static [(Content, &'static str)]) -> TableEntry {
    TableEntry { table, columns }
}

use Content::*;

/// All tables that the program makes, apart from partitions and from the side rooms of `read`, which have the same columns.
pub const COLUMNS: &[TableEntry] = &[
    table(
        "keyring.bucket",
        &[(Id, "id organization"), (Number, "class bucket epoch"), (WrappedKey, "wrapped"), (Time, "destroyed_at"), (Flag, "recorded")],
    ),
    table("keyring.destroyed", &[(Id, "id"), (Time, "destroyed_at"), (Number, "newest_epoch")]),
    table(
        "keyring.epoch",
        &[
            (Number, "epoch state provider"),
            (Id, "provider_key"),
            (WrappedKey, "wrapped"),
            (Hash, "check_value"),
            (Time, "opened_at closed_at destroyed_at"),
            (Flag, "lookup"),
        ],
    ),
    table("keyring.fence", &[(Id, "organization subject"), (Number, "kind class"), (Time, "fenced_at")]),
    table("keyring.key", &[(Id, "id organization subject"), (Number, "kind generation class epoch limits"), (WrappedKey, "wrapped")]),
    table("keyring.lookup", &[(Number, "epoch class"), (Id, "organization key"), (Lookup, "value")]),
    table(
        "keyring.rotation",
        &[(Flag, "one"), (Id, "holder"), (Time, "expires_at_us"), (Number, "pass done total"), (Position, "settled")],
    ),
    table("keyring.sweep", &[(Flag, "one"), (Time, "last_run_us"), (Number, "overdue")]),
    table(
        "log.event",
        &[
            (Position, "position"),
            (Number, "version category"),
            (Time, "occurred_at recorded_at"),
            (Id, "organization stream_id event_id"),
            (Word, "event_type"),
            (Facts, "header facts"),
            (Envelope, "sealed"),
            (Hash, "salt"),
        ],
    ),
    table("log.stream", &[(Id, "stream_id organization"), (Number, "category version"), (Position, "first_position last_position")]),
    table(
        "ops.bookmark",
        &[(Program, "reader holder"), (Position, "position"), (Id, "event lease"), (Number, "version"), (Time, "lease_expires_at_us")],
    ),
    table("ops.data_read", &[(Id, "organization actor_id"), (Number, "day count"), (Word, "actor purpose data")]),
    table("ops.delivery_lease", &[(Id, "email token"), (Time, "expires_at_us")]),
    table("ops.delivery_pause", &[(Time, "paused_at_us resumed_at_us"), (OperatorText, "reason resume_reason")]),
    table("ops.log_name", &[(Flag, "only_one"), (Hash, "id"), (Id, "first_event")]),
    table("ops.migration", &[(Number, "version"), (Program, "name applied_on checksum")]),
    table("ops.reservation", &[(Id, "organization ids"), (Lookup, "key_hash payload_hash"), (Time, "expires_at_us")]),
    table("ops.restore", &[(Flag, "one"), (Time, "started_at_us finished_at_us"), (Position, "log_ends_at")]),
    table("ops.transparency_bundle", &[(Id, "log least_event greatest_event"), (Number, "number"), (Hash, "events")]),
    table("ops.transparency_checkpoint", &[(Number, "number size"), (Id, "organization"), (Hash, "root former_key")]),
    table("ops.transparency_cosigned", &[(Number, "size"), (Program, "note")]),
    table(
        "ops.transparency_log",
        &[(Id, "log"), (Number, "size recorded_size signed_size"), (Flag, "news"), (Hash, "recorded_root"), (Program, "note")],
    ),
    table("ops.transparency_tile", &[(Id, "log"), (Number, "level number"), (Hash, "hashes")]),
    table(
        "read.account_history",
        &[
            (Id, "organization event_id user_id actor_id stream_id"),
            (Position, "position"),
            (Time, "occurred_at_us"),
            (Number, "category slot"),
            (Word, "actor event_type"),
            (Envelope, "sealed"),
        ],
    ),
    table(
        "read.api_keys",
        &[
            (Id, "organization id actor_id event_id"),
            (Word, "scopes actor"),
            (Time, "created_at_us revoked_at_us"),
            (Number, "slot"),
            (Envelope, "sealed"),
        ],
    ),
    table("read.delivery_queue", &[(Id, "organization email smtp_server"), (Time, "due_at_us")]),
    table(
        "read.delivery_stats",
        &[
            (Id, "organization"),
            (Number, "day messages accepted suppressed relayed delivered deferred bounced in_doubt abandoned cancelled"),
        ],
    ),
    table("read.email_recipient", &[(Id, "organization key_id email")]),
    table("read.email_tag", &[(Id, "organization email"), (Lookup, "tag")]),
    table(
        "read.emails",
        &[
            (Id, "organization id event_id smtp_server actor_id"),
            (Time, "created_at_us scheduled_at_us due_at_us first_due_at_us"),
            (Number, "size_bytes version attempts sender_slot slots"),
            (Word, "interface actor status states fields"),
            (Envelope, "sealed"),
        ],
    ),
    table(
        "read.erasures",
        &[
            (Id, "organization id user_id event_id"),
            (Word, "target stage certified refused"),
            (Time, "requested_at_us decided_at_us due_at_us started_at_us live_at_us everywhere_at_us"),
            (Hash, "link"),
            (Flag, "case_closed"),
            (Number, "slot"),
            (Envelope, "sealed"),
        ],
    ),
    table("read.members", &[(Id, "organization user_id"), (Word, "role"), (Time, "joined_at_us")]),
    table(
        "read.organizations",
        &[(Id, "id smtp_server event_id"), (Time, "created_at_us closed_at_us"), (Number, "slot"), (Envelope, "sealed")],
    ),
    table(
        "read.processing",
        &[
            (Id, "organization subject"),
            (Word, "restricted objections"),
            (Time, "restricted_at_us lift_announced_at_us"),
            (Number, "limits"),
        ],
    ),
    table(
        "read.smtp_servers",
        &[
            (Id, "organization id event_id"),
            (Number, "port slot"),
            (Word, "tls_mode tls_version"),
            (Flag, "has_secret selected"),
            (Time, "connected_at_us"),
            (Envelope, "sealed"),
        ],
    ),
    table(
        "read.suppressions",
        &[
            (Id, "organization key_id erasure event_id"),
            (Word, "reason"),
            (Time, "since_us lifted_at_us"),
            (Number, "slot"),
            (Envelope, "sealed"),
        ],
    ),
    table(
        "spool.entry",
        &[
            (Id, "email organization"),
            (Number, "epoch"),
            (WrappedKey, "wrapped_key"),
            (Body, "body"),
            (Time, "expires_at_us"),
            (Flag, "captured"),
        ],
    ),
];
