//! The files of runs and logged models: those on this disk are sent, unless they are there already.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use futures::StreamExt;
use ropewalk_core::Result;
use ropewalk_migrate::places::{FileBelow, Found, Locator, Place, files_below, place};
use ropewalk_migrate::{KeptFile, Problem, Source};
use ropewalk_runs::proxied_path;

use super::report::Report;
use crate::client::{Client, query, segment};

/// Files that are sent at a time.
const AT_A_TIME: usize = 8;
/// Where a server keeps artifacts if nobody says otherwise.
const KEPT: &str = "mlartifacts";

/// Finds the files of a store.
pub(super) fn locator(source: &Source, told: Option<PathBuf>) -> Locator {
    let folder = source.folder().map(Path::to_path_buf);
    let beside = folder.as_ref().map(|folder| folder.join(KEPT)).filter(|folder| folder.is_dir());
    let mut bases: Vec<PathBuf> = folder.into_iter().collect();
    bases.extend(std::env::current_dir());
    Locator { bases, destination: told.or(beside) }
}

/// Whose files are meant.
pub(super) struct Owner<'a> {
    /// `runs` or `logged models`.
    pub(super) kind: &'a str,
    pub(super) id: &'a str,
    /// Where the store says that they lie.
    pub(super) told: &'a str,
    /// Where else they may lie.
    pub(super) beside: Option<&'a Path>,
}

/// Sends what lies on this disk to a place of the server; none if it is not there yet and this is only a look.
pub(super) async fn send(
    client: &Client,
    locator: &Locator,
    owner: Owner<'_>,
    target: Option<&str>,
    report: &mut Report,
) -> Result<()> {
    let what = format!("files of {}", owner.kind);
    if matches!(place(owner.told), Place::Local(_) | Place::Proxied(_)) && !is_own(owner.told, owner.id) {
        if !owner.told.is_empty() {
            let why = "MLflow keeps files in a folder of the identifier’s name, and these are said to lie elsewhere";
            report.leave(&what, why, owner.id);
        }
        return Ok(());
    }
    let folder = match locator.find(owner.told, owner.beside) {
        Found::Folder(folder) => folder,
        Found::Nothing => return Ok(()),
        Found::Unknown => {
            let why = "it is not known where the old server kept them; run it again with --artifacts DIR";
            report.leave(&what, why, owner.id);
            return Ok(());
        }
        Found::Remote => {
            report.leave(&what, "they lie with another system and stay there", owner.id);
            return Ok(());
        }
    };
    let root = match target {
        None => None,
        Some(target) => match proxied_path(target) {
            Some(root) => Some(root),
            None => {
                report.leave(&what, "this server expects them with another system", owner.id);
                return Ok(());
            }
        },
    };
    let listed = tokio::task::spawn_blocking(move || files_below(&folder)).await;
    let (files, faults) = listed
        .map_err(|source| ropewalk_core::Error::internal("the reader of files has stopped").source(source))?;
    for (path, why) in faults {
        report.problems.push(Problem::new("file", path.display().to_string(), why));
    }
    let kept: HashMap<String, KeptFile> = match root {
        Some(root) if !files.is_empty() => {
            let path = query("/api/v1/import/files", &[("path", Some(root.to_owned()))]);
            let kept: Vec<KeptFile> = client.get(&path).await?;
            kept.into_iter().map(|file| (file.path.clone(), file)).collect()
        }
        _ => HashMap::new(),
    };
    let (same, new): (Vec<_>, Vec<_>) =
        files.into_iter().partition(|file| kept.get(&file.path).is_some_and(|kept| is_same(file, kept)));
    report.files.unchanged += same.len() as u64;
    let dry_run = report.dry_run;
    let sent = futures::stream::iter(new).map(|file| async move {
        let done = match root {
            Some(root) if !dry_run => client.put_file(&address(root, &file.path), &file.file).await,
            _ => Ok(()),
        };
        (file, done)
    });
    let mut sent = sent.buffer_unordered(AT_A_TIME);
    while let Some((file, done)) = sent.next().await {
        match done {
            Ok(()) => {
                report.files.sent += 1;
                report.files.bytes += file.size;
            }
            Err(error) if error.code().status() < 500 => {
                report.files.failed += 1;
                let why = error.reason().map(|why| format!(": {why}")).unwrap_or_default();
                let why = format!("{}{why}", error.what());
                report.problems.push(Problem::new("file", file.file.display().to_string(), why));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a place is one that MLflow would give this identifier: whatever else a store names is no artifact of it.
fn is_own(told: &str, id: &str) -> bool {
    let path = match place(told) {
        Place::Local(path) => path.to_string_lossy().replace('\\', "/"),
        Place::Proxied(path) => path,
        Place::Remote => return false,
    };
    let parts: Vec<&str> = path.trim_end_matches('/').split('/').collect();
    parts.ends_with(&[id, "artifacts"]) && !parts.contains(&"..")
}

/// Whether a file is there as it is: of the same size, and not changed since it was sent.
fn is_same(file: &FileBelow, kept: &KeptFile) -> bool {
    let changed = std::fs::metadata(&file.file).and_then(|about| about.modified()).ok();
    let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed_ms = changed.and_then(|time| i64::try_from(time.as_millis()).ok());
    kept.size == file.size && changed_ms.is_some_and(|changed| changed <= kept.modified_ms)
}

/// The route of a file below a folder of the server's artifacts.
fn address(root: &str, path: &str) -> String {
    let parts = root.split('/').chain(path.split('/')).filter(|part| !part.is_empty());
    format!("/api/2.0/mlflow-artifacts/artifacts/{}", parts.map(segment).collect::<Vec<_>>().join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_owners_own_folder_is_believed() {
        for own in [
            "mlflow-artifacts:/1/r1/artifacts",
            "/srv/mlruns/1/r1/artifacts/",
            "./mlruns/1/models/r1/artifacts",
            "file:///a%20b/r1/artifacts",
        ] {
            assert!(is_own(own, "r1"), "{own}");
        }
        for other in
            ["/etc", "/home/ann/.ssh", "/srv/../etc/r1/artifacts", "mlflow-artifacts:/1/r2/artifacts", ""]
        {
            assert!(!is_own(other, "r1"), "{other}");
        }
    }

    #[test]
    fn names_are_escaped() {
        assert_eq!(
            address("1/r/artifacts", "deep/a b?.txt"),
            "/api/2.0/mlflow-artifacts/artifacts/1/r/artifacts/deep/a%20b%3F.txt"
        );
    }
}
