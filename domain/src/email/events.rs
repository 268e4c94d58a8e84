//! The events of a message and the words they are made of.

use crate::data_policy::personal_parts;
use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::{LookupValue, Slot, SmtpServerId, Timestamp};
use serde::{Deserialize, Serialize};

personal_data! {
    /// One recipient of one message, with a copy of the subject line.
    pub struct RecipientDetails: EmailMetadata, Ops, of Recipient, rows "M1.5 C3.3 C4.4",
        for Service | Deliver | Security | Abuse | Support | SubjectRights {
        /// The recipient's address.
        pub address: String,
        /// The name beside it.
        pub name: Option<String>,
        /// The subject line of the message.
        pub subject_line: String,
    }
    /// The sending side of one message. The subject line is not here: it is kept once for each recipient, and goes with the last of them.
    pub struct SenderDetails: EmailMetadata, Ops, of Organization, rows "M1.5 C3.3 C4.4",
        for Service | Deliver | Security | Abuse | Support | SubjectRights {
        /// The sender's name and address.
        pub from: String,
        /// Where answers go.
        pub reply_to: Vec<String>,
        /// Labels.
        pub tags: Vec<Tag>,
        /// Further header fields, each a name and a value.
        pub headers: Vec<(String, String)>,
        /// The names of the files.
        pub attachment_names: Vec<String>,
        /// Textual IP address of whoever handed the message in.
        pub ip: Option<String>,
        /// That one's `User-Agent`, cut to 512 bytes.
        pub user_agent: Option<String>,
    }
    /// What a mail server said about one recipient, word for word. It likes to repeat the address.
    pub struct ReplyDetails: EmailMetadata, Ops, of Recipient, rows "M1.5 C4.4",
        for Service | Deliver | Security | Abuse | Support | SubjectRights {
        /// The reply.
        pub text: String,
    }
}

personal_parts! {
    /// A label that an organisation gives its message.
    pub struct Tag {
        /// The label's name.
        pub name: String,
        /// The label's value.
        pub value: String,
    }
}

vocabulary! {
    /// Which header field names the recipient.
    pub enum RecipientField { To, Cc, Bcc, }

    /// Which interface took the message.
    pub enum Interface {
        Graphql,
        Rest,
        /// Lethemail's own notices.
        Platform,
    }

    /// Why a delivery was ended before it was tried to the end.
    pub enum CancellationReason {
        Requested,
        /// The recipient was forgotten.
        Erased,
    }

    pub enum AbandonmentReason {
        /// The message reached its maximum age.
        Expired,
        /// The text is gone from the spool.
        TextMissing,
    }

    /// Why a mail server did not take the message: the vocabulary of Sisimai, an open bounce parser.
    pub enum FailureReason {
        /// The sender's domain failed SPF, DKIM or DMARC, or a login was refused.
        AuthFailure,
        /// The sending address or domain is known for bad mail.
        BadReputation,
        /// The client's address is on a list.
        Blocked,
        /// The content is malformed or of a kind that is not taken.
        ContentError,
        /// More than the server takes in one message or transaction.
        ExceedLimit,
        /// Given up after its time.
        Expired,
        /// TLS could not be started.
        FailedStartTls,
        /// Refused by a rule of the recipient.
        Filtered,
        /// The recipient has another address now.
        HasMoved,
        /// The recipient's domain does not exist.
        HostUnknown,
        /// The recipient's mailbox is full.
        MailboxFull,
        /// A program behind the mailbox failed.
        MailerError,
        /// The message is too large.
        MessageTooBig,
        /// The server could not be reached, or the connection broke.
        NetworkError,
        /// The server does not relay for this client.
        NoRelaying,
        /// The domain takes no mail at all.
        NotAccept,
        /// The message breaks a rule of the RFCs.
        NotCompliantRfc,
        /// A policy of the server.
        PolicyViolation,
        /// Too many messages in too short a time, greylisting included.
        RateLimited,
        /// The sender's address was refused.
        Rejected,
        /// The client's address has no name.
        RequirePtr,
        /// A security check failed.
        SecurityError,
        /// Taken for spam.
        SpamDetected,
        /// The mailbox is suspended or disabled.
        Suspend,
        /// The server did not understand a command.
        SyntaxError,
        /// A fault of the server.
        SystemError,
        /// The server's disk is full.
        SystemFull,
        /// Too many connections or recipients at once.
        TooManyConn,
        /// No rule fits.
        Undefined,
        /// There is no such mailbox.
        UserUnknown,
        /// Taken for a virus.
        VirusDetected,
    }
}

/// How the message leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", content = "id", rename_all = "snake_case")]
pub enum Transport {
    /// Captured by the built-in sandbox; nothing leaves.
    Sandbox,
    /// The organisation's own server.
    SmtpServer(SmtpServerId),
}
impl crate::Fact for Transport {
    fn schema() -> serde_json::Value {
        let object = |by: &str, id: Option<serde_json::Value>| {
            let mut properties = serde_json::json!({ "by": { "const": by } });
            let mut required = vec!["by"];
            if let Some(id) = id {
                properties["id"] = id;
                required.push("id");
            }
            serde_json::json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
        };
        serde_json::json!({ "oneOf": [object("sandbox", None), object("smtp_server", Some(SmtpServerId::schema()))] })
    }
}

