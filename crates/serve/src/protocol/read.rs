//! From a request's tensors to the raw columns that a model's pipeline takes.

use super::data::TensorData;
use super::number::NumberKind;
use super::wire::{InferenceRequest, InputTensor};
use super::{PREDICTION_ID, PROBABILITY};
use ropewalk_core::{Code, Error, Result};
use ropewalk_data::{Column, Frame};

/// Most rows that one request may carry.
pub const MAX_ROWS: usize = 100_000;

/// A raw input column that a model takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputColumn {
    /// Its name.
    pub name: String,
    /// Whether it holds text; else it holds numbers.
    pub text: bool,
}

/// A request that makes sense for the model.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The raw inputs, in the order of the signature.
    pub frame: Frame,
    /// How many rows.
    pub rows: usize,
    /// The client's id for the request.
    pub id: Option<String>,
    /// Names of the outputs to answer with, in the client's order.
    pub outputs: Vec<String>,
}

/// Checks a request against the columns that the model takes, and reads its tensors.
///
/// # Errors
/// `Invalid`, saying which tensor is wrong and what was expected; `TooLarge` for more than [`MAX_ROWS`] rows.
pub fn read_request(request: InferenceRequest, columns: &[InputColumn]) -> Result<Asked> {
    let outputs = read_outputs(&request)?;
    for name in ["binary_data_output", "sequence_id"] {
        if request
            .parameters
            .get(name)
            .is_some_and(|value| !value.is_null() && value != &serde_json::Value::Bool(false))
        {
            return Err(Error::invalid(format!("the parameter `{name}` is not understood"))
                .why("tensors are sent and answered as JSON"));
        }
    }
    let id = request.id;
    let mut inputs = request.inputs;
    let single = inputs.len() == 1 && !columns.iter().any(|column| column.name == inputs[0].name);
    let (rows, frame) = match inputs.pop() {
        None => return Err(Error::invalid("the request has no input tensor").why(expected(columns))),
        Some(tensor) if single => read_single(tensor, columns)?,
        Some(tensor) => {
            inputs.push(tensor);
            read_columns(inputs, columns)?
        }
    };
    Ok(Asked { frame: Frame::new(frame)?, rows, id, outputs })
}

fn read_outputs(request: &InferenceRequest) -> Result<Vec<String>> {
    let all = || vec![PROBABILITY.to_owned(), PREDICTION_ID.to_owned()];
    let Some(wanted) = request.outputs.as_ref().filter(|wanted| !wanted.is_empty()) else { return Ok(all()) };
    let mut names: Vec<String> = Vec::with_capacity(wanted.len());
    for output in wanted {
        if output.name != PROBABILITY && output.name != PREDICTION_ID {
            return Err(Error::invalid(format!("there is no output {}", quote(&output.name)))
                .why(format!("the outputs are `{PROBABILITY}` and `{PREDICTION_ID}`")));
        }
        if !names.contains(&output.name) {
            names.push(output.name.clone());
        }
    }
    Ok(names)
}

/// One tensor for each column, in any order.
fn read_columns(inputs: Vec<InputTensor>, columns: &[InputColumn]) -> Result<(usize, Vec<(String, Column)>)> {
    let mut slots: Vec<Option<Column>> = Vec::new();
    slots.resize_with(columns.len(), || None);
    let mut rows: Option<(usize, String)> = None;
    for tensor in inputs {
        let Some(position) = columns.iter().position(|column| column.name == tensor.name) else {
            return Err(Error::invalid(format!("the model has no input {}", quote(&tensor.name)))
                .why(expected(columns)));
        };
        if slots[position].is_some() {
            return Err(Error::invalid(format!("input {} is there twice", quote(&tensor.name))));
        }
        let count = match tensor.shape.as_slice() {
            [rows] | [rows, 1] => *rows,
            shape => {
                return Err(Error::invalid(format!(
                    "input {} has shape {}",
                    quote(&tensor.name),
                    describe_shape(shape)
                ))
                .why("a column's shape is [rows] or [rows, 1]"));
            }
        };
        let count = check_rows(count, &tensor.name)?;
        check_length(&tensor, count)?;
        match &rows {
            Some((earlier, name)) if *earlier != count => {
                return Err(Error::invalid(format!("input {} has {count} rows", quote(&tensor.name)))
                    .why(format!("input {} has {earlier}", quote(name))));
            }
            Some(_) => {}
            None => rows = Some((count, tensor.name.clone())),
        }
        slots[position] = Some(read_column(tensor, &columns[position])?);
    }
    let missing: Vec<String> = columns
        .iter()
        .zip(&slots)
        .filter(|(_, slot)| slot.is_none())
        .map(|(column, _)| quote(&column.name))
        .collect();
    if !missing.is_empty() {
        return Err(Error::invalid(format!("missing input {}", missing.join(", "))).why(expected(columns)));
    }
    let frame =
        columns.iter().zip(slots).filter_map(|(column, slot)| Some((column.name.clone(), slot?))).collect();
    Ok((rows.map_or(0, |(count, _)| count), frame))
}

