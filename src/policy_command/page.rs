//! The public page: what the policy's table says, in sentences.

use super::{inside, named};
use domain::{
    Class, DECLARATIONS, DataCategory, DataEntry, DataName, Keeping, LegalBasis, ProcessingRole, Purpose, basis, first_sentence, word_of,
};
use std::collections::BTreeSet;

const HEAD: &str = "\
# Privacy policy

This page tells what personal data this installation of Lethemail keeps, what it is used for and on what ground, and when it ends. It is made of the table
that the program itself obeys (`lethemail policy`): what is not told here is not kept.
";

const REST: &str = "
## What is not done

Nothing is opened for advertising, and nothing is sold: the program has no such purpose. The texts of messages are used for nothing but making and delivering them. Lines that the
program logs for its operator name routes, numbers and ids, never addresses, paths, queries or texts.

## How it is closed

Personal data is encrypted (AES-256-GCM) wherever it is kept, under keys that belong to a person and to a day or an object. To end it, the keys are destroyed: at once in the living
system, and within 15 days in every copy of the database, backups included. Random ids, event types, times and counts remain.

## Your rights

You can ask to see your data, to have it corrected, deleted or handed over, to restrict its use, and to object to uses that rest on a legitimate interest. Ask whoever runs this
installation; about mail that you received, ask the organisation that sent it: what is kept about it is kept on that organisation's behalf. You will be answered within 30 days. You can also complain
to a supervisory authority.
";

pub(super) fn markdown() -> String {
    let mut text = HEAD.to_owned();
    text += "\n## What is kept\n";
    for category in DataCategory::ALL {
        text += &kept_of(*category);
    }
    text += "\n## What it is used for\n\n";
    Purpose::ALL.iter().for_each(|purpose| text += &format!("- **{}**: {}\n", word_of(purpose), purpose.told()));
    text += "\n## On what ground\n\n";
    LegalBasis::ALL.iter().for_each(|basis| text += &format!("- {}\n", basis.told()));
    text += "\nEach use of each kind of data has one ground:\n\n";
    text += &grounds();
    text += "\n## How long\n\n";
    text += &ends();
    text += REST;
    text += "\n## Said plainly\n\n";
    DECLARATIONS.iter().for_each(|declaration| text += &format!("- {}\n", declaration.says));
    text
}

fn kept_of(category: DataCategory) -> String {
    let mut text = format!("\n### {}\n\n{}\n\n", named(category), category.told());
    let kinds: Vec<&DataEntry> = DataName::ALL.iter().map(|data| data.entry()).filter(|entry| entry.category == category).collect();
    if kinds.is_empty() {
        return text + "Nothing of this kind is kept.\n";
    }
    for entry in kinds {
        let fields: Vec<String> = entry.all_fields().iter().map(|(_, told)| inside(told)).collect();
        let behalf = if entry.role() == ProcessingRole::Processor { " Kept on behalf of the organisation that sends." } else { "" };
        let kept = entry.keeping.retention().told;
        text += &format!("- {}: {}. Kept {kept}.{behalf}\n", first_sentence(entry.told), fields.join("; "));
    }
    text
}

/// A row for each category and purpose that something kept is used for.
fn grounds() -> String {
    let mut text = "| Data | Used for | Ground |\n|---|---|---|\n".to_owned();
    for category in DataCategory::ALL {
        let kinds = || DataName::ALL.iter().map(|data| data.entry()).filter(|entry| entry.category == *category);
        for purpose in Purpose::ALL.iter().filter(|purpose| kinds().any(|entry| entry.purposes.contains(purpose))) {
            if let Some(ground) = basis(*category, *purpose) {
                text += &format!("| {} | {} | {} |\n", named(category), word_of(purpose), inside(&named(ground)));
            }
        }
    }
    text
}

fn ends() -> String {
    let used: BTreeSet<String> = DataName::ALL.iter().map(|data| data.entry().keeping.word()).collect();
    let all = Class::ALL.iter().map(|class| Keeping::Class(*class)).chain([Keeping::Spool]);
    let kept = all.filter(|keeping| used.contains(&keeping.word()));
    kept.map(|keeping| {
        let kinds: Vec<String> = DataName::ALL
            .iter()
            .map(|data| data.entry())
            .filter(|entry| entry.keeping == keeping)
            .map(|entry| inside(&first_sentence(entry.told)))
            .collect();
        format!("- {}: {}\n", named_ending(keeping), kinds.join("; "))
    })
    .collect()
}

fn named_ending(keeping: Keeping) -> String {
    let told = keeping.retention().told;
    format!("{}{}", told[..1].to_uppercase(), &told[1..])
}
