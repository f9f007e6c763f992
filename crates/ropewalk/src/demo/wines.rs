//! The wines: where they come from, how they are divided and mixed, and what is made of their quality.

use ropewalk_core::{Error, Result};
use ropewalk_data::Frame;
use ropewalk_prep::Prepared;
use serde_json::Value;

use super::story::SEED;
use super::traffic::{Tasted, shuffled};
use crate::client::Client;
use crate::commands::data::rows_frame;

// Cortez et al. (2009), UCI Machine Learning Repository, CC BY 4.0; see data/wine/README.md.
pub(super) const RED: &[u8] = include_bytes!("../../../../data/wine/winequality-red.csv");
pub(super) const WHITE: &[u8] = include_bytes!("../../../../data/wine/winequality-white.csv");

/// Of the white wines, the share that arrives before the model is mended, and the share that
/// flows while releases are judged; the rest is kept for the last word.
const WHITE_ARRIVES: f64 = 0.7;
const WHITE_FLOWS: f64 = 0.1;
/// Of what arrived, the share that the runbook holds back from training for the replay gate.
pub(super) const REPLAYED: f64 = 0.2;

/// The raw rows of a part, with the observed target.
pub(super) async fn part(client: &Client, prepared: &str, part: &str) -> Result<Frame> {
    let sample: Value =
        client.get(&format!("/api/v1/prep/prepared/{prepared}/rows?part={part}&limit=100000")).await?;
    rows_frame(&sample)
}

/// The area under the ROC curve of what was tasted.
pub(super) fn auc(tasted: &[Tasted]) -> Result<f64> {
    let scores: Vec<f32> = tasted.iter().map(|one| one.score as f32).collect();
    let labels: Vec<f32> = tasted.iter().map(|one| f32::from(u8::from(one.quality >= 6.0))).collect();
    ropewalk_learn::metrics::auc(&scores, &labels)
        .ok_or_else(|| Error::internal("the demo's traffic has wines of one quality only"))
}

pub(super) fn divide(white: &Frame) -> [Frame; 3] {
    let rows = white.rows();
    let first = (rows as f64 * WHITE_ARRIVES) as usize;
    let second = first + (rows as f64 * WHITE_FLOWS) as usize;
    [(0, first), (first, second), (second, rows)]
        .map(|(from, to)| white.select(&(from..to).collect::<Vec<_>>()))
}

/// White and red wines in the proportion that the new training data will have.
pub(super) fn mixed(white: &Frame, red: &Frame, arrived: usize, prepared: &Prepared) -> Result<Frame> {
    let red_rows = prepared.rows.source - prepared.rows.duplicates_dropped;
    let white_rows = arrived as f64 * (1.0 - REPLAYED);
    let wanted = (white.rows() as f64 * red_rows as f64 / white_rows) as usize;
    let rows: Vec<usize> = (0..wanted).map(|row| row % red.rows()).collect();
    let both = white.concat(&red.with_only(white.names())?.select(&rows))?;
    Ok(shuffled(&both, SEED))
}