fn read_column(tensor: InputTensor, column: &InputColumn) -> Result<Column> {
    if column.text {
        if tensor.datatype != "BYTES" {
            return Err(wrong_datatype(&tensor, "text: BYTES"));
        }
        return match tensor.data {
            TensorData::Text(values) => Ok(Column::Text(values)),
            // Nothing but nulls was read as numbers.
            TensorData::Number(values) if values.iter().all(|value| value.is_nan()) => {
                Ok(Column::Text(vec![None; values.len()]))
            }
            TensorData::Number(_) => {
                Err(Error::invalid(format!("input {} holds numbers", quote(&tensor.name)))
                    .why("a column of datatype BYTES holds strings"))
            }
        };
    }
    Ok(Column::Number(read_numbers(tensor)?))
}

/// A `[rows, columns]` tensor in the order of the signature.
fn read_single(tensor: InputTensor, columns: &[InputColumn]) -> Result<(usize, Vec<(String, Column)>)> {
    let name = quote(&tensor.name);
    let [rows, width] = tensor.shape.as_slice() else {
        return Err(Error::invalid(format!("the model has no input {name}")).why(format!(
            "{}, or send one [rows, {}] tensor in that order",
            expected(columns),
            columns.len()
        )));
    };
    if usize::try_from(*width) != Ok(columns.len()) {
        return Err(Error::invalid(format!("input {name} has shape {}", describe_shape(&tensor.shape))).why(
            format!(
                "a single tensor has one column for each of the model's {} inputs; {}",
                columns.len(),
                expected(columns)
            ),
        ));
    }
    if let Some(text) = columns.iter().find(|column| column.text) {
        return Err(Error::invalid(format!(
            "input {name} cannot carry the text column {}",
            quote(&text.name)
        ))
        .why("a model that takes text is sent one tensor for each column"));
    }
    let rows = check_rows(*rows, &tensor.name)?;
    check_length(&tensor, rows * columns.len())?;
    let width = columns.len();
    let values = read_numbers(tensor)?;
    let frame = columns
        .iter()
        .enumerate()
        .map(|(position, column)| {
            let values = values.iter().skip(position).step_by(width).copied().collect();
            (column.name.clone(), Column::Number(values))
        })
        .collect();
    Ok((rows, frame))
}

fn check_rows(rows: i64, name: &str) -> Result<usize> {
    match usize::try_from(rows) {
        Err(_) => Err(Error::invalid(format!("input {} has {rows} rows", quote(name)))
            .why("a shape holds no negative number")),
        Ok(0) => Err(Error::invalid(format!("input {} has no rows", quote(name)))),
        Ok(rows) if rows > MAX_ROWS => {
            Err(Error::new(Code::TooLarge, format!("input {} has {rows} rows", quote(name)))
                .why(format!("one request may carry {MAX_ROWS}"))
                .hint("send the rows in several requests"))
        }
        Ok(rows) => Ok(rows),
    }
}

fn check_length(tensor: &InputTensor, elements: usize) -> Result<()> {
    if tensor.data.len() == elements {
        return Ok(());
    }
    Err(Error::invalid(format!("input {} holds {} elements", quote(&tensor.name), tensor.data.len()))
        .why(format!("its shape {} asks for {elements}", describe_shape(&tensor.shape))))
}

