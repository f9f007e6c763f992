//! The stock Python clients, pinned, in a virtual environment in the user's cache.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{Outcome, cache, find, output, program, root, run};

/// The Python of this machine.
pub(crate) fn find_python() -> Outcome<PathBuf> {
    find("python3")
        .ok_or_else(|| "Python 3 is needed for the tests of the stock clients, and there is none".to_owned())
}

/// The Python of an environment that holds exactly the pinned packages.
pub(crate) fn environment() -> Outcome<PathBuf> {
    let python = find_python()?;
    let requirements = root().join("tests/python/requirements.txt");
    let last = root().join("tests/python/requirements-last.txt");
    let read = |file: &PathBuf| {
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
    };
    let wanted = read(&requirements)? + &read(&last)?;
    let version = output(Command::new(&python).arg("--version"))?;
    let folder = cache().join("python");
    let stamp = folder.join("installed.txt");
    let installed = format!("{version}{wanted}");
    let environment = folder.join("bin/python");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == installed) && environment.is_file() {
        return Ok(environment);
    }
    eprintln!("Installing the pinned Python clients into {} …", folder.display());
    let _ = std::fs::remove_dir_all(&folder);
    run(Command::new(&python).args(["-m", "venv"]).arg(&folder))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&environment).args(install).arg("-r").arg(&requirements))?;
    run(Command::new(&environment).args(install).args(["--no-deps", "--force-reinstall", "-r"]).arg(&last))?;
    std::fs::write(&stamp, installed).map_err(|error| error.to_string())?;
    Ok(environment)
}

/// Run every client test against a server.
pub(crate) fn test(address: &str) -> Outcome {
    let python = environment()?;
    let folder = root().join("tests/python");
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .collect();
    scripts.sort();
    for script in scripts {
        let mut command = Command::new(&python);
        command.arg(&script).env("ROPEWALK_URL", address).env("PYTHONUNBUFFERED", "1");
        // Some tests start servers of their own.
        command.env("ROPEWALK_PROGRAM", program());
        // A proxy must not come between the tests and this machine.
        command.env("NO_PROXY", "127.0.0.1,localhost");
        run(&mut command)?;
    }
    Ok(())
}