/// RFC 3463 status: class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnhancedStatus(pub u16, pub u16, pub u16);
impl crate::Fact for EnhancedStatus {
    fn schema() -> serde_json::Value {
        serde_json::json!({ "type": "array", "items": u16::schema(), "minItems": 3, "maxItems": 3 })
    }
}

facts! {
    pub struct QueuedRecipient {
        pub number: u16,
        pub field: RecipientField,
        pub details: Slot<RecipientDetails>,
    }
    /// The message was accepted, spooled and is ours to deliver.
    pub struct EmailQueued {
        pub recipients: Vec<QueuedRecipient>,
        pub sender: Slot<SenderDetails>,
        /// Keyed hashes of name and value, under the day's key.
        pub tags: Vec<LookupValue>,
        pub scheduled_at: Option<Timestamp>,
        pub transport: Transport,
        pub interface: Interface,
        pub size_bytes: u64,
    }
    /// These recipients must not be mailed by this organisation.
    pub struct EmailSuppressed {
        pub recipients: Vec<u16>,
    }
    /// The server took these recipients, and now the text is sent.
    pub struct TransmissionStarted {
        pub attempt: u32,
        pub recipients: Vec<u16>,
    }
    /// What the server said about one recipient.
    pub struct RecipientOutcome {
        pub recipient: u16,
        pub reply_code: Option<u16>,
        pub enhanced_status: Option<EnhancedStatus>,
        pub reason: Option<FailureReason>,
        pub reply: Option<Slot<ReplyDetails>>,
    }
    /// 250 from a smarthost.
    pub struct EmailRelayed {
        pub attempt: u32,
        pub outcomes: Vec<RecipientOutcome>,
    }
    /// 250 from the recipient's own server.
    pub struct EmailDelivered {
        pub attempt: u32,
        pub outcomes: Vec<RecipientOutcome>,
    }
    pub struct EmailDeferred {
        pub attempt: u32,
        pub outcomes: Vec<RecipientOutcome>,
        pub next_attempt_at: Timestamp,
        pub rules_version: u32,
    }
    pub struct EmailBounced {
        pub attempt: u32,
        pub outcomes: Vec<RecipientOutcome>,
        pub rules_version: u32,
    }
    /// The text was sent and no answer came: it may have arrived or not. It is held, not repeated.
    pub struct DeliveryInDoubt {
        pub attempt: u32,
        pub recipients: Vec<u16>,
    }
    pub struct DeliveryAbandoned {
        pub recipients: Vec<u16>,
        pub reason: AbandonmentReason,
    }
    pub struct EmailCancelled {
        pub recipients: Vec<u16>,
        pub reason: CancellationReason,
    }
}

events! {
    pub enum EmailEvent {
        EmailQueued(EmailQueued) = 1,
        EmailSuppressed(EmailSuppressed) = 1,
        TransmissionStarted(TransmissionStarted) = 1,
        EmailRelayed(EmailRelayed) = 1,
        EmailDelivered(EmailDelivered) = 1,
        EmailDeferred(EmailDeferred) = 1,
        EmailBounced(EmailBounced) = 1,
        DeliveryInDoubt(DeliveryInDoubt) = 1,
        DeliveryAbandoned(DeliveryAbandoned) = 1,
        EmailCancelled(EmailCancelled) = 1,
    }
}

impl EmailEvent {
    /// The recipients that the event is about, by number.
    pub fn recipients(&self) -> Vec<u16> {
        let outcomes = |outcomes: &[RecipientOutcome]| outcomes.iter().map(|outcome| outcome.recipient).collect();
        match self {
            EmailEvent::EmailQueued(event) => event.recipients.iter().map(|recipient| recipient.number).collect(),
            EmailEvent::EmailSuppressed(event) => event.recipients.clone(),
            EmailEvent::TransmissionStarted(event) => event.recipients.clone(),
            EmailEvent::EmailRelayed(event) => outcomes(&event.outcomes),
            EmailEvent::EmailDelivered(event) => outcomes(&event.outcomes),
            EmailEvent::EmailDeferred(event) => outcomes(&event.outcomes),
            EmailEvent::EmailBounced(event) => outcomes(&event.outcomes),
            EmailEvent::DeliveryInDoubt(event) => event.recipients.clone(),
            EmailEvent::DeliveryAbandoned(event) => event.recipients.clone(),
            EmailEvent::EmailCancelled(event) => event.recipients.clone(),
        }
    }

    /// What was said about each recipient, for the events that say something.
    pub fn outcomes(&self) -> &[RecipientOutcome] {
        match self {
            EmailEvent::EmailRelayed(event) => &event.outcomes,
            EmailEvent::EmailDelivered(event) => &event.outcomes,
            EmailEvent::EmailDeferred(event) => &event.outcomes,
            EmailEvent::EmailBounced(event) => &event.outcomes,
            _ => &[],
        }
    }
}
