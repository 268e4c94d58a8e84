//! A backup that is not what was written is refused, and the place is named.

use crate::support::Installation;
use backup::BackupError;
use std::fs;

#[tokio::test]
async fn no_byte_of_a_backup_can_be_changed_or_lost_unnoticed() {
    let installation = Installation::new().await;
    installation.write(1).await;
    installation.back_up().await.unwrap();
    for entry in installation.path().read_dir().unwrap() {
        let path = entry.unwrap().path();
        let whole = fs::read(&path).unwrap();
        if path.ends_with("lock") {
            continue;
        }
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(&path, changed).unwrap();
            let is_space = path.ends_with("manifest.json") && whole[place].is_ascii_whitespace();
            assert!(installation.check().is_err() || is_space, "byte {place} of {} was changed", path.display());
            if place % 16 == 0 {
                fs::write(&path, &whole[..place]).unwrap();
                assert!(installation.check().is_err(), "{} was cut at {place}", path.display());
            }
        }
        fs::write(&path, [&whole[..], &[0]].concat()).unwrap();
        assert!(installation.check().is_err(), "{} is longer", path.display());
        fs::remove_file(&path).unwrap();
        assert!(installation.check().is_err(), "{} is gone", path.display());
        fs::write(&path, whole).unwrap();
    }
    assert_eq!(installation.check().unwrap(), 3);
}

#[tokio::test]
async fn the_place_of_a_damage_is_named() {
    let installation = Installation::new().await;
    installation.write(3).await;
    let manifest = installation.back_up().await.unwrap();
    let path = installation.path().join(&manifest.events[0].content.file);
    let whole = fs::read(&path).unwrap();
    let told = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        match installation.check() {
            Err(BackupError::Damaged { path: named, place, .. }) => {
                assert_eq!(named, path);
                place
            }
            other => panic!("{other:?}"),
        }
    };
    // A row begins with the number of its fields, and the position is its first one.
    let row = |position: u64| {
        let start = [&[0, 13, 0, 0, 0, 8], &position.to_be_bytes()[..]].concat();
        whole.windows(start.len()).position(|bytes| bytes == start).unwrap()
    };
    assert_eq!(told(&whole[..row(5) + 40]), "row 5");
    assert_eq!(told(&[&whole[..row(4)], &whole[row(5)..]].concat()), "position 4");
    let exchanged = [&whole[..row(2)], &whole[row(3)..row(4)], &whole[row(2)..row(3)], &whole[row(4)..]].concat();
    assert_eq!(told(&exchanged), "position 2");
    assert_eq!(told(&[&whole[..row(9)], &[0xff, 0xff]].concat()), "position 9");
    let mut flipped = whole.clone();
    flipped[row(7) - 1] ^= 1;
    assert_eq!(told(&flipped), "as a whole");
}
