//! Where artifacts lie: with the old server, on this disk, or elsewhere.

use std::path::{Path, PathBuf};

use ropewalk_mlflow::uri::{Uri, unquote};

/// Where an artifact URI leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// Below the folder in which the old server kept what it was sent.
    Proxied(String),
    /// To a path on a disk.
    Local(PathBuf),
    /// To another system: an object store, a server.
    Remote,
}

/// Where a URI leads.
#[must_use]
pub fn place(uri: &str) -> Place {
    let Ok(parsed) = Uri::parse_without_fragment(uri) else { return Place::Remote };
    match parsed.scheme.as_str() {
        "mlflow-artifacts" => {
            let path = unquote(&parsed.path);
            Place::Proxied(path.trim_matches('/').to_owned())
        }
        "" => Place::Local(PathBuf::from(uri)),
        "file" if matches!(parsed.host().as_deref(), None | Some("." | "localhost" | "127.0.0.1")) => {
            Place::Local(PathBuf::from(unquote(&parsed.path)))
        }
        // `C:\…` is a path.
        letter if letter.len() == 1 => Place::Local(PathBuf::from(uri)),
        _ => Place::Remote,
    }
}

/// Finds artifacts on this disk.
#[derive(Debug, Clone, Default)]
pub struct Locator {
    /// Where relative paths begin, the first that leads somewhere counts.
    pub bases: Vec<PathBuf>,
    /// Where the old server kept what it was sent.
    pub destination: Option<PathBuf>,
}

/// What a [`Locator`] has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A folder that is there.
    Folder(PathBuf),
    /// None: the run may have no artifacts, or they were moved.
    Nothing,
    /// It is not known where the old server kept its artifacts.
    Unknown,
    /// They lie elsewhere and stay there.
    Remote,
}

impl Locator {
    /// The folder that a URI leads to; `beside` is where else the artifacts may lie, if the store was moved.
    #[must_use]
    pub fn find(&self, uri: &str, beside: Option<&Path>) -> Found {
        let mut candidates: Vec<PathBuf> = Vec::new();
        match place(uri) {
            Place::Remote => return Found::Remote,
            Place::Proxied(path) => match &self.destination {
                Some(destination) => candidates.push(destination.join(path)),
                None => return Found::Unknown,
            },
            // What lies beside the record is the store's own, wherever it lay when the record was written.
            Place::Local(path) => {
                candidates.extend(beside.map(Path::to_path_buf));
                candidates.extend(self.bases.iter().map(|base| base.join(&path)));
                candidates.push(path);
            }
        }
        let holds =
            |folder: &&PathBuf| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some());
        candidates.iter().find(holds).map_or(Found::Nothing, |folder| Found::Folder(folder.clone()))
    }
}

/// A file below a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileBelow {
    /// Its path below the folder, with slashes.
    pub path: String,
    /// Where it lies.
    pub file: PathBuf,
    /// Bytes.
    pub size: u64,
}

/// All files below a folder, in order; links to folders are not followed. What cannot be read is told with its path.
#[must_use]
pub fn files_below(folder: &Path) -> (Vec<FileBelow>, Vec<(PathBuf, String)>) {
    let (mut files, mut faults) = (Vec::new(), Vec::new());
    let mut folders = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = folders.pop() {
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(fault) => {
                faults.push((folder, fault.to_string()));
                continue;
            }
        };
        for entry in entries.flatten() {
            let (file, name) = (entry.path(), entry.file_name());
            let Some(name) = name.to_str() else {
                faults.push((file, "its name is not UTF-8".to_owned()));
                continue;
            };
            let path = if prefix.is_empty() { name.to_owned() } else { format!("{prefix}/{name}") };
            let is_link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            match std::fs::metadata(&file) {
                Ok(about) if about.is_dir() && is_link => {
                    faults.push((file, "it is a link to a folder, which is not followed".to_owned()));
                }
                Ok(about) if about.is_dir() => folders.push((file, path)),
                Ok(about) if about.is_file() => files.push(FileBelow { path, file, size: about.len() }),
                Ok(_) => faults.push((file, "it is no file".to_owned())),
                Err(fault) => faults.push((file, fault.to_string())),
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    (files, faults)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn uris_lead_to_their_places() {
        for (uri, expected) in [
            ("mlflow-artifacts:/1/r/artifacts", Place::Proxied("1/r/artifacts".to_owned())),
            ("mlflow-artifacts://host:5000/1/r", Place::Proxied("1/r".to_owned())),
            ("./mlruns/0/r/artifacts", Place::Local("./mlruns/0/r/artifacts".into())),
            ("/a b/größe#1", Place::Local("/a b/größe#1".into())),
            ("file:///a%20b/c", Place::Local("/a b/c".into())),
            ("file://localhost/a", Place::Local("/a".into())),
            ("file://elsewhere/a", Place::Remote),
            ("s3://bucket/a", Place::Remote),
            ("http://h/api/2.0/mlflow-artifacts/artifacts/1", Place::Remote),
            ("C:\\mlruns\\0", Place::Local("C:\\mlruns\\0".into())),
        ] {
            assert_eq!(place(uri), expected, "{uri}");
        }
    }

    #[test]
    fn artifacts_are_found_though_the_store_was_moved() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for path in ["kept/1/r/artifacts/a.txt", "mlruns/0/r/artifacts/deep/b.txt"] {
            std::fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            std::fs::write(root.join(path), "text").unwrap();
        }
        let locator = Locator { bases: vec![root.to_path_buf()], destination: Some(root.join("kept")) };
        let run = root.join("mlruns/0/r/artifacts");
        assert_eq!(
            locator.find("mlflow-artifacts:/1/r/artifacts", None),
            Found::Folder(root.join("kept/1/r/artifacts"))
        );
        assert_eq!(locator.find("mlruns/0/r/artifacts", None), Found::Folder(run.clone()));
        assert_eq!(locator.find("file:///gone/0/r/artifacts", Some(&run)), Found::Folder(run.clone()));
        assert_eq!(locator.find("/gone", None), Found::Nothing);
        assert_eq!(locator.find("s3://b", Some(&run)), Found::Remote);
        assert_eq!(Locator::default().find("mlflow-artifacts:/1", None), Found::Unknown);
        let (files, faults) = files_below(&root.join("mlruns"));
        assert_eq!(
            files.iter().map(|file| (file.path.as_str(), file.size)).collect::<Vec<_>>(),
            [("0/r/artifacts/deep/b.txt", 4)]
        );
        assert!(faults.is_empty());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(root, root.join("mlruns/round")).unwrap();
            let (files, faults) = files_below(&root.join("mlruns"));
            assert_eq!((files.len(), faults.len()), (1, 1));
        }
    }
}
