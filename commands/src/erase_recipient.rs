//! An organisation has one of its recipients forgotten. As controller it instructs, so no further check of identity is made (row M8.3).

use crate::{Commands, Failure, Fault, Request};
use domain::{Category, Class, EmailAddress, Erasure, ErasureCase, ErasureId, ErasureTarget, Personal, Position, StreamName};
use std::convert::Infallible;
use vault::{KeyName, Subject};

pub struct EraseRecipient {
    pub address: Personal<EmailAddress>,
    pub note: Option<Personal<String>>,
    /// Whether the address stays on the suppression list, so that it is not mailed again by accident.
    pub keep_suppressed: bool,
}

/// An erasure whose live part is done.
#[derive(Clone, Copy, Debug)]
pub struct ErasureBegun {
    pub erasure: ErasureId,
    pub position: Position,
}

impl Commands {
    /// When it returns, no living key opens the person's data in this process, and within one lease in no other.
    pub async fn erase_recipient(&self, by: &Request, request: EraseRecipient) -> Result<ErasureBegun, Fault> {
        let case = ErasureCase { address: request.address.expose().as_str().to_owned(), note: request.note.map(Personal::into_exposed) };
        let erasure = self.open_case(by, ErasureTarget::Recipient, None, &Personal::new(case), request.keep_suppressed).await?;
        self.carry_out_erasure(by, erasure).await
    }

    /// Records the request and its approval under a key of its own, which ends with the case.
    pub(crate) async fn open_case(
        &self,
        by: &Request,
        target: ErasureTarget,
        user: Option<domain::UserId>,
        case: &Personal<ErasureCase>,
        keep_suppressed: bool,
    ) -> Result<ErasureId, Fault> {
        let now = self.clock.now();
        let erasure = ErasureId(self.ids.time_ordered(now));
        let name = KeyName { organization: by.organization, subject: Subject::Requester(erasure.0), class: Class::Case };
        let key = self.key(name).await?;
        let stream = StreamName::new(Category::Erasure, by.organization, erasure.0);
        let requested = self
            .decide(by, stream, |erasure: &Erasure| Ok::<_, Infallible>(erasure.request(target, user, case, key, keep_suppressed, now)))
            .await;
        match requested {
            Ok(_) => Ok(erasure),
            Err(Failure::Fault(fault)) => Err(fault),
            Err(Failure::Refused(never)) => match never {},
        }
    }
}
