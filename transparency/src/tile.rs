//! Tiles (C2SP tlog-tiles): a tree's nodes in files of 256 hashes, eight levels of the tree a file.

use crate::hash::{Hash, node_hash};
use crate::proof::Node;
use std::fmt;
use std::str::FromStr;

/// Hashes of a full tile.
pub const TILE_WIDTH: u64 = 256;
const TILE_HEIGHT: u8 = 8;

/// One tile, full or as wide as the tree reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    /// 0: leaves. The hashes of level n are roots of 256ⁿ leaves.
    pub level: u8,
    pub number: u64,
    /// 1 to 256.
    pub width: u16,
}

/// Every tile that a tree of `size` leaves has, partial ones included, level by level.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TileId> {
    levels(size).flat_map(move |(level, hashes)| {
        (0..hashes.div_ceil(TILE_WIDTH)).map(move |number| TileId { level, number, width: width(hashes, number) })
    })
}

/// How many hashes each level of tiles has.
fn levels(size: u64) -> impl Iterator<Item = (u8, u64)> {
    (0..8).map(move |level: u8| (level, size >> (TILE_HEIGHT * level))).take_while(|(_, hashes)| *hashes > 0)
}

fn width(hashes: u64, number: u64) -> u16 {
    u16::try_from((hashes - number * TILE_WIDTH).min(TILE_WIDTH)).expect("a tile's width is 256 at most")
}

impl TileId {
    /// The tile in which a node of a tree of `size` leaves is found: of its own level, or of the next one below whose tiles span it.
    pub fn holding(node: Node, size: u64) -> Self {
        let level = node.height / TILE_HEIGHT;
        let within = node.height % TILE_HEIGHT;
        let number = (node.number << within) / TILE_WIDTH;
        Self { level, number, width: width(size >> (TILE_HEIGHT * level), number) }
    }

    pub fn is_full(&self) -> bool {
        u64::from(self.width) == TILE_WIDTH
    }

    /// Where the entries of a level-0 tile are.
    pub fn entries_path(&self) -> String {
        format!("tile/entries/{}", self.tail())
    }

    fn tail(&self) -> String {
        let mut digits = vec![format!("{:03}", self.number % 1000)];
        let mut rest = self.number / 1000;
        while rest > 0 {
            digits.insert(0, format!("x{:03}", rest % 1000));
            rest /= 1000;
        }
        let partial = if self.is_full() { String::new() } else { format!(".p/{}", self.width) };
        digits.join("/") + &partial
    }
}

/// The node's hash out of the content of the tile that holds it. `None`: the tile is too narrow.
pub fn node_in_tile(node: Node, content: &[u8]) -> Option<Hash> {
    let within = node.height % TILE_HEIGHT;
    let count = 1usize << within;
    let first = usize::try_from((node.number << within) % TILE_WIDTH).ok()?;
    let hashes = content.get(first * 32..(first + count) * 32)?;
    let mut row: Vec<Hash> = hashes.chunks_exact(32).map(|hash| hash.try_into().expect("chunks of 32")).collect();
    while row.len() > 1 {
        row = row.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
    }
    row.pop()
}

impl fmt::Display for TileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tile/{}/{}", self.level, self.tail())
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a tile's path as in tile/0/x001/234.p/5")]
pub struct TilePathError;

impl FromStr for TileId {
    type Err = TilePathError;

    /// A path has one spelling; bundles of entries are found by the level-0 tile beside them.
    fn from_str(path: &str) -> Result<Self, TilePathError> {
        let rest = path.strip_prefix("tile/").ok_or(TilePathError)?;
        let (level, rest) = rest.split_once('/').ok_or(TilePathError)?;
        let (digits, width) = match rest.split_once(".p/") {
            Some((digits, width)) => (digits, width.parse().ok().filter(|width| (1..256).contains(width)).ok_or(TilePathError)?),
            None => (rest, 256),
        };
        let mut number: u64 = 0;
        for part in digits.split('/') {
            let group: u64 = part.trim_start_matches('x').parse().map_err(|_| TilePathError)?;
            number = number.checked_mul(1000).and_then(|number| number.checked_add(group)).ok_or(TilePathError)?;
        }
        let is_entries = level == "entries";
        let level = if is_entries { 0 } else { level.parse().map_err(|_| TilePathError)? };
        let tile = Self { level, number, width };
        let spelled = if is_entries { tile.entries_path() } else { tile.to_string() };
        if level < 8 && number < 1 << 56 && spelled == path { Ok(tile) } else { Err(TilePathError) }
    }
}
