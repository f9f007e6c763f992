//! Running a run again from its record alone, and comparing.

use ropewalk_core::{Actor, Error, NewEntry, Reference, Result};
use ropewalk_runs::{Run, RunStatus};
use serde_json::json;

use crate::model::{MetricComparison, Reproduction};
use crate::record::{self, Settings};
use crate::service::{Learn, Plan};

/// Metrics of two runs are equal within this; the same code on the same machine gives the same bits.
const TOLERANCE: f64 = 1e-9;

impl Learn {
    /// Trains once more with the recipe, parameters, seed and prepared data that a run's record holds, as a new run, and
    /// compares every metric that tells of the model. `id` may be the unique beginning of a run's identifier.
    ///
    /// # Errors
    /// `not_found` for an unknown run, or when its prepared data are gone; `invalid` for a run that was not trained here
    /// or did not finish.
    pub async fn reproduce(&self, id: &str, actor: &Actor) -> Result<Reproduction> {
        let id = self.runs.expand_run_id(id).await?;
        let original = self.runs.get_run(&id).await?;
        let settings = Settings::of_run(&original)?;
        if original.info.status != RunStatus::Finished {
            return Err(Error::invalid(format!(
                "run {id} did not finish, so there is nothing to compare with"
            ))
            .why(format!("its status is {}", original.info.status.as_str()))
            .hint(format!("ropewalk run show {id}")));
        }
        let data = self.load(&settings.prepared_id).await?;
        let tags = [(record::REPRODUCES.to_owned(), id.clone())].into();
        let plan = Plan {
            settings,
            experiment_id: original.info.experiment_id.clone(),
            name: format!("{} again", original.info.run_name),
            tags,
        };
        let trained = self.carry_out(data, plan, actor).await?;
        let again = self.runs.get_run(&trained.run_id).await?;

        let metrics = compare(&original, &again);
        let reproduction = Reproduction {
            original: id.clone(),
            again: trained.run_id.clone(),
            matches: !metrics.is_empty() && metrics.iter().all(|metric| metric.equal),
            metrics,
            differences: record::differences(&original, &again),
        };
        self.core
            .journal
            .append(NewEntry {
                actor: actor.clone(),
                verb: "reproduce",
                subject: Reference::new("run", &id),
                inputs: vec![Reference::new("run", &id)],
                outputs: vec![Reference::new("run", &trained.run_id)],
                facts: json!({"matches": reproduction.matches, "differences": reproduction.differences}),
            })
            .await?;
        Ok(reproduction)
    }
}

fn compare(original: &Run, again: &Run) -> Vec<MetricComparison> {
    original
        .data
        .metrics
        .iter()
        .filter(|metric| !record::COST_METRICS.contains(&metric.key.as_str()))
        .map(|metric| {
            let second = again.metric(&metric.key);
            let equal = second.is_some_and(|second| (second - metric.value).abs() <= TOLERANCE);
            MetricComparison { key: metric.key.clone(), original: metric.value, again: second, equal }
        })
        .collect()
}
