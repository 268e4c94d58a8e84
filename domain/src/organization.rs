//! An organisation: its members, their roles, and how its mail leaves.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::user::Traced;
use crate::{Category, Draft, KeyId, Personal, RequestOrigin, Sealed, Slot, Slots, SmtpServerId, Timestamp, UserId};
use std::collections::BTreeMap;

personal_data! {
    /// What an organisation is called.
    pub struct OrganizationDetails: AccountData, Id, of Organization, rows "M1.1 C4.1", for Service | Security | Support | SubjectRights {
        /// Its name.
        pub name: String,
    }
}

vocabulary! {
    /// What a member may do.
    pub enum Role {
        /// Everything.
        Owner,
        /// Everything but closing the organisation and changing owners.
        Admin,
        /// Sending and reading.
        Member,
    }
    /// Why an organisation was closed.
    pub enum ClosureReason {
        Requested,
        /// Its last owner was forgotten.
        OwnerErased,
    }
}

facts! {
    pub struct OrganizationCreated {
        pub details: Slot<OrganizationDetails>,
        pub origin: Slot<RequestOrigin>,
    }
    pub struct MemberJoined {
        pub user: UserId,
        pub role: Role,
    }
    pub struct MemberLeft {
        pub user: UserId,
    }
    /// From now on the organisation's mail goes through this server instead of the sandbox.
    pub struct SmtpServerSelected {
        pub smtp_server: SmtpServerId,
        pub origin: Slot<RequestOrigin>,
    }
    pub struct OrganizationClosed {
        pub reason: ClosureReason,
    }
}

events! {
    pub enum OrganizationEvent {
        OrganizationCreated(OrganizationCreated) = 1,
        MemberJoined(MemberJoined) = 1,
        MemberLeft(MemberLeft) = 1,
        SmtpServerSelected(SmtpServerSelected) = 1,
        OrganizationClosed(OrganizationClosed) = 1,
    }
}

/// An organisation as its events leave it.
#[derive(Clone, Debug, Default)]
pub struct Organization {
    pub details: Option<Sealed<OrganizationDetails>>,
    pub members: BTreeMap<UserId, Role>,
    /// Since when each member belongs to it.
    pub joined_at: BTreeMap<UserId, Timestamp>,
    /// `None`: mail is captured by the built-in sandbox.
    pub smtp_server: Option<SmtpServerId>,
    pub closed: bool,
    pub created_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
}

impl Aggregate for Organization {
    type Event = OrganizationEvent;
    const CATEGORY: Category = Category::Organization;

    fn evolve(&mut self, recorded: &Recorded<OrganizationEvent>) {
        match &recorded.event {
            OrganizationEvent::OrganizationCreated(event) => {
                self.details = Some(recorded.sealed(event.details));
                self.created_at = Some(recorded.header.occurred_at);
            }
            OrganizationEvent::MemberJoined(event) => {
                self.members.insert(event.user, event.role);
                // Another role is not another beginning.
                self.joined_at.entry(event.user).or_insert(recorded.header.occurred_at);
            }
            OrganizationEvent::MemberLeft(event) => {
                self.members.remove(&event.user);
                self.joined_at.remove(&event.user);
            }
            OrganizationEvent::SmtpServerSelected(event) => self.smtp_server = Some(event.smtp_server),
            OrganizationEvent::OrganizationClosed(_) => {
                self.closed = true;
                self.closed_at = Some(recorded.header.occurred_at);
            }
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationRefusal {
    #[error("the organisation does not exist or is closed")]
    NotOpen,
}

impl Organization {
    /// Whether it exists and works.
    pub fn is_open(&self) -> bool {
        self.details.is_some() && !self.closed
    }

    pub fn create(
        &self,
        owner: UserId,
        details: &Personal<OrganizationDetails>,
        key: KeyId,
        origin: Traced<'_>,
    ) -> Vec<Draft<OrganizationEvent>> {
        if self.details.is_some() {
            return vec![];
        }
        let mut slots = Slots::default();
        let created = OrganizationCreated { details: slots.put(Some(key), details), origin: slots.put(origin.key, origin.origin) };
        vec![Draft::new(created, slots), Draft::plain(MemberJoined { user: owner, role: Role::Owner })]
    }

    pub fn select_smtp_server(
        &self,
        smtp_server: SmtpServerId,
        origin: Traced<'_>,
    ) -> Result<Vec<Draft<OrganizationEvent>>, OrganizationRefusal> {
        if !self.is_open() {
            return Err(OrganizationRefusal::NotOpen);
        }
        if self.smtp_server == Some(smtp_server) {
            return Ok(vec![]);
        }
        Ok(vec![origin.draft(|origin| SmtpServerSelected { smtp_server, origin })])
    }

    /// A member goes. Where that was the last owner, nobody could run the organisation any more: it is closed.
    pub fn remove_member(&self, user: UserId) -> Vec<Draft<OrganizationEvent>> {
        if !self.members.contains_key(&user) {
            return vec![];
        }
        let mut drafts = vec![Draft::plain(MemberLeft { user })];
        let owner_remains = self.members.iter().any(|(member, role)| *member != user && *role == Role::Owner);
        if !owner_remains && !self.closed {
            drafts.push(Draft::plain(OrganizationClosed { reason: ClosureReason::OwnerErased }));
        }
        drafts
    }
}
