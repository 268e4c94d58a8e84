//! People with an account, and erasures.

use super::{Fields, Portrait, Telling};
use domain::{Category, Erasure, OrganizationId, User};

impl Portrait for User {
    fn fields(&self, organization: OrganizationId) -> Fields {
        let mut telling = Telling::of(organization);
        telling.sealed("details", self.details.as_ref());
        telling.sealed("password", self.password.as_ref());
        telling.time("signed_up_at", self.signed_up_at);
        telling.plain("confirmed", self.confirmed);
        telling.plain("closed", self.closed);
        for joined in &self.organizations {
            telling.plain(format!("organizations.{joined}"), "joined");
        }
        for (session, expires_at) in self.sessions() {
            telling.time(format!("sessions.{session}.expires_at"), Some(expires_at));
        }
        telling.fields
    }
}

impl Portrait for Erasure {
    fn fields(&self, organization: OrganizationId) -> Fields {
        let mut telling = Telling::of(organization);
        telling.plain("target", self.target);
        telling.thing("user", Category::User, self.user.map(|user| user.0));
        telling.sealed("case", self.case.as_ref());
        telling.plain("keep_suppressed", self.keep_suppressed);
        telling.time("due_at", self.due_at);
        telling.plain("approved", self.approved);
        telling.plain("refused", self.refused);
        telling.time("started_at", self.started_at);
        if let Some(started) = &self.started {
            telling.plain("keys", &started.keys);
            telling.plain("retained", &started.retained);
        }
        telling.plain("destroyed", self.destroyed);
        telling.plain("certified", self.certified);
        telling.fields
    }
}
