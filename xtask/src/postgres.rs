//! A PostgreSQL of this program's own, where one is installed.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{Outcome, find, is_root, output};

/// Whether what is committed survives a power cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// It need not: the data is thrown away. Quicker.
    Off,
    /// It does, as PostgreSQL is set from the start.
    On,
}

/// A running server; it is stopped and its data removed when this is dropped.
pub(crate) struct Postgres {
    binaries: PathBuf,
    folder: PathBuf,
    /// The server's address.
    pub(crate) url: String,
}

impl Postgres {
    /// Whether PostgreSQL is installed.
    pub(crate) fn installed() -> bool {
        binaries().is_some()
    }

    /// Start a server on a free port, if PostgreSQL is installed.
    pub(crate) fn start(durability: Durability) -> Outcome<Option<Self>> {
        let Some(binaries) = binaries() else { return Ok(None) };
        let folder = std::env::temp_dir().join(format!("ropewalk-postgres-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
        let port = free_port()?;
        let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
        let server = Self { binaries, folder, url };
        if is_root() {
            // PostgreSQL refuses to run as root: it gets an account without rights.
            output(Command::new("chown").args(["-R", account()]).arg(&server.folder))?;
        }
        let data = server.folder.join("data");
        output(server.command("initdb").arg("-D").arg(&data).args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "--no-sync",
        ]))?;
        let fsync = if durability == Durability::On { "on" } else { "off" };
        let options = format!(
            "-p {port} -k {} -c listen_addresses=127.0.0.1 -c fsync={fsync} -c max_connections=200",
            server.folder.display()
        );
        output(
            server
                .command("pg_ctl")
                .arg("-D")
                .arg(&data)
                .args(["-w", "-o", &options, "-l"])
                .arg(server.folder.join("log"))
                .arg("start"),
        )?;
        Ok(Some(server))
    }

    /// Clear away and count what there is, as PostgreSQL does by itself some time after a load.
    pub(crate) fn settle(&self) -> Outcome {
        let mut command = self.command("vacuumdb");
        command.args(["--analyze", "--quiet", "--dbname", &self.url]);
        output(&mut command).map(drop)
    }

    /// The version, as in “PostgreSQL 15.18”.
    pub(crate) fn version(&self) -> Outcome<String> {
        let version = output(self.command("postgres").arg("--version"))?;
        let number = version.trim().rsplit(") ").next().unwrap_or_default().split(' ').next();
        Ok(format!("PostgreSQL {}", number.unwrap_or_default()))
    }

    fn command(&self, program: &str) -> Command {
        let file = self.binaries.join(program);
        if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid", account(), "--regid", "nogroup", "--clear-groups"]).arg(file);
            command.current_dir(&self.folder);
            command
        } else {
            Command::new(file)
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = output(self.command("pg_ctl").arg("-D").arg(self.folder.join("data")).args([
            "-m",
            "immediate",
            "stop",
        ]));
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn account() -> &'static str {
    "nobody"
}

/// The newest installed version's programs.
fn binaries() -> Option<PathBuf> {
    // A link on the PATH leads to the folder where its fellows are.
    if let Some(initdb) = find("initdb").and_then(|initdb| initdb.canonicalize().ok()) {
        return initdb.parent().map(Path::to_path_buf);
    }
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
    let mut folders: Vec<PathBuf> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    folders.sort();
    folders.into_iter().rev().find(|folder| folder.join("initdb").is_file())
}

pub(crate) fn free_port() -> Outcome<u16> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| error.to_string())
}
