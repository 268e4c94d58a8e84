//! Values that stand in facts for something that must not, or is too much: hashes of tokens, look-up values, roots of trees.

use crate::Fact;
use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! hex_bytes {
    ($($(#[$doc:meta])* $name:ident($length:literal);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(pub [u8; $length]);

        impl Fact for $name {
            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "pattern": format!("^[0-9a-f]{{{}}}$", 2 * $length) })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                let mut bytes = [0; $length];
                let digits = text.as_bytes();
                if digits.len() != 2 * $length {
                    return Err(serde::de::Error::custom("wrong number of hex digits"));
                }
                for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
                    let pair = std::str::from_utf8(pair).map_err(serde::de::Error::custom)?;
                    *byte = u8::from_str_radix(pair, 16).map_err(serde::de::Error::custom)?;
                }
                Ok(Self(bytes))
            }
        }
    )*};
}

hex_bytes! {
    /// SHA-256 of a random 256-bit token, which is shown once and never stored.
    TokenHash(32);
    /// Keyed hash of a value that people typed (a tag), under a key that dies with the day's bucket.
    LookupValue(16);
    /// Root of a Merkle tree (RFC 6962).
    RootHash(32);
    /// An Ed25519 public key.
    PublicKey(32);
}
