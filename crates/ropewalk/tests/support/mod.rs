//! What every test of the program needs: a home of its own, commands run on it, a server, and HTTP
//! written by hand so that a test may send what no client would.

pub mod fixture;
pub mod http;
pub mod tmpfs;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_ropewalk");

/// How long a server may take to begin to answer on a busy machine.
const START: Duration = Duration::from_secs(60);

/// What a command printed, and how it ended.
#[derive(Debug)]
pub struct Done {
    /// The exit status; `None` after a signal.
    pub code: Option<i32>,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Done {
    /// Standard output as one JSON document.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

/// The program with none of the caller's settings.
pub fn program(directory: &Path) -> Command {
    let mut command = Command::new(PROGRAM);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ROPEWALK_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(directory)
        .env("HOME", directory)
        .env_remove("XDG_CONFIG_HOME")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null());
    command
}

/// Run a command to its end.
pub fn finish(mut command: Command) -> Done {
    let output = command.output().unwrap();
    Done {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A folder to work in, with a home below it.
pub struct Place {
    folder: TempDir,
    home: PathBuf,
}

impl Place {
    /// An empty folder; the home is made by the first command that needs it.
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let home = folder.path().join("home");
        Self { folder, home }
    }

    /// A folder whose home lies elsewhere.
    pub fn with_home(home: &Path) -> Self {
        Self { folder: TempDir::new().unwrap(), home: home.to_path_buf() }
    }

    /// The working folder of commands.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The home.
    pub fn home(&self) -> &Path {
        &self.home
    }

    /// Write a file into the working folder.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.folder().join(name), content).unwrap();
    }

    /// A command on this home, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program(self.folder());
        command.args(arguments).arg("--home").arg(&self.home);
        command
    }

    /// Run a command on this home.
    pub fn run(&self, arguments: &[&str]) -> Done {
        finish(self.command(arguments))
    }

    /// Run a command that must succeed.
    pub fn ok(&self, arguments: &[&str]) -> Done {
        let done = self.run(arguments);
        assert_eq!(done.code, Some(0), "{arguments:?}: {done:?}");
        done
    }

    /// Run a command that must succeed; its JSON.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let mut all = arguments.to_vec();
        all.extend(["-o", "json"]);
        self.ok(&all).json()
    }

    /// Start a server on this home.
    pub fn up(&self) -> Server {
        self.up_with(&[])
    }

    /// Start a server on this home, with further flags.
    pub fn up_with(&self, flags: &[&str]) -> Server {
        let mut command = self.command(&["up", "--port", "0"]);
        command.args(flags);
        self.up_by(command)
    }

    /// Start a server on this home by a command of its own.
    pub fn up_by(&self, mut command: Command) -> Server {
        let told = self.folder().join("up.err");
        let child =
            command.stdout(Stdio::null()).stderr(std::fs::File::create(&told).unwrap()).spawn().unwrap();
        Server::wait(child, &self.home, &told)
    }
}

/// A running `ropewalk up`; killed when dropped.
pub struct Server {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub address: String,
}

impl Server {
    fn wait(mut child: Child, home: &Path, told: &Path) -> Self {
        let started = Instant::now();
        loop {
            let note = std::fs::read(home.join("server.json")).unwrap_or_default();
            let note: Value = serde_json::from_slice(&note).unwrap_or_default();
            // The note of a killed server lies there until the next one writes its own.
            if note["process"].as_u64() == Some(u64::from(child.id())) {
                return Self { child, address: note["address"].as_str().unwrap().to_owned() };
            }
            let words = || std::fs::read_to_string(told).unwrap_or_default();
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", words());
            }
            assert!(started.elapsed() < START, "the server does not start: {}", words());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// `HOST:PORT`.
    pub fn host(&self) -> &str {
        self.address.trim_start_matches("http://")
    }

    /// The process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// End it as a power cut would: no word, no tidying.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Ask it to end, and wait until it has.
    pub fn stop(mut self) {
        let process = libc::pid_t::try_from(self.child.id()).unwrap();
        // SAFETY: the process is a child that was not waited for, so that its number is still its own.
        assert_eq!(unsafe { libc::kill(process, libc::SIGTERM) }, 0);
        assert!(self.child.wait().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The red wines, as they are handed out with the program.
pub fn red_wines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../data/wine/winequality-red.csv").canonicalize().unwrap()
}
