//! The operations of monitoring: what other crates, the command line and HTTP call.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use ropewalk_core::{Actor, Core, Error, Page, Paged, Result, now_ms};
use ropewalk_models::Models;
use ropewalk_serve::{PredictionBatch, PredictionSink, Serve};

use crate::activity::Activity;
use crate::log::{PredictionLog, Wanted};
use crate::reference::{ReferenceSource, References};
use crate::{
    Alert, AlertSink, AlertStatus, CaptureFilter, Captured, Feedback, FeedbackReceipt, MonitorSettings,
    Outcome, Report, ReportSummary, store,
};

/// Most labels of one call.
const MOST_FEEDBACK: usize = 100_000;
/// Longest prediction id.
const LONGEST_ID: usize = 128;
/// Largest page of a listing.
const LARGEST_PAGE: u32 = 1_000;

/// How long an evaluation waits for another delivery to end; the monitor delivers what is left.
const DELIVERY_WAIT: Duration = Duration::from_secs(10);

tokio::task_local! {
    /// Set within a delivery.
    static DELIVERING: ();
}

/// The monitoring service. Cheap to clone.
#[derive(Clone)]
pub struct Watch {
    pub(crate) core: Core,
    pub(crate) log: PredictionLog,
    pub(crate) references: References,
    pub(crate) activity: Activity,
    pub(crate) serve: Arc<OnceLock<Serve>>,
    sink: Arc<OnceLock<Arc<dyn AlertSink>>>,
    delivery: Arc<tokio::sync::Mutex<()>>,
}

impl Watch {
    /// A service over `core`; reads what to compare with from the bundles in `models`.
    #[must_use]
    pub fn new(core: Core, models: Models) -> Self {
        Self::with_references(core, Arc::new(models))
    }

    /// A service that takes its references from elsewhere than the registry.
    #[must_use]
    pub fn with_references(core: Core, references: Arc<dyn ReferenceSource>) -> Self {
        Self {
            log: PredictionLog::new(&core.home, core.blobs.clone()),
            references: References::new(references),
            activity: Activity::default(),
            serve: Arc::default(),
            sink: Arc::default(),
            delivery: Arc::default(),
            core,
        }
    }

    /// Lets evaluations ask serving which revision has the most traffic and which endpoints there are. Without it the
    /// log decides. Only the first call counts.
    pub fn attach_serve(&self, serve: Serve) {
        let _ = self.serve.set(serve);
    }

    /// Where alerts go. Without it they are stored, and delivered once a process that has a sink looks. Only the
    /// first call counts.
    pub fn attach_sink(&self, sink: Arc<dyn AlertSink>) {
        let _ = self.sink.set(sink);
    }

    /// The actor of evaluations that nobody asked for.
    #[must_use]
    pub fn monitor_actor() -> Actor {
        Actor::system("monitor")
    }

    /// Stores observed values by prediction id. A second value for a prediction replaces the first; one for a
    /// prediction that is not known yet joins when it is found.
    ///
    /// # Errors
    /// `NotFound` for an endpoint that is not there; `Invalid` for a value that is no number, an id that is empty or
    /// longer than 128 bytes, or more than 100,000 items. Then nothing is stored.
    pub async fn feedback(&self, endpoint: &str, items: Vec<Feedback>) -> Result<FeedbackReceipt> {
        self.check_endpoint(endpoint).await?;
        if items.len() > MOST_FEEDBACK {
            return Err(Error::invalid(format!("{} labels are too many for one call", items.len()))
                .why(format!("a call takes at most {MOST_FEEDBACK}"))
                .hint("send them in several calls"));
        }
        for (position, item) in items.iter().enumerate() {
            if !item.value.is_finite() {
                return Err(Error::invalid(format!("the value of item {position} is no number"))
                    .why("NaN and infinities are no truth"));
            }
            if item.prediction_id.is_empty() || item.prediction_id.len() > LONGEST_ID {
                return Err(Error::invalid(format!("the prediction id of item {position} cannot be one"))
                    .why(format!("an id has 1 to {LONGEST_ID} bytes; it comes with each answer as the output `prediction_id`")));
            }
        }
        let mut last: HashMap<String, Feedback> = HashMap::with_capacity(items.len());
        for item in items {
            last.insert(item.prediction_id.clone(), item);
        }
        let items: Vec<Feedback> = last.into_values().collect();
        let (accepted, name) = (items.len() as u64, endpoint.to_owned());
        if accepted > 0 {
            self.core
                .database
                .write(move |tx| {
                    Box::pin(async move { store::put_feedback(tx, &name, &items, now_ms()).await })
                })
                .await?;
            self.activity.add(endpoint, accepted);
        }
        Ok(FeedbackReceipt { accepted })
    }

