//! What `cargo xtask bench runs` is asked to do.

use std::path::PathBuf;

use super::data::{Data, METRICS};
use super::measure::Budget;
use crate::process::{Outcome, target};

pub(super) const HELP: &str = "\
The speed of the tracking server, alone or beside MLflow's own server.

  cargo xtask bench runs --against mlflow                  both servers, one after the other, with ratios
  cargo xtask bench runs                                   ours alone, with many different searches
  cargo xtask bench runs --runs 100000 --points 10000000   the same at scale

  --against mlflow      measure MLflow's server, too; it is installed into a virtual environment in the user's cache
  --database WHICH      sqlite, postgres or both [default: both; PostgreSQL only where it is installed]
  --runs N              runs in the experiment [default: 5000; 500 with --quick]
  --points N            metric points in all runs together [default: 20 for each run]
  --quick               shorter and less exact
  --only WORK           only work whose name has this in it, as search, log-batch or start; may be given again
  --program PATH        this ropewalk program instead of the release build
  --python PATH         a Python that has MLflow's server, instead of the pinned one
  -o json [--file PATH] write the report as JSON, too [default: bench-runs.json in cargo's target folder]
";

/// A database that the servers keep their data in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Database {
    Sqlite,
    Postgres,
}

impl Database {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// What is to be measured, and how.
#[derive(Default)]
pub(super) struct Options {
    pub(super) against_mlflow: bool,
    /// One, or each there is.
    pub(super) database: Option<Database>,
    runs: Option<usize>,
    points: Option<usize>,
    pub(super) quick: bool,
    pub(super) only: Vec<String>,
    pub(super) program: Option<PathBuf>,
    pub(super) python: Option<PathBuf>,
    /// Where the report goes as JSON.
    pub(super) file: Option<PathBuf>,
}

impl Options {
    /// Read the command line; nothing if only help is asked for.
    pub(super) fn parse(arguments: &[String]) -> Outcome<Option<Self>> {
        let mut options = Self::default();
        let mut json = false;
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            let mut value = || rest.next().ok_or_else(|| format!("{argument} needs a value\n\n{HELP}"));
            match argument.as_str() {
                "--against" => match value()?.as_str() {
                    "mlflow" => options.against_mlflow = true,
                    other => return Err(format!("there is no comparison with “{other}”: mlflow")),
                },
                "--database" => match value()?.as_str() {
                    "sqlite" => options.database = Some(Database::Sqlite),
                    "postgres" => options.database = Some(Database::Postgres),
                    "both" => options.database = None,
                    other => return Err(format!("there is no database “{other}”: sqlite, postgres, both")),
                },
                "--runs" => options.runs = Some(count(argument, value()?)?),
                "--points" => options.points = Some(count(argument, value()?)?),
                "--quick" => options.quick = true,
                "--only" => options.only.push(value()?.clone()),
                "--program" => options.program = Some(value()?.into()),
                "--python" => options.python = Some(value()?.into()),
                "--file" => options.file = Some(value()?.into()),
                "-o" | "--output" => match value()?.as_str() {
                    "json" => json = true,
                    other => return Err(format!("there is no output “{other}”: json")),
                },
                "help" | "-h" | "--help" => return Ok(None),
                other => return Err(format!("there is no option “{other}”\n\n{HELP}")),
            }
        }
        if json {
            options.file.get_or_insert_with(|| target().join("bench-runs.json"));
        }
        let data = options.data();
        if options.points.is_some_and(|points| points != data.points()) {
            return Err(format!(
                "{} points do not divide into {} runs with {METRICS} metrics of equally many steps: try --points {}",
                options.points.unwrap_or_default(),
                data.runs,
                data.points()
            ));
        }
        Ok(Some(options))
    }

    /// The databases to measure on.
    pub(super) fn databases(&self) -> Vec<Database> {
        match self.database {
            Some(database) => vec![database],
            None => vec![Database::Sqlite, Database::Postgres],
        }
    }

    /// The data that is loaded.
    pub(super) fn data(&self) -> Data {
        let runs = self.runs.unwrap_or(if self.quick { 500 } else { 5000 });
        let steps = self.points.map_or(1, |points| (points / runs / METRICS).max(1));
        Data { runs, steps }
    }

    /// How often each thing is done.
    pub(super) fn budget(&self) -> Budget {
        if self.quick { Budget { seconds: 1.0, least: 2 } } else { Budget { seconds: 5.0, least: 3 } }
    }

    /// Rounds of different searches.
    pub(super) fn rounds(&self) -> usize {
        if self.quick { 3 } else { 30 }
    }

    /// Whether work of this name is to be done.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| name.contains(only.as_str()))
    }
}

fn count(name: &str, value: &str) -> Outcome<usize> {
    match value.replace('_', "").parse() {
        Ok(0) | Err(_) => Err(format!("{name} needs a whole number above zero, not “{value}”")),
        Ok(count) => Ok(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Outcome<Option<Options>> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        Options::parse(&words)
    }

    #[test]
    fn points_are_divided_among_the_runs() {
        let data = parse("--runs 100000 --points 10_000_000").ok().flatten().map(|options| options.data());
        assert_eq!(data.map(|data| (data.runs, data.steps)), Some((100_000, 5)));
        let told = parse("--runs 3 --points 100").err().unwrap_or_default();
        assert!(told.contains("try --points 60"), "{told}");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for line in ["--against wandb", "--database mysql", "--runs 0", "--runs", "-o xml", "--fast"] {
            assert!(parse(line).is_err(), "{line}");
        }
        assert!(parse("--help").is_ok_and(|options| options.is_none()));
    }

    #[test]
    fn work_is_chosen_by_parts_of_its_name() {
        let options = parse("--only search --only history").ok().flatten().unwrap_or_default();
        assert!(options.wants("search 100: no filter") && !options.wants("log-batch"));
        assert!(Options::default().wants("log-batch"));
    }
}
