//! Scoring with gradient-boosted trees, straight from the JSON that `forust-ml` writes: all nodes of all trees in one
//! flat array, walked in a loop. Gives the numbers that forust itself gives, without its code in the serving path.

use std::collections::VecDeque;

use ropewalk_core::{Error, Result};
use ropewalk_prep::Matrix;
use serde::Deserialize;

/// Marks a leaf in [`Node::feature`].
const LEAF: u32 = u32::MAX;
/// Rows that walk one tree before the next tree's turn, so that its nodes stay in the cache.
const BLOCK_ROWS: usize = 64;

/// One node, 20 bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Node {
    /// An inner node's threshold, a leaf's weight.
    value: f32,
    /// The feature that is compared, or [`LEAF`].
    feature: u32,
    /// Where to go when the feature is below the threshold, not below it, missing.
    children: [u32; 3],
}

/// An ensemble ready to score; plain data, so that many threads may use one at once.
#[derive(Debug, Clone, PartialEq)]
pub struct TreeScorer {
    nodes: Vec<Node>,
    roots: Vec<u32>,
    base: f64,
    features: usize,
}

/// What is read of forust's JSON.
#[derive(Deserialize)]
struct Booster {
    objective_type: String,
    base_score: f64,
    missing: Option<f64>,
    #[serde(default)]
    prediction_iteration: Option<usize>,
    trees: Vec<BoosterTree>,
}

#[derive(Deserialize)]
struct BoosterTree {
    nodes: Vec<BoosterNode>,
}

#[derive(Deserialize)]
struct BoosterNode {
    weight_value: f32,
    split_value: f64,
    split_feature: usize,
    missing_node: usize,
    left_child: usize,
    right_child: usize,
    is_leaf: bool,
}

fn unreadable(why: impl Into<String>) -> Error {
    Error::invalid("the trees cannot be read").why(why).hint("train again, then register the new run")
}

impl TreeScorer {
    /// Reads a booster saved by forust-ml 0.8 with the log-loss objective and NaN as the missing value. Trees beyond the
    /// best iteration of early stopping are left out, as forust does.
    ///
    /// # Errors
    /// `invalid` when the JSON is damaged, is of another objective, or its nodes make no trees.
    pub fn from_forust_json(json: &[u8]) -> Result<Self> {
        let booster: Booster = serde_json::from_slice(json).map_err(|error| unreadable(error.to_string()))?;
        if booster.objective_type != "LogLoss" {
            return Err(unreadable(format!("the objective is {}, not LogLoss", booster.objective_type)));
        }
        if booster.missing.is_some_and(|missing| !missing.is_nan()) {
            return Err(unreadable("the model has a number for missing values; only NaN is understood"));
        }
        if !booster.base_score.is_finite() {
            return Err(unreadable("the base score is not finite"));
        }
        let used = booster.prediction_iteration.unwrap_or(booster.trees.len());
        let trees = booster.trees.get(..used).ok_or_else(|| {
            unreadable(format!("{used} trees are to be used, {} are there", booster.trees.len()))
        })?;
        let mut scorer = Self {
            nodes: Vec::new(),
            roots: Vec::with_capacity(used),
            base: booster.base_score,
            features: 0,
        };
        for tree in trees {
            scorer.add(tree)?;
        }
        Ok(scorer)
    }

    /// Lays one tree's nodes out level by level from its root.
    fn add(&mut self, tree: &BoosterTree) -> Result<()> {
        self.roots.push(index(self.nodes.len())?);
        let mut places: Vec<Option<u32>> = vec![None; tree.nodes.len()];
        let mut waiting = VecDeque::new();
        let mut end = self.nodes.len();
        // A node gets its place when its parent is laid out; a second parent, or a way back, makes no tree.
        let mut claim = |node: usize, waiting: &mut VecDeque<usize>| -> Result<u32> {
            let place = places
                .get_mut(node)
                .ok_or_else(|| unreadable(format!("a node points to node {node}, which is not there")))?;
            if place.is_some() {
                return Err(unreadable(format!("two nodes point to node {node}")));
            }
            let free = index(end)?;
            *place = Some(free);
            end += 1;
            waiting.push_back(node);
            Ok(free)
        };
        claim(0, &mut waiting)?;
        while let Some(position) = waiting.pop_front() {
            let node = &tree.nodes[position];
            if node.is_leaf {
                if !node.weight_value.is_finite() {
                    return Err(unreadable("a leaf's weight is not finite"));
                }
                self.nodes.push(Node { value: node.weight_value, feature: LEAF, children: [0; 3] });
                continue;
            }
            if node.split_value.is_nan() || node.left_child == node.right_child {
                return Err(unreadable("a node splits nothing"));
            }
            let left = claim(node.left_child, &mut waiting)?;
            let right = claim(node.right_child, &mut waiting)?;
            let missing = if node.missing_node == node.left_child {
                left
            } else if node.missing_node == node.right_child {
                right
            } else {
                claim(node.missing_node, &mut waiting)?
            };
            self.features = self.features.max(node.split_feature.saturating_add(1));
            let feature = index(node.split_feature)?;
            self.nodes.push(Node {
                value: round_up(node.split_value),
                feature,
                children: [left, right, missing],
            });
        }
        Ok(())
    }

