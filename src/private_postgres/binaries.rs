//! Where PostgreSQL's server programs are.

use super::PostgresError;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Data checksums, MERGE and public-schema rights as we expect them.
const OLDEST: u32 = 15;

#[derive(Clone, Debug)]
pub(crate) struct Binaries {
    pub(crate) directory: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// The setting, or the first that fits of `pg_config`, Debian's directories (newest first) and PATH. Existing data decides the
    /// major version: several are often installed side by side.
    pub(crate) fn find(setting: Option<&Path>, data_major: Option<u32>) -> Result<Self, PostgresError> {
        let candidates = match setting {
            Some(directory) => vec![Self::at(directory).map_err(|reason| PostgresError::Unusable { path: directory.to_owned(), reason })?],
            None => places().iter().filter_map(|directory| Self::at(directory).ok()).collect(),
        };
        Self::choose(candidates, data_major)
    }

    fn choose(candidates: Vec<Self>, data_major: Option<u32>) -> Result<Self, PostgresError> {
        let found = candidates.iter().map(Self::describe).collect::<Vec<_>>().join(", ");
        let found = Some(found).filter(|found| !found.is_empty());
        let mut new_enough = candidates.into_iter().filter(|candidate| candidate.major >= OLDEST).peekable();
        if new_enough.peek().is_none() {
            return Err(PostgresError::NotFound { found });
        }
        match data_major {
            None => new_enough.next().ok_or(PostgresError::NotFound { found }),
            Some(data) => new_enough
                .find(|candidate| candidate.major == data)
                .ok_or_else(|| PostgresError::OtherMajor { data, found: found.unwrap_or_default() }),
        }
    }

    pub(crate) fn describe(&self) -> String {
        format!("PostgreSQL {} in {}", self.major, self.directory.display())
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn at(directory: &Path) -> Result<Self, String> {
        if !directory.join("initdb").is_file() {
            return Err("there is no initdb".into());
        }
        let output = Command::new(directory.join("postgres"))
            .arg("--version")
            .output()
            .map_err(|error| format!("postgres does not run: {error}"))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let major = major(&text).ok_or("postgres --version says nothing understandable")?;
        Ok(Self { directory: directory.to_owned(), major })
    }
}

/// Of `postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)`; also of `17beta1` and `18devel`.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL)")?.1.trim_start();
    let end = number.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(number.len());
    number[..end].parse().ok()
}

fn places() -> Vec<PathBuf> {
    let mut places = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        places.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    places.extend(debian());
    places.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths).filter(|path| path.is_absolute()));
    places
}

fn debian() -> Vec<PathBuf> {
    let entries = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> =
        entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))).collect();
    versions.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    versions.into_iter().map(|(_, path)| path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(major: u32) -> Binaries {
        Binaries { directory: format!("/pg/{major}").into(), major }
    }

    #[test]
    fn every_way_in_which_postgres_states_its_version_is_understood() {
        assert_eq!(major("postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 17beta1"), Some(17));
        assert_eq!(major("postgres (PostgreSQL) 18devel"), Some(18));
        assert_eq!(major("mysqld 8.0"), None);
    }

    #[test]
    fn data_that_exists_decides_which_of_several_versions_runs() {
        let both = || vec![candidate(17), candidate(15)];
        assert_eq!(Binaries::choose(both(), None).unwrap().major, 17);
        assert_eq!(Binaries::choose(both(), Some(15)).unwrap().major, 15);
        assert!(matches!(Binaries::choose(both(), Some(16)), Err(PostgresError::OtherMajor { data: 16, .. })));
    }

    #[test]
    fn a_server_older_than_fifteen_is_named_and_not_used() {
        let error = Binaries::choose(vec![candidate(14)], None).unwrap_err();
        assert!(error.to_string().contains("only PostgreSQL 14 in /pg/14"), "{error}");
    }
}
