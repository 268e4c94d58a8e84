//! The schema as the running program tells it, and an input for every mutation with a marker in every string.

use super::markers::{Markers, base64};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// The types as `__schema` gives them.
pub struct Schema {
    types: BTreeMap<String, Value>,
    mutations: BTreeMap<String, Vec<Value>>,
}

pub const INTROSPECTION: &str = "{ __schema {
    mutationType { fields { name args { name type { ...T } } } }
    types { name kind enumValues { name } inputFields { name type { ...T } } }
} } fragment T on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

impl Schema {
    pub fn of(answer: &Value) -> Self {
        let schema = &answer["__schema"];
        let named = |list: &Value| -> Vec<(String, Value)> {
            list.as_array().unwrap().iter().map(|item| (item["name"].as_str().unwrap().to_owned(), item.clone())).collect()
        };
        let mutations = named(&schema["mutationType"]["fields"]);
        let mutations = mutations.into_iter().map(|(name, field)| (name, field["args"].as_array().unwrap().clone())).collect();
        Self { types: named(&schema["types"]).into_iter().collect(), mutations }
    }

    pub fn mutations(&self) -> Vec<String> {
        self.mutations.keys().cloned().collect()
    }

    /// The text of a mutation that takes all arguments as variables, and variables full of markers.
    pub fn filled(&self, mutation: &str, selection: &str, markers: &Markers) -> (String, Value) {
        let arguments = self.mutations.get(mutation).unwrap_or_else(|| panic!("the schema has no mutation {mutation}"));
        let mut variables = Map::new();
        let (mut declared, mut passed) = (String::new(), String::new());
        for argument in arguments {
            let name = argument["name"].as_str().unwrap();
            declared.push_str(&format!("${name}: {} ", written(&argument["type"])));
            passed.push_str(&format!("{name}: ${name} "));
            variables.insert(name.to_owned(), self.fill(&argument["type"], name, mutation, markers));
        }
        let (declared, passed) = if arguments.is_empty() { (declared, passed) } else { (format!("({declared})"), format!("({passed})")) };
        (format!("mutation{declared} {{ {mutation}{passed} {{ userErrors {{ field code message }} {selection} }} }}"), variables.into())
    }

    fn fill(&self, kind: &Value, name: &str, path: &str, markers: &Markers) -> Value {
        match kind["kind"].as_str().unwrap() {
            // No text of anybody's choice either, and may not be left out.
            "NON_NULL" if kind["ofType"]["name"] == "NaiveDate" => json!("2026-01-01"),
            "NON_NULL" if kind["ofType"]["name"] == "DateTime" => json!("2026-01-01T00:00:00Z"),
            "NON_NULL" => match self.fill(&kind["ofType"], name, path, markers) {
                Value::Null => panic!("no rule how to fill {path}: {}. Give it one in {}.", written(kind), file!()),
                value => value,
            },
            "LIST" if self.is_enum(&kind["ofType"]) => self.words_of(&kind["ofType"]).into(),
            "LIST" => json!([self.fill(&kind["ofType"], name, path, markers)]),
            "ENUM" => self.words_of(kind)[0].clone(),
            "INPUT_OBJECT" => self.fill_object(kind["name"].as_str().unwrap(), path, markers),
            "SCALAR" => scalar(kind["name"].as_str().unwrap(), name, path, markers),
            other => panic!("{path} takes {}, a {other}: no input is of that kind", written(kind)),
        }
    }

    fn fill_object(&self, type_name: &str, path: &str, markers: &Markers) -> Value {
        let fields = self.types[type_name]["inputFields"].as_array().unwrap();
        let filled = fields.iter().map(|field| {
            let name = field["name"].as_str().unwrap();
            (name.to_owned(), self.fill(&field["type"], name, &format!("{path}.{type_name}.{name}"), markers))
        });
        Value::Object(filled.collect())
    }

