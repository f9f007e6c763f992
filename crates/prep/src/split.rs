//! The division of rows into training, validation and test.

use crate::spec::Split;

/// The places of the rows of each part, ascending.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// To train on.
    pub train: Vec<usize>,
    /// To choose by.
    pub validation: Vec<usize>,
    /// For the last word.
    pub test: Vec<usize>,
}

/// Divide rows by a keyed hash of their inputs. `hashes` and `labels` have one value for each row.
#[must_use]
pub fn divide(hashes: &[u128], labels: &[f64], split: &Split) -> Parts {
    let mut classes: [Vec<(u128, usize)>; 2] = [Vec::new(), Vec::new()];
    for (row, (hash, label)) in hashes.iter().zip(labels).enumerate() {
        let class = usize::from(split.stratify && *label > 0.5);
        if let Some(rows) = classes.get_mut(class) {
            rows.push((shuffled(*hash, split.seed), row));
        }
    }
    let mut parts = Parts::default();
    for mut rows in classes {
        rows.sort_unstable();
        let first = cut(rows.len(), split.train);
        let second = cut(rows.len(), split.train + split.validation).max(first);
        for (order, (_, row)) in rows.into_iter().enumerate() {
            if order < first {
                parts.train.push(row);
            } else if order < second {
                parts.validation.push(row);
            } else {
                parts.test.push(row);
            }
        }
    }
    parts.train.sort_unstable();
    parts.validation.sort_unstable();
    parts.test.sort_unstable();
    parts
}

fn shuffled(hash: u128, seed: u64) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(&hash.to_le_bytes());
    let mut first = [0; 16];
    hasher.finalize_xof().fill(&mut first);
    u128::from_le_bytes(first)
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of rows in memory"
)]
fn cut(rows: usize, share: f64) -> usize {
    ((rows as f64 * share).round() as usize).min(rows)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::cast_precision_loss)]
    use super::*;
    use proptest::prelude::*;

    fn rows(count: usize) -> (Vec<u128>, Vec<f64>) {
        (0..count).map(|row| (row as u128 * 7919, f64::from(u8::from(row % 3 == 0)))).unzip()
    }

    #[test]
    fn parts_have_their_sizes_and_their_share_of_positives() {
        let (hashes, labels) = rows(3000);
        let parts = divide(&hashes, &labels, &Split::default());
        assert_eq!([parts.train.len(), parts.validation.len(), parts.test.len()], [2100, 450, 450]);
        for part in [&parts.train, &parts.validation, &parts.test] {
            let positive = part.iter().filter(|row| **row % 3 == 0).count();
            assert_eq!(positive * 3, part.len());
        }
    }

    #[test]
    fn the_order_of_the_rows_does_not_matter_and_the_seed_does() {
        let (hashes, labels) = rows(600);
        let parts = divide(&hashes, &labels, &Split::default());
        let reversed: (Vec<u128>, Vec<f64>) =
            hashes.iter().rev().copied().zip(labels.iter().rev().copied()).unzip();
        let mut again = divide(&reversed.0, &reversed.1, &Split::default()).test;
        again.iter_mut().for_each(|row| *row = 599 - *row);
        again.sort_unstable();
        assert_eq!(again, parts.test);
        let other = divide(&hashes, &labels, &Split { seed: 1, ..Split::default() });
        assert_ne!(other.test, parts.test);
    }

    #[test]
    fn added_rows_leave_almost_all_others_where_they_are() {
        let (hashes, labels) = rows(6000);
        let before = divide(&hashes[..3000], &labels[..3000], &Split::default());
        let after = divide(&hashes, &labels, &Split::default());
        let stayed = before.test.iter().filter(|row| after.test.contains(row)).count();
        assert!(stayed as f64 > 0.9 * before.test.len() as f64, "{stayed} of {}", before.test.len());
    }

    proptest! {
        #[test]
        fn every_row_lands_in_one_part(
            labels in prop::collection::vec(prop::bool::ANY, 0..200),
            train in 1..100_u32, validation in 0..100_u32, test in 0..100_u32,
            seed: u64, stratify: bool,
        ) {
            let total = f64::from(train + validation + test);
            let split = Split {
                train: f64::from(train) / total,
                validation: f64::from(validation) / total,
                test: f64::from(test) / total,
                seed,
                stratify,
            };
            let labels: Vec<f64> = labels.into_iter().map(|label| f64::from(u8::from(label))).collect();
            let hashes: Vec<u128> = (0..labels.len() as u128).collect();
            let parts = divide(&hashes, &labels, &split);
            prop_assert_eq!(&parts, &divide(&hashes, &labels, &split));
            let mut all = [parts.train, parts.validation, parts.test].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
        }
    }
}
