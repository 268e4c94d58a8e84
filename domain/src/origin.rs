//! Where a request came from.

use crate::personal_data;

personal_data! {
    /// The network address and program of whoever asked for something. Sealed per day, for the acting person.
    pub struct RequestOrigin: UsageData, Ops, of ActingPerson, rows "M1.3 M1.4 C4.8", for Service | Security | Abuse | SubjectRights {
        /// Textual IP address.
        pub ip: Option<String>,
        /// `User-Agent`, cut to 512 bytes.
        pub user_agent: Option<String>,
    }
}
