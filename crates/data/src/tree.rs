//! The list of files of a commit, itself stored as content.

use std::collections::BTreeMap;

use ropewalk_core::{Code, Error, Result};
use serde::{Deserialize, Serialize};

use crate::chunker::Digest;
use crate::objects::Object;

/// One file: where its content is, and how many rows it has if it is a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TreeFile {
    pub(crate) object: Object,
    pub(crate) rows: Option<u64>,
}

/// The files of a commit by path.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) struct Tree {
    pub(crate) files: BTreeMap<String, TreeFile>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    path: String,
    bytes: u64,
    hash: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    root: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    depth: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

fn is_zero(depth: &u32) -> bool {
    *depth == 0
}

impl Tree {
    /// One line of JSON per file in the order of paths: equal trees have equal bytes, and a tree
    /// with one more file shares most chunks with the one before.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for (path, file) in &self.files {
            let object = &file.object;
            let line = Line {
                path: path.clone(),
                bytes: object.bytes,
                hash: object.hash.hex(),
                root: (object.root != object.hash).then(|| object.root.hex()),
                depth: object.depth,
                rows: file.rows,
            };
            serde_json::to_writer(&mut out, &line)?;
            out.push(b'\n');
        }
        Ok(out)
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let mut files = BTreeMap::new();
        for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            let line: Line = serde_json::from_slice(line).map_err(|source| {
                Error::new(Code::Corrupt, "a list of files cannot be read").source(source)
            })?;
            let hash = Digest::parse(&line.hash)?;
            let root = line.root.as_deref().map(Digest::parse).transpose()?.unwrap_or(hash);
            let object = Object { hash, bytes: line.bytes, root, depth: line.depth };
            files.insert(line.path, TreeFile { object, rows: line.rows });
        }
        Ok(Self { files })
    }

    /// Whether both hold the same content at the same paths.
    pub(crate) fn same_content(&self, other: &Self) -> bool {
        self.files.len() == other.files.len()
            && self
                .files
                .iter()
                .zip(&other.files)
                .all(|(a, b)| a.0 == b.0 && a.1.object.hash == b.1.object.hash)
    }

    pub(crate) fn rows(&self) -> u64 {
        self.files.values().filter_map(|file| file.rows).sum()
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.files.values().map(|file| file.object.bytes).sum()
    }

    /// Invalid if a file stands where another path needs a folder.
    pub(crate) fn check(&self) -> Result<()> {
        for path in self.files.keys() {
            for (at, _) in path.match_indices('/') {
                let folder = path.get(..at).unwrap_or_default();
                if self.files.contains_key(folder) {
                    return Err(Error::invalid(format!("{folder:?} would be a file and a folder"))
                        .why(format!("{path:?} lies in it"))
                        .hint(format!("remove {folder:?} in the same commit, or choose another path")));
                }
            }
        }
        Ok(())
    }
}

/// Three-way merge by file: what only one side changed is taken, what both changed alike is kept.
/// The paths that both changed in different ways come back as the error.
pub(crate) fn merge(base: &Tree, ours: &Tree, theirs: &Tree) -> Result<Tree, Vec<String>> {
    let mut merged = Tree::default();
    let mut conflicts = Vec::new();
    let hash = |tree: &Tree, path: &str| tree.files.get(path).map(|file| file.object.hash);
    let paths: std::collections::BTreeSet<&String> =
        base.files.keys().chain(ours.files.keys()).chain(theirs.files.keys()).collect();
    for path in paths {
        let (b, o, t) = (hash(base, path), hash(ours, path), hash(theirs, path));
        let side = if o == t || t == b {
            ours
        } else if o == b {
            theirs
        } else {
            conflicts.push(path.clone());
            continue;
        };
        if let Some(file) = side.files.get(path) {
            merged.files.insert(path.clone(), file.clone());
        }
    }
    if conflicts.is_empty() { Ok(merged) } else { Err(conflicts) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    fn tree(files: &[(&str, &str)]) -> Tree {
        let files = files.iter().map(|(path, content)| {
            let hash = Digest::of(content.as_bytes());
            let object = Object { hash, bytes: content.len() as u64, root: hash, depth: 0 };
            ((*path).to_owned(), TreeFile { object, rows: Some(3) })
        });
        Tree { files: files.collect() }
    }

    #[test]
    fn trees_read_back() {
        let mut one = tree(&[("a", "1"), ("b/c", "2")]);
        one.files.get_mut("a").unwrap().object.root = Digest::of(b"recipe");
        one.files.get_mut("a").unwrap().object.depth = 2;
        assert_eq!(Tree::from_bytes(&one.to_bytes().unwrap()).unwrap(), one);
        assert!(Tree::from_bytes(b"{").is_err());
    }

    #[test]
    fn a_path_is_a_file_or_a_folder() {
        assert!(tree(&[("a", "1"), ("ab/c", "2")]).check().is_ok());
        assert!(tree(&[("a", "1"), ("a/b/c", "2")]).check().is_err());
    }

    #[test]
    fn one_sided_changes_merge_and_two_sided_ones_conflict() {
        let base = tree(&[("red", "1"), ("old", "1"), ("both", "1")]);
        let ours = tree(&[("red", "1"), ("old", "1"), ("both", "2"), ("new", "n")]);
        let theirs = tree(&[("red", "9"), ("both", "2"), ("white", "w")]);
        let merged = merge(&base, &ours, &theirs).unwrap();
        assert!(merged.same_content(&tree(&[("red", "9"), ("both", "2"), ("new", "n"), ("white", "w")])));
        let theirs = tree(&[("red", "1"), ("old", "1"), ("both", "3")]);
        assert_eq!(merge(&base, &ours, &theirs).unwrap_err(), ["both"]);
        let removed = tree(&[("red", "1"), ("old", "1")]);
        assert_eq!(merge(&base, &ours, &removed).unwrap_err(), ["both"]);
    }

    fn any_tree() -> impl Strategy<Value = Tree> {
        proptest::collection::btree_map("[abc]", "[xy]", 0..4).prop_map(|files| {
            let files: Vec<(&str, &str)> =
                files.iter().map(|(path, content)| (path.as_str(), content.as_str())).collect();
            tree(&files)
        })
    }

    proptest! {
        #[test]
        fn merging_does_not_depend_on_the_side(base in any_tree(), a in any_tree(), b in any_tree()) {
            prop_assert_eq!(merge(&base, &a, &b), merge(&base, &b, &a));
            prop_assert_eq!(merge(&base, &a, &base), Ok(a.clone()));
            prop_assert_eq!(merge(&base, &a, &a), Ok(a));
        }
    }
}
