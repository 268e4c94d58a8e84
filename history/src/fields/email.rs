//! Messages.

use super::{Fields, Portrait, Telling};
use domain::{Category, Email, OrganizationId, Transport};

impl Portrait for Email {
    fn fields(&self, organization: OrganizationId) -> Fields {
        let mut telling = Telling::of(organization);
        let Some(queued) = &self.queued else { return telling.fields };
        telling.sealed("sender", Some(&queued.sender));
        telling.time("created_at", Some(queued.queued_at));
        telling.actor("created_by", Some(queued.queued_by));
        telling.plain("interface", queued.interface);
        telling.plain("size_bytes", queued.size_bytes);
        match queued.transport {
            Transport::Sandbox => telling.plain("transport", "sandbox"),
            Transport::SmtpServer(server) => telling.thing("transport", Category::SmtpServer, Some(server.0)),
        }
        telling.plain("status", self.delivery.status());
        telling.plain("attempts", self.delivery.attempts);
        telling.time("scheduled_at", self.delivery.scheduled_at);
        telling.time("due_at", self.delivery.due_at);
        for (number, (recipient, state)) in queued.recipients.iter().zip(&self.delivery.states).enumerate() {
            telling.sealed(format!("recipients.{number}.details"), Some(&recipient.details));
            telling.plain(format!("recipients.{number}.field"), recipient.field);
            telling.plain(format!("recipients.{number}.state"), state);
        }
        telling.fields
    }
}
