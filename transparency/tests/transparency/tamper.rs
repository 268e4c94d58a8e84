//! Everything that somebody might do to a history, and who finds it where: we, our program in Python, Go's checksum database, and pymerkle. Whoever changes
//! the events changes the entries and the manifest along with them.

use crate::world::{Bundle, ORGANIZATION, World, envelope, first_faults, key_id, signed};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::{EventId, SealedSlots};
use ed25519_dalek::SigningKey;
use serde_json::Value;
use transparency::*;

/// 598 events, the destruction of a key, and one event more.
const DESTRUCTION: usize = 598;

/// What each program says.
struct Found<'a> {
    /// First places of integrity, completeness and erasure.
    ours: [&'a str; 3],
    /// A line for each of them; the exit code says which verdicts are broken.
    python: &'a [&'a str],
    /// `None`: nothing that it looks at was changed.
    go: Option<&'a str>,
    pymerkle: bool,
}

fn assert_found(what: &str, bundle: &Bundle, receipts: &[EventId], found: &Found<'_>) {
    let options = VerifyOptions { receipts: receipts.iter().copied().collect(), ..bundle.options() };
    let report = verify_bundle(&bundle.directory, &options).unwrap();
    assert_eq!(first_faults(&report), found.ours, "{what}: {report:#?}");
    let (code, printed) = bundle.verify_in_python_with(receipts);
    assert_eq!(code, i32::from(report.exit_code()), "{what}: {printed}");
    for line in found.python {
        assert!(printed.contains(line), "{what}: {line} in {printed}");
    }
    let (holds, printed) = bundle.verify_in_go();
    assert_eq!(holds, found.go.is_none(), "{what}: {printed}");
    assert!(found.go.is_none_or(|place| printed.contains(place)), "{what}: {printed}");
    let (holds, printed) = bundle.verify_in_pymerkle();
    assert_eq!(holds, !found.pymerkle, "{what}: {printed}");
}

fn entry(line: &str) -> Entry {
    let line: Value = serde_json::from_str(line).unwrap();
    let bytes = |name: &str| BASE64_STANDARD.decode(line[name].as_str().unwrap()).unwrap();
    let slots = SealedSlots::decode(&bytes("sealed")).unwrap();
    Entry::from_parts(&bytes("salt").try_into().unwrap(), &bytes("header"), &bytes("facts"), &slots)
}

impl Bundle {
    /// Events and entries, as many of them as there are places for.
    fn forge(&self, lines: &[String]) {
        self.write_lines(lines);
        for (number, path) in [(0, "tile/entries/000"), (1, "tile/entries/001"), (2, "tile/entries/002.p/88")] {
            let end = ((number + 1) * 256).min(lines.len());
            let entries: Vec<Entry> = lines[number * 256..end].iter().map(|line| entry(line)).collect();
            self.write(path, bundle(entries.iter().map(|entry| &entry.0[..])));
        }
    }
}

async fn history(world: &World) -> Bundle {
    world.fill(DESTRUCTION as u128).await;
    world.destroy(ORGANIZATION, key_id(0x1005)).await;
    world.append(ORGANIZATION, vec![("EmailQueued", "{}".into(), vec![envelope(key_id(1))])]).await;
    world.export("bundle", &[key_id(0x1005)]).await
}