/// The numbers of a tensor, each checked to be one of its datatype.
fn read_numbers(tensor: InputTensor) -> Result<Vec<f64>> {
    let Some(kind) = NumberKind::parse(&tensor.datatype) else {
        return Err(wrong_datatype(&tensor, "numbers: FP32, FP64, an INT or UINT of 8 to 64 bits, or BOOL"));
    };
    let TensorData::Number(values) = tensor.data else {
        return Err(Error::invalid(format!("input {} holds strings", quote(&tensor.name)))
            .why(format!("its datatype is {}", tensor.datatype)));
    };
    // NaN is how a null was read; a number that is written is always finite.
    if let Some((position, value)) =
        values.iter().enumerate().find(|(_, value)| !value.is_nan() && !kind.holds(**value))
    {
        return Err(Error::invalid(format!(
            "element {position} of input {} is {value}",
            quote(&tensor.name)
        ))
        .why(format!("{} cannot hold that number", tensor.datatype)));
    }
    Ok(values)
}

fn wrong_datatype(tensor: &InputTensor, wanted: &str) -> Error {
    let datatype: String = tensor.datatype.chars().take(32).collect();
    Error::invalid(format!("input {} has datatype {}", quote(&tensor.name), quote(&datatype)))
        .why(format!("the column holds {wanted}"))
}

/// A name from outside, cut short and made printable.
fn quote(name: &str) -> String {
    const LONGEST: usize = 80;
    let mut text: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() {
        text.push('…');
    }
    format!("`{text}`")
}

fn describe_shape(shape: &[i64]) -> String {
    const MOST: usize = 8;
    let mut numbers: Vec<String> = shape.iter().take(MOST).map(ToString::to_string).collect();
    if shape.len() > MOST {
        numbers.push("…".to_owned());
    }
    format!("[{}]", numbers.join(", "))
}

