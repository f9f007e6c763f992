//! The checks before a version is registered.

use ropewalk_core::Result;
use ropewalk_data::{Column, Frame};
use ropewalk_prep::{ColumnKind, Prep};
use ropewalk_runs::Run;

use crate::bundle::BundleManifest;
use crate::model::{Gate, GateResult};

/// The tag by which a run names the prepared data that it was trained on.
pub(crate) const PREPARED_TAG: &str = "ropewalk.prepared";
/// Rows that the parity gate compares.
const PARITY_ROWS: usize = 1000;

/// Evaluates every gate; none stops the others.
pub(crate) async fn evaluate(
    gates: &[Gate],
    run: &Run,
    manifest: &BundleManifest,
    prep: &Prep,
) -> Result<Vec<GateResult>> {
    let mut results = Vec::with_capacity(gates.len());
    for gate in gates {
        results.push(match gate {
            Gate::AucFloor { metric, minimum } => floor(gate, metric, *minimum, run.metric(metric)),
            Gate::Parity { tolerance } => parity(gate, *tolerance, run, manifest, prep).await?,
        });
    }
    Ok(results)
}

fn floor(gate: &Gate, metric: &str, minimum: f64, observed: Option<f64>) -> GateResult {
    // A NaN passes nothing.
    let passed = observed.is_some_and(|value| value >= minimum);
    let message = match observed {
        Some(value) => format!("{metric} is {value:.4}, at least {minimum} is asked"),
        None => format!("the run has no metric {metric}"),
    };
    GateResult { gate: gate.clone(), passed, observed: observed.filter(|value| value.is_finite()), message }
}

async fn parity(
    gate: &Gate,
    tolerance: f64,
    run: &Run,
    manifest: &BundleManifest,
    prep: &Prep,
) -> Result<GateResult> {
    let frame = match run.tag(PREPARED_TAG) {
        Some(id) => match prep.load(id).await {
            Ok(data) => thin(&data.train.frame),
            // The prepared rows may be gone; the bundle's own sample of them is not.
            Err(error) if error.code() == ropewalk_core::Code::NotFound => sample(manifest)?,
            Err(error) => return Err(error),
        },
        None => sample(manifest)?,
    };
    let result = |passed, observed, message| GateResult { gate: gate.clone(), passed, observed, message };
    Ok(match ropewalk_prep::parity::parity(&manifest.pipeline, &frame) {
        Ok(report) if report.rows == 0 => {
            result(false, None, "there is no training row to compare".to_owned())
        }
        Ok(report) => {
            let difference = report.max_abs_difference;
            let message = format!(
                "batch and single-row preprocessing of {} rows differ by at most {difference:e}; {tolerance:e} is allowed",
                report.rows
            );
            result(difference <= tolerance, Some(difference), message)
        }
        Err(error) => result(false, None, format!("preprocessing failed: {error}")),
    })
}

/// At most [`PARITY_ROWS`] rows, evenly spread.
fn thin(frame: &Frame) -> Frame {
    let every = frame.rows().div_ceil(PARITY_ROWS).max(1);
    let rows: Vec<usize> = (0..frame.rows()).step_by(every).collect();
    frame.select(&rows)
}

/// Rows made of the values that the reference profile kept, the first of them with every value missing.
fn sample(manifest: &BundleManifest) -> Result<Frame> {
    let rows = 1 + manifest
        .reference
        .columns
        .iter()
        .map(|column| column.sample.len().max(column.categories.len()))
        .max()
        .unwrap_or(0);
    let columns = manifest.pipeline.inputs.iter().map(|input| {
        let profile = manifest.reference.column(&input.name);
        let column = match input.kind {
            ColumnKind::Number => {
                let values = profile.map(|profile| profile.sample.as_slice()).unwrap_or_default();
                Column::Number(
                    (0..rows).map(|row| cycled(values, row).copied().unwrap_or(f64::NAN)).collect(),
                )
            }
            ColumnKind::Text => {
                let values: Vec<&String> =
                    profile.map(|profile| profile.categories.keys().collect()).unwrap_or_default();
                Column::Text((0..rows).map(|row| cycled(&values, row).map(|text| (*text).clone())).collect())
            }
        };
        (input.name.clone(), column)
    });
    Frame::new(columns.collect())
}

fn cycled<T>(values: &[T], row: usize) -> Option<&T> {
    let at = row.checked_sub(1)?;
    if values.is_empty() { None } else { values.get(at % values.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_floor_holds_at_the_floor_and_never_for_nan() {
        let gate = Gate::AucFloor { metric: "val_auc".into(), minimum: 0.8 };
        assert!(floor(&gate, "val_auc", 0.8, Some(0.8)).passed);
        assert!(!floor(&gate, "val_auc", 0.8, Some(0.7999)).passed);
        assert!(!floor(&gate, "val_auc", 0.8, Some(f64::NAN)).passed);
        assert!(!floor(&gate, "val_auc", 0.8, None).passed);
    }
}
