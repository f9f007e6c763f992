//! What the tracking servers hold when they are measured: made by formula, so that every answer is known beforehand.

use std::fmt::Write;

/// Metrics, parameters and tags of each run.
pub(super) const METRICS: usize = 20;
pub(super) const PARAMS: usize = 10;
pub(super) const TAGS: usize = 3;

/// The most metrics that one log-batch may carry.
pub(super) const BATCH: usize = 1000;

/// Key of the one long curve, and how many points it has.
pub(super) const CURVE: &str = "curve";
pub(super) const CURVE_POINTS: usize = 100_000;

const OPTIMIZERS: [&str; 5] = ["adam", "adamw", "lion", "rmsprop", "sgd"];
const LEARNING_RATES: [&str; 5] = ["0.0001", "0.0003", "0.001", "0.003", "0.01"];

/// Milliseconds since 1970 at which the first run starts; each later one a second after.
const FIRST_START: u64 = 1_700_000_000_000;

/// How much there is of it.
#[derive(Clone, Copy)]
pub(super) struct Data {
    /// Runs in the experiment, the one with the long curve not counted.
    pub(super) runs: usize,
    /// Steps of each metric in each run.
    pub(super) steps: usize,
}

/// One call to log-batch.
///
/// The fields of its body, all but the run it goes to.
pub(super) struct Batch(String);

/// Name of a metric: the first two are what people search by.
pub(super) fn metric_key(metric: usize) -> String {
    match metric {
        0 => "loss".to_owned(),
        1 => "accuracy".to_owned(),
        other => format!("metric_{other:02}"),
    }
}

/// A metric's value in billionths, below one; the last step's is what searches see.
pub(super) fn metric_billionths(run: usize, metric: usize, step: usize) -> u32 {
    (mix(&[run as u64, metric as u64, step as u64]) % 1_000_000_000) as u32
}

/// Name of a run.
pub(super) fn run_name(run: usize) -> String {
    format!("run-{run:06}")
}

/// When a run started, in milliseconds since 1970. No two start at once, so that their order is certain.
pub(super) fn start_time(run: usize) -> u64 {
    FIRST_START + run as u64 * 1000
}

/// Name and value of a parameter.
pub(super) fn param(run: usize, param: usize) -> (String, String) {
    let draw = mix(&[run as u64, param as u64, 7]);
    match param {
        0 => ("optimizer".to_owned(), pick(&OPTIMIZERS, draw).to_owned()),
        1 => ("learning_rate".to_owned(), pick(&LEARNING_RATES, draw).to_owned()),
        2 => ("batch_size".to_owned(), (16_u64 << (draw % 4)).to_string()),
        3 => ("seed".to_owned(), run.to_string()),
        other => (format!("param_{other:02}"), (draw % 100).to_string()),
    }
}

/// Name and value of a tag.
pub(super) fn tag(run: usize, tag: usize) -> (String, String) {
    let draw = mix(&[run as u64, tag as u64, 11]);
    match tag {
        0 => ("team".to_owned(), format!("team-{}", draw % 8)),
        1 => ("dataset".to_owned(), format!("dataset-{:02}", draw % 20)),
        _ => ("commit".to_owned(), format!("{:012x}", draw & 0xffff_ffff_ffff)),
    }
}

impl Data {
    /// Metric points in all runs together, without the long curve.
    pub(super) fn points(&self) -> usize {
        self.runs * METRICS * self.steps
    }

    /// The last step of every metric.
    pub(super) fn last_step(&self) -> usize {
        self.steps - 1
    }

