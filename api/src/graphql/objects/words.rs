//! Words of `domain` in GraphQL's spelling.

use async_graphql::Enum;

/// Declares an enum that mirrors one of `domain`. Where the two differ, it does not compile.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
        pub(crate) enum $name { $($(#[$variant_doc])* $variant,)* }

        impl From<domain_words::$name> for $name {
            fn from(word: domain_words::$name) -> Self {
                match word { $(domain_words::$name::$variant => $name::$variant,)* }
            }
        }

        impl From<$name> for domain_words::$name {
            fn from(word: $name) -> Self {
                match word { $($name::$variant => domain_words::$name::$variant,)* }
            }
        }
    )*};
}

/// The same enums where they come from.
mod domain_words {
    pub use domain::{
        AbandonmentReason, CancellationReason, CertificateStage as ErasureCertificateStage, Class as DataClass, DeliveryState, EmailStatus,
        EndGround, ErasureTarget, FailureReason, HoldGround, HoldStage, Interface, ObjectionScope, Purpose, RecipientField,
        RefusalGround as ErasureRefusalGround, RestrictionGround, RetentionChangeGround, Role, Scope as ApiScope, SuppressionReason,
        TlsMode, TlsVersion,
    };
}

words! {
    /// A message's status: the first of these that holds for any of its recipients.
    EmailStatus {
        /// Waits for its time.
        Scheduled,
        /// Waits to be sent.
        Queued,
        /// Was put off by the server, and will be tried again.
        Deferred,
        /// The text was sent and no answer came: it may have arrived or not.
        InDoubt,
        /// Was refused for good.
        Bounced,
        /// Was given up.
        Abandoned,
        /// Was stopped.
        Cancelled,
        /// The organization must not mail the address.
        Suppressed,
        /// A relay took it over.
        Relayed,
        /// The recipient's own server has it.
        Delivered,
    }

    /// Where one recipient's delivery stands.
    DeliveryState {
        /// Waits to be sent.
        Queued,
        /// Is being sent.
        Transmitting,
        /// Was put off by the server, and will be tried again.
        Deferred,
        /// The text was sent and no answer came: it may have arrived or not.
        InDoubt,
        /// A relay took it over.
        Relayed,
        /// The recipient's own server has it.
        Delivered,
        /// Was refused for good.
        Bounced,
        /// The organization must not mail the address.
        Suppressed,
        /// Was stopped.
        Cancelled,
        /// Was given up.
        Abandoned,
    }

    /// Which header field names a recipient.
    RecipientField {
        /// To.
        To,
        /// Cc.
        Cc,
        /// Bcc: nobody else sees it.
        Bcc,
    }

    /// Which interface took a message.
    Interface {
        /// This one.
        Graphql,
        /// The Email API.
        Rest,
        /// Lethemail's own notices.
        Platform,
    }

    /// Why a delivery was stopped.
    CancellationReason {
        /// Somebody asked for it.
        Requested,
        /// The recipient was forgotten.
        Erased,
    }

    /// Why a delivery was given up.
    AbandonmentReason {
        /// The message reached its maximum age.
        Expired,
        /// The text is gone from the spool.
        TextMissing,
    }

    /// What a key may do.
    ApiScope {
        /// Send and cancel mail.
        SendEmails,
        /// Read mail, its history, suppressions and statistics.
        ReadEmails,
        /// Erase recipients.
        EraseRecipients,
    }

    /// How a connection is protected.
    TlsMode {
        /// TLS from the first byte.
        Implicit,
        /// STARTTLS, required.
        StartTls,
        /// Not at all. Only for servers in a trusted network.
        None,
    }

    /// What was agreed on.
    TlsVersion {
        /// TLS 1.2.
        Tls12,
        /// TLS 1.3.
        Tls13,
    }

    /// What a member may do.
    Role {
        /// Everything.
        Owner,
        /// Everything but closing the organization and changing owners.
        Admin,
        /// Sending and reading.
        Member,
    }

    /// Why data is kept for longer, or for less long, than before.
    RetentionChangeGround {
        /// The organization wants it so.
        OwnChoice,
        /// It has a plan that allows more now.
        PlanUpgraded,
        /// It has a plan that allows less now.
        PlanDowngraded,
    }

    /// Decides which keys seal a piece of data, and so when it ends.
    DataClass {
        /// Who somebody is: lives as long as the account or object.
        Id,
        /// What happened: by days.
        Ops,
        /// Conversations with support.
        Support,
        /// Visits to pages: by days.
        Web,
        /// Financial records: by fiscal years.
        Fin,
        /// Evidence of a privacy request.
        Case,
        /// Addresses that must not be mailed.
        Suppress,
    }

    /// Why data ends when it does.
    EndGround {
        /// Nobody decided anything else.
        Default,
        /// The organization keeps its days for longer.
        Extension,
        /// It keeps them for less long, after a notice of seven days.
        Shortening,
        /// They are held.
        Hold,
        /// A law demands that it is kept so long.
        LegalObligation,
    }

    /// Why something is held.
    HoldGround {
        /// A claim is made, defended or foreseen.
        LegalClaim,
        /// An authority asks, or a law demands it.
        LegalObligation,
        /// Fraud, abuse or an incident is being looked into.
        Investigation,
    }

    /// Where a hold stands.
    HoldStage {
        /// Approved by fewer than two people.
        Requested,
        /// Nothing of what it names is destroyed.
        Active,
        /// Somebody ended it.
        Released,
        /// Its time was over.
        Expired,
    }

    /// Why an address must not be mailed.
    SuppressionReason {
        /// Put there by hand.
        Manual,
        /// Mail came back.
        Bounced,
        /// The recipient complained.
        Complained,
        /// The recipient unsubscribed.
        Unsubscribed,
        /// The person was forgotten and shall not be mailed again by accident.
        Erased,
        /// The person objected to advertising. Nothing overrides it.
        Objected,
    }

    /// Who or what is to be forgotten.
    ErasureTarget {
        /// One address as one organization's recipient.
        Recipient,
        /// A person's account.
        Account,
        /// An organization with everything that is its own.
        Organization,
    }

    /// Why a request to be forgotten is refused.
    ErasureRefusalGround {
        /// It was not shown that the request is the person's.
        IdentityNotShown,
        /// The data is on hold.
        LegalHold,
        /// A law demands the data.
        LegalObligation,
        /// The data is needed for a legal claim.
        LegalClaim,
        /// Somebody else decides about this data.
        NotTheController,
        /// The person was forgotten before.
        AlreadyErased,
        /// Manifestly unfounded or excessive.
        Unfounded,
    }

    /// What is certified.
    ErasureCertificateStage {
        /// No living system has the keys.
        Live,
        /// No backup has them either.
        Everywhere,
    }

    /// Why data may only be kept.
    RestrictionGround {
        /// The person contests that it is accurate.
        AccuracyContested,
        /// The use was unlawful, and the person does not want erasure.
        UnlawfulUse,
        /// The person needs it for a legal claim.
        LegalClaim,
        /// Until it is known whether an objection holds.
        ObjectionPending,
        /// It must not be destroyed, and is used for nothing else.
        LegalHold,
    }

    /// What somebody objects to.
    ObjectionScope {
        /// Uses that rest on legitimate interests.
        LegitimateInterests,
        /// Advertising.
        DirectMarketing,
    }

    /// Why a server did not take a message.
    FailureReason {
        /// SPF, DKIM or DMARC failed, or a login was refused.
        AuthFailure,
        /// The sender is known for bad mail.
        BadReputation,
        /// The client's address is on a list.
        Blocked,
        /// The content is malformed or of a kind that is not taken.
        ContentError,
        /// More than the server takes at once.
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
        /// The mailbox is full.
        MailboxFull,
        /// A program behind the mailbox failed.
        MailerError,
        /// The message is too large.
        MessageTooBig,
        /// The server could not be reached, or the connection broke.
        NetworkError,
        /// The server does not relay for this client.
        NoRelaying,
        /// The domain takes no mail.
        NotAccept,
        /// The message breaks a rule of the RFCs.
        NotCompliantRfc,
        /// A policy of the server.
        PolicyViolation,
        /// Too many messages in too short a time.
        RateLimited,
        /// The sender's address was refused.
        Rejected,
        /// The client's address has no name.
        RequirePtr,
        /// A security check failed.
        SecurityError,
        /// Taken for spam.
        SpamDetected,
        /// The mailbox is suspended.
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

    /// What personal data is opened for.
    Purpose {
        /// Showing you your own data, and running the service.
        Service,
        /// Sign-in, sessions, abuse of accounts.
        Security,
        /// Delivering mail as instructed.
        Deliver,
        /// Making the text of a message.
        Render,
        /// Logging in at your own mail server.
        SmtpAuth,
        /// Answering a person's request about their own data.
        SubjectRights,
        /// Finding and stopping abuse.
        Abuse,
        /// Helping a customer who asked.
        Support,
        /// What a law demands to be kept or shown.
        LegalObligation,
    }
}
