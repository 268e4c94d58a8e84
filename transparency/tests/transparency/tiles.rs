//! Tiles: what they are called, what lies in them, and that they suffice.

use crate::trees::{leaves, nodes_of};
use proptest::prelude::*;
use std::collections::BTreeMap;
use tlog_tiles::tile::Tile;
use transparency::*;

/// The tiles of a tree as files would hold them.
fn tiles(size: u64) -> BTreeMap<TileId, Vec<u8>> {
    let leaves = leaves(size);
    let mut nodes = nodes_of(&leaves);
    let content = |tile: &TileId, nodes: &mut Nodes<'_>| {
        (0..u64::from(tile.width))
            .flat_map(|place| nodes(Node { height: tile.level * 8, number: tile.number * 256 + place }).unwrap())
            .collect::<Vec<u8>>()
    };
    tiles_of(size).map(|tile| (tile, content(&tile, &mut nodes))).collect()
}

proptest! {
    #[test]
    fn a_path_is_theirs_and_leads_back(level in 0u8..6, number in 0u64..10_000_000_000, width in 1u16..=256) {
        let tile = TileId { level, number, width };
        let theirs = Tile::new(8, level, number, u32::from(width), false).path();
        prop_assert_eq!(tile.to_string(), theirs.replacen("tile/8/", "tile/", 1));
        prop_assert_eq!(tile.to_string().parse(), Ok(tile));
        prop_assert_eq!(tile.entries_path().parse(), Ok(TileId { level: 0, ..tile }));
    }

    #[test]
    fn what_is_no_path_is_no_tile(path in "(tile/)?[0-9a-z]{1,7}/x?[0-9]{1,4}(/x?[0-9]{1,4})?(\\.p/[0-9]{1,4})?") {
        if let Ok(tile) = path.parse::<TileId>() {
            prop_assert!([tile.to_string(), tile.entries_path()].contains(&path));
        }
    }
}

#[test]
fn a_path_has_one_spelling() {
    for wrong in [
        "tile/0/1",
        "tile/0/0001",
        "tile/0/x000/001",
        "tile/0/001.p/256",
        "tile/0/001.p/0",
        "tile/0/001.p/05",
        "tile/8/000",
        "tile/-1/000",
        "0/000",
        "tile/0/001/002",
        "tile/0/x001/x002",
        "tile/0/",
        "tile/+1/000",
        "tile/00/000",
    ] {
        assert_eq!(wrong.parse::<TileId>(), Err(TilePathError), "{wrong}");
    }
    assert_eq!("tile/1/x001/x234/067.p/8".parse(), Ok(TileId { level: 1, number: 1_234_067, width: 8 }));
}

#[test]
fn a_tree_has_these_tiles() {
    let names = |size| tiles_of(size).map(|tile| tile.to_string()).collect::<Vec<_>>();
    assert_eq!(names(0), Vec::<String>::new());
    assert_eq!(names(1), ["tile/0/000.p/1"]);
    assert_eq!(names(256), ["tile/0/000", "tile/1/000.p/1"]);
    assert_eq!(names(70_000).len(), 274 + 2 + 1);
    assert_eq!(names(70_000)[273..], ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"]);
}

/// Proofs from nothing but the tiles that were asked for.
#[test]
fn tiles_suffice_for_roots_and_proofs() {
    for size in [1, 2, 255, 256, 257, 700, 66_000] {
        let (all, leaves) = (tiles(size), leaves(size));
        let mut truth = nodes_of(&leaves);
        for index in [0, size / 3, size - 1] {
            let wanted = tiles_for(size, |nodes| inclusion_proof(index, size, nodes));
            let mut held = |node| node_in_tile(node, all.get(wanted.get(&TileId::holding(node, size))?)?);
            assert_eq!(inclusion_proof(index, size, &mut held), inclusion_proof(index, size, &mut truth), "{index} of {size}");
            let wanted = tiles_for(size, |nodes| consistency_proof(index, size, nodes));
            let mut held = |node| node_in_tile(node, all.get(wanted.get(&TileId::holding(node, size))?)?);
            assert_eq!(consistency_proof(index, size, &mut held), consistency_proof(index, size, &mut truth), "{index} to {size}");
        }
    }
}

#[test]
fn a_tile_that_is_too_narrow_has_no_node() {
    assert_eq!(node_in_tile(Node { height: 1, number: 1 }, &[0; 96]), None);
    assert!(node_in_tile(Node { height: 1, number: 1 }, &[0; 128]).is_some());
}

#[test]
fn a_bundle_of_entries_is_read_back_and_never_read_beyond() {
    let entries: [&[u8]; 3] = [b"one", b"", b"three"];
    let bytes = bundle(entries);
    assert_eq!(parse_bundle(&bytes), Some(entries.to_vec()));
    assert_eq!(parse_bundle(&bytes[..bytes.len() - 1]), None);
    assert_eq!(parse_bundle(&bytes[..bytes.len() - 6]), None);
}
