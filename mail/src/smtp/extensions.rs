//! What a server says it can do (RFC 1869).

use crate::Reply;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Extensions {
    pub start_tls: bool,
    pub pipelining: bool,
    pub eight_bit: bool,
    pub international_addresses: bool,
    pub login_plain: bool,
    pub login_login: bool,
    /// Whether a size may be announced.
    pub size: bool,
    /// The largest message in bytes, where the server says so.
    pub size_max: Option<u64>,
}

impl Extensions {
    pub fn read(hello: &Reply) -> Self {
        let mut extensions = Self::default();
        for line in hello.lines().skip(1) {
            let line = line.to_ascii_uppercase();
            // "AUTH=LOGIN" is how servers wrote it before the standard did.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("STARTTLS") => extensions.start_tls = true,
                Some("PIPELINING") => extensions.pipelining = true,
                Some("8BITMIME") => extensions.eight_bit = true,
                Some("SMTPUTF8") => extensions.international_addresses = true,
                Some("SIZE") => {
                    extensions.size = true;
                    // Zero means that there is no fixed limit (RFC 1870).
                    extensions.size_max = words.next().and_then(|number| number.parse().ok()).filter(|limit| *limit > 0);
                }
                Some("AUTH") => {
                    for mechanism in words {
                        extensions.login_plain |= mechanism == "PLAIN";
                        extensions.login_login |= mechanism == "LOGIN";
                    }
                }
                _ => {}
            }
        }
        extensions
    }
}
