//! A state as named values, so that two states of whatever kind can be shown and compared.

mod account;
mod email;
mod organization;

use domain::{Actor, Aggregate, Category, DataName, OrganizationId, PersonalData, SealContext, Sealed, SlotContent, StreamName, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use uuid::Uuid;

/// By name; what is not there has no value. Parts of a thing are named with a dot, as in `recipients.0.state`.
pub type Fields = BTreeMap<String, FieldValue>;

/// A state that can be told field by field.
pub trait Portrait: Aggregate {
    fn fields(&self, organization: OrganizationId) -> Fields;
}

#[derive(Clone, Debug, PartialEq)]
pub enum FieldValue {
    /// A number, a flag, a word of a closed vocabulary, or a list of such.
    Plain(serde_json::Value),
    Time(Timestamp),
    /// Another thing with a stream of its own.
    Thing(StreamName),
    /// Personal data, as the event holds it. Two envelopes are different even where they hold the same.
    Sealed(SealedValue),
}

/// Personal data whose kind is told by its entry in the data policy.
#[derive(Clone, Debug, PartialEq)]
pub struct SealedValue {
    /// What it is, by its name in the data policy.
    pub data: DataName,
    pub context: SealContext,
    pub content: SlotContent,
}

/// Collects the fields that have a value.
struct Telling {
    organization: OrganizationId,
    fields: Fields,
}

impl Telling {
    fn of(organization: OrganizationId) -> Self {
        Self { organization, fields: Fields::new() }
    }

    fn set(&mut self, name: impl Into<String>, value: FieldValue) {
        self.fields.insert(name.into(), value);
    }

    fn plain(&mut self, name: impl Into<String>, value: impl Serialize) {
        let value = serde_json::to_value(value).expect("facts always have a JSON form");
        if !value.is_null() {
            self.set(name, FieldValue::Plain(value));
        }
    }

    fn time(&mut self, name: impl Into<String>, time: Option<Timestamp>) {
        if let Some(time) = time {
            self.set(name, FieldValue::Time(time));
        }
    }

    fn thing(&mut self, name: impl Into<String>, category: Category, id: Option<Uuid>) {
        if let Some(id) = id {
            // People and the platform's own things belong to the platform.
            let organization = if category == Category::User { OrganizationId::PLATFORM } else { self.organization };
            self.set(name, FieldValue::Thing(StreamName::new(category, organization, id)));
        }
    }

    /// Who acted; for Lethemail itself its part's name.
    fn actor(&mut self, name: impl Into<String>, actor: Option<Actor>) {
        match actor {
            Some(Actor::Member(user)) => self.thing(name, Category::User, Some(user.0)),
            Some(Actor::ApiKey(key)) => self.thing(name, Category::ApiKey, Some(key.0)),
            Some(Actor::System(part)) => self.plain(name, part),
            None => {}
        }
    }

    fn sealed<T: PersonalData>(&mut self, name: impl Into<String>, sealed: Option<&Sealed<T>>) {
        if let Some(sealed) = sealed {
            let (context, content) = (sealed.context.clone(), sealed.content.clone());
            self.set(name, FieldValue::Sealed(SealedValue { data: T::ENTRY.data, context, content }));
        }
    }
}
