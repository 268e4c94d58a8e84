//! The rules, first match wins: words of the text, then the enhanced status, then the code.
//!
//! Words come first since servers agree more on what they say than on the number they say it with.

use crate::{EnhancedStatus, Reply};
use domain::FailureReason as Reason;

/// Raised by every change of the rules, and recorded beside the reason, so that old reasons can be told from new ones.
pub const RULES_VERSION: u16 = 1;

/// What passes by itself is worth another attempt whatever the first digit says: old servers say 552 for too many recipients (RFC 5321,
/// section 4.5.3.1.10).
const PASSES: bool = true;
const STAYS: bool = false;

type WordRule = (&'static [&'static str], Reason, bool);

/// Words are matched in the lower-cased text.
const WORDS: &[WordRule] = &[
    (
        &["too many recipients", "too many rcpt", "recipients limit", "recipient limit exceeded", "too many users"],
        Reason::TooManyConn,
        PASSES,
    ),
    (
        &["too many connections", "too many concurrent", "connection limit", "too many sessions", "too many simultaneous"],
        Reason::TooManyConn,
        PASSES,
    ),
    (
        &[
            "greylist",
            "graylist",
            "grey listed",
            "rate limit",
            "ratelimit",
            "rate limited",
            "too many messages",
            "sending rate",
            "throttl",
            "slow down",
            "too fast",
            "too much mail",
        ],
        Reason::RateLimited,
        PASSES,
    ),
    (
        &["try again later", "try later", "temporarily deferred", "temporarily unavailable", "temporary failure", "temporarily rejected"],
        Reason::SystemError,
        PASSES,
    ),
    // What Microsoft says when it knows no such recipient.
    (&["recipient address rejected: access denied"], Reason::UserUnknown, STAYS),
    (&["virus", "malware", "infected"], Reason::VirusDetected, STAYS),
    (
        &[
            "mailbox full",
            "mailbox is full",
            "over quota",
            "overquota",
            "quota exceeded",
            "exceeded storage",
            "out of storage",
            "exceeded its quota",
            "inbox is full",
        ],
        Reason::MailboxFull,
        STAYS,
    ),
    (&["disk full", "insufficient system storage", "no space left", "insufficient disk"], Reason::SystemFull, STAYS),
    (
        &[
            "message too large",
            "message too big",
            "message size exceeds",
            "exceeds size limit",
            "size limit exceeded",
            "too large a message",
            "maximum message size",
        ],
        Reason::MessageTooBig,
        STAYS,
    ),
    (&["reverse dns", "ptr record", "no ptr", "rdns"], Reason::RequirePtr, STAYS),
    (&["spf", "dkim", "dmarc", "authentication required", "authentication failed", "unauthenticated"], Reason::AuthFailure, STAYS),
    (
        &[
            "relay access denied",
            "relaying denied",
            "relay denied",
            "not permitted to relay",
            "unable to relay",
            "relaying not allowed",
            "we do not relay",
        ],
        Reason::NoRelaying,
        STAYS,
    ),
    (
        &[
            "blacklist",
            "blocklist",
            "block list",
            "black list",
            "spamhaus",
            "spamcop",
            "barracuda",
            "dnsbl",
            "rbl",
            "listed at",
            "client host blocked",
            "ip blocked",
            "access denied",
        ],
        Reason::Blocked,
        STAYS,
    ),
    (&["reputation"], Reason::BadReputation, STAYS),
    (&["spam", "unsolicited", "junk mail", "bulk mail"], Reason::SpamDetected, STAYS),
    (
        &[
            "account disabled",
            "account is disabled",
            "mailbox disabled",
            "account suspended",
            "account has been suspended",
            "mailbox is inactive",
            "account inactive",
            "user suspended",
        ],
        Reason::Suspend,
        STAYS,
    ),
    (
        &["sender rejected", "sender address rejected", "sender denied", "from address", "sender verify failed", "invalid sender"],
        Reason::Rejected,
        STAYS,
    ),
    (
        &[
            "domain not found",
            "domain does not exist",
            "host unknown",
            "unknown host",
            "host not found",
            "no such domain",
            "unknown domain",
        ],
        Reason::HostUnknown,
        STAYS,
    ),
    (
        &[
            "user unknown",
            "unknown user",
            "no such user",
            "no such recipient",
            "no such mailbox",
            "mailbox unavailable",
            "mailbox not found",
            "does not exist",
            "doesn't exist",
            "recipient unknown",
            "unknown recipient",
            "invalid recipient",
            "user not found",
            "recipient not found",
            "no mailbox here",
            "address unknown",
            "unknown address",
            "recipient address rejected",
            "not a valid mailbox",
            "unrouteable address",
        ],
        Reason::UserUnknown,
        STAYS,
    ),
    (&["has moved", "user has moved", "no longer at this address", "address has changed"], Reason::HasMoved, STAYS),
    (&["does not accept mail", "does not accept email", "null mx", "nullmx"], Reason::NotAccept, STAYS),
    (
        &["rfc 5322", "rfc5322", "rfc 2822", "rfc2822", "rfc 5321", "bare lf", "bare <lf>", "missing header", "header missing"],
        Reason::NotCompliantRfc,
        STAYS,
    ),
    (&["starttls", "tls required", "must use tls", "encryption required"], Reason::SecurityError, STAYS),
    (
        &["policy", "administrative prohibition", "prohibited", "not allowed", "not authorized", "not authorised"],
        Reason::PolicyViolation,
        STAYS,
    ),
];

