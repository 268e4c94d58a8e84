//! Where a request came from.

use crate::data_policy::personal_data;

personal_data! {
    /// The network address and program of whoever asked (rows M1.3, C4.8). Sealed per day, for the acting person.
    pub struct RequestOrigin: UsageData, Ops, for Service | Security | Abuse | SubjectRights {
        /// Textual IP address.
        pub ip: Option<String>,
        /// `User-Agent`, cut to 512 bytes.
        pub user_agent: Option<String>,
    }
}
