//! What has happened in both arms since a roll-out began.

use std::collections::HashSet;

use ropewalk_core::{Result, now_ms};
use ropewalk_serve::EndpointStatistics;
use ropewalk_watch::{CaptureFilter, Outcome};

use super::model::Rollout;
use crate::Respond;
use crate::judge::pairing::{LabelledOutcome, Pairer};
use crate::judge::{self, Arm, Judgement, Look};

/// Gathers outcomes, counts and scores while a roll-out lasts. Outcomes are taken in once each, in the order in which
/// their labels became known here.
pub(super) struct Evidence {
    pairer: Pairer,
    seen: HashSet<String>,
    /// Canary outcomes when the step began.
    at_step_start: usize,
    /// Counters when the roll-out began, by revision: requests, then failed or refused, then failed.
    baseline: Vec<(i64, [u64; 3])>,
}

impl Evidence {
    /// Starts counting from the present counters.
    pub fn new(statistics: Option<&EndpointStatistics>) -> Self {
        let baseline = statistics.map(counters).unwrap_or_default();
        Self { pairer: Pairer::default(), seen: HashSet::new(), at_step_start: 0, baseline }
    }

    /// A new step begins.
    pub fn begin_step(&mut self) {
        self.at_step_start = self.pairer.canary().count;
    }

    /// Takes in what is new and judges.
    pub async fn look(
        &mut self,
        respond: &Respond,
        rollout: &Rollout,
        step_seconds: f64,
    ) -> Result<Judgement> {
        let canary = self.fresh(
            respond.watch.outcomes(&rollout.endpoint, Some(rollout.revision), rollout.started_ms).await?,
        );
        let stable = self.fresh(
            respond
                .watch
                .outcomes(&rollout.endpoint, Some(rollout.stable_revision), rollout.started_ms)
                .await?,
        );
        self.pairer.add(&canary, &stable);
        let statistics = respond.serve.statistics(&rollout.endpoint).await?;
        let mut arms =
            [self.arm(&statistics, rollout.revision), self.arm(&statistics, rollout.stable_revision)];
        // Scores are read from the log only when labels are too few and the wait is over: reading them is dear.
        let few = self.pairer.canary().count.min(self.pairer.stable().count) < rollout.settings.min_outcomes;
        if few && step_seconds >= rollout.settings.max_wait_seconds {
            arms[0].scores = scores(respond, rollout, rollout.revision).await?;
            arms[1].scores = scores(respond, rollout, rollout.stable_revision).await?;
        }
        let look = Look {
            now_ms: now_ms(),
            step_seconds,
            step_outcomes: self.pairer.canary().count - self.at_step_start,
        };
        Ok(judge::judge(&self.pairer, &arms[0], &arms[1], &rollout.settings, look))
    }

    /// Failed requests (5xx) since the roll-out began, all revisions.
    pub fn failed(&self, statistics: &EndpointStatistics) -> i64 {
        let failed: u64 = counters(statistics)
            .iter()
            .map(|(revision, now)| now[2].saturating_sub(self.base(*revision)[2]))
            .sum();
        i64::try_from(failed).unwrap_or(i64::MAX)
    }

    /// Requests that the canary has answered since the roll-out began.
    pub fn canary_requests(&self, statistics: &EndpointStatistics, revision: i64) -> u64 {
        self.arm(statistics, revision).requests
    }

    fn fresh(&mut self, mut outcomes: Vec<Outcome>) -> Vec<LabelledOutcome> {
        outcomes.retain(|outcome| self.seen.insert(outcome.prediction_id.clone()));
        outcomes.sort_by(|a, b| (a.labelled_ms, &a.prediction_id).cmp(&(b.labelled_ms, &b.prediction_id)));
        outcomes
            .into_iter()
            .map(|outcome| LabelledOutcome { score: outcome.score, label: outcome.label })
            .collect()
    }

    fn arm(&self, statistics: &EndpointStatistics, revision: i64) -> Arm {
        let now = counters(statistics)
            .into_iter()
            .find(|(known, _)| *known == revision)
            .map_or([0; 3], |(_, now)| now);
        let base = self.base(revision);
        Arm {
            scores: Vec::new(),
            requests: now[0].saturating_sub(base[0]),
            // A canary that refuses what the stable revision takes fails its callers just as well; callers' own
            // mistakes hit both arms alike.
            failures: now[1].saturating_sub(base[1]),
        }
    }

    fn base(&self, revision: i64) -> [u64; 3] {
        self.baseline.iter().find(|(known, _)| *known == revision).map_or([0; 3], |(_, base)| *base)
    }
}

fn counters(statistics: &EndpointStatistics) -> Vec<(i64, [u64; 3])> {
    let of = |revision: &ropewalk_serve::RevisionStatistics| {
        let figures = &revision.figures;
        (revision.revision, [figures.requests, figures.failures + figures.refused, figures.failures])
    };
    statistics.revisions.iter().map(of).collect()
}

/// The newest scores of a revision since the roll-out began, at most 2,000.
async fn scores(respond: &Respond, rollout: &Rollout, revision: i64) -> Result<Vec<f64>> {
    let filter = CaptureFilter {
        since_ms: Some(rollout.started_ms),
        revision: Some(revision),
        limit: Some(2_000),
        ..CaptureFilter::default()
    };
    Ok(respond.watch.captured(&rollout.endpoint, filter).await?.scores)
}

/// When the revision answered its first request under this roll-out, by the prediction log.
pub(super) async fn first_request_ms(respond: &Respond, rollout: &Rollout) -> Result<Option<i64>> {
    let filter = CaptureFilter {
        since_ms: Some(rollout.started_ms),
        revision: Some(rollout.revision),
        ..CaptureFilter::default()
    };
    Ok(respond.watch.captured(&rollout.endpoint, filter).await?.times_ms.into_iter().min())
}
