//! What personal data is opened for: one purpose for each thing that the public policy says we do.

use crate::fact::vocabulary;

vocabulary! {
    /// Why data is opened. There is none for advertising (row M2.10).
    pub enum Purpose {
        /// Showing an organisation or a person their own data, and running the service for them.
        Service,
        /// Sign-in, sessions, abuse of accounts.
        Security,
        /// Delivering mail as instructed.
        Deliver,
        /// Making the text of a message.
        Render,
        /// Logging in at an organisation's own mail server.
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

impl Purpose {
    /// As the public policy tells it.
    pub const fn told(self) -> &'static str {
        match self {
            Purpose::Service => "To provide, operate and maintain the service: to show you your own data and what became of your mail.",
            Purpose::Security => "To secure the service: to authenticate users, and to show who did what in an account.",
            Purpose::Deliver => "To send email through your SMTP server or our API, as you instruct.",
            Purpose::Render => "To make the text of a message from what you hand in.",
            Purpose::SmtpAuth => "To log in at your own SMTP server when mail is sent through it.",
            Purpose::SubjectRights => "To answer your requests about your own data.",
            Purpose::Abuse => "To prevent abuse, detect fraud and enforce acceptable use.",
            Purpose::Support => "To respond to your support requests.",
            Purpose::LegalObligation => "To comply with legal obligations and to answer lawful requests.",
        }
    }

    /// Rows of the requirements that promise it.
    pub const fn rows(self) -> &'static str {
        match self {
            Purpose::Service => "M2.1 C5.1",
            Purpose::Security => "M2.1 C5.1 C5.2",
            Purpose::Deliver => "C5.3",
            Purpose::Render => "C5.3 C4.3",
            Purpose::SmtpAuth => "C4.5 C4.7 C3.4",
            Purpose::SubjectRights => "M8.1 M8.2 M8.3 C7.1",
            Purpose::Abuse => "M2.3 M2.4 C5.5",
            Purpose::Support => "M2.5 C5.6a",
            Purpose::LegalObligation => "C5.7a",
        }
    }

    pub(crate) const fn is_among(self, purposes: &[Purpose]) -> bool {
        let mut index = 0;
        while index < purposes.len() {
            if purposes[index] as u8 == self as u8 {
                return true;
            }
            index += 1;
        }
        false
    }
}
