//! Names and paths that are safe everywhere: in addresses, on disks, and in `name@reference/path`.

use std::fmt;
use std::str::FromStr;

use ropewalk_core::{Error, Result};

const LONGEST_NAME: usize = 100;
const LONGEST_PATH: usize = 1024;

/// The branch that stands for a dataset where none is named.
pub const DEFAULT_BRANCH: &str = "main";

/// What a text such as `wine`, `wine@v1` or `wine@v1/red.csv` names.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DatasetSpec {
    /// The dataset.
    pub name: String,
    /// A branch, a tag, a commit, or the beginning of a commit's hash; `main` if none is given.
    pub reference: String,
    /// One file; all of them if none is given.
    pub path: Option<String>,
}

impl DatasetSpec {
    /// A whole dataset as it stands at a reference.
    pub fn new(name: impl Into<String>, reference: impl Into<String>) -> Self {
        Self { name: name.into(), reference: reference.into(), path: None }
    }

    /// The same, one file only.
    #[must_use]
    pub fn with_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }
}

impl FromStr for DatasetSpec {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (whole, path) = match text.split_once('/') {
            Some((whole, path)) => (whole, Some(path)),
            None => (text, None),
        };
        let (name, reference) = whole.split_once('@').unwrap_or((whole, DEFAULT_BRANCH));
        check_dataset_name(name)?;
        if reference.is_empty() {
            return Err(Error::invalid(format!("{text:?} names no version after the @"))
                .hint(format!("name a branch, a tag or a commit: {name}@{DEFAULT_BRANCH}")));
        }
        let path = match path {
            None | Some("") => None,
            Some(path) => {
                check_path(path)?;
                Some(path.to_owned())
            }
        };
        Ok(Self { name: name.to_owned(), reference: reference.to_owned(), path })
    }
}

impl fmt::Display for DatasetSpec {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}@{}", self.name, self.reference)?;
        match &self.path {
            Some(path) => write!(out, "/{path}"),
            None => Ok(()),
        }
    }
}

/// Invalid unless the name is made of letters, digits, `-`, `_` and `.`, beginning with a letter or
/// digit.
pub(crate) fn check_dataset_name(name: &str) -> Result<()> {
    check_name("dataset", name)
}

/// The same rule for branches and tags. What could be taken for a whole commit hash is refused.
pub(crate) fn check_reference_name(kind: &str, name: &str) -> Result<()> {
    check_name(kind, name)?;
    if is_commit_id(name) {
        return Err(Error::invalid(format!("a {kind} may not look like a commit: {name}")));
    }
    Ok(())
}

fn check_name(kind: &str, name: &str) -> Result<()> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let begins_well = name.as_bytes().first().is_some_and(u8::is_ascii_alphanumeric);
    if begins_well && name.len() <= LONGEST_NAME && name.bytes().all(good) {
        return Ok(());
    }
    Err(Error::invalid(format!("{name:?} cannot be the name of a {kind}")).hint(format!(
        "use letters, digits, '-', '_' and '.', at most {LONGEST_NAME}, a letter or digit first"
    )))
}

pub(crate) fn is_commit_id(text: &str) -> bool {
    text.len() == 64 && is_hex(text)
}

pub(crate) fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// Invalid unless the path stays within its dataset on every system that it may be written to.
pub(crate) fn check_path(path: &str) -> Result<()> {
    let fault = if path.is_empty() {
        Some("it is empty")
    } else if path.len() > LONGEST_PATH {
        Some("it is longer than 1024 bytes")
    } else if path.starts_with('/') {
        Some("it begins with a slash")
    } else if path.contains('\\') {
        Some("it has a backslash")
    } else if path.chars().any(char::is_control) {
        Some("it has a control character")
    } else if path.split('/').any(str::is_empty) {
        Some("it has an empty part")
    } else if path.split('/').any(|part| part == "." || part == "..") {
        Some("it has a part '.' or '..'")
    } else if path.as_bytes().get(1) == Some(&b':') {
        Some("it begins with a drive")
    } else {
        None
    };
    match fault {
        None => Ok(()),
        Some(fault) => Err(Error::invalid(format!("{path:?} cannot be the path of a file"))
            .why(fault)
            .hint("use a relative path with forward slashes, such as 2024/red.csv")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn specs_read_and_print() {
        for (text, whole) in [
            ("wine", "wine@main"),
            ("wine@main", "wine@main"),
            ("wine@v1/red.csv", "wine@v1/red.csv"),
            ("wine/2024/red.csv", "wine@main/2024/red.csv"),
            ("wine@v1/", "wine@v1"),
        ] {
            assert_eq!(text.parse::<DatasetSpec>().unwrap().to_string(), whole);
        }
        for text in ["", "@v1", "wine@", "../x", "wine@v1/../secret", "wi ne"] {
            assert!(text.parse::<DatasetSpec>().is_err(), "{text}");
        }
    }

    #[test]
    fn paths_stay_inside() {
        for path in ["red.csv", "2024/red.csv", "größe/weiß.csv", "a..b/c", ".hidden"] {
            assert!(check_path(path).is_ok(), "{path}");
        }
        for path in [
            "",
            "/etc/passwd",
            "../x",
            "a/../b",
            "a/./b",
            "a//b",
            "a/",
            "C:/x",
            "a\\b",
            "a\0b",
            "a\nb",
            "..",
            ".",
        ] {
            assert!(check_path(path).is_err(), "{path}");
        }
        assert!(check_path(&"x".repeat(1025)).is_err());
    }

    #[test]
    fn names_are_plain() {
        assert!(check_reference_name("tag", "v1.0-rc_2").is_ok());
        assert!(check_reference_name("tag", &"a".repeat(64)).is_err());
        for name in ["", "-x", ".x", "a/b", "a@b", "a b", "ä"] {
            assert!(check_dataset_name(name).is_err(), "{name}");
        }
    }
}