    /// How many trees it uses.
    #[must_use]
    pub fn trees(&self) -> usize {
        self.roots.len()
    }

    /// The fewest features a row must have.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// The probability of yes for each row; NaN is a missing feature.
    ///
    /// # Errors
    /// `invalid` when the rows have fewer features than the trees look at.
    pub fn score(&self, features: &Matrix) -> Result<Vec<f32>> {
        Ok(self.margins(features)?.into_iter().map(|margin| sigmoid(margin) as f32).collect())
    }

    /// The log-odds of yes for each row: the base score and one leaf of each tree, added in double precision in the order
    /// of training.
    ///
    /// # Errors
    /// As [`score`](Self::score).
    pub fn margins(&self, features: &Matrix) -> Result<Vec<f64>> {
        let width = features.columns.len();
        if width < self.features {
            return Err(Error::invalid(format!(
                "the trees look at {} features, the rows have {width}",
                self.features
            ))
            .why("the weights belong to another preprocessing"));
        }
        let mut margins = vec![self.base; features.rows];
        if width == 0 {
            // Trees without a split: every row reaches the same leaves.
            let sum = self.roots.iter().fold(self.base, |sum, root| sum + self.walk(*root, &[]));
            margins.fill(sum);
            return Ok(margins);
        }
        for (rows, block) in features.values.chunks(BLOCK_ROWS * width).zip(margins.chunks_mut(BLOCK_ROWS)) {
            for root in &self.roots {
                for (row, margin) in rows.chunks_exact(width).zip(block.iter_mut()) {
                    *margin += self.walk(*root, row);
                }
            }
        }
        Ok(margins)
    }

    /// The weight of the leaf that a row reaches. Children lie behind their parents, so this ends.
    fn walk(&self, root: u32, row: &[f32]) -> f64 {
        let mut node = &self.nodes[root as usize];
        while node.feature != LEAF {
            let feature = row[node.feature as usize];
            let way = if feature.is_nan() { 2 } else { usize::from(feature >= node.value) };
            node = &self.nodes[node.children[way] as usize];
        }
        f64::from(node.value)
    }
}

fn index(place: usize) -> Result<u32> {
    u32::try_from(place)
        .ok()
        .filter(|place| *place != LEAF)
        .ok_or_else(|| unreadable("there are too many nodes"))
}

/// The smallest `f32` that is not below `threshold`. Features are `f32`, so `feature < threshold` holds exactly when
/// `feature < round_up(threshold)` does.
fn round_up(threshold: f64) -> f32 {
    let nearest = threshold as f32;
    if f64::from(nearest) < threshold { nearest.next_up() } else { nearest }
}

