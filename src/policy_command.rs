//! `lethemail policy`: what personal data there is, what it may be used for and on what ground, how long it is kept, and where it lies.
//!
//! All of it is made of `domain`'s data policy, which the program itself obeys.

mod diff;
mod page;
mod record;
mod table;

use crate::config::Config;
use crate::serve::Foundation;
use clap::Args;
use domain::{Purpose, word_of};

/// What is printed; the table, where nothing is said.
#[derive(Args, Clone, Debug)]
#[group(multiple = false)]
pub(crate) struct PolicyArguments {
    /// The whole table as JSON
    #[arg(long)]
    json: bool,
    /// The public page, as Markdown
    #[arg(long)]
    page: bool,
    /// The record of processing activities (Article 30 GDPR), as Markdown
    #[arg(long)]
    record: bool,
    /// The purposes, one a line
    #[arg(long)]
    purposes: bool,
    /// Where the tables of this installation's database are not as the policy says; nothing when they are
    #[arg(long)]
    diff: bool,
}

impl PolicyArguments {
    /// Everything but a comparison needs neither configuration nor database.
    pub fn compares(&self) -> bool {
        self.diff
    }
}

pub(crate) fn print(arguments: &PolicyArguments) {
    let text = match arguments {
        PolicyArguments { json: true, .. } => format!("{:#}\n", table::as_json()),
        PolicyArguments { page: true, .. } => page::markdown(),
        PolicyArguments { record: true, .. } => record::markdown(),
        PolicyArguments { purposes: true, .. } => purposes(),
        _ => table::as_text(),
    };
    print!("{text}");
}

fn purposes() -> String {
    Purpose::ALL.iter().map(|purpose| format!("{:<17} {}\n", word_of(purpose), purpose.told())).collect()
}

/// The database differs from the policy. How was printed.
#[derive(Debug, thiserror::Error)]
#[error("the database holds something else than the policy says")]
pub(crate) struct PolicyDiffers;

pub(crate) async fn compare(config: Config) -> anyhow::Result<()> {
    let foundation = Foundation::beside(config).await?;
    let differences = differences(&foundation).await;
    foundation.stop().await?;
    let differences = differences?;
    differences.iter().for_each(|difference| println!("{difference}"));
    if differences.is_empty() { Ok(()) } else { Err(PolicyDiffers.into()) }
}

async fn differences(foundation: &Foundation) -> anyhow::Result<Vec<String>> {
    let client = foundation.database.connect().await?;
    Ok(diff::compare(&diff::columns_of(&client).await?))
}

/// Words as people write them: `account_data` is "Account data".
fn named(word: impl serde::Serialize) -> String {
    let word = word_of(word).replace('_', " ").replace("smtp", "SMTP").replace("oauth", "OAuth");
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// The first letter small, for the middle of a sentence.
fn inside(text: &str) -> String {
    let mut letters = text.chars();
    // A word in capitals stays as it is.
    if letters.clone().nth(1).is_some_and(char::is_uppercase) {
        return text.to_owned();
    }
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}
