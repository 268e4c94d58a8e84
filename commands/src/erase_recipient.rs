//! An organisation has one of its recipients forgotten. As controller it instructs, so no further check of identity is made (row M8.3).

use crate::{Commands, Fault, Request, RequestRecipientErasure};
use domain::{ApprovalGround, EmailAddress, ErasureDecision, ErasureId, IdentityMeans, Personal, Position};

pub struct EraseRecipient {
    pub address: Personal<EmailAddress>,
    pub note: Option<Personal<String>>,
    /// Whether the address stays on the suppression list, so that it is not mailed again by accident.
    pub keep_suppressed: bool,
}

/// An erasure whose keys are destroyed in this process, unless a hold was in the way.
#[derive(Clone, Debug)]
pub struct ErasureBegun {
    pub erasure: ErasureId,
    pub position: Position,
    /// The end of the link to the certificate, for whoever opened the case; it is shown this once.
    pub link: Option<Personal<String>>,
    /// Nothing was destroyed: what should be forgotten is on hold, and restricted from now on.
    pub held: bool,
}

impl Commands {
    /// When it returns, no living key opens the person's data in this process, and within one lease in no other.
    pub async fn erase_recipient(&self, by: &Request, request: EraseRecipient) -> Result<ErasureBegun, Fault> {
        let EraseRecipient { address, note, keep_suppressed } = request;
        let request = RequestRecipientErasure { address, note, keep_suppressed, child: false };
        let decision = ErasureDecision::Approved(IdentityMeans::ControllerConfirmed, ApprovalGround::ControllerInstruction);
        let opened = self.open_recipient_case(by, request, decision).await?;
        let begun = self.carry_out_erasure(by, opened.erasure).await?;
        Ok(ErasureBegun { link: Some(opened.link), ..begun })
    }
}
