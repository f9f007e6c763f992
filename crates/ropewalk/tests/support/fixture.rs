//! A home that has come all the way: a dataset, a preparation, a model, an endpoint.

use serde_json::{Value, json};

use super::{Place, red_wines};

/// What stands in such a home.
pub struct Line {
    /// The preparation.
    pub prepared: String,
    /// The run that trained the model.
    pub run: String,
}

/// Bring a home from nothing to an endpoint `wine`, command by command.
pub fn bring_up(place: &Place) -> Line {
    let wines = format!("{}=red.csv", red_wines().display());
    place.ok(&["data", "commit", "wine", &wines, "-m", "red wines", "--tag", "v1"]);
    let prepared = place.json(&["prep", "run", "wine@v1", "--target", "quality >= 6"]);
    let prepared = prepared["id"].as_str().unwrap().to_owned();
    let trained =
        place.json(&["run", "train", &prepared, "--param", "trees=30", "--experiment", "wine-quality"]);
    let run = trained["run_id"].as_str().unwrap().to_owned();
    place.ok(&[
        "model",
        "register",
        "wine-quality",
        "--run",
        &run,
        "--auc-floor",
        "0.7",
        "--alias",
        "champion",
    ]);
    place.ok(&["endpoint", "deploy", "wine", "--model", "wine-quality@champion"]);
    Line { prepared, run }
}

/// The columns that the model takes, in order.
pub const COLUMNS: [&str; 11] = [
    "fixed acidity",
    "volatile acidity",
    "citric acid",
    "residual sugar",
    "chlorides",
    "free sulfur dioxide",
    "total sulfur dioxide",
    "density",
    "pH",
    "sulphates",
    "alcohol",
];

/// The first red wine, as the values of [`COLUMNS`].
pub const WINE: [f64; 11] = [7.4, 0.7, 0.0, 1.9, 0.076, 11.0, 34.0, 0.9978, 3.51, 0.56, 9.4];

/// A good inference request for one wine.
pub fn good_request() -> Value {
    let inputs: Vec<Value> = COLUMNS
        .iter()
        .zip(WINE)
        .map(|(name, value)| json!({"name": name, "shape": [1], "datatype": "FP64", "data": [value]}))
        .collect();
    json!({"inputs": inputs})
}

/// The prediction's identifier in an inference answer.
pub fn prediction_id(answer: &Value) -> String {
    let outputs = answer["outputs"].as_array().unwrap();
    let ids = outputs.iter().find(|output| output["name"] == "prediction_id").unwrap();
    ids["data"][0].as_str().unwrap().to_owned()
}
