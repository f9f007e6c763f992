//! The stock Python clients, pinned, in a virtual environment in the user's cache.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Outcome, cache, find, output, root, run};
use crate::server::Served;

/// The script that asks a stock MLflow server and ours the same.
const DIFFERENTIAL: &str = "differential.py";
/// The script whose client is a part of MLflow's server: that of users and permissions.
const WITH_SERVER: &str = "auth_client.py";

/// The Python of this machine.
pub(crate) fn find_python() -> Outcome<PathBuf> {
    find("python3")
        .ok_or_else(|| "Python 3 is needed for the tests of the stock clients, and there is none".to_owned())
}

/// The Python of an environment that holds exactly the pinned clients.
pub(crate) fn environment() -> Outcome<PathBuf> {
    prepare("python", "requirements.txt")
}

/// The Python of an environment that holds exactly the pinned MLflow server.
pub(crate) fn server_environment() -> Outcome<PathBuf> {
    prepare("python-server", "requirements-server.txt")
}

/// An environment of this name in the cache, with the packages that a file lists and the last ones over them.
fn prepare(name: &str, list: &str) -> Outcome<PathBuf> {
    let python = find_python()?;
    let requirements = root().join("tests/python").join(list);
    let last = root().join("tests/python/requirements-last.txt");
    let read = |file: &PathBuf| {
        std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
    };
    let wanted = read(&requirements)? + &read(&last)?;
    let version = output(Command::new(&python).arg("--version"))?;
    let folder = cache().join(name);
    let stamp = folder.join("installed.txt");
    let installed = format!("{version}{wanted}");
    let environment = folder.join("bin/python");
    if std::fs::read_to_string(&stamp).is_ok_and(|text| text == installed) && environment.is_file() {
        return Ok(environment);
    }
    eprintln!("Installing the Python packages of {list} into {} …", folder.display());
    let _ = std::fs::remove_dir_all(&folder);
    run(Command::new(&python).args(["-m", "venv"]).arg(&folder))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    run(Command::new(&environment).args(install).arg("-r").arg(&requirements))?;
    run(Command::new(&environment).args(install).args(["--no-deps", "--force-reinstall", "-r"]).arg(&last))?;
    std::fs::write(&stamp, installed).map_err(|error| error.to_string())?;
    Ok(environment)
}

/// Run every client test, against a server or against one that it starts with `program`.
pub(crate) fn test(address: &str, program: &Path) -> Outcome {
    let python = environment()?;
    let folder = root().join("tests/python");
    let mut scripts: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "py"))
        .filter(|path| path.file_name().is_none_or(|name| name != DIFFERENTIAL))
        .collect();
    scripts.sort();
    for script in scripts {
        let with_server = script.file_name().is_some_and(|name| name == WITH_SERVER);
        let python = if with_server { server_environment()? } else { python.clone() };
        run(script_of(&python, &script, address).env("ROPEWALK_PROGRAM", program))?;
    }
    Ok(())
}

/// Asks MLflow's own server and ours the same, some ten thousand times, and compares the answers.
pub(crate) fn compare(program: &Path) -> Outcome {
    // What webhooks deliver is a chapter of its own: both servers must be allowed to post to this machine.
    let loopback =
        [("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "true"), ("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "http,https")];
    let python = server_environment()?;
    let script = root().join("tests/python").join(DIFFERENTIAL);
    for (flags, variables) in [(&[][..], &[][..]), (&["--webhooks-to-loopback"][..], &loopback[..])] {
        let server = Served::start(program, variables)?;
        run(script_of(&python, &script, &server.address).args(flags))?;
    }
    Ok(())
}

fn script_of(python: &Path, script: &Path, address: &str) -> Command {
    let mut command = Command::new(python);
    command.arg(script).env("ROPEWALK_URL", address).env("PYTHONUNBUFFERED", "1");
    // A proxy must not come between the tests and this machine.
    command.env("NO_PROXY", "127.0.0.1,localhost");
    command
}