    /// Logged predictions with their truth where it is known, oldest first.
    ///
    /// # Errors
    /// What reading the log gives.
    pub async fn captured(&self, endpoint: &str, filter: CaptureFilter) -> Result<Captured> {
        let CaptureFilter { since_ms, until_ms, labelled_only, revision, limit } = filter;
        // A label may be missing on any of the newest rows, so the limit comes after the join.
        let read = if labelled_only { None } else { limit };
        let mut rows = self.labelled(endpoint, Wanted { since_ms, until_ms, revision, limit: read }).await?;
        if labelled_only {
            let known: Vec<usize> = (0..rows.rows()).filter(|&row| rows.values[row].is_some()).collect();
            rows = rows.select(&known[known.len().saturating_sub(limit.unwrap_or(usize::MAX))..]);
        }
        Ok(rows)
    }

    /// Predictions whose truth is known, oldest first, of one revision or of all, since a time in milliseconds since
    /// the Unix epoch. Rows that the model failed on are not among them.
    ///
    /// # Errors
    /// What reading the log or the models' target rules gives.
    pub async fn outcomes(
        &self,
        endpoint: &str,
        revision: Option<i64>,
        since_ms: i64,
    ) -> Result<Vec<Outcome>> {
        let wanted = Wanted { since_ms: Some(since_ms), revision, ..Wanted::default() };
        let rows = self.log.read(endpoint, wanted).await?;
        let labels = {
            let mut connection = self.core.database.read().await?;
            store::labels(&mut connection, endpoint, since_ms.saturating_sub(60_000)).await?
        };
        let mut outcomes = Vec::new();
        for row in 0..rows.rows() {
            let Some(truth) = labels.get(&rows.ids[row]).filter(|_| rows.scores[row].is_finite()) else {
                continue;
            };
            let reference = self.references.get(&rows.models[row], rows.versions[row]).await?;
            let Some(label) = reference.target.label(truth.value) else { continue };
            outcomes.push(Outcome {
                prediction_id: rows.ids[row].clone(),
                revision: rows.revisions[row],
                score: rows.scores[row],
                label,
                time_ms: rows.times_ms[row],
                labelled_ms: truth.time_ms,
            });
        }
        Ok(outcomes)
    }

    /// Reports of an endpoint, newest first.
    ///
    /// # Errors
    /// `Invalid` for a foreign page token.
    pub async fn reports(&self, endpoint: &str, page: Page) -> Result<Paged<ReportSummary>> {
        let (limit, offset) = bounds(&page)?;
        let mut connection = self.core.database.read().await?;
        let items = store::reports(&mut connection, endpoint, i64::from(limit) + 1, offset as i64).await?;
        Ok(Paged::cut(items, offset, limit))
    }

    /// One report; the beginning of its id will do.
    ///
    /// # Errors
    /// `NotFound` if there is none, `Invalid` if the beginning fits several.
    pub async fn report(&self, id: &str) -> Result<Report> {
        let mut connection = self.core.database.read().await?;
        if let Some(report) = store::report(&mut connection, id).await? {
            return Ok(report);
        }
        let mut found = match id.len() {
            4..32 => store::reports_beginning(&mut connection, id).await?,
            _ => Vec::new(),
        };
        if found.len() > 1 {
            return Err(
                Error::invalid(format!("several reports begin with `{id}`")).hint("give more of the id")
            );
        }
        found.pop().ok_or_else(|| {
            Error::not_found(format!("there is no report `{id}`")).hint("ropewalk watch reports ENDPOINT")
        })
    }

