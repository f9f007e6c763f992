//! Servers under test: the demo, left open after its story, and one on a home of its own.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

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
        end(&mut self.child, &self.home);
    }
}

/// A server on an empty home; it is stopped and its home removed when this is dropped.
pub(crate) struct Served {
    child: Child,
    home: PathBuf,
    /// Where it answers.
    pub(crate) address: String,
}

impl Served {
    /// Start `program` with these variables and wait until it answers.
    pub(crate) fn start(program: &Path, variables: &[(&str, &str)]) -> Outcome<Self> {
        let home = std::env::temp_dir().join(format!("ropewalk-served-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&home);
        std::fs::create_dir_all(&home).map_err(|error| format!("{}: {error}", home.display()))?;
        let child = Command::new(program)
            .args(["up", "--port", "0", "--quiet", "--home"])
            .arg(&home)
            .envs(variables.iter().copied())
            // What is told of places on the disk depends on the folder: one that nothing else names.
            .current_dir(&home)
            .spawn()
            .map_err(|error| format!("{}: {error}", program.display()))?;
        let mut served = Self { child, home, address: String::new() };
        for _ in 0..600 {
            // The note that a server leaves in its home once it answers.
            let note = std::fs::read(served.home.join("server.json")).unwrap_or_default();
            if let Ok(note) = serde_json::from_slice::<serde_json::Value>(&note) {
                served.address = note["address"].as_str().unwrap_or_default().to_owned();
                return Ok(served);
            }
            if let Ok(Some(status)) = served.child.try_wait() {
                return Err(format!("the server ended before it answered: {status}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("the server did not answer within a minute".to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        end(&mut self.child, &self.home);
    }
}

/// Stop a server and remove its home.
fn end(child: &mut Child, home: &Path) {
    // As Ctrl-C does, so that leaving in order is tried, too; then for sure.
    let _ = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    for _ in 0..120 {
        if matches!(child.try_wait(), Ok(Some(_))) {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    let _ = child.kill();
    let _ = child.wait();
    let _ = std::fs::remove_dir_all(home);
}
