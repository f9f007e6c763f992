//! What goes when runs and experiments go.

use std::sync::Arc;

use async_trait::async_trait;
use ropewalk_core::{Core, Result};
use ropewalk_runs::RunSink;

use super::{Traces, experiment_number};
use crate::store::assessments;
use crate::store::traces::{self, Doomed};

/// Traces that are deleted in one transaction.
const BATCH: i64 = 500;

/// Follows the runs. It does not hold them, or they would never end.
struct Follower(Core);

impl Traces {
    /// Who must hear when runs and experiments go.
    pub fn follower(&self) -> Arc<dyn RunSink> {
        Arc::new(Follower(self.core.clone()))
    }
}

#[async_trait]
impl RunSink for Follower {
    /// Removes what the runs have judged.
    async fn runs_deleted(&self, run_ids: &[String]) -> Result<()> {
        let run_ids = run_ids.to_vec();
        self.0
            .database
            .write(move |tx| {
                Box::pin(async move { assessments::delete_of_runs(tx, &run_ids).await.map(drop) })
            })
            .await
    }

    /// Deletes the experiment's traces.
    async fn experiment_purged(&self, experiment_id: &str) -> Result<()> {
        let experiment_id = experiment_number(experiment_id)?;
        loop {
            let doomed = Doomed { experiment_id, until_ms: None, most: Some(BATCH), ids: Vec::new() };
            let deleted = self
                .0
                .database
                .write(move |tx| {
                    Box::pin(async move {
                        let found = traces::doomed(tx, &doomed).await?;
                        traces::delete(tx, &found).await?;
                        Ok(found.len())
                    })
                })
                .await?;
            if deleted == 0 {
                return Ok(());
            }
        }
    }
}
