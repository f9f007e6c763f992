//! The operations of monitoring.

use std::sync::Arc;

use async_trait::async_trait;
use ropewalk_core::{Actor, Core, Migration, Page, Paged, Result};
use ropewalk_models::Models;
use ropewalk_serve::{PredictionBatch, PredictionSink, Serve};

use crate::{
    Alert, AlertSink, AlertStatus, CaptureFilter, Captured, Feedback, FeedbackReceipt, MonitorSettings, Outcome, Report,
    ReportSummary, Window,
};

/// Tables of this crate.
pub const MIGRATIONS: &[Migration] = &[];

/// The monitoring service. Cheap to clone.
#[derive(Clone)]
pub struct Watch {}

impl Watch {
    /// A service over `core`; reads references from `models`.
    #[must_use]
    pub fn new(_core: Core, _models: Models) -> Self { todo!() }
    /// Tells which revision has the most traffic; without it the log decides.
    pub fn attach_serve(&self, _serve: Serve) { todo!() }
    /// Where alerts go.
    pub fn attach_sink(&self, _sink: Arc<dyn AlertSink>) { todo!() }
    /// Stores labels.
    pub async fn feedback(&self, _endpoint: &str, _items: Vec<Feedback>) -> Result<FeedbackReceipt> { todo!() }
    /// Evaluates an endpoint.
    pub async fn evaluate(&self, _endpoint: &str, _window: Window, _actor: &Actor) -> Result<Report> { todo!() }
    /// Logged predictions, oldest first.
    pub async fn captured(&self, _endpoint: &str, _filter: CaptureFilter) -> Result<Captured> { todo!() }
    /// Labelled predictions of a revision, oldest first.
    pub async fn outcomes(&self, _endpoint: &str, _revision: Option<i64>, _since_ms: i64) -> Result<Vec<Outcome>> { todo!() }
    /// Reports of an endpoint, newest first.
    pub async fn reports(&self, _endpoint: &str, _page: Page) -> Result<Paged<ReportSummary>> { todo!() }
    /// One report.
    pub async fn report(&self, _id: &str) -> Result<Report> { todo!() }
    /// The newest report of an endpoint.
    pub async fn latest_report(&self, _endpoint: &str) -> Result<Option<Report>> { todo!() }
    /// Alerts, newest first.
    pub async fn alerts(&self, _endpoint: Option<&str>, _status: Option<AlertStatus>, _page: Page) -> Result<Paged<Alert>> { todo!() }
    /// Monitor settings of an endpoint.
    pub async fn monitor(&self, _endpoint: &str) -> Result<MonitorSettings> { todo!() }
    /// Changes them.
    pub async fn set_monitor(&self, _endpoint: &str, _settings: MonitorSettings, _actor: &Actor) -> Result<MonitorSettings> { todo!() }
    /// Background loop: evaluates, delivers alerts, rolls the log.
    pub async fn run_monitors(&self) { todo!() }
}

#[async_trait]
impl PredictionSink for Watch {
    async fn record(&self, _batch: PredictionBatch) -> Result<()> { todo!() }
}