#[tokio::test]
async fn c8_1c_a_changed_missing_moved_or_cut_event_is_found_by_each_program_in_its_place() {
    let world = World::new().await;
    let bundle = history(&world).await;
    let whole = bundle.lines();
    assert_found("untouched", &bundle, &[], &Found { ours: ["", "", ""], python: &["integrity     holds"], go: None, pymerkle: false });

    bundle.change_line(17, "facts", |bytes| *bytes.iter_mut().rfind(|byte| byte.is_ascii_digit()).unwrap() ^= 1);
    bundle.forge(&bundle.lines());
    let found = Found {
        ours: ["events.jsonl line 18, event 17", "", ""],
        python: &["line 18, event 17: not what was signed at this place"],
        go: Some("event 17: the entry is not the leaf's"),
        pymerkle: true,
    };
    assert_found("a flipped byte", &bundle, &[], &found);

    let without = |place: usize| [&whole[..place], &whole[place + 1..]].concat();
    bundle.forge(&without(255));
    let found = Found {
        ours: ["", "event 255", ""],
        python: &["event 255: missing"],
        go: Some("event 255: the entry is not the leaf's"),
        pymerkle: true,
    };
    assert_found("a deleted row", &bundle, &[], &found);

    let mut lines = whole.clone();
    lines.swap(100, 101);
    bundle.forge(&lines);
    let found = Found {
        ours: ["events.jsonl line 102, event 100", "", ""],
        python: &["line 102, event 100: in the wrong place, or twice"],
        go: Some("event 100: the entry is not the leaf's"),
        pymerkle: true,
    };
    assert_found("another order", &bundle, &[], &found);

    bundle.forge(&whole[..599]);
    let found =
        Found { ours: ["", "event 599", ""], python: &["event 599: missing"], go: Some("entries from 512: 87 of 88"), pymerkle: true };
    assert_found("a cut tail", &bundle, &[], &found);

    bundle.forge(&without(DESTRUCTION));
    let found = Found {
        ours: ["", "event 598", "manifest.json"],
        python: &["event 598: missing", "manifest.json: key 00000000-0000-0000-0000-000000001005 is gone"],
        go: Some("entries from 512: 87 of 88"),
        pymerkle: true,
    };
    assert_found("a dropped destruction", &bundle, &[], &found);
}

#[tokio::test]
async fn c8_1c_another_signature_is_found_by_each_program_that_looks_at_signatures() {
    let world = World::new().await;
    let bundle = history(&world).await;
    let other = SigningKey::from_bytes(&[9; 32]);
    let text = bundle.read("checkpoint").split("\n\n").next().unwrap().to_owned() + "\n";
    bundle.write("checkpoint", signed(&text, &bundle.key, &other).to_string());
    let found = Found {
        ours: ["checkpoint", "", ""],
        python: &["checkpoint: its signature does not hold"],
        go: Some("checkpoint: "),
        pymerkle: false,
    };
    assert_found("another key", &bundle, &[], &found);
}

#[tokio::test]
async fn m4_2_what_was_sealed_under_a_dead_key_is_found_although_it_was_signed() {
    let world = World::new().await;
    world.fill(DESTRUCTION as u128).await;
    world.destroy(ORGANIZATION, key_id(0x1005)).await;
    world.append(ORGANIZATION, vec![("EmailQueued", "{}".into(), vec![envelope(key_id(0x1005))])]).await;
    let bundle = world.export("bundle", &[key_id(0x1005)]).await;
    let found = Found { ours: ["", "", "event 599"], python: &["event 599: sealed under key"], go: None, pymerkle: false };
    assert_found("sealed after the destruction", &bundle, &[], &found);
}

#[tokio::test]
async fn c8_1c_an_event_of_a_receipt_that_another_history_leaves_out_is_missed() {
    let world = World::new().await;
    let ids = world.fill(20).await;
    let bundle = world.export("bundle", &[]).await;
    assert_found("all there", &bundle, &ids[..3], &Found { ours: ["", "", ""], python: &[], go: None, pymerkle: false });
    // Signed by the same key, and whole in itself: who has no receipt sees nothing.
    let forged = World::new().await;
    forged.fill(600).await;
    let forged = forged.export("forged", &[]).await;
    let missing = format!("event {}", ids[7]);
    let found = Found { ours: ["", &missing, ""], python: &[&missing], go: None, pymerkle: false };
    assert_found("left out", &forged, &ids[7..8], &found);
}

/// The two lists are two on purpose: the programs share no code. They must say the same.
#[test]
fn m4_2_both_verifiers_know_the_same_events_that_explain_a_missing_key() {
    let python = include_str!("../../../verifiers/verify.py");
    let list = |before: &str| python.split(before).nth(1).and_then(|rest| rest.split(')').next()).unwrap().split(',');
    let theirs = list("BEGINNINGS = (").chain(list("not in BEGINNINGS + ("));
    let mut theirs: Vec<&str> = theirs.map(|name| name.trim().trim_matches('"')).collect();
    let mut ours: Vec<&str> =
        domain::event_schemas().iter().map(|schema| schema.event_type).filter(|event_type| explains_keys(event_type)).collect();
    theirs.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, theirs);
    // Whatever destroys keys says so by its name, and must be in the lists.
    let destroying = domain::event_schemas().into_iter().map(|schema| schema.event_type);
    let forgotten: Vec<&str> = destroying.filter(|name| name.ends_with("KeyDestroyed") && !ours.contains(name)).collect();
    assert!(forgotten.is_empty(), "{forgotten:?}");
}
