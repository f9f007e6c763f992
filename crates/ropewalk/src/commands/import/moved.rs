//! Where files lay, and where they lie now.

use std::collections::{BTreeMap, BTreeSet};

use ropewalk_migrate::places::{Place, place};
use ropewalk_migrate::{ModelRecord, VersionRecord};

/// The places of runs and logged models whose files have come here, by identifier.
#[derive(Debug, Default)]
pub(super) struct Moved {
    /// Those that a version names: of the others nobody asks.
    wanted: BTreeSet<String>,
    places: BTreeMap<String, String>,
}

impl Moved {
    /// What is worth remembering for these models.
    pub(super) fn of(models: &[ModelRecord]) -> Self {
        let versions = || models.iter().flat_map(|model| &model.versions);
        let mut wanted: BTreeSet<String> = BTreeSet::new();
        for version in versions() {
            wanted.extend(version.run_id.iter().cloned());
            wanted.extend(version.model_id.iter().cloned());
            for uri in [Some(&version.source), version.storage_location.as_ref()].into_iter().flatten() {
                wanted.extend(owner(uri).map(|(id, _)| id));
            }
        }
        Self { wanted, places: BTreeMap::new() }
    }

    /// Notes where the files of a run or a logged model are now.
    pub(super) fn note(&mut self, id: &str, place: &str) {
        if self.wanted.contains(id) {
            self.places.insert(id.to_owned(), place.to_owned());
        }
    }

    /// Has a version say where its files are now; false if they stay where this server does not look.
    pub(super) fn follow(&self, version: &mut VersionRecord) -> bool {
        let mut known = true;
        for uri in [Some(&mut version.source), version.storage_location.as_mut()].into_iter().flatten() {
            if !matches!(place(uri), Place::Local(_) | Place::Proxied(_)) {
                continue;
            }
            let now = owner(uri).and_then(|(id, rest)| {
                let place = self.places.get(&id)?;
                Some(if rest.is_empty() { place.clone() } else { format!("{place}/{rest}") })
            });
            match now {
                Some(now) => *uri = now,
                // A prompt has no files: its source is a word.
                None => known &= !uri.contains('/'),
            }
        }
        known
    }
}

/// Whose files a URI leads to, and the path below them: MLflow keeps them in `…/ID/artifacts`.
fn owner(uri: &str) -> Option<(String, String)> {
    let path = match place(uri) {
        Place::Local(path) => path.to_string_lossy().replace('\\', "/"),
        Place::Proxied(path) => path,
        Place::Remote => return None,
    };
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let at = parts.iter().position(|part| *part == "artifacts").filter(|at| *at > 0)?;
    Some((parts[at - 1].to_owned(), parts[at + 1..].join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(source: &str, storage: Option<&str>) -> VersionRecord {
        let storage_location = storage.map(str::to_owned);
        VersionRecord { source: source.to_owned(), storage_location, ..VersionRecord::default() }
    }

    #[test]
    fn versions_follow_their_files() {
        let versions = vec![
            version("mlflow-artifacts:/1/r1/artifacts/model", None),
            version("file:///old/mlruns/1/r1/artifacts/deep/model", Some("/old/mlruns/1/r1/artifacts")),
            version("models:/m-1", Some("./mlruns/1/models/m-1/artifacts")),
            version("runs:/r1/model", Some("s3://bucket/r1/artifacts/model")),
            version("dummy-source", Some("dummy-source")),
            version("/home/ann/model", None),
            version("/old/mlruns/1/unknown/artifacts/model", None),
        ];
        let mut moved = Moved::of(&[ModelRecord { versions: versions.clone(), ..ModelRecord::default() }]);
        moved.note("r1", "mlflow-artifacts:/4/r1/artifacts");
        moved.note("m-1", "mlflow-artifacts:/4/models/m-1/artifacts");
        moved.note("nobody-asks", "mlflow-artifacts:/4/x/artifacts");
        assert_eq!(moved.places.len(), 2);
        let here = "mlflow-artifacts:/4/r1/artifacts";
        let expected = [
            (format!("{here}/model"), None, true),
            (format!("{here}/deep/model"), Some(here.to_owned()), true),
            ("models:/m-1".to_owned(), Some("mlflow-artifacts:/4/models/m-1/artifacts".to_owned()), true),
            ("runs:/r1/model".to_owned(), Some("s3://bucket/r1/artifacts/model".to_owned()), true),
            ("dummy-source".to_owned(), Some("dummy-source".to_owned()), true),
            ("/home/ann/model".to_owned(), None, false),
            ("/old/mlruns/1/unknown/artifacts/model".to_owned(), None, false),
        ];
        for (mut version, (source, storage, known)) in versions.into_iter().zip(expected) {
            assert_eq!(moved.follow(&mut version), known, "{source}");
            assert_eq!((version.source, version.storage_location), (source, storage));
        }
    }
}
