//! Starting and stopping the two servers.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::memory::{self, Memory};
use crate::bench::http::{Client, Coding};
use crate::postgres::free_port;
use crate::process::{Outcome, output};

/// How long a server may take to answer for the first time; MLflow's has needed two minutes on a busy machine.
const START: Duration = Duration::from_secs(300);

/// How long one may take to leave in order.
const LEAVE: Duration = Duration::from_secs(15);

/// A server as it is installed, with the place of its data.
pub(super) struct Installed {
    kind: Kind,
    /// Where what it prints goes.
    log: PathBuf,
}

enum Kind {
    /// Ropewalk: the program, its home, and its database where that is not in the home.
    Ours { program: PathBuf, home: PathBuf, database: Option<String> },
    /// MLflow: a Python that has it, the address of its database, and its artifacts.
    Stock { python: PathBuf, database: String, artifacts: PathBuf },
}

/// A running server. It is stopped when this is dropped.
pub(super) struct Server {
    child: Child,
    /// The port it answers on.
    pub(super) port: u16,
    /// From the start of its process to the first answer, in seconds.
    pub(super) seconds: f64,
}

impl Installed {
    /// Ropewalk with its data in a folder, or in this PostgreSQL database.
    pub(super) fn ours(program: &Path, folder: &Path, database: Option<String>) -> Self {
        let kind = Kind::Ours { program: program.to_owned(), home: folder.join("home"), database };
        Self { kind, log: folder.join("ours.log") }
    }

    /// MLflow with its data in a folder, or in this PostgreSQL database.
    pub(super) fn stock(python: &Path, folder: &Path, database: Option<String>) -> Self {
        let database = match database {
            // SQLAlchemy would ask for another driver than the one that MLflow's own documentation installs.
            Some(address) => address.replacen("postgres://", "postgresql+psycopg2://", 1),
            None => format!("sqlite:///{}", folder.join("mlflow.db").display()),
        };
        let artifacts = folder.join("artifacts");
        Self {
            kind: Kind::Stock { python: python.to_owned(), database, artifacts },
            log: folder.join("stock.log"),
        }
    }

    /// What it is called.
    pub(super) fn name(&self) -> &'static str {
        match &self.kind {
            Kind::Ours { .. } => "Ropewalk",
            Kind::Stock { .. } => "MLflow",
        }
    }

    /// Name and version: our program's own, or what MLflow's server answers.
    pub(super) fn version(&self, server: &Server) -> Outcome<String> {
        match &self.kind {
            Kind::Ours { program, .. } => {
                output(Command::new(program).arg("--version")).map(|version| version.trim().to_owned())
            }
            Kind::Stock { python, .. } => {
                let python = output(Command::new(python).arg("--version"))?;
                let mut client = Client::new(server.port);
                let answer = client.get("/version", Coding::Plain)?;
                answer.ok()?;
                Ok(format!("mlflow {}, {}", String::from_utf8_lossy(answer.body).trim(), python.trim()))
            }
        }
    }

    /// The Python and the address of the database, if this is MLflow.
    pub(super) fn python_and_database(&self) -> Option<(&Path, &str)> {
        match &self.kind {
            Kind::Ours { .. } => None,
            Kind::Stock { python, database, .. } => Some((python, database)),
        }
    }

    /// Start it and wait for its first answer.
    pub(super) fn start(&self) -> Outcome<Server> {
        let port = free_port()?;
        let mut command = self.command(port);
        let log = File::options().create(true).append(true).open(&self.log);
        let log = log.map_err(|error| format!("{}: {error}", self.log.display()))?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let mut server = Server { child, port, seconds: 0.0 };
        while started.elapsed() < START {
            let mut client = Client::patient(port, Duration::from_secs(5));
            if client.get("/health", Coding::Plain).is_ok_and(|answer| answer.status == 200) {
                server.seconds = started.elapsed().as_secs_f64();
                return Ok(server);
            }
            if let Ok(Some(status)) = server.child.try_wait() {
                return Err(format!("the server ended at once: {status}\n{}", self.last_words()));
            }
            std::thread::sleep(Duration::from_millis(if started.elapsed().as_millis() < 500 {
                1
            } else {
                5
            }));
        }
        Err(format!("the server did not answer within {} s\n{}", START.as_secs(), self.last_words()))
    }

    fn command(&self, port: u16) -> Command {
        let port = port.to_string();
        let mut command = match &self.kind {
            Kind::Ours { program, home, database } => {
                let mut command = Command::new(program);
                command.args(["up", "--quiet", "--port", &port, "--home"]).arg(home);
                if let Some(database) = database {
                    command.args(["--database", database]);
                }
                command
            }
            Kind::Stock { python, database, artifacts } => {
                let mut command = Command::new(python);
                command.args(["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", &port]);
                command.args(["--backend-store-uri", database, "--artifacts-destination"]).arg(artifacts);
                command
            }
        };
        for (name, _) in std::env::vars_os() {
            let theirs = |prefix| name.to_str().is_some_and(|name| name.starts_with(prefix));
            if theirs("ROPEWALK_") || theirs("MLFLOW_") || theirs("_MLFLOW_") {
                command.env_remove(&name);
            }
        }
        command.env("MLFLOW_DISABLE_TELEMETRY", "true").env("DO_NOT_TRACK", "true");
        if let Some(folder) = self.log.parent() {
            command.current_dir(folder);
        }
        command
    }

    /// The end of what it printed.
    fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(20)..).unwrap_or_default().join("\n")
    }
}

impl Server {
    /// What its processes take now.
    pub(super) fn memory(&self) -> Memory {
        memory::memory(self.child.id())
    }

    /// Processor time that its processes have used so far, in seconds.
    pub(super) fn processor_seconds(&self) -> f64 {
        memory::tree_processor_seconds(self.child.id())
    }

    /// Stop it, and wait until it has gone.
    pub(super) fn stop(self) {
        drop(self);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let processes = memory::tree(self.child.id());
        let _ = output(Command::new("kill").args(["-TERM", &self.child.id().to_string()]));
        let asked = Instant::now();
        while asked.elapsed() < LEAVE {
            let _ = self.child.try_wait();
            if !processes.iter().any(|process| memory::alive(*process)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        for process in processes.into_iter().filter(|process| memory::alive(*process)) {
            let _ = output(Command::new("kill").args(["-KILL", &process.id.to_string()]));
        }
        let _ = self.child.wait();
    }
}
