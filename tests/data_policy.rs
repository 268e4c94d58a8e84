//! The policy that is printed is the one that holds: of the tables, of the log's lines, of the public page.

use crate::program::{Place, lethemail};
use domain::{COLUMNS, Content, LOG_FIELDS, LegalBasis, Purpose, word_of};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};
use test_support::TestDatabase;

const PAGE: &str = include_str!("../docs/privacy-policy.md");
const RECORD: &str = include_str!("../docs/record-of-processing.md");
const ROWS: &str = include_str!("../docs/requirement-rows.txt");

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lethemail")).arg("policy").args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn json() -> Value {
    serde_json::from_str(&printed(&["--json"])).unwrap()
}

/// The words of all members of that name in a list.
fn words(list: &Value, member: &str) -> BTreeSet<String> {
    list.as_array().unwrap().iter().map(|item| item[member].as_str().unwrap().to_owned()).collect()
}

fn all_words<T: serde::Serialize>(all: &[T]) -> BTreeSet<String> {
    all.iter().map(word_of).collect()
}

#[test]
fn m0_2_c1_2_c2_2_every_field_is_printed_with_category_purposes_ground_retention_and_class() {
    let policy = json();
    let text = printed(&[]);
    for data in policy["data"].as_array().unwrap() {
        for part in ["category", "class", "subject", "role", "retention"] {
            assert!(data[part].as_str().is_some_and(|word| !word.is_empty()), "{part} of {data}");
        }
        for purpose in data["purposes"].as_array().unwrap() {
            assert!(purpose["purpose"].is_string() && purpose["basis"].is_string(), "{data}");
        }
        for field in data["fields"].as_array().unwrap() {
            let name = field["field"].as_str().unwrap();
            assert!(text.contains(name), "{name} is not in the text");
            assert!(RECORD.contains(name), "{name} is not in the record");
        }
    }
}

#[test]
fn m0_2_the_public_page_and_the_record_are_what_the_policy_makes_of_them() {
    assert!(printed(&["--page"]) == PAGE, "run `make policy` and commit docs/privacy-policy.md");
    assert!(printed(&["--record"]) == RECORD, "run `make policy` and commit docs/record-of-processing.md");
}

#[test]
fn m0_1_c8_2_c12_2_what_is_only_said_is_listed_as_a_declaration() {
    let policy = json();
    let rows: BTreeSet<&str> = policy["declarations"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|said| said["rows"].as_array().unwrap())
        .map(|row| row.as_str().unwrap())
        .collect();
    assert_eq!(rows, BTreeSet::from(["M0.1", "C8.2", "M6.6b", "C12.2"]));
    assert!(policy["declarations"].as_array().unwrap().iter().all(|said| PAGE.contains(said["declaration"].as_str().unwrap())));
    for text in [PAGE, RECORD] {
        let text = text.to_lowercase();
        for never in ["100 %", "100%", "guarantee", "unbreakable", "anonymised", "anonymized"] {
            assert!(!text.contains(never), "the page promises what nobody can: {never}");
        }
    }
}

#[test]
fn m2_1_c5_1_the_purposes_are_the_bullets_of_the_public_page_one_to_one() {
    let (_, rest) = PAGE.split_once("## What it is used for\n").unwrap();
    let bullets: Vec<String> = rest
        .lines()
        .take_while(|line| !line.starts_with("##"))
        .filter_map(|line| Some(line.strip_prefix("- **")?.split_once("**")?.0.to_owned()))
        .collect();
    let printed: Vec<String> = printed(&["--purposes"]).lines().map(|line| line.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(bullets, printed);
    assert_eq!(printed.iter().cloned().collect::<BTreeSet<_>>(), all_words(Purpose::ALL));
    assert_eq!(printed.len(), Purpose::ALL.len());
    let rows: BTreeSet<&str> = Purpose::ALL.iter().flat_map(|purpose| purpose.rows().split(' ')).collect();
    assert!(["M2.1", "C5.1", "C5.2", "C5.3", "M2.3", "C5.5", "M2.5", "C5.6a", "C5.7a"].iter().all(|row| rows.contains(row)), "{rows:?}");
}

#[test]
fn c6_1_the_page_names_the_four_grounds_and_no_other() {
    assert_eq!(words(&json()["legal_bases"], "basis"), all_words(LegalBasis::ALL));
    let (_, rest) = PAGE.split_once("## On what ground\n").unwrap();
    let bullets: BTreeSet<&str> =
        rest.lines().take_while(|line| !line.starts_with("##")).filter_map(|line| line.strip_prefix("- ")).collect();
    assert_eq!(bullets, LegalBasis::ALL.iter().map(|basis| basis.told()).collect());
}

#[test]
fn every_row_that_the_policy_names_is_a_requirement() {
    let known: BTreeSet<&str> = ROWS
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" | "))
        .flat_map(|(ids, _)| ids.split(' '))
        .collect();
    fn rows(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => members.iter().for_each(|(name, member)| match member {
                Value::Array(ids) if name == "rows" => found.extend(ids.iter().map(|id| id.as_str().unwrap().to_owned())),
                _ => rows(member, found),
            }),
            Value::Array(items) => items.iter().for_each(|item| rows(item, found)),
            _ => {}
        }
    }
    let mut named = BTreeSet::new();
    rows(&json(), &mut named);
    assert!(named.len() > 20);
    let unknown: Vec<&String> = named.iter().filter(|row| !known.contains(row.as_str())).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