/// The logistic function, in the form that does not overflow.
fn sigmoid(margin: f64) -> f64 {
    let small = (-margin.abs()).exp();
    if margin >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn leaf(weight: f64) -> Value {
        json!({"weight_value": weight, "split_value": 0.0, "split_feature": 0, "missing_node": 0, "left_child": 0, "right_child": 0, "is_leaf": true})
    }

    fn split(feature: usize, value: f64, [left, right, missing]: [usize; 3]) -> Value {
        json!({"weight_value": 0.0, "split_value": value, "split_feature": feature, "missing_node": missing, "left_child": left, "right_child": right, "is_leaf": false})
    }

    fn booster(trees: &[Vec<Value>]) -> Value {
        let trees: Vec<Value> = trees.iter().map(|nodes| json!({"nodes": nodes})).collect();
        json!({"objective_type": "LogLoss", "base_score": 0.5, "missing": null, "prediction_iteration": null, "trees": trees})
    }

    fn read(value: &Value) -> Result<TreeScorer> {
        TreeScorer::from_forust_json(value.to_string().as_bytes())
    }

    fn matrix(width: usize, values: &[f32]) -> Matrix {
        Matrix {
            rows: values.len() / width,
            columns: (0..width).map(|place| place.to_string()).collect(),
            values: values.to_vec(),
        }
    }

    fn two_trees() -> Value {
        booster(&[
            vec![
                split(1, 2.0, [1, 2, 3]),
                leaf(-1.0),
                split(0, 0.1, [4, 5, 4]),
                leaf(7.0),
                leaf(0.25),
                leaf(3.0),
            ],
            vec![leaf(0.125)],
        ])
    }

    #[test]
    fn rows_reach_the_leaves_that_the_hand_finds() {
        let scorer = read(&two_trees()).unwrap();
        assert_eq!((scorer.trees(), scorer.features()), (2, 2));
        let nan = f32::NAN;
        // Below; not below then below; not below twice (the threshold itself is not below); missing in its own branch; missing beside left.
        let rows = matrix(2, &[0.0, 1.0, 0.0, 2.0, 0.2, 2.0, 0.0, nan, nan, 5.0]);
        let margins = scorer.margins(&rows).unwrap();
        assert_eq!(margins, vec![-0.375, 0.875, 3.625, 7.625, 0.875]);
        let scores = scorer.score(&rows).unwrap();
        assert!((scores[0] - 0.407_333).abs() < 1e-6, "{scores:?}");
    }

    #[test]
    fn a_threshold_between_two_floats_parts_them_as_in_double_precision() {
        let low = 0.1_f32;
        let high = low.next_up();
        let between = f64::midpoint(f64::from(low), f64::from(high));
        for threshold in [between, f64::from(low), f64::from(high)] {
            let rounded = round_up(threshold);
            for feature in [low, high, low.next_down(), f32::INFINITY, f32::NEG_INFINITY] {
                assert_eq!(f64::from(feature) < threshold, feature < rounded);
            }
        }
    }

    #[test]
    fn only_the_trees_of_the_best_iteration_count() {
        let mut value = two_trees();
        value["prediction_iteration"] = json!(1);
        let rows = matrix(2, &[0.0, 1.0]);
        assert_eq!(read(&value).unwrap().margins(&rows).unwrap(), vec![-0.5]);
        value["prediction_iteration"] = json!(3);
        assert!(read(&value).is_err());
    }

    #[test]
    fn many_rows_score_as_each_alone() {
        let scorer = read(&two_trees()).unwrap();
        let values: Vec<f32> = (0..2 * 201).map(|place| (place as f32 * 0.7).sin() * 3.0).collect();
        let together = scorer.margins(&matrix(2, &values)).unwrap();
        for (row, margin) in values.chunks(2).zip(together) {
            assert_eq!(scorer.margins(&matrix(2, row)).unwrap(), vec![margin]);
        }
    }

    #[test]
    fn what_makes_no_trees_is_refused() {
        let cycle = booster(&[vec![split(0, 1.0, [1, 2, 1]), split(0, 1.0, [0, 2, 0]), leaf(1.0)]]);
        let shared =
            booster(&[vec![split(0, 1.0, [1, 2, 1]), split(0, 0.5, [3, 2, 3]), leaf(1.0), leaf(2.0)]]);
        let dangling = booster(&[vec![split(0, 1.0, [1, 9, 1]), leaf(1.0)]]);
        let same = booster(&[vec![split(0, 1.0, [1, 1, 1]), leaf(1.0)]]);
        let empty = booster(&[vec![]]);
        let mut squared = two_trees();
        squared["objective_type"] = json!("SquaredLoss");
        let mut sentinel = two_trees();
        sentinel["missing"] = json!(-999.0);
        for wrong in [cycle, shared, dangling, same, empty, squared, sentinel, json!({}), json!(null)] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
        assert!(TreeScorer::from_forust_json(&two_trees().to_string().as_bytes()[..50]).is_err());
    }

    #[test]
    fn too_few_features_are_an_error_and_no_rows_no_scores() {
        let scorer = read(&two_trees()).unwrap();
        assert!(scorer.score(&matrix(1, &[1.0])).is_err());
        assert!(scorer.score(&matrix(2, &[])).unwrap().is_empty());
        let stumps = read(&booster(&[vec![leaf(0.25)]])).unwrap();
        assert_eq!(
            stumps.margins(&Matrix { rows: 2, columns: Vec::new(), values: Vec::new() }).unwrap(),
            vec![0.75, 0.75]
        );
    }
}
