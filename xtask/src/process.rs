//! Running other programs, and where things are.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// What a chore ends with: nothing, or why it failed.
pub(crate) type Outcome<T = ()> = Result<T, String>;

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Cargo's target folder, as this program was built into it.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// Where downloaded tools are kept between runs: the user's cache.
pub(crate) fn cache() -> PathBuf {
    std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache")))
        .unwrap_or_else(|| root().join(".cache"))
        .join("ropewalk")
}

/// The cargo that runs this chore, in the project's folder.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Build the program in the tests' profile.
pub(crate) fn build() -> Outcome {
    run(cargo().args(["build", "--locked", "--package", "ropewalk"]))
}

/// The program in the tests' profile.
pub(crate) fn program() -> PathBuf {
    target().join("debug").join("ropewalk")
}

/// Run a command, showing it and what it prints; an error if it fails.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = describe(command);
    eprintln!("$ {shown}");
    let started = Instant::now();
    let status = command.status().map_err(|error| format!("{shown}: {error}"))?;
    if !status.success() {
        return Err(format!("{shown}: {status}"));
    }
    eprintln!("  done in {:.1} s", started.elapsed().as_secs_f64());
    Ok(())
}

/// Run a command and give what it prints; an error, with its words, if it fails.
pub(crate) fn output(command: &mut Command) -> Outcome<String> {
    let shown = describe(command);
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{shown}: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{shown}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)))
    }
}

/// Whether a program is on the PATH.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether this process may install system packages.
pub(crate) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Install a Debian package, where that is possible.
pub(crate) fn install_package(package: &str) -> Outcome {
    if !is_root() || find("apt-get").is_none() {
        return Err(format!(
            "{package} is not installed, and this user cannot install it: apt-get install {package}"
        ));
    }
    // The package lists may be missing or old; an update that fails shows in the installation.
    let _ = output(Command::new("apt-get").args(["update", "-qq"]));
    let mut command = Command::new("apt-get");
    command
        .args(["install", "-y", "-qq", "--no-install-recommends", package])
        .env("DEBIAN_FRONTEND", "noninteractive");
    output(&mut command).map(drop)
}

fn describe(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program
        .file_name()
        .map_or_else(|| program.display().to_string(), |name| name.to_string_lossy().into_owned());
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(name).chain(arguments).collect::<Vec<_>>().join(" ")
}