    /// What is logged into a run, in calls of at most a thousand metrics.
    pub(super) fn batches(&self, run: usize) -> Vec<Batch> {
        let all = METRICS * self.steps;
        let keys: Vec<String> = (0..METRICS).map(metric_key).collect();
        let batch = |first: usize| {
            let points = first..(first + BATCH).min(all);
            let mut batch = Batch::of(points.map(|point| {
                let (step, metric) = (point / METRICS, point % METRICS);
                let key = keys.get(metric).map_or("", String::as_str);
                (key, metric_billionths(run, metric, step), start_time(run) + step as u64, step)
            }));
            if first == 0 {
                batch.pairs("params", (0..PARAMS).map(|one| param(run, one)));
                batch.pairs("tags", (0..TAGS).map(|one| tag(run, one)));
            }
            batch
        };
        (0..all).step_by(BATCH).map(batch).collect()
    }
}

/// The points of the long curve, in calls of at most a thousand.
pub(super) fn curve_batches() -> impl Iterator<Item = Batch> {
    (0..CURVE_POINTS).step_by(BATCH).map(|first| {
        let points = first..(first + BATCH).min(CURVE_POINTS);
        Batch::of(
            points.map(|step| (CURVE, metric_billionths(0, METRICS, step), FIRST_START + step as u64, step)),
        )
    })
}

impl Batch {
    /// Points: key, value in billionths, time in milliseconds since 1970, step.
    fn of<'a>(metrics: impl Iterator<Item = (&'a str, u32, u64, usize)>) -> Self {
        let mut fields = String::from("\"metrics\":[");
        let mut comma = "";
        for (key, billionths, timestamp, step) in metrics {
            let _ = write!(
                fields,
                r#"{comma}{{"key":"{key}","value":0.{billionths:09},"timestamp":{timestamp},"step":{step}}}"#
            );
            comma = ",";
        }
        fields.push(']');
        Self(fields)
    }

    /// Add a list of keys and values.
    fn pairs(&mut self, name: &str, pairs: impl Iterator<Item = (String, String)>) {
        let pairs: Vec<String> =
            pairs.map(|(key, value)| format!(r#"{{"key":"{key}","value":"{value}"}}"#)).collect();
        let _ = write!(self.0, r#","{name}":[{}]"#, pairs.join(","));
    }

    /// The body of the call to log-batch.
    pub(super) fn body(&self, run_id: &str) -> String {
        format!(r#"{{"run_id":"{run_id}",{}}}"#, self.0)
    }

    /// The body without a run.
    pub(super) fn object(&self) -> String {
        format!("{{{}}}", self.0)
    }
}

fn pick<'a>(words: &[&'a str], draw: u64) -> &'a str {
    words.get(draw as usize % words.len()).copied().unwrap_or_default()
}

/// A number that looks drawn by lot from these: SplitMix64's steps.
pub(super) fn mix(seeds: &[u64]) -> u64 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for seed in seeds {
        state = state.wrapping_add(*seed).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_logged_in_calls_that_a_server_takes() {
        let data = Data { runs: 1, steps: 101 };
        let batches = data.batches(0);
        let bodies: Vec<serde_json::Value> =
            batches.iter().filter_map(|batch| serde_json::from_str(&batch.body("r")).ok()).collect();
        let sizes = |field: &str| -> Vec<usize> {
            bodies.iter().map(|body| body[field].as_array().map_or(0, Vec::len)).collect()
        };
        assert_eq!(sizes("metrics"), [1000, 1000, 20]);
        assert_eq!(sizes("params"), [PARAMS, 0, 0]);
        assert_eq!(sizes("tags"), [TAGS, 0, 0]);
        assert_eq!(sizes("metrics").iter().sum::<usize>(), data.points());
        assert_eq!(bodies[2]["metrics"][19]["step"], 100);
        assert_eq!(bodies[2]["metrics"][19]["value"], f64::from(metric_billionths(0, 19, 100)) / 1e9);
    }

    #[test]
    fn the_curve_has_all_its_points() {
        let steps = |batch: Batch| batch.object().matches("\"step\"").count();
        assert_eq!(curve_batches().map(steps).sum::<usize>(), CURVE_POINTS);
    }
}
