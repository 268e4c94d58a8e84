//! The ids that clients see in GraphQL: opaque, and they know what they name.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::{Category, OrganizationId, StreamName};
use uuid::Uuid;

/// Kind, organisation and object, as base64url of kind byte ‖ organisation ‖ id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NodeId {
    pub category: Category,
    pub organization: OrganizationId,
    pub id: Uuid,
}

const LENGTH: usize = 1 + 16 + 16;

impl NodeId {
    pub fn new(category: Category, organization: OrganizationId, id: Uuid) -> Self {
        Self { category, organization, id }
    }

    pub fn organization(id: OrganizationId) -> Self {
        Self::new(Category::Organization, id, id.0)
    }

    /// `None`: it was never one of ours. Callers treat that like an id of something that does not exist.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; LENGTH] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let category = Category::from_number(i16::from(bytes[0]))?;
        let organization = OrganizationId(Uuid::from_slice(&bytes[1..17]).ok()?);
        let id = Uuid::from_slice(&bytes[17..]).ok()?;
        Some(Self { category, organization, id })
    }

    /// The same, when it names something of that kind.
    pub fn parse_as(category: Category, text: &str) -> Option<Self> {
        Self::parse(text).filter(|node| node.category == category)
    }
}

/// The stream of the thing that a client's id names.
pub fn stream_of_id(id: &str) -> Option<StreamName> {
    NodeId::parse(id).map(|node| StreamName::new(node.category, node.organization, node.id))
}

impl std::fmt::Display for NodeId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut bytes = [0; LENGTH];
        bytes[0] = u8::try_from(self.category.number()).expect("there are a few categories, numbered from 1");
        bytes[1..17].copy_from_slice(self.organization.0.as_bytes());
        bytes[17..].copy_from_slice(self.id.as_bytes());
        f.write_str(&URL_SAFE_NO_PAD.encode(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_as_what_it_names_and_as_nothing_else() {
        let id = NodeId::new(Category::Email, OrganizationId(Uuid::from_u128(7)), Uuid::from_u128(9));
        assert_eq!(NodeId::parse(&id.to_string()), Some(id));
        assert_eq!(NodeId::parse_as(Category::ApiKey, &id.to_string()), None);
        for text in ["", "x", "AAAA", "not base64 at all !"] {
            assert_eq!(NodeId::parse(text), None);
        }
    }
}