/// `policy --diff` on a database.
fn diff(place: &Place, database: &TestDatabase) -> Output {
    lethemail(place).args(["policy", "--diff"]).env("DATABASE_URL", &database.url).output().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn m0_2_c1_2_c2_2_every_column_of_every_table_is_in_the_policy_and_one_that_is_not_is_named() {
    let (place, database) = (Place::new(), TestDatabase::create().await);
    let told = diff(&place, &database);
    assert!(
        told.status.success() && told.stdout.is_empty(),
        "{}{}",
        String::from_utf8_lossy(&told.stdout),
        String::from_utf8_lossy(&told.stderr)
    );

    let change = "ALTER TABLE read.members ADD COLUMN nickname text; CREATE TABLE ops.guests (address text);
        ALTER TABLE read.api_keys ALTER COLUMN id TYPE text; ALTER TABLE read.members DROP COLUMN role";
    database.client().await.batch_execute(change).await.unwrap();
    let told = diff(&place, &database);
    assert_eq!(told.status.code(), Some(20));
    let lines: Vec<String> = String::from_utf8(told.stdout).unwrap().lines().map(str::to_owned).collect();
    let expected = [
        "ops.guests.address (text) is not in the policy",
        "read.api_keys.id is text, and the policy says that it holds id",
        "read.members.nickname (text) is not in the policy",
        "read.members.role is in the policy and not in the database",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn m6_2_personal_data_lies_in_columns_of_bytes_and_in_look_up_values_only() {
    let personal = COLUMNS.iter().flat_map(|table| table.entries()).filter(|column| column.holds.is_personal());
    let holds: BTreeSet<Content> = personal.map(|column| column.holds).collect();
    assert_eq!(holds, BTreeSet::from([Content::Envelope, Content::Body, Content::Lookup]));
    assert!(holds.iter().all(|content| content.types().iter().all(|kind| ["bytea", "uuid"].contains(kind))));
}

/// The Rust files that ship.
fn sources(folder: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        match path.is_dir() {
            true if name.starts_with('.') || ["target", "tests", "examples", "bench", "node_modules", "test-support"].contains(&&*name) => {
            }
            true => sources(&path, found),
            false if name.ends_with(".rs") => found.push(std::fs::read_to_string(path).unwrap()),
            false => {}
        }
    }
}

/// The arguments of a macro, split at its own commas.
fn arguments(text: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped, mut found) = (0, false, false, vec![String::new()]);
    for letter in text.chars() {
        match letter {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted && depth == 0 => return found,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                found.push(String::new());
                continue;
            }
            _ => {}
        }
        found.last_mut().unwrap().push(letter);
    }
    panic!("a macro that does not end: {text:.80}");
}

/// The field that an argument sets; `None` for the target.
fn field_of(argument: &str) -> Option<&str> {
    let argument = argument.trim();
    if argument.is_empty() || argument.starts_with("target:") {
        return None;
    }
    let name = argument.split('=').next().unwrap().trim().trim_start_matches(['%', '?']);
    Some(name.rsplit('.').next().unwrap())
}

#[test]
fn m1_3_c4_8_the_log_has_the_listed_fields_and_no_other() {
    let (mut texts, mut used) = (Vec::new(), BTreeSet::from(["timestamp", "level", "target", "message"].map(str::to_owned)));
    sources(Path::new(env!("CARGO_MANIFEST_DIR")), &mut texts);
    let mut lines = 0;
    for text in &texts {
        for level in ["trace", "debug", "info", "warn", "error"] {
            for (_, rest) in text.match_indices(&format!("tracing::{level}!(")).map(|(at, found)| text.split_at(at + found.len())) {
                lines += 1;
                // Behind the message stand its own values.
                let arguments = arguments(rest);
                let fields = arguments.iter().take_while(|argument| !argument.trim().starts_with('"'));
                used.extend(fields.filter_map(|argument| field_of(argument)).map(str::to_owned));
            }
        }
        // A span would put fields on lines that do not show them, and an imported macro would not be found here.
        for never in ["tracing::instrument", "_span!(", "tracing::span!", "use tracing::info", "use tracing::warn", "use tracing::error"] {
            assert!(!text.contains(never), "{never}: log lines are written as `tracing::level!(…)`, without spans");
        }
    }
    assert!(lines > 40, "{lines} lines were found");
    let listed: BTreeSet<String> = LOG_FIELDS.iter().map(|field| field.name.to_owned()).collect();
    assert_eq!(used, listed);
    assert!(LOG_FIELDS.iter().all(|field| !field.holds.is_personal()));
}
