//! A store, of whichever kind.

use ropewalk_core::{Error, Result};
use tokio::sync::mpsc;

use crate::database::Database;
use crate::files::Files;
use crate::record::{ExperimentRecord, Leftover, LoggedModelRecord, ModelRecord, Problem, RunRecord};
use crate::source::Source;

/// An open store of MLflow's. Nothing is ever written to it.
#[derive(Clone)]
pub struct Store {
    kind: Kind,
}

#[derive(Clone)]
enum Kind {
    Database(Database),
    Files(Files),
}

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// The one workspace that is read, where a store has several.
    pub workspace: String,
    /// Whether a store of a newer MLflow than is known is read as far as it can be understood.
    pub accept_newer: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { workspace: "default".to_owned(), accept_newer: false }
    }
}

/// Some runs, and what could not be read on the way.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Portion {
    /// Runs; of one with very many measurements a part.
    pub runs: Vec<RunRecord>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// The runs of a store, as they are read.
pub struct Runs(mpsc::Receiver<Result<Portion>>);

impl Runs {
    /// The next runs; none at the end.
    ///
    /// # Errors
    /// `unavailable` or `internal` when the store cannot be read on.
    pub async fn next(&mut self) -> Result<Option<Portion>> {
        self.0.recv().await.transpose()
    }
}

impl Store {
    /// Opens a store.
    ///
    /// # Errors
    /// `invalid` when it is none, or a newer one than is known and accepted; `unavailable` when it is locked or does not
    /// answer.
    pub async fn open(source: &Source, options: &Options) -> Result<Self> {
        let (workspace, newer) = (options.workspace.as_str(), options.accept_newer);
        let kind = match source {
            Source::Files(root) => Kind::Files(Files::new(root.clone())),
            Source::Sqlite(path) => Kind::Database(Database::open_sqlite(path, workspace, newer).await?),
            Source::Postgres(url) => {
                Kind::Database(Database::open_postgres(url, &source.name(), workspace, newer).await?)
            }
        };
        Ok(Self { kind })
    }

    /// All experiments, by their numbers.
    ///
    /// # Errors
    /// As the database's.
    pub async fn experiments(&self) -> Result<(Vec<ExperimentRecord>, Vec<Problem>)> {
        match &self.kind {
            Kind::Database(database) => Ok((database.experiments().await?, Vec::new())),
            Kind::Files(files) => on_disk(files, Files::experiments).await,
        }
    }

    /// How many runs there are.
    ///
    /// # Errors
    /// As the database's.
    pub async fn count_runs(&self) -> Result<u64> {
        match &self.kind {
            Kind::Database(database) => database.count_runs().await,
            Kind::Files(files) => on_disk(files, Files::count_runs).await,
        }
    }

    /// Begins to read all runs.
    #[must_use]
    pub fn runs(&self) -> Runs {
        // One portion is read while the one before is worked on.
        let (sender, receiver) = mpsc::channel(1);
        match self.kind.clone() {
            Kind::Database(database) => {
                tokio::spawn(database.read_runs(sender));
            }
            Kind::Files(files) => {
                tokio::task::spawn_blocking(move || {
                    files.read_runs(|portion| sender.blocking_send(Ok(portion)).is_ok());
                });
            }
        }
        Runs(receiver)
    }

    /// Some logged models after one, by their identifiers; none at the end.
    ///
    /// # Errors
    /// As the database's.
    pub async fn logged_models(&self, after: &str) -> Result<(Vec<LoggedModelRecord>, Vec<Problem>)> {
        match &self.kind {
            Kind::Database(database) => Ok((database.logged_models(after).await?, Vec::new())),
            Kind::Files(files) => {
                let after = after.to_owned();
                on_disk(files, move |files| files.logged_models(&after)).await
            }
        }
    }

    /// All registered models and prompts, by name.
    ///
    /// # Errors
    /// As the database's.
    pub async fn models(&self) -> Result<(Vec<ModelRecord>, Vec<Problem>)> {
        match &self.kind {
            Kind::Database(database) => Ok((database.models().await?, Vec::new())),
            Kind::Files(files) => on_disk(files, Files::models).await,
        }
    }

    /// What is there and is not read.
    ///
    /// # Errors
    /// As the database's.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>> {
        match &self.kind {
            Kind::Database(database) => database.leftovers().await,
            Kind::Files(files) => on_disk(files, Files::leftovers).await,
        }
    }
}

async fn on_disk<T: Send + 'static>(
    files: &Files,
    read: impl FnOnce(&Files) -> T + Send + 'static,
) -> Result<T> {
    let files = files.clone();
    tokio::task::spawn_blocking(move || read(&files))
        .await
        .map_err(|source| Error::internal("the reader of a file store has stopped").source(source))
}
