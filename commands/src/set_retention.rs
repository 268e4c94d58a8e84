//! An organisation decides for how long its days are kept, and by which years its books. No event is touched: only the time at which keys die changes (row M4.5).

use crate::{Commands, Failure, Request};
use domain::{
    Category, FiscalYearStart, Organization, OrganizationId, OrganizationRefusal, Position, RetentionChangeGround, StreamName, Traced,
};

pub struct SetRetention {
    pub days: u16,
    pub ground: RetentionChangeGround,
}

impl Commands {
    /// Longer counts when this returns; shorter after the notice.
    pub async fn set_retention(&self, by: &Request, request: SetRetention) -> Result<Position, Failure<OrganizationRefusal>> {
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let now = self.clock.now();
        let SetRetention { days, ground } = request;
        let decide = |organization: &Organization| organization.set_retention(days, ground, now, traced);
        Ok(self.decide(by, own_stream(by.organization), decide).await?.position)
    }

    pub async fn choose_fiscal_year(&self, by: &Request, first_month: FiscalYearStart) -> Result<Position, Failure<OrganizationRefusal>> {
        let traced = Traced { key: self.origin_key(by).await?, origin: &by.origin };
        let decide = |organization: &Organization| organization.choose_fiscal_year(first_month, traced);
        Ok(self.decide(by, own_stream(by.organization), decide).await?.position)
    }
}

fn own_stream(organization: OrganizationId) -> StreamName {
    StreamName::new(Category::Organization, organization, organization.0)
}
