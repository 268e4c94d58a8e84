//! Trees, proofs, tiles and notes beside what others wrote after the same specifications.
#![expect(clippy::disallowed_methods, reason = "ids of tests decide nothing")]

#[path = "transparency/bundles.rs"]
mod bundles;
#[path = "transparency/cosigning.rs"]
mod cosigning;
#[path = "transparency/notes.rs"]
mod notes;
#[path = "transparency/tamper.rs"]
mod tamper;
#[path = "transparency/tiles.rs"]
mod tiles;
#[path = "transparency/trees.rs"]
mod trees;
#[path = "transparency/world.rs"]
mod world;
