//! The path for tables: each step runs down whole columns.

use std::borrow::Cow;

use ropewalk_core::{Error, Result};
use ropewalk_data::{Column, ColumnKind, Frame};

use crate::matrix::Matrix;
use crate::pipeline::{Bounds, Encoding, Fill, FillText, FittedPipeline, FittedStep, InputColumn, Scaling};

/// The values of one column on their way through the steps; borrowed from the table until a step
/// changes them.
#[derive(Debug, Clone)]
pub(crate) enum Values<'a> {
    Number(Cow<'a, [f64]>),
    Text(Cow<'a, [Option<String>]>),
}

impl Values<'_> {
    pub(crate) const fn kind(&self) -> ColumnKind {
        match self {
            Self::Number(_) => ColumnKind::Number,
            Self::Text(_) => ColumnKind::Text,
        }
    }
}

/// A table on its way through the steps.
#[derive(Debug, Clone)]
pub(crate) struct Working<'a> {
    pub(crate) columns: Vec<(String, Values<'a>)>,
    rows: usize,
}

impl<'a> Working<'a> {
    /// The input columns of a table, in the pipeline's order; others are not looked at.
    pub(crate) fn new(frame: &'a Frame, inputs: &[InputColumn]) -> Result<Self> {
        let missing: Vec<&str> =
            inputs.iter().map(|input| input.name.as_str()).filter(|name| !frame.has(name)).collect();
        if !missing.is_empty() {
            return Err(missing_columns(&missing, frame.names()));
        }
        let rows = frame.rows();
        let columns = inputs
            .iter()
            .map(|input| Ok((input.name.clone(), read(frame.column(&input.name)?, input)?)))
            .collect::<Result<_>>()?;
        Ok(Self { columns, rows })
    }

