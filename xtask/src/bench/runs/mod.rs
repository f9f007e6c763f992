//! `cargo xtask bench runs`: the tracking server's speed, alone or beside MLflow's own server.
//!
//! The two never run at the same time. Each gets the same data, the same settings of the database, and the same requests with
//! the same headers; what they answer is compared.

mod answers;
mod data;
mod load;
mod machine;
mod measure;
mod memory;
mod options;
mod report;
mod rows;
mod searches;
mod servers;
mod side;
mod table;
mod work;
mod writes;

use std::path::{Path, PathBuf};

use crate::postgres::{Durability, Postgres};
use crate::process::Outcome;
use crate::python;
use options::{Database, Options};
use report::{Part, Report};
use servers::Installed;
use side::Side;

/// Measure, and print the report.
pub(super) fn measure(arguments: &[String]) -> Outcome {
    let Some(options) = Options::parse(arguments)? else {
        print!("{}", options::HELP);
        return Ok(());
    };
    let program = match &options.program {
        Some(program) => program.canonicalize().map_err(|error| format!("{}: {error}", program.display()))?,
        None => super::release()?,
    };
    let python = match (&options.python, options.against_mlflow) {
        (Some(python), true) => Some(python.clone()),
        (None, true) => Some(python::server_environment()?),
        (_, false) => None,
    };
    let folder = Folder::new()?;
    let mut report = Report::new(&options, &program);
    for database in options.databases() {
        if database == Database::Postgres && !Postgres::installed() {
            if options.database == Some(Database::Postgres) {
                return Err("PostgreSQL is not installed: apt-get install postgresql".to_owned());
            }
            report.left_out.push("PostgreSQL: it is not installed".to_owned());
            continue;
        }
        if let Err(why) = part(database, &folder, &options, &program, python.as_deref(), &mut report) {
            eprintln!("{why}");
            report.failed.push(why);
        }
    }
    print!("{}", report.text());
    if let Some(file) = &options.file {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        std::fs::write(file, format!("{:#}\n", report.json()))
            .map_err(|error| format!("{}: {error}", file.display()))?;
        println!("\nAs JSON: {}", file.display());
    }
    report.judge()
}

/// Measure ours, and MLflow's server if there is a Python that has it. What has been measured is told even if more fails.
fn part(
    database: Database,
    folder: &Folder,
    options: &Options,
    program: &Path,
    python: Option<&Path>,
    report: &mut Report,
) -> Outcome {
    let side = |name: &str, install: &dyn Fn(&Path, Option<String>) -> Installed| {
        one_side(database, &folder.make(database, name)?, options, install)
    };
    let ours = side("ours", &|folder, url| Installed::ours(program, folder, url))?;
    let stock = python.map(|python| side("stock", &|folder, url| Installed::stock(python, folder, url)));
    let (stock, failure) = match stock.transpose() {
        Ok(stock) => (stock, Ok(())),
        Err(why) => (None, Err(why)),
    };
    report.parts.push(Part { database, ours, stock });
    failure
}

/// Measure one server on a database that nothing else uses.
fn one_side(
    database: Database,
    folder: &Path,
    options: &Options,
    install: &dyn Fn(&Path, Option<String>) -> Installed,
) -> Outcome<Side> {
    // A PostgreSQL of its own for each side: the one must not find what the other left to be written or cleared away.
    let postgres = match database {
        Database::Sqlite => None,
        Database::Postgres => Postgres::start(Durability::On)?,
    };
    let installed = install(folder, postgres.as_ref().map(|server| server.url.clone()));
    let side = Side::measure(&installed, postgres.as_ref(), database, folder, options)
        .map_err(|why| format!("{} on {}: {why}", installed.name(), database.name()))?;
    let _ = std::fs::remove_dir_all(folder);
    Ok(side)
}

/// A folder for the servers' data, removed when this is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Outcome<Self> {
        let folder = std::env::temp_dir().join(format!("ropewalk-bench-{}", std::process::id()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(Self(folder))
    }

    fn make(&self, database: Database, side: &str) -> Outcome<PathBuf> {
        let folder = self.0.join(format!("{}-{side}", database.name().to_lowercase()));
        std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
