//! What every part of Ropewalk stands on: identifiers, time, errors, settings, paging, the
//! database, blobs, the lineage journal and background jobs. It knows no feature.

pub mod actor;
pub mod blobs;
pub mod database;
pub mod error;
pub mod id;
pub mod jobs;
pub mod journal;
pub mod lease;
pub mod page;
pub mod settings;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod time;

use std::path::Path;
use std::sync::Arc;

pub use actor::Actor;
pub use blobs::{BlobInfo, Blobs};
pub use database::{Connection, Database, Migration};
pub use error::{Code, Error, Result};
pub use id::new_id;
pub use jobs::{Job, Jobs, Progress};
pub use journal::{Direction, Entry, Journal, Lineage, NewEntry, Reference};
pub use page::{Page, Paged};
pub use settings::Settings;
pub use time::{format_utc, now_ms};

/// The bundle that every service takes: one database, one blob store, one journal.
#[derive(Clone)]
pub struct Core {
    /// The relational store: SQLite or PostgreSQL.
    pub database: Database,
    /// Where bytes live: a local folder or an object store.
    pub blobs: Blobs,
    /// The hash-chained record of everything that matters.
    pub journal: Journal,
    /// Long work that runs in the background and reports progress.
    pub jobs: Jobs,
    /// The folder that holds local state.
    pub home: Arc<Path>,
    /// The merged settings.
    pub settings: Arc<Settings>,
}

impl Core {
    /// Open the home named by `settings`: create its folders, open the database and the blob
    /// store, and bring core's own tables up to date. Feature crates' tables are brought up to
    /// date by `migrations`.
    pub async fn open(settings: Settings, migrations: &[Migration]) -> Result<Self> {
        let home = settings.home.clone();
        tokio::fs::create_dir_all(&home).await.map_err(|source| {
            let what = format!("the home folder {} cannot be created", home.display());
            match Error::from(source) {
                full if full.code() == Code::DiskFull => full.context(what),
                other => Error::invalid(what)
                    .why(other.what().to_owned())
                    .hint("ropewalk --home DIR   # name a folder that you may write to"),
            }
        })?;
        let database = Database::open(&settings.database_url()).await?;
        database.migrate(journal::MIGRATIONS).await?;
        database.migrate(jobs::MIGRATIONS).await?;
        database.migrate(migrations).await?;
        let blobs = Blobs::open(&settings.blobs_url())?;
        let journal = Journal::new(database.clone());
        let jobs = Jobs::new(database.clone());
        Ok(Self { database, blobs, journal, jobs, home: home.into(), settings: Arc::new(settings) })
    }
}