/// The reason, and whether it passes by itself.
pub(super) fn find(reply: &Reply) -> (Reason, bool) {
    let text = spoken(reply);
    if let Some((_, reason, passes)) = WORDS.iter().find(|(words, ..)| words.iter().any(|word| contains_word(&text, word))) {
        return (*reason, *passes);
    }
    let by_status = reply.enhanced().and_then(by_status);
    by_status.unwrap_or_else(|| by_code(reply.code()))
}

/// The text in lower case without the addresses that it quotes: what somebody is called says nothing.
fn spoken(reply: &Reply) -> String {
    let text = reply.text().to_lowercase();
    text.split_whitespace().filter(|word| !word.contains('@')).collect::<Vec<_>>().join(" ")
}

/// Whole words at the start only (`rbl` is not in `marble`, but `throttl` is in `throttled`).
fn contains_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| !text[..at].ends_with(|before: char| before.is_alphanumeric()))
}

/// RFC 3463 and the registry of enhanced status codes.
fn by_status(status: EnhancedStatus) -> Option<(Reason, bool)> {
    let reason = match (status.subject, status.detail) {
        (1, 1 | 3) | (2, 0) => Reason::UserUnknown,
        (1, 2) => Reason::HostUnknown,
        (1, 6) => Reason::HasMoved,
        (1, 7 | 8) => Reason::Rejected,
        (1, 10) => Reason::NotAccept,
        (2, 1) => Reason::Suspend,
        (2, 2) => Reason::MailboxFull,
        (2, 3) | (3, 4) => Reason::MessageTooBig,
        (3, 1) => Reason::SystemFull,
        (3, 2) | (3, 0) | (3, 5) => Reason::SystemError,
        (4, 1 | 2 | 4) => Reason::NetworkError,
        (4, 5) => return Some((Reason::RateLimited, PASSES)),
        (4, 7) => Reason::Expired,
        (5, 3) => return Some((Reason::TooManyConn, PASSES)),
        (5, _) => Reason::SyntaxError,
        (6, _) => Reason::ContentError,
        (7, 1 | 2) => Reason::PolicyViolation,
        (7, 25) => Reason::RequirePtr,
        (7, 8 | 9) | (7, 20..=26) => Reason::AuthFailure,
        (7, 10 | 11) => Reason::SecurityError,
        _ => return None,
    };
    Some((reason, STAYS))
}

fn by_code(code: u16) -> (Reason, bool) {
    let reason = match code {
        421 | 450 | 451 | 454 => Reason::SystemError,
        452 => Reason::SystemFull,
        500..=504 => Reason::SyntaxError,
        521 | 556 => Reason::NotAccept,
        530 | 534 | 535 | 538 => Reason::AuthFailure,
        550 => Reason::UserUnknown,
        551 => Reason::HasMoved,
        552 => Reason::ExceedLimit,
        553 => Reason::Rejected,
        554 => Reason::PolicyViolation,
        _ => Reason::Undefined,
    };
    (reason, STAYS)
}
