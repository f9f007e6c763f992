//! How an endpoint is watched: windows, thresholds, and their defaults.

use ropewalk_core::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How an endpoint is watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct MonitorSettings {
    /// Whether the background loop evaluates the endpoint.
    pub enabled: bool,
    /// Seconds between evaluations, if new rows or labels came.
    pub interval_seconds: f64,
    /// The newest so many predictions are compared with the reference.
    pub window_rows: usize,
    /// Below so many predictions nothing is judged.
    pub min_rows: usize,
    /// So many new predictions or labels make an evaluation worth while; fewer wait up to six intervals.
    pub min_new_rows: usize,
    /// Quality is judged on the labelled ones among the newest so many predictions: labels are scarcer than rows.
    pub quality_window_rows: usize,
    /// Below so many labelled predictions quality is not judged.
    pub min_labelled: usize,
    /// False discovery rate over all columns: corrected p-values at or below it count.
    pub significance: f64,
    /// Effect size from which a difference matters: the share of rows that lie elsewhere, 0 to 1.
    pub material_effect: f64,
    /// Effect size from which one column alone is an alert, 0 to 1: a wrong unit, a swapped column.
    pub severe_effect: f64,
    /// Share of drifted columns that is an alert, 0 to 1.
    pub drift_share: f64,
    /// Rise of a column's missing share that is an alert, 0 to 1.
    pub missing_rise: f64,
    /// Drop of the AUC below the reference that is allowed.
    pub auc_drop: f64,
}

impl Default for MonitorSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            interval_seconds: 5.0,
            window_rows: 500,
            min_rows: 100,
            min_new_rows: 20,
            quality_window_rows: 5_000,
            min_labelled: 100,
            significance: 0.05,
            material_effect: 0.25,
            severe_effect: 0.9,
            drift_share: 0.5,
            missing_rise: 0.1,
            auc_drop: 0.05,
        }
    }
}

impl MonitorSettings {
    /// Checks that every figure makes sense.
    ///
    /// # Errors
    /// `Invalid`, naming the figure and its range.
    pub fn check(&self) -> Result<()> {
        let shares = [
            ("significance", self.significance),
            ("material_effect", self.material_effect),
            ("severe_effect", self.severe_effect),
            ("drift_share", self.drift_share),
            ("missing_rise", self.missing_rise),
            ("auc_drop", self.auc_drop),
        ];
        for (name, value) in shares {
            if !(0.0..=1.0).contains(&value) {
                return Err(
                    Error::invalid(format!("`{name}` cannot be {value}")).why("it is a share from 0 to 1")
                );
            }
        }
        if !(0.1..=86_400.0).contains(&self.interval_seconds) {
            return Err(Error::invalid(format!("`interval_seconds` cannot be {}", self.interval_seconds))
                .why("it is from 0.1 to 86,400 seconds"));
        }
        for (name, value) in
            [("window_rows", self.window_rows), ("quality_window_rows", self.quality_window_rows)]
        {
            if !(1..=1_000_000).contains(&value) {
                return Err(Error::invalid(format!("`{name}` cannot be {value}"))
                    .why("it is from 1 to 1,000,000 rows"));
            }
        }
        if self.min_rows > self.window_rows {
            return Err(Error::invalid(format!(
                "`min_rows` {} is above `window_rows` {}",
                self.min_rows, self.window_rows
            ))
            .why("a window that small would never be judged"));
        }
        if self.min_labelled > self.quality_window_rows {
            return Err(Error::invalid(format!(
                "`min_labelled` {} is above `quality_window_rows` {}",
                self.min_labelled, self.quality_window_rows
            ))
            .why("a window that small would never be judged"));
        }
        Ok(())
    }
}
