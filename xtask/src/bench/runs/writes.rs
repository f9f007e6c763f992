//! Logging metrics over several connections, and counting afterwards what was kept.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::answers::items;
use super::data;
use super::load::{Place, create_run};
use super::measure::{Budget, repeat};
use super::work::Done;
use crate::bench::http::{Client, Coding};
use crate::process::Outcome;

/// Where a body has the number of the request in six digits.
const MARK: &str = "######";

/// Bodies with other values, which take turns.
const VARIANTS: usize = 16;

/// The most points that the servers give of a history at once.
const PAGE: usize = 25_000;

/// What one request carries.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// log-batch with so many keys, and so many steps of each.
    Batch { keys: usize, steps: usize },
    /// log-metric.
    Single,
}

/// A body that is made once and sent often; only the digits of its number change, so that no step comes twice.
struct Template {
    body: Vec<u8>,
    marks: Vec<usize>,
}

impl Shape {
    fn path(self) -> &'static str {
        match self {
            Self::Batch { .. } => "/api/2.0/mlflow/runs/log-batch",
            Self::Single => "/api/2.0/mlflow/runs/log-metric",
        }
    }

    /// Points of the first key in one request.
    fn steps(self) -> usize {
        match self {
            Self::Batch { steps, .. } => steps,
            Self::Single => 1,
        }
    }

    fn template(self, run_id: &str, variant: usize) -> Template {
        let point = |key: usize, step: usize| {
            let value = data::metric_billionths(variant, key, step);
            // Steps and times grow with the request's number, then within the request.
            format!(
                r#""key":"metric_{key:03}","value":0.{value:09},"timestamp":17{MARK}{step:03}00,"step":1{MARK}{step:02}"#
            )
        };
        let text = match self {
            Self::Single => format!(r#"{{"run_id":"{run_id}",{}}}"#, point(0, 0)),
            Self::Batch { keys, steps } => {
                let points = (0..steps).flat_map(|step| (0..keys).map(move |key| (key, step)));
                let points: Vec<String> =
                    points.map(|(key, step)| format!("{{{}}}", point(key, step))).collect();
                format!(r#"{{"run_id":"{run_id}","metrics":[{}]}}"#, points.join(","))
            }
        };
        let marks = text.match_indices(MARK).map(|(place, _)| place).collect();
        Template { body: text.into_bytes(), marks }
    }
}

impl Template {
    /// The body with this number.
    fn numbered(&mut self, number: usize) -> &[u8] {
        let digits = format!("{number:06}");
        for mark in &self.marks {
            if let Some(place) = self.body.get_mut(*mark..mark + digits.len()) {
                place.copy_from_slice(digits.as_bytes());
            }
        }
        &self.body
    }
}

/// Log into one new run for each connection.
pub(super) fn log(
    port: u16,
    place: &Place,
    budget: Budget,
    connections: usize,
    shape: Shape,
) -> Outcome<Done> {
    let mut client = Client::new(port);
    let mut runs = Vec::new();
    for connection in 0..connections {
        let name = format!("log-{connection}");
        runs.push((
            create_run(&mut client, &place.other.id, &name, data::start_time(0))?,
            AtomicUsize::new(0),
        ));
    }
    let workers = runs.iter().map(|(run_id, acknowledged)| {
        let mut client = Client::new(port);
        let mut templates: Vec<Template> =
            (0..VARIANTS).map(|variant| shape.template(run_id, variant)).collect();
        let mut number = 0;
        move || {
            let variant = number % VARIANTS;
            let body = match templates.get_mut(variant) {
                Some(template) => template.numbered(number),
                None => return Err(format!("there is no body {variant}")),
            };
            number += 1;
            client.post(shape.path(), body, Coding::Any)?.ok()?;
            acknowledged.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }
    });
    let timing = repeat(budget, workers.collect());
    for (run_id, acknowledged) in &runs {
        let expected = acknowledged.load(Ordering::Relaxed) * shape.steps();
        let kept = count(&mut client, run_id, expected)?;
        // A request that failed may have been kept all the same.
        if kept < expected || (kept > expected && timing.failed == 0) {
            return Err(format!("of {expected} points that were acknowledged in a run there are {kept}"));
        }
    }
    Ok(Done { timing, seen: None })
}

/// How many points of the first metric a run has.
fn count(client: &mut Client, run_id: &str, expected: usize) -> Outcome<usize> {
    let mut kept = 0;
    let mut token = String::new();
    loop {
        let path = format!(
            "/api/2.0/mlflow/metrics/get-history?run_id={run_id}&metric_key=metric_000&max_results={PAGE}{token}"
        );
        let answer = client.get(&path, Coding::Plain)?.json()?;
        let points = items(&answer["metrics"]).len();
        kept += points;
        let next = answer["next_page_token"].as_str().unwrap_or_default();
        // More than there should be: a page came twice.
        if points == 0 || next.is_empty() || kept > expected + PAGE {
            return Ok(kept);
        }
        token = format!("&page_token={}", next.replace('+', "%2B").replace('=', "%3D"));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use serde_json::Value;

    use super::*;

    #[test]
    fn numbered_bodies_are_json_whose_steps_grow() {
        let mut template = Shape::Batch { keys: 20, steps: 50 }.template("r", 3);
        let first: Value = serde_json::from_slice(template.numbered(0)).unwrap();
        let later: Value = serde_json::from_slice(template.numbered(123_456)).unwrap();
        assert_eq!(first["metrics"].as_array().unwrap().len(), 1000);
        assert_eq!(first["metrics"][999]["step"], 100_000_049);
        assert_eq!(later["metrics"][0]["step"], 112_345_600);
        assert_eq!(later["metrics"][0]["timestamp"], 1_712_345_600_000_u64);
        assert_eq!(first["metrics"][7]["value"], later["metrics"][7]["value"]);
        let single: Value = serde_json::from_slice(Shape::Single.template("r", 0).numbered(7)).unwrap();
        assert_eq!((single["run_id"].as_str(), single["step"].as_i64()), (Some("r"), Some(100_000_700)));
    }
}
