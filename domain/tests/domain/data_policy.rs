//! The data policy says one thing about everything. (That what it does not list does not compile is shown beside `personal_data!`.)

use domain::*;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// What every `x-personal-data` in a schema says.
fn held_in(schema: &Value, found: &mut Vec<Value>) {
    match schema {
        Value::Object(members) => {
            found.extend(members.get("x-personal-data").cloned());
            members.values().for_each(|member| held_in(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| held_in(item, found)),
        _ => {}
    }
}

#[test]
fn c3_1_what_events_hold_has_one_entry_one_category_and_one_class() {
    let mut used = BTreeSet::new();
    for known in event_schemas() {
        let mut held = Vec::new();
        held_in(&known.schema, &mut held);
        for held in held {
            let data: DataName = serde_json::from_value(held["holds"].clone()).unwrap();
            let entry = data.entry();
            assert_eq!(
                (held["category"].as_str(), held["class"].as_str()),
                (Some(&*word_of(entry.category)), Some(&*entry.keeping.word()))
            );
            used.insert(data);
        }
    }
    // In the spool, not in events.
    used.insert(DataName::SpooledMail);
    assert_eq!(used, DataName::ALL.iter().copied().collect(), "what no event holds any more stays listed for those that did");
    let rows: Vec<&str> =
        DataCategory::ALL.iter().flat_map(|category| category.rows().split(' ')).filter(|row| row.starts_with("C3.")).collect();
    assert_eq!(rows, ["C3.1", "C3.2", "C3.3", "C3.4", "C3.5"], "the five definitions, and what is logged besides");
}

#[test]
fn m0_2_every_entry_is_listed_under_its_own_name_and_says_what_each_field_is() {
    let mut fields = BTreeMap::new();
    for data in DataName::ALL {
        let entry = data.entry();
        assert_eq!(entry.data, *data);
        for (name, told) in entry.all_fields() {
            assert!(name.starts_with(&format!("{}.", data.as_str())) && !told.is_empty(), "{name}");
            assert!(fields.insert(name, told).is_none());
        }
    }
    assert!(fields.contains_key("SenderDetails.tags.value"), "fields within fields are told apart");
    let stored = serde_json::to_value(UserDetails { name: "x".into(), address: "x".into() }).unwrap();
    for field in stored.as_object().unwrap().keys() {
        assert!(fields.contains_key(&format!("UserDetails.{field}")), "{field}");
    }
}

#[test]
fn c6_1_each_use_of_each_data_has_one_legal_ground() {
    for entry in DataName::ALL.iter().map(|data| data.entry()) {
        let grounds = entry.grounds();
        assert_eq!(grounds.len(), entry.purposes.len(), "{:?}", entry.data);
        let purposes: BTreeSet<Purpose> = entry.purposes.iter().copied().collect();
        assert_eq!(purposes.len(), entry.purposes.len(), "{:?} names a purpose twice", entry.data);
    }
    let rows: Vec<&str> = LegalBasis::ALL.iter().map(|basis| basis.row()).collect();
    assert_eq!(rows, ["C6.1", "C6.2", "C6.3", "C6.4"]);
}

#[test]
fn m2_10_a_text_is_opened_for_making_and_delivering_it_and_for_nothing_else() {
    let content: BTreeSet<Purpose> = [Purpose::Deliver, Purpose::Render].into();
    for purpose in Purpose::ALL {
        assert_eq!(basis(DataCategory::EmailContent, *purpose).is_some(), content.contains(purpose), "{purpose:?}");
    }
    assert_eq!(DataName::SpooledMail.entry().purposes.iter().copied().collect::<BTreeSet<_>>(), content);
    assert!(serde_json::from_str::<Purpose>("\"advertising\"").is_err(), "there is no such word");
}

#[test]
fn m1_4_from_where_somebody_asked_is_opened_for_service_security_abuse_and_the_persons_rights_only() {
    let allowed: BTreeSet<Purpose> = [Purpose::Service, Purpose::Security, Purpose::Abuse, Purpose::SubjectRights].into();
    assert_eq!(RequestOrigin::PURPOSES.iter().copied().collect::<BTreeSet<_>>(), allowed);
    assert!(allowed.iter().all(|purpose| Class::Ops.allows(*purpose)) && !Class::Ops.allows(Purpose::SmtpAuth));
}

#[test]
fn a_name_of_data_is_stored_as_the_policy_prints_it() {
    for data in DataName::ALL {
        assert_eq!(serde_json::to_string(data).unwrap(), format!("\"{}\"", data.as_str()));
    }
}

#[test]
fn a_column_is_listed_once() {
    let mut seen = BTreeSet::new();
    for entry in COLUMNS.iter().flat_map(|table| table.entries()) {
        assert!(seen.insert((entry.table, entry.column)), "{}.{}", entry.table, entry.column);
    }
    assert!(seen.len() > 150);
}
