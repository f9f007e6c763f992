//! Whatever is sent, the protocol answers or refuses; it never panics.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{InferenceRequest, InputColumn, read_request};
use proptest::prelude::*;
use serde_json::{Value, json};

fn column(name: &str, text: bool) -> InputColumn {
    InputColumn { name: name.into(), text }
}

fn columns() -> Vec<InputColumn> {
    vec![column("fixed acidity", false), column("pH", false)]
}

fn with_text() -> Vec<InputColumn> {
    vec![column("pH", false), column("grape", true)]
}

/// JSON that looks like a request often enough to get past the first check.
fn near_request() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-zA-Z ]{0,8}".prop_map(Value::from),
        prop_oneof![
            Just("pH"),
            Just("grape"),
            Just("FP32"),
            Just("INT8"),
            Just("BYTES"),
            Just("probability")
        ]
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let key = prop_oneof![
            Just("inputs"), Just("name"), Just("shape"), Just("datatype"), Just("data"), Just("outputs"), Just("parameters"), Just("id"),
        ];
        let tensor = (inner.clone(), prop::collection::vec(-2_i64..5, 0..4), inner.clone(), inner.clone()).prop_map(
            |(name, shape, datatype, data)| json!({"inputs": [{"name": name, "shape": shape, "datatype": datatype, "data": [data]}]}),
        );
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.prop_map(str::to_owned), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
            tensor,
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_json_panics(body in near_request()) {
        let text = body.to_string();
        for columns in [columns(), with_text(), Vec::new()] {
            if let Ok(request) = serde_json::from_str::<InferenceRequest>(&text)
                && let Ok(asked) = read_request(request, &columns) {
                    prop_assert_eq!(asked.frame.rows(), asked.rows);
                }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = serde_json::from_slice::<InferenceRequest>(&bytes);
    }

    #[test]
    fn what_is_sent_is_what_is_read(
        values in prop::collection::vec((-1e6_f64..1e6, prop::option::of(-1e6_f64..1e6)), 1..40), nested in any::<bool>(),
    ) {
        let rows = values.len();
        let data: Vec<Value> = values.iter().flat_map(|(a, b)| [json!(a), json!(b)]).collect();
        let data = if nested { data.chunks(2).map(|row| json!(row)).collect() } else { data };
        let body = json!({"inputs": [{"name": "x", "shape": [rows, 2], "datatype": "FP64", "data": data}]});
        let asked = read_request(serde_json::from_value(body).unwrap(), &columns()).unwrap();
        for (position, (a, b)) in values.iter().enumerate() {
            prop_assert_eq!(asked.frame.number("fixed acidity").unwrap()[position], *a);
            let read = asked.frame.number("pH").unwrap()[position];
            prop_assert!(b.map_or(read.is_nan(), |b| b == read));
        }
    }
}
