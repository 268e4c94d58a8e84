//! What a document may cost, computed before it is executed.
//!
//! A fragment is weighed once and its weight used wherever it is spread, so that fragments nested to double thirty times over cost thirty
//! steps here. async-graphql's own limits walk them all.

use async_graphql::parser::types::{ExecutableDocument, Field, Selection, SelectionSet};
use async_graphql::{Name, Value, Variables};
use std::collections::HashMap;

const DEPTH_MAX: u64 = 20;
/// Fields, with every fragment written out where it is spread.
const FIELDS_MAX: u64 = 2_000;
const ALIASES_MAX: u64 = 100;
const DIRECTIVES_MAX: u64 = 100;
const COMPLEXITY_MAX: u64 = 50_000;
/// In one list of ids.
const IDS_MAX: u64 = 100;
const AS_OF_COST: u64 = 500;
const STATE_DIFF_COST: u64 = 2_500;
const FRAGMENTS_MAX: usize = 100;
const OPERATIONS_MAX: usize = 20;

/// What strangers may ask for and what costs them nothing and us much: a password's hash is slow on purpose.
const ONCE: [&str; 3] = ["signUp", "signIn", "confirmAddress"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Limit {
    #[error("the query nests more than {DEPTH_MAX} fields")]
    Depth,
    #[error("the query has more than {FIELDS_MAX} fields, fragments written out")]
    Fields,
    #[error("the query has more than {ALIASES_MAX} aliases")]
    Aliases,
    #[error("the query has more than {DIRECTIVES_MAX} directives")]
    Directives,
    #[error("the query's cost is more than {COMPLEXITY_MAX}")]
    Complexity,
    #[error("the document has more than {FRAGMENTS_MAX} fragments or {OPERATIONS_MAX} operations")]
    Definitions,
    #[error("`signUp`, `signIn` and `confirmAddress` can each stand once in a document")]
    Once,
    #[error("a fragment spreads itself")]
    Cycle,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Weight {
    fields: u64,
    depth: u64,
    aliases: u64,
    directives: u64,
    complexity: u64,
    /// How often each of [`ONCE`] stands there.
    once: [u64; ONCE.len()],
}

impl Weight {
    fn add(&mut self, other: Weight) {
        self.fields = self.fields.saturating_add(other.fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.complexity = self.complexity.saturating_add(other.complexity);
        self.depth = self.depth.max(other.depth);
        for (times, more) in self.once.iter_mut().zip(other.once) {
            *times = times.saturating_add(more);
        }
    }

    fn check(self) -> Result<u64, Limit> {
        let once = self.once.into_iter().max().unwrap_or(0);
        let limits = [
            (self.depth, DEPTH_MAX, Limit::Depth),
            (self.fields, FIELDS_MAX, Limit::Fields),
            (self.aliases, ALIASES_MAX, Limit::Aliases),
            (self.directives, DIRECTIVES_MAX, Limit::Directives),
            (self.complexity, COMPLEXITY_MAX, Limit::Complexity),
            (once, 1, Limit::Once),
        ];
        match limits.into_iter().find(|(value, max, _)| value > max) {
            Some((.., limit)) => Err(limit),
            None => Ok(self.complexity),
        }
    }
}

/// The cost of all operations of a document together, or the limit that it exceeds.
pub(crate) fn cost(document: &ExecutableDocument, variables: &Variables) -> Result<u64, Limit> {
    if document.fragments.len() > FRAGMENTS_MAX || document.operations.iter().len() > OPERATIONS_MAX {
        return Err(Limit::Definitions);
    }
    let mut scale = Scale { document, variables, fragments: HashMap::new() };
    let mut total = Weight::default();
    for (_, operation) in document.operations.iter() {
        total.add(Weight { directives: count(&operation.node.directives), ..Weight::default() });
        total.add(scale.selections(&operation.node.selection_set.node)?);
    }
    total.check()
}

struct Scale<'a> {
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    /// `None` while the fragment is being weighed: meeting it again then means that it spreads itself.
    fragments: HashMap<&'a str, Option<Weight>>,
}

impl<'a> Scale<'a> {
    fn selections(&mut self, set: &'a SelectionSet) -> Result<Weight, Limit> {
        let mut total = Weight::default();
        for selection in &set.items {
            let mut weight = match &selection.node {
                Selection::Field(field) => self.field(&field.node)?,
                Selection::InlineFragment(fragment) => self.selections(&fragment.node.selection_set.node)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node)?,
            };
            weight.directives = weight.directives.saturating_add(count(selection.node.directives()));
            total.add(weight);
        }
        Ok(total)
    }

    fn field(&mut self, field: &'a Field) -> Result<Weight, Limit> {
        let inner = self.selections(&field.selection_set.node)?;
        let name = field.name.node.as_str();
        let mut once = inner.once;
        if let Some(place) = ONCE.iter().position(|known| *known == name) {
            once[place] = once[place].saturating_add(1);
        }
        Ok(Weight {
            once,
            fields: inner.fields.saturating_add(1),
            depth: inner.depth + 1,
            aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
            directives: inner.directives,
            complexity: self.multiplier(field).saturating_mul(inner.complexity).saturating_add(1 + looking_back(field)),
        })
    }

    fn fragment(&mut self, name: &'a Name) -> Result<Weight, Limit> {
        match self.fragments.get(name.as_str()) {
            Some(Some(weight)) => return Ok(*weight),
            Some(None) => return Err(Limit::Cycle),
            None => {}
        }
        // A fragment that is not there weighs nothing; validation will say so.
        let Some(fragment) = self.document.fragments.get(name.as_str()) else { return Ok(Weight::default()) };
        self.fragments.insert(name.as_str(), None);
        let weight = self.selections(&fragment.node.selection_set.node)?;
        self.fragments.insert(name.as_str(), Some(weight));
        Ok(weight)
    }

    /// How many objects a field may answer with.
    fn multiplier(&self, field: &Field) -> u64 {
        let argument = |name: &&str| {
            let value = field.get_argument(name)?.node.clone().into_const_with(|name| self.variables.get(&name).cloned().ok_or(()));
            match value {
                Ok(Value::Number(number)) => Some(number.as_u64().unwrap_or(0)),
                _ => None,
            }
        };
        // As many as are asked for by id, and as many as can be where the ids are not known yet.
        if field.name.node == "nodes"
            && let Some(ids) = field.get_argument("ids")
        {
            let ids = ids.node.clone().into_const_with(|name| self.variables.get(&name).cloned().ok_or(()));
            return match ids {
                Ok(Value::List(ids)) => count(&ids),
                Ok(_) => 1,
                Err(()) => IDS_MAX,
            };
        }
        let asked = ["first", "last"].iter().find_map(argument);
        let usual = match field.name.node.as_str() {
            "emails" | "suppressions" | "accountHistory" => 25,
            "deliveryStats" => 30,
            "stateDiff" => 50,
            "timeline" | "nodes" => 10,
            "recipients" | "organizations" | "members" | "apiKeys" | "smtpServers" | "causes" => 5,
            _ => 1,
        };
        asked.unwrap_or(usual)
    }
}

/// What is told of the past is folded from the log, however little of it is shown.
fn looking_back(field: &Field) -> u64 {
    match field.name.node.as_str() {
        "stateDiff" => STATE_DIFF_COST,
        _ if ["asOf", "asOfPosition"].iter().any(|name| field.get_argument(name).is_some()) => AS_OF_COST,
        _ => 0,
    }
}

fn count<T>(items: &[T]) -> u64 {
    items.len() as u64
}
