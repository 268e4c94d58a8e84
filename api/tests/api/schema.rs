//! The committed schema is the one that is served, and every type says what it is.

const COMMITTED: &str = include_str!("../../../schema.graphql");

#[test]
fn the_committed_schema_is_the_one_that_is_served() {
    let served = api::sdl();
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../schema.graphql"), &served).unwrap();
        return;
    }
    assert!(served == COMMITTED, "schema.graphql differs: run UPDATE_SCHEMA=1 cargo test -p api the_committed_schema");
}

#[test]
fn every_type_field_and_value_is_described() {
    let mut described = true;
    let mut undescribed = Vec::new();
    let mut in_description = false;
    for line in api::sdl().lines() {
        let trimmed = line.trim();
        match trimmed {
            "\"\"\"" => (in_description, described) = (!in_description, true),
            _ if in_description => {}
            _ if trimmed.starts_with("\"\"\"") => described = true,
            "" | "}" | "{" => described = false,
            _ => {
                let is_root = trimmed.starts_with("schema") || trimmed.starts_with("query:") || trimmed.starts_with("mutation:");
                let is_builtin = trimmed.starts_with("directive") || trimmed.starts_with("subscription:");
                let is_tail = trimmed.starts_with(')');
                if !described && !is_root && !is_builtin && !is_tail {
                    undescribed.push(trimmed.to_owned());
                }
                described = false;
            }
        }
    }
    assert_eq!(undescribed, Vec::<String>::new());
}
