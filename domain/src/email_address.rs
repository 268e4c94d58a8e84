//! E-mail addresses and mailboxes: parsed once at the edge, valid ever after.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// `local@domain`, ASCII, within RFC 5321's limits (local part 64 octets, domain 255, path 254). Quoted local parts and address literals are not taken.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress(String);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("an address has the form local@domain")]
    Malformed,
    #[error("an address has at most 254 characters, 64 of them before the @")]
    TooLong,
    #[error("the address holds a character that may not stand there")]
    ForbiddenCharacter,
}

impl EmailAddress {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Normalisation v1, by which addresses are looked up: ASCII lower case, nothing else. Never changed; a better one is a new version.
    pub fn normalized(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// The part before the @.
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(local, _)| local)
    }

    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }
}

impl FromStr for EmailAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim_matches(' ');
        let (local, domain) = text.rsplit_once('@').ok_or(AddressError::Malformed)?;
        if local.len() > 64 || text.len() > 254 {
            return Err(AddressError::TooLong);
        }
        check_local_part(local)?;
        check_domain(domain)?;
        Ok(Self(text.to_owned()))
    }
}

/// RFC 5321 Dot-string: atoms of `atext`, joined by single dots.
fn check_local_part(local: &str) -> Result<(), AddressError> {
    let is_atext = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    if local.split('.').any(str::is_empty) {
        return Err(AddressError::Malformed);
    }
    if !local.bytes().all(|byte| is_atext(byte) || byte == b'.') {
        return Err(AddressError::ForbiddenCharacter);
    }
    Ok(())
}

/// Two or more labels of letters, digits and inner hyphens (RFC 1035), the last not all digits.
fn check_domain(domain: &str) -> Result<(), AddressError> {
    if !domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.') {
        return Err(AddressError::ForbiddenCharacter);
    }
    let is_label = |label: &str| (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
    let last = domain.rsplit('.').next().unwrap_or("");
    if !domain.contains('.') || !domain.split('.').all(is_label) || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(AddressError::Malformed);
    }
    Ok(())
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EmailAddress(…)")
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = AddressError;
    fn try_from(text: String) -> Result<Self, AddressError> {
        text.parse()
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> String {
        address.0
    }
}

/// An address with an optional display name: `Name <local@domain>`, `"Name" <local@domain>` or `local@domain`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    pub name: Option<String>,
    pub address: EmailAddress,
}

impl FromStr for Mailbox {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let text = text.trim_matches(' ');
        let Some(open) = text.strip_suffix('>') else {
            return Ok(Self { name: None, address: text.parse()? });
        };
        let (name, address) = open.rsplit_once('<').ok_or(AddressError::Malformed)?;
        Mailbox::new(Some(name), address)
    }
}

impl Mailbox {
    /// A mailbox of a display name as people type it (quotes around it are taken off) and an address.
    pub fn new(name: Option<&str>, address: &str) -> Result<Self, AddressError> {
        let name = name.map(str::trim).map(|name| name.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(name));
        let name = name.filter(|name| !name.is_empty());
        if name.is_some_and(|name| name.len() > 320) {
            return Err(AddressError::TooLong);
        }
        if name.is_some_and(|name| name.chars().any(char::is_control)) {
            return Err(AddressError::ForbiddenCharacter);
        }
        Ok(Self { name: name.map(str::to_owned), address: address.parse()? })
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailbox(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_its_case_and_looked_up_without() {
        let address: EmailAddress = "Ada.Lovelace+x@Example.COM".parse().unwrap();
        assert_eq!(address.as_str(), "Ada.Lovelace+x@Example.COM");
        assert_eq!(address.normalized(), "ada.lovelace+x@example.com");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.com", "a".repeat(65));
        for text in [
            "",
            "a",
            "a@",
            "@example.com",
            "a@b",
            "a@-b.com",
            "a@b..com",
            ".a@b.com",
            "a..b@b.com",
            "a@1.2.3.4",
            "a b@c.de",
            "a@b.com\r\nBcc: x@y.z",
            "a@[127.0.0.1]",
            &long,
        ] {
            assert!(text.parse::<EmailAddress>().is_err(), "{text:?} was taken");
        }
    }

    #[test]
    fn a_mailbox_has_an_optional_name() {
        let named: Mailbox = "\"Ada L.\" <ada@example.com>".parse().unwrap();
        assert_eq!(named.name.as_deref(), Some("Ada L."));
        let bare: Mailbox = "ada@example.com".parse().unwrap();
        assert_eq!(bare.name, None);
        assert_eq!("Ada\r\nBcc: b <ada@example.com>".parse::<Mailbox>(), Err(AddressError::ForbiddenCharacter));
    }
}
