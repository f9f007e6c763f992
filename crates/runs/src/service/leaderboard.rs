//! Who is best: runs ranked by a metric.

use std::collections::BTreeMap;

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::filter::{self, Expression, Search};

use super::Runs;
use super::search::{Body, RunQuery};
use crate::column::{Aggregate, Column, Ranking};
use crate::model::{Run, ViewType};
use crate::service::no_run;
use crate::state::document::{Document, Summary};

/// Which value of a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Best {
    /// The smallest; the smallest of all leads.
    Min,
    /// The largest.
    #[default]
    Max,
    /// The last one; the largest of all leads.
    Last,
}

/// A run's place.
#[derive(Debug, Clone)]
pub(crate) struct Leader {
    pub(crate) run: Run,
    pub(crate) value: f64,
    /// The step at which it had the value.
    pub(crate) step: i64,
}

impl Runs {
    /// Ranks runs by a metric; those that do not have it, or only NaN, have no place.
    ///
    /// # Errors
    /// `invalid` for a filter that cannot be read; `not_found` for an experiment that is not there.
    pub(crate) async fn leaderboard(
        &self,
        metric: &str,
        by: Best,
        experiments: &[String],
        filter: &str,
        limit: usize,
    ) -> Result<Vec<Leader>> {
        let which = match by {
            Best::Min => Aggregate::Min,
            Best::Max => Aggregate::Max,
            Best::Last => Aggregate::Last,
        };
        let expression: Expression = filter::parse_expression(Search::Runs, filter)?;
        let query = RunQuery {
            experiments: self.experiment_numbers(experiments).await?,
            expression,
            view: ViewType::ActiveOnly,
            orders: vec![Ranking {
                column: Column::Metric(metric.to_owned(), which),
                ascending: by == Best::Min,
            }],
            offset: 0,
            limit: u32::try_from(limit).unwrap_or(u32::MAX),
        };
        let found = self.find_runs(query).await?;
        let mut leaders = Vec::new();
        for page_run in found.items {
            let document = match page_run.body {
                Body::Packed(bytes) => Document::unpack(&bytes)?,
                Body::Whole(document) => document,
            };
            let Some((value, step)) = document.metrics.get(metric).and_then(|summary| value(summary, by))
            else {
                break;
            };
            let run = Run { info: page_run.info, data: document.into_data(), links: page_run.links };
            leaders.push(Leader { run, value, step });
        }
        Ok(leaders)
    }

    /// Of each metric of a run the least and the most; none of a metric that was always NaN.
    pub(crate) async fn metric_ranges(&self, id: &str) -> Result<BTreeMap<String, [f64; 2]>> {
        let (_, document) = self.state.run(id).await?.ok_or_else(|| no_run(id))?;
        let range = |summary: &Summary| Some([summary.least?.value, summary.most?.value]);
        Ok(document
            .metrics
            .iter()
            .filter_map(|(key, summary)| Some((key.clone(), range(summary)?)))
            .collect())
    }

    /// The number of an experiment that is named by name or number.
    ///
    /// # Errors
    /// `not_found` when there is none.
    pub(crate) async fn experiment_id(&self, name: &str) -> Result<String> {
        match self.get_experiment_by_name(name).await {
            Ok(found) => Ok(found.experiment_id),
            Err(missing) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                let by_number: Result<_, Error> = self.get_experiment(name).await;
                by_number.map(|found| found.experiment_id).map_err(|_| missing)
            }
            Err(missing) => Err(missing),
        }
    }
}

fn value(summary: &Summary, by: Best) -> Option<(f64, i64)> {
    match by {
        Best::Min => summary.least.map(|extreme| (extreme.value, extreme.step)),
        Best::Max => summary.most.map(|extreme| (extreme.value, extreme.step)),
        Best::Last => Some((summary.last.value, summary.last.step)).filter(|(value, _)| !value.is_nan()),
    }
}
