//! Captured requests as rows for training, some of them held out for the replay gate.

use ropewalk_core::{Error, Result};
use ropewalk_data::{Column, Frame};
use ropewalk_watch::Captured;

/// Captured, labelled rows divided in two.
#[derive(Clone, Debug)]
pub struct Export {
    /// To train on: inputs and target column.
    pub training: Frame,
    /// Kept away from training: inputs and target column.
    pub held_out: Frame,
}

/// Puts the observed values beside the captured inputs, in the dataset's column order, and holds a share out.
///
/// The division follows from a row's inputs and the seed alone, so that equal rows fall on one side (wine is full of
/// them, and one that is on both sides would flatter the candidate), and a second run with the same seed never trains
/// on what the first one held out.
///
/// # Errors
/// `Invalid` when the captured rows lack what the dataset has.
pub fn divide(
    captured: &Captured,
    target: &str,
    columns: &[String],
    share: f64,
    seed: u64,
) -> Result<Export> {
    let labelled: Vec<usize> = (0..captured.rows())
        .filter(|row| captured.values[*row].is_some_and(f64::is_finite) && captured.errors[*row].is_none())
        .collect();
    let inputs = captured.frame.select(&labelled);
    let values: Vec<f64> = labelled.iter().filter_map(|row| captured.values[*row]).collect();
    let (held, kept): (Vec<usize>, Vec<usize>) =
        (0..inputs.rows()).partition(|row| unit_interval(inputs.row_hash(*row), seed) < share);
    let whole = in_order(&inputs, Column::Number(values), target, columns)?;
    Ok(Export { training: whole.select(&kept), held_out: whole.select(&held) })
}

/// The columns as the dataset has them. A column that the model does not take was never captured: it is missing.
fn in_order(inputs: &Frame, values: Column, target: &str, columns: &[String]) -> Result<Frame> {
    if let Some(unknown) = inputs.names().iter().find(|name| !columns.contains(name)) {
        return Err(Error::invalid(format!("the captured column “{unknown}” is not in the dataset"))
            .why(format!("its columns are {}", columns.join(", ")))
            .hint("ropewalk data show DATASET"));
    }
    let rows = inputs.rows();
    let column = |name: &String| {
        let found = if name == target {
            Some(values.clone())
        } else {
            inputs.position(name).map(|at| inputs.columns()[at].clone())
        };
        (name.clone(), found.unwrap_or_else(|| Column::Number(vec![f64::NAN; rows])))
    };
    Frame::new(columns.iter().map(column).collect())
}

/// A hash and a seed as a number in [0, 1), by the finaliser of SplitMix64 (Steele, Lea & Flood 2014).
fn unit_interval(hash: u128, seed: u64) -> f64 {
    let mut z = (hash as u64) ^ ((hash >> 64) as u64) ^ seed.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    (z >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn captured(rows: usize) -> Captured {
        let frame = Frame::new(vec![
            ("b".into(), Column::Number((0..rows).map(|i| (i % 500) as f64).collect())),
            ("a".into(), Column::Number((0..rows).map(|i| (i % 500) as f64 * 0.5).collect())),
        ])
        .unwrap();
        Captured {
            frame,
            ids: (0..rows).map(|i| i.to_string()).collect(),
            scores: vec![0.5; rows],
            values: (0..rows).map(|i| (i % 10 != 0).then_some((i % 9) as f64)).collect(),
            revisions: vec![1; rows],
            models: vec!["m".into(); rows],
            versions: vec![1; rows],
            times_ms: vec![0; rows],
            latencies_us: vec![0; rows],
            errors: vec![None; rows],
        }
    }

    #[test]
    fn equal_rows_fall_on_one_side_and_the_share_is_kept() {
        let columns = vec!["a".to_owned(), "unused".to_owned(), "b".to_owned(), "y".to_owned()];
        let export = divide(&captured(2000), "y", &columns, 0.25, 7).unwrap();
        assert_eq!(export.training.names(), &columns[..]);
        assert_eq!(export.training.rows() + export.held_out.rows(), 1800);
        let held = export.held_out.rows() as f64 / 1800.0;
        assert!((0.19..0.31).contains(&held), "{held}");
        let keys = |frame: &Frame| {
            frame.number("b").unwrap().iter().map(|v| *v as i64).collect::<std::collections::HashSet<_>>()
        };
        assert!(keys(&export.training).is_disjoint(&keys(&export.held_out)));
        let again = divide(&captured(1000), "y", &columns, 0.25, 7).unwrap();
        assert!(keys(&again.held_out).is_disjoint(&keys(&export.training)));
        assert!(export.training.number("unused").unwrap().iter().all(|v| v.is_nan()));
    }

    #[test]
    fn a_column_that_the_dataset_lacks_is_refused() {
        let error = divide(&captured(10), "y", &["a".to_owned(), "y".to_owned()], 0.25, 7).unwrap_err();
        assert!(error.to_string().contains("“b”"));
    }
}
