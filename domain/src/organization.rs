//! An organisation: its members, their roles, and how its mail leaves.

use crate::aggregate::{Aggregate, Recorded};
use crate::fact::{events, facts, vocabulary};
use crate::personal_data;
use crate::user::Traced;
use crate::{
    Category, Draft, FiscalYearChosen, FiscalYearStart, KeyId, Personal, RETENTION_DAYS_ALLOWED, RequestOrigin, Retention,
    RetentionChangeGround, RetentionExtended, RetentionShortened, SHORTENING_NOTICE, Sealed, Slot, Slots, SmtpServerId, Timestamp, UserId,
};
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
        RetentionExtended(RetentionExtended) = 1,
        RetentionShortened(RetentionShortened) = 1,
        FiscalYearChosen(FiscalYearChosen) = 1,
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
    pub retention: Retention,
    pub fiscal_year: FiscalYearStart,
    pub closed: bool,
    pub closed_because: Option<ClosureReason>,
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
            OrganizationEvent::OrganizationClosed(event) => {
                self.closed = true;
                self.closed_because = Some(event.reason);
                self.closed_at = Some(recorded.header.occurred_at);
            }
            OrganizationEvent::RetentionExtended(event) => self.retention.extended(event),
            OrganizationEvent::RetentionShortened(event) => self.retention.shortened(event, recorded.header.occurred_at),
            OrganizationEvent::FiscalYearChosen(event) => self.fiscal_year = event.first_month,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OrganizationRefusal {
    #[error("the organisation does not exist or is closed")]
    NotOpen,
    #[error("data is kept for 1 to 3650 days")]
    RetentionOutOfRange,
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

    /// More days count at once, and withdraw a shortening whose notice still runs. Fewer count when the notice has run out.
    pub fn set_retention(
        &self,
        days: u16,
        ground: RetentionChangeGround,
        now: Timestamp,
        origin: Traced<'_>,
    ) -> Result<Vec<Draft<OrganizationEvent>>, OrganizationRefusal> {
        if !self.is_open() {
            return Err(OrganizationRefusal::NotOpen);
        }
        if !RETENTION_DAYS_ALLOWED.contains(&days) {
            return Err(OrganizationRefusal::RetentionOutOfRange);
        }
        let in_force = self.retention.days_at(now);
        if self.retention.upcoming_at(now).map_or(in_force, |term| term.days) == days {
            return Ok(vec![]);
        }
        Ok(vec![if days < in_force {
            origin.draft(|origin| RetentionShortened { days, ground, effective_at: now + SHORTENING_NOTICE, origin })
        } else {
            origin.draft(|origin| RetentionExtended { days, ground, effective_at: now, origin })
        }])
    }

    /// Holds for records that are made from now on.
    pub fn choose_fiscal_year(
        &self,
        first_month: FiscalYearStart,
        origin: Traced<'_>,
    ) -> Result<Vec<Draft<OrganizationEvent>>, OrganizationRefusal> {
        if !self.is_open() {
            return Err(OrganizationRefusal::NotOpen);
        }
        if self.fiscal_year == first_month {
            return Ok(vec![]);
        }
        Ok(vec![origin.draft(|origin| FiscalYearChosen { first_month, origin })])
    }

    /// It ends: nobody acts for it any more.
    pub fn close(&self, reason: ClosureReason) -> Vec<Draft<OrganizationEvent>> {
        if self.is_open() { vec![Draft::plain(OrganizationClosed { reason })] } else { vec![] }
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
