//! Bundles that hold, and bundles that somebody changed: the exact place and the right verdict, by us and by a program that shares no code with us.

use crate::world::{Bundle, ORGANIZATION, START, World, envelope, first_faults, key_id, signed};
use domain::{KeyId, OrganizationId};
use ed25519_dalek::SigningKey;
use std::time::Duration;
use transparency::*;

/// 600 events, of which one destroyed the key of the fifth and one came after that.
async fn bundle(world: &World) -> Bundle {
    world.fill(598).await;
    world.destroy(ORGANIZATION, key_id(0x1005)).await;
    world.append(ORGANIZATION, vec![("EmailQueued", "{}".into(), vec![envelope(key_id(1))])]).await;
    world.export("bundle", &[key_id(0x1005)]).await
}

/// Both programs find the same verdicts broken; ours names these places first.
fn assert_found(bundle: &Bundle, places: [&str; 3]) {
    let report = bundle.verify();
    assert_eq!(first_faults(&report), places, "{report:#?}");
    let (code, printed) = bundle.verify_in_python();
    assert_eq!(code, i32::from(report.exit_code()), "{printed}");
}

#[tokio::test]
async fn c8_1c_a_bundle_holds_for_us_and_for_a_program_of_others() {
    let world = World::new().await;
    let bundle = bundle(&world).await;
    let report = bundle.verify();
    assert_eq!((report.events, report.range, report.tree_size), (600, (0, 600), 600));
    assert_eq!((report.destroyed_keys, report.closed_envelopes, report.witnesses.len()), (1, 1, 0));
    assert_found(&bundle, ["", "", ""]);
    // Without a key from elsewhere it is said whose word this is.
    let report = verify_bundle(&bundle.directory, &VerifyOptions { key: None, ..bundle.options() }).unwrap();
    assert_eq!((report.exit_code(), report.key_is_bundled, report.key), (0, true, bundle.key.to_string()));
}

#[tokio::test]
async fn c8_1c_a_flipped_byte_is_found_where_it_is() {
    let world = World::new().await;
    let bundle = bundle(&world).await;
    let whole = bundle.lines();
    for (field, line) in [("facts", 17), ("header", 17), ("sealed", 300), ("salt", 599)] {
        // A digit or a letter, so that the JSON stays JSON.
        bundle.change_line(line, field, |bytes| {
            let at = bytes.iter().rposition(|byte| byte.is_ascii_digit()).unwrap_or(bytes.len() - 1);
            bytes[at] ^= 1;
        });
        let place = format!("events.jsonl line {}, event {line}", line + 1);
        assert_eq!(first_faults(&bundle.verify())[0], place, "{field}");
        assert_eq!(bundle.verify_in_python().0 & 1, 1, "{field}");
        bundle.write_lines(&whole);
    }
    // Nothing but the file's own hash speaks for what nobody signs.
    std::fs::write(bundle.directory.join("schemas/SubjectKeyDestroyed.1.json"), "{}").unwrap();
    assert_found(&bundle, ["schemas/SubjectKeyDestroyed.1.json", "", ""]);
}

#[tokio::test]
async fn c8_1c_a_missing_row_a_cut_tail_and_another_order_are_told_apart() {
    let world = World::new().await;
    let bundle = bundle(&world).await;
    let whole = bundle.lines();
    let mut lines = whole.clone();
    lines.remove(255);
    bundle.write_lines(&lines);
    assert_found(&bundle, ["", "event 255", ""]);
    bundle.write_lines(&whole[..590]);
    // The tail held the destruction, too.
    assert_found(&bundle, ["", "event 590", "manifest.json"]);
    // With a manifest that agrees it is a part, which is said, and not enough for whoever asks for the whole.
    bundle.change_manifest(|manifest| {
        manifest["count"] = 590.into();
        manifest["unreadable_keys"] = serde_json::json!([]);
    });
    assert_found(&bundle, ["", "", ""]);
    let report = verify_bundle(&bundle.directory, &VerifyOptions { whole: true, ..bundle.options() }).unwrap();
    assert_eq!((first_faults(&report), report.range), (["", "manifest.json", ""], (0, 590)));
    bundle.change_manifest(|manifest| {
        manifest["count"] = 600.into();
        manifest["unreadable_keys"] = serde_json::json!([key_id(0x1005)]);
    });
    let mut lines = whole.clone();
    lines.swap(100, 101);
    bundle.write_lines(&lines);
    let report = bundle.verify();
    assert_eq!(report.integrity.faults[0].place, "events.jsonl line 102, event 100");
    assert_eq!(bundle.verify_in_python().0 & 1, 1);
    let mut lines = whole.clone();
    lines.insert(3, lines[2].clone());
    bundle.write_lines(&lines);
    assert_eq!(bundle.verify().integrity.faults[0].place, "events.jsonl line 4, event 2");
    assert_eq!(bundle.verify_in_python().0 & 1, 1);
}

