//! The web app in a real Chromium.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Outcome, find, install_package, root, run};
use crate::web;

/// A Chromium of this machine, installed if that is possible.
pub(crate) fn chromium() -> Outcome<PathBuf> {
    const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    let present = || NAMES.iter().find_map(|name| find(name));
    if let Some(program) = present() {
        return Ok(program);
    }
    eprintln!("Installing Chromium …");
    install_package("chromium")?;
    present().ok_or_else(|| "Chromium was installed but is not on the PATH".to_owned())
}

/// Run the browser tests against a server whose demo has finished.
pub(crate) fn test(address: &str, chromium: &Path) -> Outcome {
    let web = root().join("web");
    web::install(&web)?;
    run(Command::new("node")
        .arg("tests/browser/run.mjs")
        .current_dir(&web)
        .env("ROPEWALK_URL", address)
        .env("ROPEWALK_CHROMIUM", chromium))
}