    /// Where a column of that kind stands.
    pub(crate) fn find(&self, name: &str) -> Option<&Values<'a>> {
        self.columns.iter().find(|(candidate, _)| candidate == name).map(|(_, values)| values)
    }

    pub(crate) fn numbers(&self, name: &str) -> Result<&[f64]> {
        match self.find(name) {
            Some(Values::Number(values)) => Ok(values),
            _ => Err(broken(name, ColumnKind::Number)),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Result<&[Option<String>]> {
        match self.find(name) {
            Some(Values::Text(values)) => Ok(values),
            _ => Err(broken(name, ColumnKind::Text)),
        }
    }

    /// Change every number of a column.
    fn map(&mut self, name: &str, change: impl Fn(f64) -> f64) -> Result<()> {
        match self.columns.iter_mut().find(|(candidate, _)| candidate == name) {
            Some((_, Values::Number(values))) => {
                values.to_mut().iter_mut().for_each(|value| *value = change(*value));
                Ok(())
            }
            _ => Err(broken(name, ColumnKind::Number)),
        }
    }

    /// Run one step.
    pub(crate) fn apply(&mut self, step: &FittedStep) -> Result<()> {
        match step {
            FittedStep::IndicateMissing { columns } => {
                columns.iter().try_for_each(|column| self.indicate(column))
            }
            FittedStep::Impute { columns } => columns.iter().try_for_each(|Fill { column, value }| {
                self.map(column, |old| if old.is_nan() { *value } else { old })
            }),
            FittedStep::ImputeText { columns } => columns.iter().try_for_each(|fill| self.fill_text(fill)),
            FittedStep::Clip { columns } => columns
                .iter()
                .try_for_each(|Bounds { column, low, high }| self.map(column, |old| clip(old, *low, *high))),
            FittedStep::SignedLog { columns } => {
                columns.iter().try_for_each(|column| self.map(column, signed_log))
            }
            FittedStep::Scale { columns } => {
                columns.iter().try_for_each(|Scaling { column, shift, scale }| {
                    self.map(column, |old| (old - shift) / scale)
                })
            }
            FittedStep::OneHot { columns } => columns.iter().try_for_each(|encoding| self.one_hot(encoding)),
        }
    }

    fn indicate(&mut self, column: &str) -> Result<()> {
        let mark = |missing: bool| f64::from(u8::from(missing));
        let marks = match self.find(column) {
            Some(Values::Number(values)) => values.iter().map(|value| mark(value.is_nan())).collect(),
            Some(Values::Text(values)) => values.iter().map(|value| mark(value.is_none())).collect(),
            None => return Err(broken(column, ColumnKind::Number)),
        };
        self.columns.push((indicator_name(column), Values::Number(Cow::Owned(marks))));
        Ok(())
    }

    fn fill_text(&mut self, fill: &FillText) -> Result<()> {
        match self.columns.iter_mut().find(|(candidate, _)| *candidate == fill.column) {
            Some((_, Values::Text(values))) => {
                for value in values.to_mut().iter_mut().filter(|value| value.is_none()) {
                    *value = Some(fill.value.clone());
                }
                Ok(())
            }
            _ => Err(broken(&fill.column, ColumnKind::Text)),
        }
    }

    fn one_hot(&mut self, encoding: &Encoding) -> Result<()> {
        let place = self
            .columns
            .iter()
            .position(|(candidate, _)| *candidate == encoding.column)
            .ok_or_else(|| broken(&encoding.column, ColumnKind::Text))?;
        let texts = self.texts(&encoding.column)?;
        let made: Vec<(String, Values<'a>)> = encoding
            .categories
            .iter()
            .map(|category| {
                let hot =
                    texts.iter().map(|text| f64::from(u8::from(text.as_ref() == Some(category)))).collect();
                (category_name(&encoding.column, category), Values::Number(Cow::Owned(hot)))
            })
            .collect();
        self.columns.splice(place..=place, made);
        Ok(())
    }

    /// The names as they stand now.
    pub(crate) fn names(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    fn into_matrix(self, outputs: &[String]) -> Result<Matrix> {
        if self.columns.len() != outputs.len()
            || self.columns.iter().zip(outputs).any(|((name, _), output)| name != output)
        {
            return Err(outputs_differ(outputs, &self.names()));
        }
        let width = outputs.len();
        let mut values = vec![0.0_f32; self.rows * width];
        for (place, (name, column)) in self.columns.iter().enumerate() {
            let Values::Number(numbers) = column else { return Err(broken(name, ColumnKind::Number)) };
            for (slot, number) in values.iter_mut().skip(place).step_by(width).zip(numbers.iter()) {
                *slot = narrow(*number);
            }
        }
        Ok(Matrix { rows: self.rows, columns: outputs.to_vec(), values })
    }
}

impl FittedPipeline {
    /// Put a table through the pipeline. Columns are found by name; those that are no input are
    /// not looked at. A missing column, or one of the other kind, is an error that names it.
    pub fn apply(&self, frame: &Frame) -> Result<Matrix> {
        self.check_version()?;
        let mut working = Working::new(frame, &self.inputs)?;
        self.steps.iter().try_for_each(|step| working.apply(step))?;
        working.into_matrix(&self.outputs)
    }
}

fn read<'a>(column: &'a Column, input: &InputColumn) -> Result<Values<'a>> {
    match (column, input.kind) {
        (Column::Number(values), ColumnKind::Number) => Ok(Values::Number(Cow::Borrowed(values))),
        (Column::Text(values), ColumnKind::Text) => Ok(Values::Text(Cow::Borrowed(values))),
        // A column without any value has no kind of its own: it counts as missing throughout.
        (Column::Text(values), ColumnKind::Number) => match first_present(values) {
            None => Ok(Values::Number(Cow::Owned(vec![f64::NAN; values.len()]))),
            Some((row, text)) => Err(wrong_kind(input, Some(row), &format!("the text “{text}”"))),
        },
        (Column::Number(values), ColumnKind::Text) => {
            match values.iter().enumerate().find(|(_, value)| !value.is_nan()) {
                None => Ok(Values::Text(Cow::Owned(vec![None; values.len()]))),
                Some((row, number)) => Err(wrong_kind(input, Some(row), &format!("the number {number}"))),
            }
        }
    }
}

/// The first text that is no number, or else the first text.
fn first_present(values: &[Option<String>]) -> Option<(usize, &str)> {
    let present = || values.iter().enumerate().filter_map(|(row, text)| Some((row, text.as_deref()?)));
    present().find(|(_, text)| text.trim().parse::<f64>().is_err()).or_else(|| present().next())
}

/// The column that says whether another is missing.
pub(crate) fn indicator_name(column: &str) -> String {
    format!("{column} is missing")
}

/// The column that says whether another has a value.
pub(crate) fn category_name(column: &str, category: &str) -> String {
    format!("{column}={category}")
}

/// NaN stays NaN.
pub(crate) fn clip(value: f64, low: f64, high: f64) -> f64 {
    if value < low {
        low
    } else if value > high {
        high
    } else {
        value
    }
}

pub(crate) fn signed_log(value: f64) -> f64 {
    value.abs().ln_1p().copysign(value)
}

/// Models compute in 32 bits; values beyond their range become infinite.
#[expect(clippy::cast_possible_truncation, reason = "models compute in 32 bits")]
pub(crate) fn narrow(value: f64) -> f32 {
    value as f32
}

pub(crate) fn missing_columns(missing: &[&str], present: &[String]) -> Error {
    let list = missing.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ");
    let what = if missing.len() == 1 {
        format!("the input column {list} is missing")
    } else {
        format!("the input columns {list} are missing")
    };
    Error::invalid(what)
        .why(format!("the table has: {}", present.join(", ")))
        .hint("send every input column of the pipeline, by the name it was trained with")
}

pub(crate) fn wrong_kind(input: &InputColumn, row: Option<usize>, found: &str) -> Error {
    let place = row.map_or_else(String::new, |row| format!("row {} holds ", row + 1));
    let wanted = match input.kind {
        ColumnKind::Number => "numbers",
        ColumnKind::Text => "text",
    };
    Error::invalid(format!("the input column “{}” takes {wanted}", input.name))
        .why(format!("{place}{found}"))
        .hint(match input.kind {
            ColumnKind::Number => "send a number, or null where the value is missing",
            ColumnKind::Text => "send a string, or null where the value is missing",
        })
}

/// A pipeline whose steps do not fit together: it was not written by `fit`.
pub(crate) fn broken(column: &str, kind: ColumnKind) -> Error {
    Error::invalid(format!("the pipeline does not hold together: a step needs the {kind} column “{column}”"))
        .why("no input or earlier step gives it")
        .hint("fit the pipeline again: ropewalk prep run")
}

pub(crate) fn outputs_differ(stated: &[String], found: &[String]) -> Error {
    Error::invalid("the pipeline does not hold together: its steps do not give the outputs that it states")
        .why(format!("stated: {}; given: {}", stated.join(", "), found.join(", ")))
        .hint("fit the pipeline again: ropewalk prep run")
}
