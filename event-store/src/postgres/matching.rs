//! The statement that a filter comes to.
//!
//! Statements are prepared once and may be planned without their values. So categories are written out, and what nobody asks for is left out: an
//! index that holds some categories only can be chosen for no other.

use crate::Filter;
use domain::Category;
use std::collections::BTreeSet;
use tokio_postgres::types::ToSql;

const SELECT: &str =
    "SELECT e.position, e.recorded_at, e.header, e.facts, e.sealed, e.salt FROM log.event e WHERE e.position > $1 AND e.position <= $2";

/// Which of the events in a stretch come first.
#[derive(Clone, Copy)]
pub(super) enum Order {
    Rising,
    Falling,
}

/// Takes the stretch and the limit as its first three values, and then those of [`values`].
pub(super) fn statement(filter: &Filter, order: Order) -> String {
    let mut conditions = String::new();
    if filter.organization.is_some() {
        conditions.push_str(" AND e.organization = $4");
    }
    if !filter.event_types.is_empty() {
        conditions.push_str(if filter.organization.is_some() { " AND e.event_type = ANY ($5)" } else { " AND e.event_type = ANY ($4)" });
    }
    let direction = match order {
        Order::Rising => "",
        Order::Falling => " DESC",
    };
    let select = |category: &str| format!("{SELECT}{category}{conditions} ORDER BY position{direction} LIMIT $3");
    let numbers: BTreeSet<i16> = filter.categories.iter().map(|category| category.number()).collect();
    let numbers: Vec<String> = numbers.iter().map(i16::to_string).collect();
    if numbers.is_empty() {
        return select("");
    }
    if numbers.len() == 1 || !has_index(filter) {
        return select(&format!(" AND e.category IN ({})", numbers.join(", ")));
    }
    // Each category's events lie in order in the index, so that no more of any is read than may be handed out.
    let of_each: Vec<String> = numbers.iter().map(|number| format!("({})", select(&format!(" AND e.category = {number}")))).collect();
    format!("{} ORDER BY position{direction} LIMIT $3", of_each.join(" UNION ALL "))
}

/// What happened to one organisation, messages apart, has an index. Everything else is looked through in the log's order.
fn has_index(filter: &Filter) -> bool {
    filter.organization.is_some() && !filter.categories.contains(&Category::Email)
}

/// What the statement asks besides the stretch and the limit.
pub(super) fn values(filter: &Filter) -> Vec<&(dyn ToSql + Sync)> {
    let mut values: Vec<&(dyn ToSql + Sync)> = Vec::with_capacity(2);
    if let Some(organization) = &filter.organization {
        values.push(&organization.0);
    }
    if !filter.event_types.is_empty() {
        values.push(&filter.event_types);
    }
    values
}
