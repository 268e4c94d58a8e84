//! The schemas that the program prints are those of the events that are stored, as a validator that is not ours finds.

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

const GOLDEN: &str =
    include_str!("../domain/tests/domain/snapshots/domain__domain__golden_events__every_event_has_the_facts_it_had_from_the_start.snap");
const STORED: &str = include_str!("../domain/tests/domain/stored_log_v1.jsonl");

/// Prints `null`, or what is wrong, for each pair of a schema and an instance, one a line.
const VALIDATE: &str = "
import json, sys
from jsonschema import Draft202012Validator
for line in sys.stdin:
    schema, instance = json.loads(line)
    Draft202012Validator.check_schema(schema)
    error = next(Draft202012Validator(schema).iter_errors(instance), None)
    print(json.dumps(error and error.message), flush=True)
";

fn printed(arguments: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_lethemail")).args(["events", "schema"]).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// What is wrong with each instance; `null` where nothing is.
fn judge(pairs: &[(Value, Value)]) -> Vec<Value> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join("scripts/python-peer"));
    let mut child = python.args(["-c", VALIDATE]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let lines: String = pairs.iter().map(|(schema, instance)| format!("{}\n", json!([schema, instance]))).collect();
    let writing = std::thread::spawn(move || input.write_all(lines.as_bytes()).unwrap());
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Type and facts of every golden event.
fn golden() -> Vec<(String, Value)> {
    let lines = GOLDEN.rsplit("---\n").next().unwrap().lines();
    let event = |line: &str| {
        let mut parts = line.splitn(3, ' ');
        let (name, _version, facts) = (parts.next()?, parts.next()?, parts.next()?);
        Some((name.to_owned(), serde_json::from_str(facts).unwrap()))
    };
    lines.filter_map(event).collect()
}

#[test]
fn every_golden_and_every_stored_event_fits_the_printed_schema() {
    let schemas = printed(&[]);
    let golden = golden();
    let golden_types: BTreeSet<&String> = golden.iter().map(|(name, _)| name).collect();
    assert_eq!(golden_types, schemas.as_object().unwrap().keys().collect(), "a type without a golden form");
    let stored = STORED.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let header: Value = serde_json::from_str(line["header"].as_str().unwrap()).unwrap();
        (header["event_type"].as_str().unwrap().to_owned(), serde_json::from_str(line["facts"].as_str().unwrap()).unwrap())
    });
    let events: Vec<(String, Value)> = golden.into_iter().chain(stored).collect();
    let pairs: Vec<(Value, Value)> = events.iter().map(|(name, facts)| (schemas[name].clone(), facts.clone())).collect();
    let verdicts = judge(&pairs);
    assert_eq!(verdicts.len(), pairs.len());
    for ((name, facts), verdict) in events.iter().zip(verdicts) {
        assert_eq!(verdict, Value::Null, "{name} {facts}");
    }
}

#[test]
fn what_is_no_such_event_does_not_fit() {
    let schema = printed(&["EmailQueued"]);
    let (_, good) = golden().into_iter().find(|(name, _)| name == "EmailQueued").unwrap();
    let changed = |pointer: &str, value: Value| {
        let mut facts = good.clone();
        match facts.pointer_mut(pointer) {
            Some(place) => *place = value,
            None => facts[&pointer[1..]] = value,
        }
        (schema.clone(), facts)
    };
    let wrong = [
        changed("/sender", json!("shop@example.org")),
        changed("/transport/by", json!("pigeon")),
        changed("/recipients/0/field", json!("TO")),
        changed("/size_bytes", json!(-1)),
        changed("/tags/0", json!("newsletter")),
        changed("/subject", json!("Hello")),
        (schema.clone(), json!({})),
    ];
    assert!(judge(&wrong).iter().all(|verdict| verdict.is_string()));
}
