//! A table and its rows one by one give the same numbers, whatever the table and the steps.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

use proptest::prelude::*;
use ropewalk_data::{Cell, Column, Frame};
use ropewalk_prep::{FittedPipeline, InputColumn, RowPlan, Step, fit, parity};

const TEXTS: [&str; 5] = ["red", "white", "", "a=b", "rosé “brut”"];

fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => -1e6..1e6_f64,
        2 => (-5..5_i32).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(1e-300), Just(1e30)],
    ]
}

fn text() -> impl Strategy<Value = Option<String>> {
    prop::option::weighted(0.8, prop::sample::select(&TEXTS[..]).prop_map(str::to_owned))
}

fn frame(rows: std::ops::Range<usize>) -> impl Strategy<Value = Frame> {
    rows.prop_flat_map(|rows| {
        let numbers = || prop::collection::vec(number(), rows);
        let texts = || prop::collection::vec(text(), rows);
        (numbers(), numbers(), numbers(), texts(), texts()).prop_map(|(a, b, c, d, e)| {
            Frame::new(vec![
                ("a".into(), Column::Number(a)),
                ("d".into(), Column::Text(d)),
                ("b b".into(), Column::Number(b)),
                ("e".into(), Column::Text(e)),
                ("c".into(), Column::Number(c)),
            ])
            .unwrap()
        })
    })
}

/// A table to fit on: its first row has every value, so that there is something to fit on.
fn training(rows: std::ops::Range<usize>) -> impl Strategy<Value = Frame> {
    frame(rows).prop_map(|frame| {
        let first = frame
            .iter()
            .map(|(name, column)| {
                let column = match column {
                    Column::Number(_) => Column::Number(vec![1.5]),
                    Column::Text(_) => Column::Text(vec![Some("red".to_owned())]),
                };
                (name.to_owned(), column)
            })
            .collect();
        Frame::new(first).unwrap().concat(&frame).unwrap()
    })
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let some = prop::sample::select(vec![
        Step::IndicateMissing { columns: Some(vec!["a".into()]) },
        Step::IndicateMissing { columns: Some(vec!["e".into(), "b b".into()]) },
        Step::ImputeMedian { columns: None },
        Step::ImputeMean { columns: Some(vec!["c".into()]) },
        Step::ImputeConstant { columns: None, value: -1.0 },
        Step::ImputeMostFrequent { columns: None },
        Step::Clip { columns: None, low: 0.1, high: 0.9 },
        Step::SignedLog { columns: Some(vec!["a".into(), "c".into()]) },
        Step::Standardise { columns: None },
        Step::MinMax { columns: None },
    ]);
    (prop::collection::vec(some, 0..7), 1..5_usize).prop_map(|(mut steps, most)| {
        // A second indicator of one column would make a second column of one name.
        let mut seen = Vec::new();
        steps.retain(|step| {
            let repeated = matches!(step, Step::IndicateMissing { .. }) && seen.contains(step);
            seen.push(step.clone());
            !repeated
        });
        steps.push(Step::OneHot { columns: None, most });
        steps.push(Step::Standardise { columns: None });
        steps
    })
}

fn inputs(frame: &Frame) -> Vec<InputColumn> {
    frame.iter().map(|(name, column)| InputColumn { name: name.to_owned(), kind: column.kind() }).collect()
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn batch_equals_row_by_row(training in training(0..40), steps in steps(), other in frame(0..40)) {
        let pipeline = fit(&steps, &training, inputs(&training)).unwrap();
        for frame in [&training, &other] {
            let report = parity(&pipeline, frame).unwrap();
            prop_assert_eq!(report.rows, frame.rows() as u64);
            prop_assert_eq!(report.max_abs_difference, 0.0);
        }
    }

    #[test]
    fn a_pipeline_survives_json_with_its_hash_and_its_numbers(training in training(0..20), steps in steps()) {
        let pipeline = fit(&steps, &training, inputs(&training)).unwrap();
        let again: FittedPipeline = serde_json::from_str(&serde_json::to_string(&pipeline).unwrap()).unwrap();
        prop_assert_eq!(&again, &pipeline);
        prop_assert_eq!(again.hash(), pipeline.hash());
        let (left, right) = (pipeline.apply(&training).unwrap(), again.apply(&training).unwrap());
        prop_assert_eq!(left.columns, right.columns);
        prop_assert_eq!(bits(&left.values), bits(&right.values));
    }

    #[test]
    fn the_order_of_the_columns_does_not_matter(training in training(0..20), steps in steps()) {
        let pipeline = fit(&steps, &training, inputs(&training)).unwrap();
        let mut columns = training.clone().into_columns();
        columns.reverse();
        columns.push(("unused".into(), Column::Text(vec![None; training.rows()])));
        let turned = Frame::new(columns).unwrap();
        let values = |frame: &Frame| bits(&pipeline.apply(frame).unwrap().values);
        prop_assert_eq!(values(&training), values(&turned));
    }

    #[test]
    fn a_broken_pipeline_is_an_error_on_both_paths(
        training in training(0..10), steps in steps(), drop in 0..20_usize,
    ) {
        let mut pipeline = fit(&steps, &training, inputs(&training)).unwrap();
        let at = drop % (pipeline.steps.len() + 1);
        if at < pipeline.steps.len() {
            pipeline.steps.remove(at);
        } else {
            pipeline.outputs.pop();
        }
        let row = pipeline.apply_row(&training.row(0));
        prop_assert_eq!(pipeline.apply(&training).is_ok(), row.is_ok());
    }
}

