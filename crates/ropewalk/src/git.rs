//! The state of the code that a run comes from: commit, branch, and what was not committed.

use std::path::Path;
use std::process::Stdio;

use http::Method;
use ropewalk_core::Result;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::client::{Client, segment};

/// Larger changes than this are not kept, only told.
const LARGEST: usize = 8 << 20;
/// Where the uncommitted changes lie among a run's artifacts.
const DIFF: &str = "git/uncommitted.diff";

/// What git says of a folder.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct GitState {
    pub(crate) commit: String,
    pub(crate) branch: Option<String>,
    pub(crate) repository: Option<String>,
    /// What `git diff HEAD` prints: the changes of files that git knows.
    pub(crate) diff: String,
    /// Files that git does not know and is not told to ignore.
    pub(crate) untracked: Vec<String>,
}

impl GitState {
    /// The state of the repository that a folder is in; none without git, outside a repository, or before its first commit.
    pub(crate) async fn of(folder: &Path) -> Option<Self> {
        let commit = git(folder, &["rev-parse", "HEAD"]).await?.trim().to_owned();
        let branch = git(folder, &["symbolic-ref", "--short", "--quiet", "HEAD"]).await;
        let remote = git(folder, &["config", "--get", "remote.origin.url"]).await;
        let untracked =
            git(folder, &["ls-files", "--others", "--exclude-standard", "--full-name", ":/"]).await;
        Some(Self {
            commit,
            branch: branch.map(|name| name.trim().to_owned()),
            repository: remote.map(|url| without_secrets(url.trim())),
            diff: git(folder, &["diff", "HEAD", "--binary"]).await.unwrap_or_default(),
            untracked: untracked.unwrap_or_default().lines().map(str::to_owned).collect(),
        })
    }

    /// Whether the commit alone does not say what ran.
    pub(crate) fn is_dirty(&self) -> bool {
        !self.diff.is_empty() || !self.untracked.is_empty()
    }

    /// The tags that MLflow's client sets, and what it does not keep.
    pub(crate) fn tags(&self) -> Vec<(&'static str, String)> {
        let mut tags = vec![
            ("mlflow.source.git.commit", self.commit.clone()),
            ("ropewalk.git.dirty", self.is_dirty().to_string()),
        ];
        tags.extend(self.branch.clone().map(|branch| ("mlflow.source.git.branch", branch)));
        tags.extend(self.repository.clone().map(|url| ("mlflow.source.git.repoURL", url)));
        if !self.untracked.is_empty() {
            tags.push(("ropewalk.git.untracked", self.untracked.join("\n")));
        }
        tags
    }

    /// Keeps the state with runs; why the changes could not be kept, if so.
    pub(crate) async fn keep(&self, client: &Client, runs: &[String]) -> Result<Option<String>> {
        let tags: Vec<Value> =
            self.tags().into_iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
        for run in runs {
            let body = json!({"run_id": run, "tags": tags});
            client.post::<Value>("/api/2.0/mlflow/runs/log-batch", &body).await?;
        }
        if self.diff.len() > LARGEST {
            return Ok(Some(format!("the uncommitted changes are larger than {} MiB", LARGEST >> 20)));
        }
        if self.diff.is_empty() {
            return Ok(None);
        }
        for run in runs {
            let found: Value =
                client.get(&format!("/api/2.0/mlflow/runs/get?run_id={}", segment(run))).await?;
            let place = found["run"]["info"]["artifact_uri"].as_str().unwrap_or_default();
            let Some(folder) = place.strip_prefix("mlflow-artifacts:/") else {
                return Ok(Some(format!(
                    "its artifacts lie at {place}, which this server does not write to"
                )));
            };
            let path: Vec<String> = folder
                .split('/')
                .chain(DIFF.split('/'))
                .filter(|part| !part.is_empty())
                .map(segment)
                .collect();
            let path = format!("/api/2.0/mlflow-artifacts/artifacts/{}", path.join("/"));
            client.send(Method::PUT, &path, Some(self.diff.clone().into_bytes())).await?;
        }
        Ok(None)
    }
}

/// What a git command prints; none if it fails.
async fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(arguments)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await
        .ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A URL without user and password.
fn without_secrets(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let end = rest.find('/').unwrap_or(rest.len());
            let host = rest[..end].rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{}", &rest[end..])
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn secrets_stay_out_of_urls() {
        assert_eq!(without_secrets("https://me:token@host/a/b.git"), "https://host/a/b.git");
        assert_eq!(without_secrets("git@host:a/b.git"), "git@host:a/b.git");
        assert_eq!(without_secrets("https://host/a@b"), "https://host/a@b");
    }

    #[tokio::test]
    async fn what_was_not_committed_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let run = |arguments: &[&str]| {
            let done = std::process::Command::new("git")
                .arg("-C")
                .arg(folder.path())
                .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"])
                .args(arguments)
                .output()
                .unwrap();
            assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
        };
        assert_eq!(GitState::of(folder.path()).await, None);
        run(&["init", "--quiet", "--initial-branch", "work"]);
        assert_eq!(GitState::of(folder.path()).await, None);
        std::fs::write(folder.path().join("train.py"), "depth = 3\n").unwrap();
        run(&["add", "."]);
        run(&["commit", "--quiet", "-m", "first"]);
        let clean = GitState::of(folder.path()).await.unwrap();
        assert_eq!(
            (clean.commit.len(), clean.branch.as_deref(), clean.is_dirty()),
            (40, Some("work"), false)
        );
        std::fs::write(folder.path().join("train.py"), "depth = 4\n").unwrap();
        std::fs::write(folder.path().join("new.py"), "").unwrap();
        let dirty = GitState::of(folder.path()).await.unwrap();
        assert_eq!(dirty.commit, clean.commit);
        assert!(dirty.diff.contains("-depth = 3\n+depth = 4\n"), "{}", dirty.diff);
        assert_eq!(dirty.untracked, ["new.py"]);
    }
}