#[tokio::test]
async fn c8_1c_another_key_convinces_nobody() {
    let world = World::new().await;
    let bundle = bundle(&world).await;
    let (other, text) = (SigningKey::from_bytes(&[9; 32]), bundle.read("checkpoint").split("\n\n").next().unwrap().to_owned() + "\n");
    // In the name of the right key, and with all of its own.
    bundle.write("checkpoint", signed(&text, &bundle.key, &other).to_string());
    assert_found(&bundle, ["checkpoint", "", ""]);
    let own = Log::Organization(ORGANIZATION).verifier_key(other.verifying_key().to_bytes());
    let text = text.replacen(&bundle.key.name, &own.name, 1);
    bundle.write("checkpoint", signed(&text, &own, &other).to_string());
    bundle.write("keys", format!("{own}\n"));
    assert_found(&bundle, ["checkpoint", "", ""]);
    // The platform's key is no organisation's.
    let platform = Log::Platform.verifier_key(world.key.verifying_key().to_bytes());
    bundle.write("checkpoint", signed(&text.replacen(&own.name, &platform.name, 1), &platform, &world.key).to_string());
    assert_found(&bundle, ["checkpoint", "", ""]);
}

#[tokio::test]
async fn a_tile_or_a_proof_that_was_changed_is_named() {
    let world = World::new().await;
    let bundle = bundle(&world).await;
    let path = bundle.directory.join("tile/0/001");
    let tile = std::fs::read(&path).unwrap();
    let mut changed = tile.clone();
    changed[40] ^= 1;
    bundle.write("tile/0/001", &changed);
    assert_eq!(first_faults(&bundle.verify())[0], "tile/0/001");
    assert_eq!(bundle.verify_in_python().0 & 1, 1);
    bundle.write("tile/0/001", &tile);
    let edge = std::fs::read(bundle.directory.join("tile/1/000.p/2")).unwrap();
    bundle.write("tile/1/000.p/2", [&edge[32..], &edge[..32]].concat());
    assert_eq!(first_faults(&bundle.verify())[0], "tile");
    assert_eq!(bundle.verify_in_python().0 & 1, 1);
    bundle.write("tile/1/000.p/2", edge);
    let proof = bundle.read("platform/proof");
    bundle.write("platform/proof", proof.replacen("index 0", "index 1", 1));
    assert_found(&bundle, ["platform/proof", "", ""]);
    bundle.write("platform/proof", proof);
    assert_found(&bundle, ["", "", ""]);
    std::fs::remove_file(bundle.directory.join("tile/entries/000")).unwrap();
    assert_eq!(first_faults(&bundle.verify()), ["", "tile/entries/000", ""]);
}

#[tokio::test]
async fn m4_2_a_dropped_destruction_and_a_key_used_after_it_are_found() {
    let world = World::new().await;
    world.fill(5).await;
    world.destroy(ORGANIZATION, key_id(0x1002)).await;
    // What no vault does: sealing under a key that is gone.
    world.append(ORGANIZATION, vec![("EmailQueued", "{}".into(), vec![envelope(key_id(7)), envelope(key_id(0x1002))])]).await;
    let bundle = world.export("bundle", &[key_id(0x1002)]).await;
    assert_found(&bundle, ["", "", "event 6"]);
    let mut lines = bundle.lines();
    lines.remove(5);
    bundle.write_lines(&lines);
    assert_found(&bundle, ["", "event 5", "manifest.json"]);
    // And an installation that says that it destroyed what it still opens.
    let bundle = world.export("other", &[]).await;
    assert_eq!(bundle.verify().erasure.count, 2);
    assert_eq!(bundle.verify().erasure.faults[1].place, "event 5");
    assert_eq!(bundle.verify_in_python().0, 12);
}

#[tokio::test]
async fn m4_4_an_expired_day_and_an_erasure_under_way_are_explained() {
    let world = World::new().await;
    world.fill(3).await;
    let (doomed, bucket) = (key_id(0x1000), KeyId(uuid::Uuid::from_bytes([0xBB; 16])));
    let started = format!(
        "{{\"keys\":[{{\"key\":\"{doomed}\",\"organization\":\"{}\",\"class\":\"ops\",\"newest_epoch\":1}}],\"retained\":[]}}",
        ORGANIZATION
    );
    world.append(ORGANIZATION, vec![("ErasureStarted", started, vec![]), ("EmailQueued", "{}".into(), vec![envelope(doomed)])]).await;
    let bundle = world.export("before", &[doomed]).await;
    assert_found(&bundle, ["", "", ""]);
    let expired = format!("{{\"key\":\"{bucket}\",\"class\":\"ops\",\"bucket\":20414}}");
    world.append(ORGANIZATION, vec![("BucketKeyDestroyed", expired, vec![])]).await;
    world.append(OrganizationId::PLATFORM, vec![("KeyEpochDestroyed", "{\"epoch\":1}".into(), vec![])]).await;
    let bundle = world.export("after", &[doomed, bucket]).await;
    assert_found(&bundle, ["", "", ""]);
    let report = bundle.verify();
    assert_eq!((report.destroyed_keys, report.closed_envelopes, report.epochs_destroyed), (1, 4, 1));
    // Nothing is sealed for a day that has expired.
    world.append(ORGANIZATION, vec![("EmailQueued", "{}".into(), vec![envelope(key_id(8))])]).await;
    assert_found(&world.export("late", &[doomed, bucket]).await, ["", "", "event 6"]);
}

