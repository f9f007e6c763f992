//! The serving service: what it holds, and what can be asked of it without changing anything.

use crate::model::{Endpoint, ServedState, TrafficChange};
use crate::sink::PredictionSink;
use crate::source::ModelSource;
use crate::statistics::EndpointStatistics;
use crate::store;
use crate::table::{Live, Table, unknown_endpoint};
use ropewalk_core::{Core, Result, now_ms};
use ropewalk_ledger::Ledger;
use ropewalk_models::Models;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use tokio::sync::Mutex;

/// Endpoints and their traffic. Cheap to clone; all clones share one routing table.
#[derive(Clone)]
pub struct Serve(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub core: Core,
    pub ledger: Ledger,
    pub source: Arc<dyn ModelSource>,
    pub sink: Arc<dyn PredictionSink>,
    pub live: Live,
    /// When the database was last asked whether another process changed something.
    pub checked_ms: AtomicI64,
    /// Held while a new table is built.
    pub reloading: Mutex<()>,
    /// Held while this process changes an endpoint, so that its read-back is of its own change.
    pub changing: Mutex<()>,
}

impl Serve {
    /// A service that serves registered models and logs to `sink`. It reads its endpoints at the first request, or
    /// at [`Serve::restore`].
    #[must_use]
    pub fn new(core: Core, ledger: Ledger, models: Models, sink: Arc<dyn PredictionSink>) -> Self {
        Self::with_source(core, ledger, Arc::new(models), sink)
    }

    /// A service that takes its models from elsewhere than the registry.
    #[must_use]
    pub fn with_source(
        core: Core,
        ledger: Ledger,
        source: Arc<dyn ModelSource>,
        sink: Arc<dyn PredictionSink>,
    ) -> Self {
        Self(Arc::new(Inner {
            core,
            ledger,
            source,
            sink,
            live: Live::default(),
            checked_ms: AtomicI64::new(0),
            reloading: Mutex::new(()),
            changing: Mutex::new(()),
        }))
    }

    /// Loads every endpoint as the database has it. A model that cannot be loaded does not stop the others: its
    /// revision says why.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn restore(&self) -> Result<()> {
        self.reload(None, &[]).await
    }

    /// All endpoints with their revisions, as the database has them.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn list(&self) -> Result<Vec<Endpoint>> {
        let mut connection = self.0.core.database.read().await?;
        store::endpoints(&mut connection, None).await
    }

    /// One endpoint, as the database has it.
    ///
    /// # Errors
    /// `NotFound` naming the endpoints that there are.
    pub async fn get(&self, endpoint: &str) -> Result<Endpoint> {
        let mut connection = self.0.core.database.read().await?;
        if let Some(found) = store::endpoints(&mut connection, Some(endpoint)).await?.pop() {
            return Ok(found);
        }
        let known = store::endpoints(&mut connection, None).await?;
        Err(unknown_endpoint(endpoint, known.iter().map(|endpoint| endpoint.name.as_str())))
    }

    /// The last changes of an endpoint's traffic, newest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub async fn changes(&self, endpoint: &str, limit: u32) -> Result<Vec<TrafficChange>> {
        let mut connection = self.0.core.database.read().await?;
        store::changes(&mut connection, endpoint, i64::from(limit)).await
    }

    /// What this process serves at this moment, taken from the table that routes requests and not from the database.
    ///
    /// # Errors
    /// `NotFound` for an endpoint that is not in the table.
    pub async fn read_back(&self, endpoint: &str) -> Result<ServedState> {
        let table = self.table().await?;
        Ok(table.endpoint(endpoint)?.served(table.generation, now_ms()))
    }

    /// What an endpoint has been doing in this process.
    ///
    /// # Errors
    /// `NotFound` for an endpoint that is not in the table.
    pub async fn statistics(&self, endpoint: &str) -> Result<EndpointStatistics> {
        Ok(self.table().await?.endpoint(endpoint)?.statistics(now_ms()))
    }

    /// The live table, after looking whether another process has changed something.
    pub(crate) async fn table(&self) -> Result<Arc<Table>> {
        self.refresh().await?;
        Ok(self.0.live.read())
    }
}
