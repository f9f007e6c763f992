//! The note that a running server leaves in its home, so that commands find it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use ropewalk_core::{Result, now_ms};
use serde::{Deserialize, Serialize};

/// Where a server answers and how a command of the same home proves itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) address: String,
    pub(crate) process: u32,
    pub(crate) token: String,
    pub(crate) started_ms: i64,
    pub(crate) version: String,
}

impl Running {
    pub(crate) fn new(address: String, token: String) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { address, process: std::process::id(), token, started_ms: now_ms(), version }
    }

    fn path(home: &Path) -> PathBuf {
        home.join("server.json")
    }

    /// Leave the note, readable by the home's owner only.
    pub(crate) fn write(&self, home: &Path) -> Result<()> {
        use std::io::Write;
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        options.open(Self::path(home))?.write_all(&serde_json::to_vec_pretty(self)?)?;
        Ok(())
    }

    /// Take the note away, if it is this process's.
    pub(crate) fn remove(home: &Path) {
        if Self::read(home).is_some_and(|running| running.process == std::process::id()) {
            let _ = std::fs::remove_file(Self::path(home));
        }
    }

    fn read(home: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(Self::path(home)).ok()?).ok()
    }

    /// The server of a home, if one runs and answers.
    pub(crate) async fn find(home: &Path) -> Option<Self> {
        let running = Self::read(home)?;
        let http = reqwest::Client::builder().timeout(Duration::from_secs(2)).no_proxy().build().ok()?;
        let answer = http
            .get(format!("{}/api/v1/home", running.address))
            .bearer_auth(&running.token)
            .send()
            .await
            .ok()?
            .json::<crate::compose::Home>()
            .await
            .ok()?;
        // Another program, or the server of another home, may have got the port since.
        (answer.process == running.process).then_some(running)
    }
}
