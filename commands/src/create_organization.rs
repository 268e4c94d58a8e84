//! A person founds an organisation and becomes its owner.

use crate::{Commands, Failure, Request};
use domain::{
    Category, Class, Organization, OrganizationDetails, OrganizationId, Personal, Position, StreamName, Traced, User, UserId, UserRefusal,
};
use vault::{KeyName, Subject};

const NAME_CHARACTERS_MAX: usize = 200;

pub struct CreateOrganization {
    pub owner: UserId,
    pub name: Personal<String>,
}

pub struct OrganizationMade {
    pub organization: OrganizationId,
    pub position: Position,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CreateOrganizationRefusal {
    #[error("a name has 1 to 200 characters and no control characters")]
    NameInvalid,
    #[error(transparent)]
    Rule(UserRefusal),
}

impl Commands {
    pub async fn create_organization(
        &self,
        by: &Request,
        request: CreateOrganization,
    ) -> Result<OrganizationMade, Failure<CreateOrganizationRefusal>> {
        let name = request.name.expose();
        if !is_display_name(name) {
            return Err(Failure::Refused(CreateOrganizationRefusal::NameInvalid));
        }
        let organization = OrganizationId(self.ids.time_ordered(self.clock.now()));
        let key = KeyName { organization, subject: Subject::Organization, class: Class::Id };
        let key = self.key(key).await?;
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        // The person's own stream first: a crash between the two leaves a person who joined nothing, never an organisation that nobody finds.
        let own = StreamName::new(Category::User, OrganizationId::PLATFORM, request.owner.0);
        self.decide(by, own, |user: &User| user.join(organization)).await.map_err(|f| f.map_refusal(CreateOrganizationRefusal::Rule))?;
        let stream = StreamName::new(Category::Organization, organization, organization.0);
        let details = Personal::new(OrganizationDetails { name: name.trim().to_owned() });
        let recorded = self.decide(by, stream, |state: &Organization| Ok(state.create(request.owner, &details, key, traced))).await?;
        Ok(OrganizationMade { organization, position: recorded.position })
    }
}

/// What people may call things: 1 to 200 characters, none of them a control character.
pub(crate) fn is_display_name(name: &str) -> bool {
    !name.trim().is_empty() && name.chars().count() <= NAME_CHARACTERS_MAX && !name.chars().any(char::is_control)
}
