//! The background loop: evaluates endpoints, delivers alerts that wait, rolls the log.

use std::time::{Duration, Instant};

use ropewalk_core::{Result, now_ms};

use crate::service::Watch;
use crate::{Window, store};

/// How often it looks whether something is due.
const TICK: Duration = Duration::from_millis(250);
/// How often finished segments are looked for.
const ROLL_EVERY: Duration = Duration::from_secs(60);
/// A segment of this age is finished.
const ROLL_AGE: Duration = Duration::from_secs(300);
/// How often alerts that a sink refused are tried again.
const DELIVER_EVERY: Duration = Duration::from_secs(5);
/// How long reports are kept that no alert names.
const KEEP_REPORTS_MS: i64 = 30 * 86_400_000;

impl Watch {
    /// Watches every endpoint until the task is dropped. Errors are logged and the loop goes on.
    pub async fn run_monitors(&self) {
        // What an ended process left behind waits for its first evaluation.
        match self.log.endpoints().await {
            Ok(endpoints) => endpoints.iter().for_each(|endpoint| self.activity.add(endpoint, 1)),
            Err(error) => tracing::warn!(%error, "the prediction log could not be looked through"),
        }
        let (mut rolled, mut delivered): (Option<Instant>, Option<Instant>) = (None, None);
        let due = |last: Option<Instant>, every: Duration| last.is_none_or(|last| last.elapsed() >= every);
        loop {
            if due(rolled, ROLL_EVERY) {
                rolled = Some(Instant::now());
                self.keep_house().await;
            }
            if due(delivered, DELIVER_EVERY) {
                delivered = Some(Instant::now());
                self.deliver().await;
            }
            for endpoint in self.activity.endpoints() {
                if let Err(error) = self.evaluate_if_due(&endpoint).await {
                    tracing::warn!(%error, endpoint, "the endpoint could not be evaluated");
                }
            }
            tokio::time::sleep(TICK).await;
        }
    }

    async fn evaluate_if_due(&self, endpoint: &str) -> Result<()> {
        let settings = self.monitor(endpoint).await?;
        if settings.enabled && self.activity.take_due(endpoint, &settings) {
            self.evaluate(endpoint, Window::default(), &Self::monitor_actor()).await?;
        }
        Ok(())
    }

    async fn keep_house(&self) {
        if let Err(error) = self.log.roll(ROLL_AGE).await {
            tracing::warn!(%error, "the prediction log could not be rolled; it stays readable and is tried again");
        }
        let before_ms = now_ms() - KEEP_REPORTS_MS;
        let forgotten = self
            .core
            .database
            .write(move |tx| Box::pin(async move { store::forget_reports(tx, before_ms).await }))
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "old reports could not be removed");
        }
    }

    /// Rolls everything that is buffered into Parquet now: before a home is moved, or a batch job reads it.
    ///
    /// # Errors
    /// What the disk or the blob store gives; the buffer is then as readable as before.
    pub async fn roll(&self) -> Result<usize> {
        self.log.roll(Duration::ZERO).await
    }
}
