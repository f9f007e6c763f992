//! Building and checking the web app.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use crate::process::{Outcome, find, output, root, run};

/// The oldest Node that the web app builds on.
const NODE: u32 = 20;

/// Whether a Node that can build the web app is there; if not, why.
pub(crate) fn node() -> Outcome {
    let version = output(Command::new("node").arg("--version"))
        .map_err(|_| format!("Node {NODE} or newer is needed for the web app, and there is none"))?;
    let major =
        version.trim().trim_start_matches('v').split('.').next().and_then(|part| part.parse::<u32>().ok());
    if major.is_some_and(|major| major >= NODE) && find("npm").is_some() {
        Ok(())
    } else {
        Err(format!("Node {NODE} or newer with npm is needed for the web app; found {}", version.trim()))
    }
}

/// Build the web app if there is a Node for it; otherwise say that the program goes without.
pub(crate) fn build_if_possible() -> Outcome {
    match node() {
        Ok(()) => build(),
        Err(why) => {
            eprintln!("{why}.");
            eprintln!("The program is built without it: its pages say how to get it.");
            Ok(())
        }
    }
}

/// Build the web app into `web/dist`, unless it is newer than all of its sources.
pub(crate) fn build() -> Outcome {
    node()?;
    let web = root().join("web");
    if is_current(&web) {
        return Ok(());
    }
    install(&web)?;
    run(npm(&web).args(["run", "build"]))
}

/// Install the packages of the lock file, unless they stand.
pub(crate) fn install(web: &Path) -> Outcome {
    let installed = modified(&web.join("node_modules/.package-lock.json"));
    if installed.is_some() && installed >= modified(&web.join("package-lock.json")) {
        return Ok(());
    }
    run(npm(web).args(["ci", "--no-audit", "--no-fund", "--loglevel=error"]))
}

/// Types and unit tests.
pub(crate) fn test() -> Outcome {
    node()?;
    let web = root().join("web");
    install(&web)?;
    run(npm(&web).args(["run", "check"]))?;
    run(npm(&web).args(["run", "test:unit"]))?;
    build()
}

fn npm(web: &Path) -> Command {
    let mut command = Command::new("npm");
    command.current_dir(web);
    command
}

fn is_current(web: &Path) -> bool {
    let Some(built) = modified(&web.join("dist/index.html")) else { return false };
    let mut sources = vec![web.join("package-lock.json"), web.join("index.html"), web.join("vite.config.ts")];
    collect(&web.join("src"), &mut sources);
    collect(&web.join("public"), &mut sources);
    sources.iter().filter_map(|source| modified(source)).all(|time| time <= built)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}

fn modified(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|meta| meta.modified()).ok()
}
