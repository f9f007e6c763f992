//! Reading what was committed.

use std::sync::Arc;

use bytes::Bytes;
use ropewalk_core::{Error, Result};

use crate::frame::Frame;
use crate::name::DatasetSpec;
use crate::objects;
use crate::service::{Data, unknown_path};
use crate::table::Format;
use crate::tree::Tree;

/// How many files a message names.
const NAMED: usize = 10;

impl Data {
    /// One file's bytes, checked against their hash; the only file if the spec names none. Corrupt
    /// rather than wrong bytes.
    pub async fn read(&self, spec: &DatasetSpec) -> Result<Bytes> {
        let tree = self.tree(self.find(&spec.name, &spec.reference).await?.tree).await?;
        let path = match &spec.path {
            Some(path) => path.clone(),
            None => only_file(spec, &tree)?,
        };
        self.read_path(spec, &tree, &path).await
    }

    /// One table; all tables of the dataset one after the other if the spec names no file.
    pub async fn frame(&self, spec: &DatasetSpec) -> Result<Frame> {
        let tree = self.tree(self.find(&spec.name, &spec.reference).await?.tree).await?;
        let paths: Vec<String> = match &spec.path {
            Some(path) => vec![path.clone()],
            None => tree.files.keys().filter(|path| Format::of(path).is_some()).cloned().collect(),
        };
        let mut whole: Option<(Frame, String)> = None;
        for path in paths {
            let frame = self.frame_path(spec, &tree, &path).await?;
            whole = Some(match whole {
                None => (frame, path),
                Some((before, first)) => {
                    let both = before.concat(&frame).map_err(|error| {
                        error
                            .context(format!("{first} and {path} do not make one table"))
                            .hint(format!("name one of them: {spec}/{first}"))
                    })?;
                    (both, first)
                }
            });
        }
        whole.map(|(frame, _)| frame).ok_or_else(|| {
            Error::invalid(format!("{spec} has no table"))
                .why("tables are files that end in .csv, .tsv or .parquet")
                .hint(format!("ropewalk data show {spec}"))
        })
    }

    pub(crate) async fn frame_path(&self, spec: &DatasetSpec, tree: &Tree, path: &str) -> Result<Frame> {
        let format = Format::of(path).ok_or_else(|| {
            Error::invalid(format!("{path} is not a table"))
                .why("tables are files that end in .csv, .tsv or .parquet")
        })?;
        let content = self.read_path(spec, tree, path).await?;
        let path = path.to_owned();
        objects::blocking(move || format.read(&path, &content)).await
    }

    pub(crate) async fn read_path(&self, spec: &DatasetSpec, tree: &Tree, path: &str) -> Result<Bytes> {
        let file = tree.files.get(path).ok_or_else(|| unknown_path(spec, path))?;
        objects::fetch(&self.core, file.object).await
    }
}

fn only_file(spec: &DatasetSpec, tree: &Arc<Tree>) -> Result<String> {
    let mut paths = tree.files.keys();
    match (paths.next(), paths.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(Error::not_found(format!("{spec} has no files"))),
        _ => {
            let named: Vec<&str> = tree.files.keys().take(NAMED).map(String::as_str).collect();
            Err(Error::invalid(format!("{spec} has {} files, and none is named", tree.files.len()))
                .why(format!("they are: {}", named.join(", ")))
                .hint(format!("name one: {spec}/{}", named.first().unwrap_or(&"FILE"))))
        }
    }
}