fn small() -> (Frame, FittedPipeline) {
    let frame = Frame::from_csv(b"pH,colour\n3.0,red\n,white\n5.0,red\n").unwrap();
    let steps = [
        Step::ImputeMedian { columns: None },
        Step::Standardise { columns: None },
        Step::OneHot { columns: None, most: 64 },
    ];
    let pipeline = fit(&steps, &frame, inputs(&frame)).unwrap();
    (frame, pipeline)
}

#[test]
fn the_numbers_are_those_computed_by_hand() {
    let (frame, pipeline) = small();
    assert_eq!(pipeline.outputs, ["pH", "colour=red", "colour=white"]);
    let matrix = pipeline.apply(&frame).unwrap();
    let deviation = (2.0_f64 / 3.0).sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "as the pipeline does")]
    let one = (1.0 / deviation) as f32;
    assert_eq!(matrix.values, [-one, 1.0, 0.0, 0.0, 0.0, 1.0, one, 1.0, 0.0]);
    let unknown = pipeline.apply_row(&[Cell::Missing, Cell::Text("orange".into())]).unwrap();
    assert_eq!(unknown, [0.0, 0.0, 0.0]);
}

#[test]
fn wrong_input_is_told_by_name() {
    let (_, pipeline) = small();
    let lacking = Frame::from_csv(b"colour\nred\n").unwrap();
    let error = pipeline.apply(&lacking).unwrap_err();
    assert!(error.what().contains("“pH” is missing"), "{error}");
    assert!(error.advice().is_some());
    let wrong = Frame::from_csv(b"pH,colour\n3,red\nacid,red\n").unwrap();
    let error = pipeline.apply(&wrong).unwrap_err();
    assert!(error.what().contains("“pH” takes numbers"), "{error}");
    assert!(error.reason().unwrap().contains("row 2 holds the text “acid”"), "{error}");

    let error = pipeline.apply_row(&[Cell::Number(3.0)]).unwrap_err();
    assert!(error.what().contains("“colour” is missing"), "{error}");
    let error = pipeline.apply_row(&[Cell::Text("acid".into()), Cell::Missing]).unwrap_err();
    assert!(error.what().contains("“pH” takes numbers"), "{error}");
    let error = pipeline.apply_row(&[Cell::Number(3.0), Cell::Number(1.0)]).unwrap_err();
    assert!(error.what().contains("“colour” takes text"), "{error}");
    assert!(pipeline.apply_row(&[Cell::Missing, Cell::Missing, Cell::Missing]).is_err());
}

#[test]
fn a_column_without_values_fits_either_kind() {
    let (_, pipeline) = small();
    let empty = Frame::new(vec![
        ("pH".into(), Column::Text(vec![None])),
        ("colour".into(), Column::Number(vec![f64::NAN])),
    ])
    .unwrap();
    assert_eq!(pipeline.apply(&empty).unwrap().values, [0.0, 0.0, 0.0]);
    assert_eq!(parity(&pipeline, &empty.select(&[])).unwrap().rows, 0);
}

#[test]
fn a_newer_pipeline_is_refused() {
    let (frame, mut pipeline) = small();
    pipeline.version = 99;
    assert!(pipeline.apply(&frame).is_err());
    assert!(RowPlan::new(&pipeline).is_err());
}

#[test]
fn steps_that_cannot_be_fitted_say_why() {
    let frame = Frame::from_csv(b"x,t\n1,a\n2,b\n").unwrap();
    let told = |column: &str| Some(vec![column.to_owned()]);
    let fails = |step: Step, frame: &Frame, message: &str| {
        let error = fit(&[step], frame, inputs(frame)).unwrap_err();
        assert!(error.to_string().contains(message), "{error}");
    };
    fails(Step::Standardise { columns: told("z") }, &frame, "“z” that is not there");
    fails(Step::Standardise { columns: told("t") }, &frame, "“t” holds text");
    fails(Step::Standardise { columns: None }, &frame, "still text");
    let numbers = |values: &[f64]| Frame::new(vec![("n".into(), Column::Number(values.to_vec()))]).unwrap();
    fails(Step::ImputeMedian { columns: None }, &numbers(&[f64::NAN]), "no value at all");
    fails(Step::Standardise { columns: None }, &numbers(&[1.0, f64::INFINITY]), "too large");
}
