//! A file store: MLflow's folder `mlruns`, of which every entity is a folder with a meta.yaml.

mod experiments;
mod models;
mod registry;
mod runs;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::yaml::{self, Value};

/// A file store.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    root: PathBuf,
}

const META: &str = "meta.yaml";
const TRASH: &str = ".trash";
const MODELS: &str = "models";

impl Files {
    /// The file store in a folder.
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root }
    }

    /// The folders of experiments, each with its number and whether it was deleted, in the order of the numbers.
    fn experiment_folders(&self) -> Vec<(i64, PathBuf, bool)> {
        let mut found = Vec::new();
        for (folder, deleted) in [(self.root.clone(), false), (self.root.join(TRASH), true)] {
            for (name, path) in folders(&folder) {
                // `007` is no number that MLflow would give.
                if let Some(number) = name.parse::<i64>().ok().filter(|number| number.to_string() == name) {
                    found.push((number, path, deleted));
                }
            }
        }
        found.sort();
        found
    }
}

/// The folders in a folder, with their names, in order; none if it is not there.
fn folders(folder: &Path) -> Vec<(String, PathBuf)> {
    let mut found: Vec<(String, PathBuf)> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.path().is_dir())
        .filter_map(|entry| Some((entry.file_name().to_str()?.to_owned(), entry.path())))
        .collect();
    found.sort();
    found
}

/// A folder's meta.yaml, or another file of its kind.
fn meta(file: &Path) -> Result<Value, String> {
    let text = read(file)?;
    let value = yaml::read(&text).map_err(|fault| format!("{}: {fault}", file.display()))?;
    match value {
        Value::Map(_) => Ok(value),
        _ => Err(format!("{}: it holds no `name: value`", file.display())),
    }
}

fn read(file: &Path) -> Result<String, String> {
    let bytes = fs::read(file).map_err(|fault| format!("{}: {fault}", file.display()))?;
    String::from_utf8(bytes).map_err(|_| format!("{}: it is not UTF-8", file.display()))
}

/// The files below a folder by their paths in it, which are names of parameters, tags or metrics: these may have slashes.
fn named_files(folder: &Path) -> Vec<(String, PathBuf)> {
    let (files, _) = crate::places::files_below(folder);
    files.into_iter().map(|file| (file.path, file.file)).collect()
}

/// The texts in the files below a folder, by name.
fn texts(folder: &Path) -> Result<BTreeMap<String, String>, String> {
    named_files(folder).into_iter().map(|(name, file)| Ok((name, read(&file)?))).collect()
}

#[cfg(test)]
mod tests;