    fn is_enum(&self, kind: &Value) -> bool {
        kind["kind"] == "ENUM" || (kind["kind"] == "NON_NULL" && self.is_enum(&kind["ofType"]))
    }

    fn words_of(&self, kind: &Value) -> Vec<Value> {
        let name = kind["name"].as_str().or_else(|| kind["ofType"]["name"].as_str()).unwrap();
        self.types[name]["enumValues"].as_array().unwrap().iter().map(|value| value["name"].clone()).collect()
    }
}

/// `[String!]!`, from the types inside each other.
fn written(kind: &Value) -> String {
    match kind["kind"].as_str().unwrap() {
        "NON_NULL" => format!("{}!", written(&kind["ofType"])),
        "LIST" => format!("[{}]", written(&kind["ofType"])),
        _ => kind["name"].as_str().unwrap().to_owned(),
    }
}

/// Null for what holds no text of a person's own choice. A scalar that is not known here fails the test: it might.
fn scalar(type_name: &str, name: &str, path: &str, markers: &Markers) -> Value {
    match type_name {
        "String" => text(name, &|| markers.at(path)).into(),
        "ID" => markers.at(path).into(),
        "Int" => json!(1),
        "Boolean" => json!(true),
        "DateTime" | "NaiveDate" | "Position" => Value::Null,
        other => panic!("no rule how to fill {path}: {other}. Give it one in {}.", file!()),
    }
}

/// A string that carries a marker, in the form that a field of that name wants. A new field without a form of its own gets the bare marker.
pub fn text(name: &str, marker: &impl Fn() -> String) -> String {
    // What the recipients' server does with the address shows in how it begins.
    let address = |fate: &str| format!("{fate}{}@{}.example", marker(), marker());
    match name {
        "address" => address(""),
        "from" | "replyTo" | "reply_to" => format!("{} {} <{}>", marker(), marker(), address("")),
        "to" => format!("{} <{}>", marker(), address("ok-")),
        "cc" => format!("{} <{}>", marker(), address("refuse-")),
        "bcc" => format!("{} <{}>", marker(), address("defer-")),
        "subject" | "text" | "note" => format!("{} grüßt {}\u{1F600}", marker(), marker()),
        "html" => format!("<p title=\"{}\">{}</p>", marker(), marker()),
        "content" => base64(&format!("a file with {} in it", marker())),
        "contentType" | "content_type" => format!("text/x-{}", marker()),
        "filename" => format!("{}.txt", marker()),
        "host" => format!("{}.invalid", marker()),
        "username" | "secret" => format!("{} {}", marker(), marker()),
        _ => marker(),
    }
}

fn schema_with_a_field_of(scalar: &str) -> Schema {
    let field = json!({ "name": "newField", "type": { "kind": "NON_NULL", "ofType": { "kind": "SCALAR", "name": scalar } } });
    let argument = json!({ "name": "input", "type": { "kind": "INPUT_OBJECT", "name": "NewInput" } });
    Schema::of(&json!({ "__schema": {
        "mutationType": { "fields": [{ "name": "doSomethingNew", "args": [argument] }] },
        "types": [{ "name": "NewInput", "kind": "INPUT_OBJECT", "inputFields": [field] }],
    } }))
}

#[test]
fn canary_markers_come_into_a_new_field_by_themselves() {
    let markers = Markers::new();
    let (query, variables) = schema_with_a_field_of("String").filled("doSomethingNew", "position", &markers);
    assert!(query.starts_with("mutation($input: NewInput )"), "{query}");
    let put = markers.place_of(variables["input"]["newField"].as_str().unwrap().as_bytes());
    assert_eq!(put.as_deref(), Some("doSomethingNew.NewInput.newField"));
}

#[test]
#[should_panic(expected = "no rule how to fill doSomethingNew.NewInput.newField: Telegram")]
fn canary_markers_ask_for_a_rule_where_a_new_scalar_comes_up() {
    schema_with_a_field_of("Telegram").filled("doSomethingNew", "position", &Markers::new());
}
