//! The legal ground of each use (rows C6.1–C6.4): one for each purpose and category, and none where the data is not used for that.

use super::{DataCategory, Purpose};
use crate::fact::vocabulary;

vocabulary! {
    /// Article 6(1) GDPR.
    pub enum LegalBasis {
        Contract,
        LegitimateInterest,
        /// Nothing rests on it today: there is no analytics, and no mail of our own that needs it.
        Consent,
        LegalObligation,
    }
}

impl LegalBasis {
    pub const fn told(self) -> &'static str {
        match self {
            LegalBasis::Contract => "Contract: to provide the service that you asked for (Article 6(1)(b) GDPR).",
            LegalBasis::LegitimateInterest => {
                "Legitimate interest: to keep the service secure and to prevent abuse (Article 6(1)(f) GDPR)."
            }
            LegalBasis::Consent => "Consent: asked for where it is needed, and can be withdrawn (Article 6(1)(a) GDPR).",
            LegalBasis::LegalObligation => "Legal obligation: to comply with the law (Article 6(1)(c) GDPR).",
        }
    }

    pub const fn row(self) -> &'static str {
        match self {
            LegalBasis::Contract => "C6.1",
            LegalBasis::LegitimateInterest => "C6.2",
            LegalBasis::Consent => "C6.3",
            LegalBasis::LegalObligation => "C6.4",
        }
    }
}

/// On what ground data of a category is used for a purpose; `None`: it is not.
pub const fn basis(category: DataCategory, purpose: Purpose) -> Option<LegalBasis> {
    use DataCategory::{AccountData, EmailContent, EmailMetadata, OauthTokens, SmtpCredentials, UsageData};
    use LegalBasis::{Contract, LegalObligation, LegitimateInterest};
    Some(match (category, purpose) {
        (EmailContent, Purpose::Deliver | Purpose::Render) => Contract,
        // A text is not used for anything else: no row of M2.10 would hold otherwise.
        (EmailContent, _) => return None,
        (SmtpCredentials, Purpose::Service | Purpose::SmtpAuth | Purpose::Support) => Contract,
        (OauthTokens, Purpose::SmtpAuth) => Contract,
        (AccountData | SmtpCredentials | EmailMetadata | UsageData, Purpose::SubjectRights) => LegalObligation,
        (SmtpCredentials | OauthTokens, _) => return None,
        (AccountData, Purpose::Service | Purpose::Security | Purpose::Support) => Contract,
        (AccountData, Purpose::LegalObligation) => LegalObligation,
        (EmailMetadata, Purpose::Service | Purpose::Deliver | Purpose::Support) => Contract,
        (EmailMetadata, Purpose::Security | Purpose::Abuse) => LegitimateInterest,
        (UsageData, Purpose::Service) => Contract,
        (UsageData, Purpose::Security | Purpose::Abuse) => LegitimateInterest,
        (AccountData | EmailMetadata | UsageData, _) => return None,
    })
}
