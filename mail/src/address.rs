//! Addresses as SMTP commands and header fields write them.

use lettre::Address;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an email address that mail can be sent to")]
pub struct AddressError;

/// Whether mail can be composed and sent for `address`: `local@domain`, without a display name.
pub fn check_address(address: &str) -> Result<(), AddressError> {
    parse(address).map(drop)
}

/// An address whose domain is in ASCII. An international domain has a spelling that every server understands (RFC 5891); a local part
/// outside ASCII has none, and needs a server that offers SMTPUTF8.
pub(crate) fn parse(address: &str) -> Result<Address, AddressError> {
    // A quoted local part may hold almost anything; what could end a command or a line it may not.
    if address.chars().any(|character| character.is_control() || character == '<' || character == '>') {
        return Err(AddressError);
    }
    let parsed: Address = address.parse().map_err(|_| AddressError)?;
    if parsed.domain().is_ascii() {
        return Ok(parsed);
    }
    let domain = idna::domain_to_ascii(parsed.domain()).map_err(|_| AddressError)?;
    Address::new(parsed.user(), domain).map_err(|_| AddressError)
}
