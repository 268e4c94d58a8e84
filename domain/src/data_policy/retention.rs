//! How long data is kept. It follows from the class, since a class says which key dies when.

use super::Class;
use crate::{FINANCIAL_YEARS, RETENTION_DAYS_DEFAULT, WEB_DAYS};
use serde::Serialize;

/// Which key closes a piece of data, and with that when it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeping {
    /// Sealed under the keys of a class.
    Class(Class),
    /// Sealed under a key of its own in the spool, and removed with it.
    Spool,
}

/// In numbers, where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    Days(u16),
    Years(u32),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeptFor {
    /// After the day, or the fiscal year, that it fell into has closed; `None`: it ends by something that happens.
    pub term: Option<Term>,
    pub told: &'static str,
}

impl Class {
    /// Without an organisation's own settings.
    pub const fn retention(self) -> KeptFor {
        let (term, told) = match self {
            Class::Id => (None, "as long as the account, the organisation or the object is there, or until it is erased"),
            Class::Ops => {
                (Some(Term::Days(RETENTION_DAYS_DEFAULT)), "by default 90 days after the day has ended, then the day's key is destroyed")
            }
            Class::Support => (None, "as long as the account is there"),
            Class::Web => (Some(Term::Days(WEB_DAYS)), "30 days after the day has ended, then the day's key is destroyed"),
            Class::Fin => (Some(Term::Years(FINANCIAL_YEARS)), "7 years after the fiscal year has ended, then the year's key is destroyed"),
            Class::Case => (None, "30 days after the last certificate of an erasure, then the case's key is destroyed"),
            Class::Suppress => (None, "as long as the organisation must not mail the address; the erasure of other data leaves it"),
        };
        KeptFor { term, told }
    }
}

impl Keeping {
    pub const fn retention(self) -> KeptFor {
        match self {
            Keeping::Class(class) => class.retention(),
            Keeping::Spool => KeptFor {
                term: None,
                told: "until the last recipient's delivery has ended; 72 hours after it was due where it cannot be delivered, 24 hours in the sandbox",
            },
        }
    }

    /// The class's word, or `spool`.
    pub fn word(self) -> String {
        match self {
            Keeping::Class(class) => super::word_of(class),
            Keeping::Spool => "spool".to_owned(),
        }
    }
}
