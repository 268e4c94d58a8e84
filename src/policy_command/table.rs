//! The whole policy, for people at a terminal and for programs.

use domain::{COLUMNS, Class, DECLARATIONS, DataCategory, DataEntry, DataName, LOG_FIELDS, LegalBasis, Purpose, basis, one_line, word_of};
use serde_json::{Value, json};

pub(super) fn as_text() -> String {
    let mut text = String::new();
    for entry in DataName::ALL.iter().map(|data| data.entry()) {
        text += &told(entry);
    }
    text += "\ncolumns with personal data\n";
    for column in COLUMNS.iter().flat_map(|table| table.entries()).filter(|column| column.holds.is_personal()) {
        text += &format!("  {:<30} {}\n", format!("{}.{}", column.table, column.column), word_of(column.holds));
    }
    text += "\nfields of the log's lines\n";
    LOG_FIELDS.iter().for_each(|field| text += &format!("  {:<30} {}\n", field.name, word_of(field.holds)));
    text += "\ndeclarations\n";
    DECLARATIONS.iter().for_each(|declaration| text += &format!("  {:<30} {}\n", declaration.rows, declaration.says));
    text
}

fn told(entry: &DataEntry) -> String {
    let grounds: Vec<String> =
        entry.grounds().iter().map(|(purpose, basis)| format!("{} ({})", word_of(purpose), word_of(basis))).collect();
    let mut text = format!("{}: {}\n", entry.data.as_str(), one_line(entry.told));
    text += &format!("  category   {}\n", word_of(entry.category));
    text += &format!("  subject    {}, as {}\n", word_of(entry.subject), word_of(entry.role()));
    text += &format!("  class      {}: {}\n", entry.keeping.word(), entry.keeping.retention().told);
    text += &format!("  opened for {}\n", grounds.join(", "));
    text += &format!("  rows       {}\n", entry.rows);
    entry.all_fields().iter().for_each(|(name, told)| text += &format!("    {name:<36} {told}\n"));
    text
}

pub(super) fn as_json() -> Value {
    let rows = |rows: &str| rows.split(' ').map(str::to_owned).collect::<Vec<_>>();
    let columns = COLUMNS.iter().flat_map(|table| table.entries());
    json!({
        "data": DataName::ALL.iter().map(|data| entry_json(data.entry())).collect::<Vec<_>>(),
        "categories": DataCategory::ALL.iter().map(|category| json!({
            "category": category, "told": category.told(), "rows": rows(category.rows()),
            "bases": Purpose::ALL.iter().filter_map(|purpose| Some((word_of(purpose), json!(basis(*category, *purpose)?))))
                .collect::<serde_json::Map<_, _>>(),
        })).collect::<Vec<_>>(),
        "purposes": Purpose::ALL.iter().map(|purpose| json!({
            "purpose": purpose, "told": purpose.told(), "rows": rows(purpose.rows()),
        })).collect::<Vec<_>>(),
        "legal_bases": LegalBasis::ALL.iter().map(|basis| json!({
            "basis": basis, "told": basis.told(), "rows": [basis.row()],
        })).collect::<Vec<_>>(),
        "classes": Class::ALL.iter().map(|class| json!({
            "class": class, "purposes": class.purposes(), "retention": class.retention().told, "term": class.retention().term,
        })).collect::<Vec<_>>(),
        "columns": columns.map(|column| json!({
            "table": column.table, "column": column.column, "holds": column.holds, "personal": column.holds.is_personal(),
        })).collect::<Vec<_>>(),
        "log_fields": LOG_FIELDS.iter().map(|field| json!({ "field": field.name, "holds": field.holds })).collect::<Vec<_>>(),
        "declarations": DECLARATIONS.iter().map(|declaration| json!({
            "declaration": declaration.says, "rows": rows(declaration.rows),
        })).collect::<Vec<_>>(),
    })
}

fn entry_json(entry: &DataEntry) -> Value {
    let fields: Vec<Value> = entry.all_fields().iter().map(|(name, told)| json!({ "field": name, "told": told })).collect();
    let purposes: Vec<Value> = entry.grounds().iter().map(|(purpose, basis)| json!({ "purpose": purpose, "basis": basis })).collect();
    let retention = entry.keeping.retention();
    json!({
        "data": entry.data,
        "told": one_line(entry.told),
        "category": entry.category,
        "class": entry.keeping.word(),
        "subject": entry.subject,
        "role": entry.role(),
        "purposes": purposes,
        "retention": retention.told,
        "term": retention.term,
        "rows": entry.rows.split(' ').collect::<Vec<_>>(),
        "fields": fields,
    })
}
