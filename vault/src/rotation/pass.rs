//! What a rotation goes through, in order.

/// A table of wrapped keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Keys,
    Buckets,
    Bodies,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass {
    Rewrap(Place),
    CopyAddresses,
    CheckAddresses,
    /// The new look-up table decides, and the old one goes.
    Settle,
    /// Every row is opened with the new key, which was read from its provider again.
    Check(Place),
    /// The old key is condemned, unless something stands in the way.
    Gate,
}

/// The stored numbers are places in this list, counted from 1; another order would be another program's.
const ORDER: [Pass; 10] = [
    Pass::Rewrap(Place::Keys),
    Pass::Rewrap(Place::Buckets),
    Pass::Rewrap(Place::Bodies),
    Pass::CopyAddresses,
    Pass::CheckAddresses,
    Pass::Settle,
    Pass::Check(Place::Keys),
    Pass::Check(Place::Buckets),
    Pass::Check(Place::Bodies),
    Pass::Gate,
];

impl Pass {
    pub(super) const FIRST: Self = ORDER[0];

    pub(super) fn number(self) -> i16 {
        let place = ORDER.iter().position(|pass| *pass == self).expect("every pass is in the list");
        i16::try_from(place + 1).expect("there are ten")
    }

    pub(super) fn from_number(number: i16) -> Option<Self> {
        ORDER.get(usize::try_from(number - 1).ok()?).copied()
    }

    pub(super) fn next(self) -> Self {
        Self::from_number(self.number() + 1).unwrap_or(Pass::Gate)
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Pass::Rewrap(Place::Keys) => "wrapping keys again",
            Pass::Rewrap(Place::Buckets) => "wrapping bucket keys again",
            Pass::Rewrap(Place::Bodies) => "wrapping the keys of waiting bodies again",
            Pass::CopyAddresses => "copying the look-up of addresses",
            Pass::CheckAddresses => "checking the look-up of addresses",
            Pass::Settle => "changing over to the new look-up of addresses",
            Pass::Check(Place::Keys) => "opening every key",
            Pass::Check(Place::Buckets) => "opening every bucket key",
            Pass::Check(Place::Bodies) => "opening the keys of waiting bodies",
            Pass::Gate => "waiting for copies of the database",
        }
    }

    /// The table that is gone through; `closed` is the old epoch.
    pub(super) fn table(self, closed: i32) -> Option<String> {
        match self {
            Pass::Rewrap(place) | Pass::Check(place) => Some(place.table().to_owned()),
            Pass::CopyAddresses | Pass::CheckAddresses => Some(format!("keyring.lookup_{closed}")),
            Pass::Settle | Pass::Gate => None,
        }
    }
}

impl Place {
    pub(super) fn table(self) -> &'static str {
        match self {
            Place::Keys => "keyring.key",
            Place::Buckets => "keyring.bucket",
            Place::Bodies => "spool.entry",
        }
    }
}
