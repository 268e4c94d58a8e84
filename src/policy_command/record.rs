//! The record of processing activities (Article 30 GDPR): one activity for each kind of data that serves one use, by who decides about it.

use super::{inside, named};
use domain::{DataCategory, DataEntry, DataName, ProcessingRole, basis, first_sentence};

const HEAD: &str = "\
# Record of processing activities

Article 30 GDPR, made of the program's data policy (`lethemail policy --record`). What only whoever runs the installation knows is left open: names and contacts of controller,
representative and data protection officer, the country, and the contracts with those who run machines for it.
";

const MEASURES: &str = "
## Measures (Article 32)

- Personal data leaves the memory of the program only as ciphertext (AES-256-GCM), under a key of the person and one of the day or object; keys are wrapped under epoch keys outside the database.
- Keys, events, waiting messages and read models lie apart, each for a role of the database that may no more than its work needs.
- Every opening names a purpose. What the policy does not allow is refused and written down; what is opened is counted for each actor, purpose and day.
- Everything that happens is an event in a log that is only ever appended to, and whose Merkle roots are signed.
- Passwords are kept as Argon2id hashes; tokens and keys of applications as SHA-256 of 256 random bits.
- SECURITY.md says what this defends against, and what not.
";

pub(super) fn markdown() -> String {
    let mut text = HEAD.to_owned();
    text += "\n## As controller (Article 30(1))\n";
    text += &activities(ProcessingRole::Controller);
    text += "\n## As processor for the organisations that send (Article 30(2))\n";
    text += &activities(ProcessingRole::Processor);
    text + MEASURES
}

fn activities(role: ProcessingRole) -> String {
    let of = |category: &DataCategory| -> Vec<&'static DataEntry> {
        DataName::ALL.iter().map(|data| data.entry()).filter(|entry| entry.category == *category && entry.role() == role).collect()
    };
    DataCategory::ALL.iter().map(|category| (category, of(category))).filter(|(_, entries)| !entries.is_empty()).map(activity).collect()
}

fn activity((category, entries): (&DataCategory, Vec<&'static DataEntry>)) -> String {
    let mut text = format!("\n### {}\n\n{}\n\n", named(category), category.told());
    text += "| Kind of data | Fields | Whose | Purposes and grounds | Kept | Rows |\n|---|---|---|---|---|---|\n";
    for entry in entries {
        let fields: Vec<String> = entry.all_fields().into_iter().map(|(name, _)| format!("`{name}`")).collect();
        let grounds: Vec<String> = entry
            .purposes
            .iter()
            .filter_map(|purpose| Some(format!("{}: {}", inside(&named(purpose)), inside(&named(basis(*category, *purpose)?)))))
            .collect();
        text += &format!(
            "| {} | {} | {} | {} | {} | {} |\n",
            first_sentence(entry.told),
            fields.join(", "),
            named(entry.subject),
            grounds.join("; "),
            entry.keeping.retention().told,
            entry.rows.replace(' ', ", "),
        );
    }
    text += &format!("\nRecipients: {}.\n", recipients(*category));
    text
}

/// To whom it goes outside the installation.
fn recipients(category: DataCategory) -> &'static str {
    match category {
        DataCategory::EmailContent | DataCategory::EmailMetadata => {
            "the organisation itself, the mail server that it connected, and through it the servers of the people it writes to"
        }
        DataCategory::SmtpCredentials | DataCategory::OauthTokens => "the server or mailbox that they belong to, nobody else",
        DataCategory::AccountData | DataCategory::UsageData => {
            "the account's holder, and the owners and admins of the organisations concerned"
        }
    }
}
