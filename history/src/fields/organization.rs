//! Organisations and what they have.

use super::{Fields, Portrait, Telling};
use domain::{ApiKey, Category, FiscalYearStart, Hold, Organization, OrganizationId, SmtpServer, Suppression};

impl Portrait for Organization {
    fn fields(&self, organization: OrganizationId) -> Fields {
        let mut telling = Telling::of(organization);
        telling.sealed("details", self.details.as_ref());
        telling.time("created_at", self.created_at);
        telling.time("closed_at", self.closed_at);
        telling.thing("smtp_server", Category::SmtpServer, self.smtp_server.map(|server| server.0));
        if let Some(term) = self.retention.decided() {
            telling.plain("retention.days", term.days);
            telling.plain("retention.ground", term.ground);
            telling.time("retention.effective_at", Some(term.effective_at));
        }
        if self.fiscal_year != FiscalYearStart::default() {
            telling.plain("fiscal_year.first_month", self.fiscal_year);
        }
        for (user, role) in &self.members {
            telling.plain(format!("members.{user}.role"), role);
            telling.time(format!("members.{user}.joined_at"), self.joined_at.get(user).copied());
        }
        telling.fields
    }
}

impl Portrait for ApiKey {
    fn fields(&self, organization: OrganizationId) -> Fields {
        let mut telling = Telling::of(organization);
        telling.sealed("details", self.details.as_ref());
        telling.plain("scopes", &self.scopes);
        telling.time("created_at", self.created_at);
        telling.actor("created_by", self.created_by);
        telling.time("revoked_at", self.revoked_at);
        telling.fields
    }
}

impl Portrait for SmtpServer {
    fn fields(&self, organization: OrganizationId) -> Fields {
        let mut telling = Telling::of(organization);
        if let Some(settings) = &self.settings {
            telling.sealed("details", Some(&settings.details));
            telling.sealed("secret", settings.secret.as_ref());
            telling.plain("secret_version", settings.secret_version);
            telling.plain("port", settings.port);
            telling.plain("tls_mode", settings.tls_mode);
            telling.plain("tls_version", settings.tls_version);
            telling.time("connected_at", Some(settings.connected_at));
        }
        telling.fields
    }
}

impl Portrait for Suppression {
    fn fields(&self, organization: OrganizationId) -> Fields {
        let mut telling = Telling::of(organization);
        telling.sealed("details", self.details.as_ref());
        telling.plain("reason", self.reason);
        telling.time("since", self.since);
        telling.time("lifted_at", self.lifted_at);
        telling.thing("erasure", Category::Erasure, self.erasure.map(|erasure| erasure.0));
        telling.fields
    }
}

impl Portrait for Hold {
    fn fields(&self, organization: OrganizationId) -> Fields {
        let mut telling = Telling::of(organization);
        telling.plain("target", &self.target);
        telling.plain("ground", self.ground);
        telling.time("requested_at", self.requested_at);
        telling.time("expires_at", self.expires_at);
        for (approver, approved_at) in &self.approvals {
            telling.time(format!("approvals.{approver}"), Some(*approved_at));
        }
        telling.time("released_at", self.released_at);
        telling.plain("expired", self.expired);
        telling.fields
    }
}
