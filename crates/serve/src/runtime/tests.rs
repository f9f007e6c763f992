//! Bundles in, probabilities out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
use super::*;
use bytes::Bytes;
use ropewalk_models::{ReferenceProfile, Signature, SignatureField};
use ropewalk_nets::MlpConfig;
use ropewalk_nets::mlp::initial_weights;
use ropewalk_nets::weights::to_safetensors;
use ropewalk_prep::{FittedStep, PIPELINE_VERSION};
use serde_json::json;

struct Always(Vec<f32>);

impl Scorer for Always {
    fn score(&self, _inputs: &Frame) -> Result<Vec<f32>> {
        Ok(self.0.clone())
    }
}

fn model(scores: Vec<f32>) -> ServedModel {
    let columns = vec![
        InputColumn { name: "pH".into(), text: false },
        InputColumn { name: "grape".into(), text: true },
    ];
    ServedModel::new("m", 1, "hash", "ropewalk_test", columns, Box::new(Always(scores)))
}

#[test]
fn a_model_that_gives_no_probability_is_not_warm() {
    let example = json!({"pH": 3.2, "grape": "merlot"});
    model(vec![0.5]).warm(&example).unwrap();
    for bad in [vec![], vec![0.5, 0.5], vec![f32::NAN], vec![1.5], vec![-0.1]] {
        assert_eq!(model(bad).warm(&example).unwrap_err().code(), Code::GateFailed);
    }
}

#[test]
fn an_example_is_one_row_of_the_signature() {
    let frame = example_frame(&model(vec![]).columns, &json!({"grape": "merlot", "more": 1})).unwrap();
    assert_eq!(frame.rows(), 1);
    assert!(frame.number("pH").unwrap()[0].is_nan());
    assert_eq!(frame.text("grape").unwrap(), [Some("merlot".to_owned())]);
}

fn pipeline(fill: bool) -> FittedPipeline {
    let input = |name: &str| ropewalk_prep::InputColumn { name: name.into(), kind: ColumnKind::Number };
    let impute: FittedStep =
        serde_json::from_value(json!({"op": "impute", "columns": [{"column": "pH", "value": 3.0}]})).unwrap();
    FittedPipeline {
        version: PIPELINE_VERSION,
        inputs: vec![input("fixed acidity"), input("pH")],
        steps: if fill { vec![impute] } else { vec![] },
        outputs: vec!["fixed acidity".into(), "pH".into()],
    }
}

fn bundle(runtime: &str, weights: Vec<u8>, pipeline: FittedPipeline) -> LoadedBundle {
    let field = |name: &str| SignatureField::new(name, "double");
    let manifest = BundleManifest {
        format: 1,
        runtime: runtime.into(),
        weights: "weights".into(),
        pipeline_hash: pipeline.hash(),
        signature: Signature {
            inputs: pipeline.inputs.iter().map(|input| field(&input.name)).collect(),
            outputs: vec![field("probability")],
        },
        pipeline,
        target: "quality >= 6".parse().unwrap(),
        input_example: json!({"fixed acidity": 7.0, "pH": 3.2}),
        reference: ReferenceProfile::default(),
        recipe: "test".into(),
        params: json!({}),
    };
    LoadedBundle { manifest, weights: Bytes::from(weights), hash: "hash".into() }
}

fn mlp_weights(inputs: usize) -> Vec<u8> {
    let config = MlpConfig { inputs, hidden: vec![4], dropout: 0.0, seed: 7 };
    to_safetensors(&config, &initial_weights(&config)).unwrap()
}

/// One tree: at most 3 of the second feature is unlikely, more is likely, missing is even.
fn tree_weights() -> Vec<u8> {
    let leaf = |weight: f64| {
        json!({"weight_value": weight, "split_value": 0.0, "split_feature": 0, "missing_node": 0,
            "left_child": 0, "right_child": 0, "is_leaf": true})
    };
    let split = json!({"weight_value": 0.0, "split_value": 3.1, "split_feature": 1, "missing_node": 3,
        "left_child": 1, "right_child": 2, "is_leaf": false});
    let trees = json!([{"nodes": [split, leaf(-2.0), leaf(2.0), leaf(0.0)]}]);
    let booster = json!({"objective_type": "LogLoss", "base_score": 0.0, "missing": null, "prediction_iteration": null, "trees": trees});
    booster.to_string().into_bytes()
}

fn rows(values: &[(f64, f64)]) -> Frame {
    let column = |pick: fn(&(f64, f64)) -> f64| Column::Number(values.iter().map(pick).collect());
    Frame::new(vec![("fixed acidity".into(), column(|row| row.0)), ("pH".into(), column(|row| row.1))])
        .unwrap()
}

#[test]
fn trees_answer_by_row_and_by_batch_alike() {
    let served = ServedModel::load("wine", 1, bundle("trees", tree_weights(), pipeline(false))).unwrap();
    assert_eq!(served.platform, "ropewalk_trees");
    let values = [(7.0, 3.0), (7.0, 3.2), (7.0, f64::NAN)];
    let scores = served.score(&rows(&values)).unwrap();
    for (score, expected) in scores.iter().zip([0.119_203, 0.880_797, 0.5]) {
        assert!((score - expected).abs() < 1e-5, "{scores:?}");
    }
    for (row, score) in values.iter().zip(&scores) {
        assert_eq!(served.score(&rows(&[*row])).unwrap(), [*score]);
    }
}

#[test]
fn a_network_answers_and_names_what_it_lacks() {
    let served = ServedModel::load("wine", 1, bundle("mlp", mlp_weights(2), pipeline(false))).unwrap();
    assert_eq!(served.platform, "ropewalk_mlp");
    let both = served.score(&rows(&[(7.0, 3.2), (8.0, 3.3)])).unwrap();
    let single = served.score(&rows(&[(8.0, 3.3)])).unwrap();
    assert!((both[1] - single[0]).abs() < 1e-6);
    for missing in [rows(&[(7.0, f64::NAN)]), rows(&[(7.0, 3.2), (7.0, f64::NAN)])] {
        let error = served.score(&missing).unwrap_err();
        assert_eq!(error.code(), Code::Invalid);
        assert!(error.to_string().contains("`pH`"), "{error}");
    }
    let filling = ServedModel::load("wine", 1, bundle("mlp", mlp_weights(2), pipeline(true))).unwrap();
    filling.score(&rows(&[(7.0, f64::NAN)])).unwrap();
}

#[test]
fn a_bundle_that_does_not_fit_together_is_refused() {
    let cases = [
        (bundle("trees", b"{".to_vec(), pipeline(false)), Code::Corrupt),
        (bundle("mlp", vec![0xFF; 64], pipeline(false)), Code::Corrupt),
        (bundle("mlp", mlp_weights(3), pipeline(false)), Code::GateFailed),
        (bundle("onnx", vec![], pipeline(false)), Code::NotImplemented),
    ];
    for (bundle, code) in cases {
        let runtime = bundle.manifest.runtime.clone();
        let error = ServedModel::load("wine", 1, bundle).unwrap_err();
        assert_eq!(error.code(), code, "{runtime}: {error}");
    }
    let mut swapped = bundle("trees", tree_weights(), pipeline(false));
    swapped.manifest.signature.inputs.swap(0, 1);
    assert_eq!(ServedModel::load("wine", 1, swapped).unwrap_err().code(), Code::Corrupt);
}