fn expected(columns: &[InputColumn]) -> String {
    let names: Vec<String> = columns.iter().map(|column| quote(&column.name)).collect();
    format!("the inputs are {}", names.join(", "))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use serde_json::{Value, json};

    fn columns() -> Vec<InputColumn> {
        vec![
            InputColumn { name: "fixed acidity".into(), text: false },
            InputColumn { name: "pH".into(), text: false },
        ]
    }

    fn with_text() -> Vec<InputColumn> {
        vec![InputColumn { name: "pH".into(), text: false }, InputColumn { name: "grape".into(), text: true }]
    }

    fn read(body: Value, columns: &[InputColumn]) -> Result<Asked> {
        read_request(serde_json::from_value(body)?, columns)
    }

    fn tensor(name: &str, shape: Value, datatype: &str, data: Value) -> Value {
        json!({"name": name, "shape": shape, "datatype": datatype, "data": data})
    }

    #[test]
    fn columns_come_in_any_order_and_leave_in_the_signatures() {
        let body = json!({"id": "7", "inputs": [
            tensor("pH", json!([2]), "FP64", json!([3.2, null])),
            tensor("fixed acidity", json!([2, 1]), "INT32", json!([[7], [8]])),
        ]});
        let asked = read(body, &columns()).unwrap();
        assert_eq!((asked.rows, asked.id.as_deref()), (2, Some("7")));
        assert_eq!(asked.frame.number("fixed acidity").unwrap(), [7.0, 8.0]);
        let ph = asked.frame.number("pH").unwrap();
        assert!(ph[0] == 3.2 && ph[1].is_nan());
        assert_eq!(asked.outputs, [PROBABILITY, PREDICTION_ID]);
    }

    #[test]
    fn one_tensor_is_read_by_row_in_the_signatures_order() {
        for data in [json!([[7.0, 3.2], [8.0, 3.3]]), json!([7.0, 3.2, 8.0, 3.3])] {
            let asked =
                read(json!({"inputs": [tensor("features", json!([2, 2]), "FP32", data)]}), &columns())
                    .unwrap();
            assert_eq!(asked.frame.number("fixed acidity").unwrap(), [7.0, 8.0]);
            assert_eq!(asked.frame.number("pH").unwrap(), [3.2, 3.3]);
        }
    }

    #[test]
    fn text_columns_are_bytes() {
        let body = json!({"inputs": [
            tensor("pH", json!([2]), "FP32", json!([3, 3])), tensor("grape", json!([2]), "BYTES", json!(["merlot", null])),
        ], "outputs": [{"name": "probability"}]});
        let asked = read(body, &with_text()).unwrap();
        assert!(matches!(asked.frame.column("grape").unwrap(), Column::Text(values) if values[1].is_none()));
        assert_eq!(asked.outputs, [PROBABILITY]);
        let nothing = json!({"inputs": [
            tensor("pH", json!([1]), "FP32", json!([3])), tensor("grape", json!([1]), "BYTES", json!([null])),
        ]});
        assert_eq!(read(nothing, &with_text()).unwrap().rows, 1);
    }

    #[test]
    fn every_mistake_is_named() {
        let good = || tensor("pH", json!([1]), "FP32", json!([3.2]));
        let acid = |shape: Value, datatype: &str, data: Value| json!({"inputs": [good(), tensor("fixed acidity", shape, datatype, data)]});
        let numbers = columns();
        let cases = [
            (json!({"inputs": []}), "no input tensor"),
            (json!({"inputs": [good()]}), "missing input `fixed acidity`"),
            (json!({"inputs": [good(), good()]}), "`pH` is there twice"),
            (
                json!({"inputs": [good(), tensor("sugar", json!([1]), "FP32", json!([1]))]}),
                "no input `sugar`",
            ),
            (json!({"inputs": [tensor("sugar", json!([1]), "FP32", json!([1]))]}), "no input `sugar`"),
            (acid(json!([2]), "FP32", json!([7.0])), "holds 1 elements: its shape [2] asks for 2"),
            (acid(json!([2]), "FP32", json!([7.0, 8.0])), "has 2 rows: input `pH` has 1"),
            (acid(json!([1, 2]), "FP32", json!([7.0, 8.0])), "has shape [1, 2]"),
            (acid(json!([-1]), "FP32", json!([7.0])), "no negative"),
            (acid(json!([0]), "FP32", json!([])), "has no rows"),
            (acid(json!([]), "FP32", json!([7.0])), "has shape []"),
            (acid(json!([i64::MAX]), "FP32", json!([7.0])), "one request may carry"),
            (acid(json!([1]), "FP16", json!([7.0])), "has datatype `FP16`"),
            (acid(json!([1]), "BYTES", json!(["7"])), "has datatype `BYTES`"),
            (acid(json!([1]), "FP32", json!(["7"])), "holds strings"),
            (acid(json!([1]), "FP32", json!([1e300])), "FP32 cannot hold"),
            (acid(json!([1]), "INT64", json!([1.5])), "INT64 cannot hold"),
            (acid(json!([1]), "UINT8", json!([256])), "UINT8 cannot hold"),
            (json!({"inputs": [tensor("x", json!([1, 3]), "FP32", json!([1, 2, 3]))]}), "has shape [1, 3]"),
            (json!({"inputs": [tensor("x", json!([2, 2]), "FP32", json!([1, 2, 3]))]}), "asks for 4"),
            (json!({"inputs": [good()], "outputs": [{"name": "label"}]}), "no output `label`"),
            (json!({"inputs": [good()], "parameters": {"binary_data_output": true}}), "binary_data_output"),
            (json!({"inputs": 3}), "JSON"),
            (json!({}), "inputs"),
            (json!([1]), "JSON"),
        ];
        for (body, reason) in cases {
            let error = read(body.clone(), &numbers).unwrap_err();
            assert!(error.to_string().contains(reason), "{body}: {error}");
            assert!(matches!(error.code(), Code::Invalid | Code::TooLarge));
        }
        let single = json!({"inputs": [tensor("x", json!([1, 2]), "FP32", json!([1, 2]))]});
        assert!(read(single, &with_text()).unwrap_err().to_string().contains("text column `grape`"));
        let numbers_for_text = json!({"inputs": [good(), tensor("grape", json!([1]), "BYTES", json!([1]))]});
        assert!(read(numbers_for_text, &with_text()).unwrap_err().to_string().contains("holds numbers"));
    }

    #[test]
    fn a_long_name_does_not_fill_the_answer() {
        let body = json!({"inputs": [tensor(&"x\n".repeat(100_000), json!([1]), "FP32", json!([1]))]});
        assert!(read(body, &columns()).unwrap_err().to_string().len() < 600);
    }
}