    /// The newest report of an endpoint that judged the present.
    ///
    /// # Errors
    /// What the database gives.
    pub async fn latest_report(&self, endpoint: &str) -> Result<Option<Report>> {
        let mut connection = self.core.database.read().await?;
        store::latest_report(&mut connection, endpoint).await
    }

    /// Alerts, newest first.
    ///
    /// # Errors
    /// `Invalid` for a foreign page token.
    pub async fn alerts(
        &self,
        endpoint: Option<&str>,
        status: Option<AlertStatus>,
        page: Page,
    ) -> Result<Paged<Alert>> {
        let (limit, offset) = bounds(&page)?;
        let mut connection = self.core.database.read().await?;
        let items =
            store::alerts(&mut connection, endpoint, status, i64::from(limit) + 1, offset as i64).await?;
        Ok(Paged::cut(items, offset, limit))
    }

    /// How an endpoint is watched.
    ///
    /// # Errors
    /// What the database gives.
    pub async fn monitor(&self, endpoint: &str) -> Result<MonitorSettings> {
        let mut connection = self.core.database.read().await?;
        Ok(store::monitor(&mut connection, endpoint).await?.unwrap_or_default())
    }

    /// Changes how an endpoint is watched.
    ///
    /// # Errors
    /// `NotFound` for an endpoint that is not there, `Invalid` for figures without sense.
    pub async fn set_monitor(
        &self,
        endpoint: &str,
        settings: MonitorSettings,
        actor: &Actor,
    ) -> Result<MonitorSettings> {
        self.check_endpoint(endpoint).await?;
        settings.check()?;
        let (journal, actor, name, stored) =
            (self.core.journal.clone(), actor.clone(), endpoint.to_owned(), settings.clone());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    store::put_monitor(tx, &name, &stored).await?;
                    let entry = ropewalk_core::NewEntry {
                        actor,
                        verb: "monitor",
                        subject: ropewalk_core::Reference::new("endpoint", &name),
                        inputs: Vec::new(),
                        outputs: Vec::new(),
                        facts: serde_json::to_value(&stored)?,
                    };
                    journal.append_in(tx, entry).await?;
                    Ok(())
                })
            })
            .await?;
        Ok(settings)
    }

    /// Whether there is such an endpoint, as far as can be known here.
    pub(crate) async fn check_endpoint(&self, endpoint: &str) -> Result<()> {
        match self.serve.get() {
            Some(serve) => serve.get(endpoint).await.map(|_| ()),
            None => Ok(()),
        }
    }

    /// Hands alerts that have changed to the sink. What it refuses stays and is tried again by the monitor.
    pub(crate) async fn deliver(&self) {
        let Some(sink) = self.sink.get() else { return };
        // A sink that evaluates must not wait for its own delivery; what it caused is handed over by the loop around it.
        if DELIVERING.try_with(|()| ()).is_ok() {
            return;
        }
        let Ok(_turn) = tokio::time::timeout(DELIVERY_WAIT, self.delivery.lock()).await else { return };
        if let Err(error) = DELIVERING.scope((), self.deliver_to(sink.as_ref())).await {
            tracing::warn!(%error, "alerts could not be delivered; they will be tried again");
        }
    }

    async fn deliver_to(&self, sink: &dyn AlertSink) -> Result<()> {
        loop {
            let waiting = {
                let mut connection = self.core.database.read().await?;
                store::pending(&mut connection).await?
            };
            if waiting.is_empty() {
                return Ok(());
            }
            for alert in waiting {
                let (id, status) = (alert.id.clone(), alert.status);
                sink.alert(alert).await?;
                self.core
                    .database
                    .write(move |tx| Box::pin(async move { store::delivered(tx, &id, status).await }))
                    .await?;
            }
        }
    }
}

fn bounds(page: &Page) -> Result<(u32, u64)> {
    Ok((page.limit.clamp(1, LARGEST_PAGE), page.offset()?))
}

#[async_trait]
impl PredictionSink for Watch {
    async fn record(&self, batch: PredictionBatch) -> Result<()> {
        self.log.record(&batch).await?;
        self.activity.add(&batch.endpoint, batch.ids.len() as u64);
        Ok(())
    }
}
