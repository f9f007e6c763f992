//! One server, measured from its first start to its end.

use std::path::Path;
use std::time::{Duration, Instant};

use super::load::{self, Loading};
use super::measure::Timing;
use super::memory::Memory;
use super::options::{Database, Options};
use super::searches::{self, Varied};
use super::servers::{Installed, Server};
use super::work::{self, Done};
use crate::postgres::Postgres;
use crate::process::Outcome;

/// A server that uses fewer seconds of processor time in a second does nothing but look for work now and then.
const IDLE: f64 = 0.25;

/// How long a server may take to come to rest.
const SETTLE: Duration = Duration::from_secs(60);

/// What was measured of one server.
pub(super) struct Side {
    /// Its name and version.
    pub(super) version: String,
    /// The database server's version, where there is one.
    pub(super) database_version: Option<String>,
    /// First start, on an empty database; in seconds.
    pub(super) first_start: f64,
    /// Later starts, on the loaded database.
    pub(super) starts: Option<Timing>,
    pub(super) loading: Loading,
    /// After a start on the loaded database, before any request but the first.
    pub(super) idle: Memory,
    /// The most of what was seen right after loading through the API and after all work.
    pub(super) loaded: Memory,
    /// The work by name, and what came of it.
    pub(super) done: Vec<(String, Outcome<Done>)>,
    pub(super) varied: Option<Varied>,
}

impl Side {
    /// Start, load, start again, and do all work.
    pub(super) fn measure(
        installed: &Installed,
        postgres: Option<&Postgres>,
        database: Database,
        folder: &Path,
        options: &Options,
    ) -> Outcome<Self> {
        let say = |what: &str| eprintln!("{:>10}  {:<8}  {what}", database.name(), installed.name());
        let data = options.data();
        let server = installed.start()?;
        let first_start = server.seconds;
        say(&format!("first start: {first_start:.3} s"));
        let version = installed.version(&server)?;
        let mut place = load::experiments(server.port)?;
        let (loading, mut loaded) = match installed.python_and_database() {
            None => {
                let loading = load::through_api(server.port, data, &mut place)?;
                let memory = server.memory();
                server.stop();
                (loading, memory)
            }
            Some((python, database)) => {
                server.stop();
                (load::through_tables(python, database, data, &mut place, folder)?, Memory::default())
            }
        };
        say(&format!("{} runs loaded in {:.1} s", loading.runs, loading.seconds));
        if let Some(postgres) = postgres {
            postgres.settle()?;
        }
        let starts = if options.wants("start") { Some(starts(installed, options)?) } else { None };
        if let Some(starts) = &starts {
            say(&format!("start: {:.3} s", starts.median() / 1000.0));
        }

        let server = installed.start()?;
        let idle = settled(&server);
        // Many different searches tell of a server by itself; beside another one they would take too long.
        let varied = if !options.against_mlflow && options.wants("varied searches") {
            let varied = searches::varied(server.port, &place, data, options.rounds());
            say(&format!("varied searches: median {:.2} ms", varied.all.median()));
            Some(varied)
        } else {
            None
        };
        let mut done = Vec::new();
        let mut read_only = true;
        for work in work::list(database).into_iter().filter(|work| options.wants(&work.name)) {
            if read_only && work.writes() {
                read_only = false;
                loaded = loaded.or_more(server.memory());
            }
            let came = work.measure(server.port, &place, options.budget());
            match &came {
                Ok(came) => say(&format!(
                    "{}: {:.1} /s, median {:.2} ms",
                    work.name,
                    came.timing.rate,
                    came.timing.median()
                )),
                Err(why) => say(&format!("{}: {why}", work.name)),
            }
            done.push((work.name, came));
        }
        loaded = loaded.or_more(server.memory());
        server.stop();
        let database_version = postgres.map(Postgres::version).transpose()?;
        Ok(Self { version, database_version, first_start, starts, loading, idle, loaded, done, varied })
    }

    /// What came of the work of this name.
    pub(super) fn done(&self, name: &str) -> Option<&Outcome<Done>> {
        self.done.iter().find(|(known, _)| known == name).map(|(_, came)| came)
    }
}

/// Start and stop several times.
fn starts(installed: &Installed, options: &Options) -> Outcome<Timing> {
    let slow = installed.python_and_database().is_some();
    let count = match (slow, options.quick) {
        (true, true) => 1,
        (true, false) => 3,
        (false, true) => 3,
        (false, false) => 9,
    };
    let mut times = Vec::new();
    for _ in 0..count {
        let server = installed.start()?;
        times.push(server.seconds * 1000.0);
        // One that is stopped while it still starts its other processes might leave some behind.
        settled(&server);
        server.stop();
    }
    Ok(Timing::of(times))
}

/// What a server takes once it has come to rest after its start; that is also when work may begin.
fn settled(server: &Server) -> Memory {
    let started = Instant::now();
    let look = || (server.memory(), server.processor_seconds());
    let mut before = look();
    loop {
        std::thread::sleep(Duration::from_secs(1));
        let now = look();
        let still = (now.0.resident_mb - before.0.resident_mb).abs() < 0.005 * before.0.resident_mb
            && now.0.processes == before.0.processes
            && now.1 - before.1 < IDLE;
        if still || started.elapsed() > SETTLE {
            return now.0;
        }
        before = now;
    }
}
