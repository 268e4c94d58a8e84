//! The list of promises and of the tests that show them is what the generator makes of today's tests.

use std::path::Path;
use std::process::Command;

#[test]
fn the_list_of_requirements_is_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(root.join("scripts/requirements-doc")).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let committed = std::fs::read_to_string(root.join("docs/requirements.md")).unwrap();
    assert!(String::from_utf8(output.stdout).unwrap() == committed, "run `make requirements` and commit docs/requirements.md");
}
