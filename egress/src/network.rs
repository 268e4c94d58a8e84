//! A range of addresses, written `10.0.0.0/8`.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses that share their first bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a network of the form address/prefix, such as 10.0.0.0/8 or fd00::/8")]
pub struct NetworkError;

impl Network {
    /// `prefix` is the number of bits that count: at most 32 for IPv4, 128 for IPv6.
    pub fn new(address: IpAddr, prefix: u8) -> Result<Self, NetworkError> {
        if prefix > width(address) { Err(NetworkError) } else { Ok(Self { address, prefix }) }
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        if width(address) != width(self.address) {
            return false;
        }
        let ignored = u32::from(width(address) - self.prefix);
        // Shifting by the whole width overflows: a prefix of zero takes everything.
        let kept = |address: IpAddr| bits(address).checked_shr(ignored).unwrap_or(0);
        kept(address) == kept(self.address)
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// A lone address is the network of just that address.
    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let Some((address, prefix)) = text.split_once('/') else {
            let address = text.parse().map_err(|_| NetworkError)?;
            return Self::new(address, width(address));
        };
        let address = address.parse().map_err(|_| NetworkError)?;
        Self::new(address, prefix.parse().map_err(|_| NetworkError)?)
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}
