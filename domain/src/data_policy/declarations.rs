//! What the policies say that no software makes true: it is said, and meant (rows that the requirements call declarations).

pub struct Declaration {
    /// Rows of the requirements, with spaces between them.
    pub rows: &'static str,
    pub says: &'static str,
}

pub const DECLARATIONS: &[Declaration] = &[
    Declaration { rows: "M0.1", says: "We are committed to protecting your privacy." },
    Declaration { rows: "C8.2 M6.6b", says: "No method of transmission or storage is perfectly secure." },
    Declaration {
        rows: "C12.2",
        says: "Your use of services that you connect, such as your own mail server, is governed by their own terms and policies.",
    },
];