#[tokio::test]
async fn m4_2_what_the_platform_destroyed_is_explained_with_proof() {
    let world = World::new().await;
    world.fill(3).await;
    world.destroy(OrganizationId::PLATFORM, key_id(0x1001)).await;
    let bundle = world.export("bundle", &[key_id(0x1001)]).await;
    assert_found(&bundle, ["", "", ""]);
    let explanations = bundle.read("explanations.jsonl");
    bundle.write("explanations.jsonl", "");
    assert_found(&bundle, ["", "", "manifest.json"]);
    bundle.write("explanations.jsonl", explanations.replacen("index 0", "index 1", 1));
    assert_found(&bundle, ["", "", "explanations.jsonl line 1"]);
}

#[tokio::test]
async fn c8_1c_a_receipt_and_an_earlier_checkpoint_show_what_another_history_leaves_out() {
    let world = World::new().await;
    let ids = world.fill(300).await;
    let earlier = world.export("earlier", &[]).await;
    world.fill(300).await;
    let bundle = world.export("bundle", &[]).await;
    let mut options = bundle.options();
    options.receipts.insert(ids[7]);
    options.earlier.push(earlier.read("checkpoint"));
    let report = verify_bundle(&bundle.directory, &options).unwrap();
    assert_eq!((first_faults(&report), report.exit_code()), (["", "", ""], 0));
    // The older copy lacks what came later.
    options.earlier = vec![bundle.read("checkpoint")];
    let report = verify_bundle(&earlier.directory, &options).unwrap();
    assert_eq!(first_faults(&report), ["", "earlier checkpoint 1", ""]);
    // Another history, signed with the same key, lacks the event of the receipt and is no continuation.
    let forged = World::new().await;
    forged.fill(600).await;
    let forged = forged.export("forged", &[]).await;
    options.earlier = vec![earlier.read("checkpoint")];
    let report = verify_bundle(&forged.directory, &options).unwrap();
    let missing = format!("event {}", ids[7]);
    assert_eq!(first_faults(&report), ["earlier checkpoint 1", &*missing, ""]);
}

#[tokio::test]
async fn a_part_of_a_history_holds_as_a_part() {
    let world = World::new().await;
    world.fill(700).await;
    let at = |seconds| Some(START + Duration::from_secs(seconds));
    for (name, between, range) in [
        ("middle", (at(301), at(601)), (300, 600)),
        ("end", (at(301), None), (300, 700)),
        ("beginning", (None, at(11)), (0, 10)),
        ("nothing", (at(1_000), None), (700, 700)),
    ] {
        for format in [EventsFormat::Jsonl, EventsFormat::Cloudevents] {
            let bundle = world.export_between(&format!("{name}-{format:?}"), &[], between, format).await;
            assert_found(&bundle, ["", "", ""]);
            assert_eq!(bundle.verify().range, range, "{name}");
            if range.0 < range.1 {
                bundle.write_lines(&bundle.lines()[1..]);
                let place = format!("event {}", range.0);
                assert_found(&bundle, ["", &place, ""]);
            }
        }
    }
}

#[tokio::test]
async fn a_witness_that_must_have_signed_is_missed() {
    use ed25519_dalek::Signer;
    let world = World::new().await;
    world.fill(3).await;
    let bundle = world.export("bundle", &[]).await;
    let witness = SigningKey::from_bytes(&[4; 32]);
    let key =
        VerifierKey { name: "witness.example".into(), algorithm: Algorithm::CosignatureV1, public: witness.verifying_key().to_bytes() };
    let options = VerifyOptions { witnesses: vec![key.clone()], ..bundle.options() };
    assert_eq!(first_faults(&verify_bundle(&bundle.directory, &options).unwrap())[0], "platform/checkpoint");
    let mut note: Note = bundle.read("platform/checkpoint").parse().unwrap();
    let signature = witness.sign(cosigned(&note.text, 1_790_000_000).as_bytes()).to_bytes();
    note.signatures.push(key.line([&1_790_000_000u64.to_be_bytes()[..], &signature].concat()));
    let proof = bundle.read("platform/proof").replace(&bundle.read("platform/checkpoint"), &note.to_string());
    bundle.write("platform/checkpoint", note.to_string());
    bundle.write("platform/proof", proof);
    let report = verify_bundle(&bundle.directory, &options).unwrap();
    assert_eq!((report.exit_code(), report.witnesses), (0, vec![("witness.example".to_owned(), 1)]));
}
