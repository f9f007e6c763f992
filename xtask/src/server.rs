//! A server under test: the demo, left open after its story.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::process::{Outcome, root};

/// The running demo; it is stopped and its home removed when this is dropped.
pub(crate) struct Demo {
    child: Child,
    home: PathBuf,
    /// Where it answers.
    pub(crate) address: String,
    /// What it measured.
    pub(crate) summary: serde_json::Value,
}

impl Demo {
    /// Run the story with `program` in a home of its own and wait for its summary.
    pub(crate) fn start(program: &Path) -> Outcome<Self> {
        let home = std::env::temp_dir().join(format!("ropewalk-demo-{}", std::process::id()));
        let mut child = Command::new(program)
            .args(["demo", "--no-browser", "--port", "0", "-o", "ndjson", "--home"])
            .arg(&home)
            .current_dir(root())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            let mut reader = BufReader::new(stdout);
            reader.read_line(&mut line).map_err(|error| error.to_string())?;
            // Keep the pipe open for as long as the server runs.
            std::thread::spawn(move || {
                let mut rest = Vec::new();
                let _ = reader.read_to_end(&mut rest);
            });
        }
        let summary: serde_json::Value = match serde_json::from_str(&line) {
            Ok(summary) => summary,
            Err(_) => {
                let status = child.wait().map_err(|error| error.to_string())?;
                let _ = std::fs::remove_dir_all(&home);
                return Err(format!("the demo ended without a summary: {status}"));
            }
        };
        let address = summary["address"].as_str().unwrap_or_default().to_owned();
        Ok(Self { child, home, address, summary })
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // As Ctrl-C does, so that leaving in order is tried, too; then for sure.
        let _ = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        for _ in 0..120 {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.home);
    }
}
