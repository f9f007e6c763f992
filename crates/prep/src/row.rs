//! The path for single rows: the steps are laid out once as operations on numbered places, and a
//! row runs through them without any name being looked up.
//!
//! This shares no loop with the path for tables, so that comparing the two means something.

use std::collections::HashMap;

use ropewalk_core::{Error, Result};
use ropewalk_data::{Cell, ColumnKind};

use crate::batch::{
    broken, category_name, clip, indicator_name, missing_columns, narrow, outputs_differ, signed_log,
    wrong_kind,
};
use crate::pipeline::{FittedPipeline, FittedStep, InputColumn};

/// Where a value lies: among the numbers or among the texts.
#[derive(Debug, Clone, Copy)]
enum Place {
    Number(usize),
    Text(usize),
}

#[derive(Debug, Clone)]
enum Operation {
    Indicate {
        of: Place,
        into: usize,
    },
    Fill {
        place: usize,
        value: f64,
    },
    FillText {
        place: usize,
        value: String,
    },
    Clip {
        place: usize,
        low: f64,
        high: f64,
    },
    SignedLog {
        place: usize,
    },
    Scale {
        place: usize,
        shift: f64,
        scale: f64,
    },
    /// The places start as zero, so that only the known value has to be set.
    OneHot {
        of: usize,
        places: HashMap<String, usize>,
    },
}

/// A pipeline laid out for single rows.
#[derive(Debug, Clone)]
pub struct RowPlan {
    inputs: Vec<InputColumn>,
    places: Vec<Place>,
    operations: Vec<Operation>,
    outputs: Vec<usize>,
    numbers: usize,
    texts: usize,
}

/// The columns while the steps are laid out.
#[derive(Default)]
struct Layout {
    columns: Vec<(String, Place)>,
    numbers: usize,
    texts: usize,
}

impl Layout {
    fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers - 1
    }

    fn find(&self, column: &str) -> Option<Place> {
        self.columns.iter().find(|(name, _)| name == column).map(|(_, place)| *place)
    }

    fn number_at(&self, column: &str) -> Result<usize> {
        match self.find(column) {
            Some(Place::Number(place)) => Ok(place),
            _ => Err(broken(column, ColumnKind::Number)),
        }
    }

    fn text_at(&self, column: &str) -> Result<usize> {
        match self.find(column) {
            Some(Place::Text(place)) => Ok(place),
            _ => Err(broken(column, ColumnKind::Text)),
        }
    }

    fn lay_out(&mut self, step: &FittedStep, operations: &mut Vec<Operation>) -> Result<()> {
        match step {
            FittedStep::IndicateMissing { columns } => {
                for column in columns {
                    let of = self.find(column).ok_or_else(|| broken(column, ColumnKind::Number))?;
                    let into = self.number();
                    self.columns.push((indicator_name(column), Place::Number(into)));
                    operations.push(Operation::Indicate { of, into });
                }
            }
            FittedStep::Impute { columns } => {
                for fill in columns {
                    let place = self.number_at(&fill.column)?;
                    operations.push(Operation::Fill { place, value: fill.value });
                }
            }
            FittedStep::ImputeText { columns } => {
                for fill in columns {
                    let place = self.text_at(&fill.column)?;
                    operations.push(Operation::FillText { place, value: fill.value.clone() });
                }
            }
            FittedStep::Clip { columns } => {
                for bounds in columns {
                    let place = self.number_at(&bounds.column)?;
                    operations.push(Operation::Clip { place, low: bounds.low, high: bounds.high });
                }
            }
            FittedStep::SignedLog { columns } => {
                for column in columns {
                    operations.push(Operation::SignedLog { place: self.number_at(column)? });
                }
            }
            FittedStep::Scale { columns } => {
                for scaling in columns {
                    let place = self.number_at(&scaling.column)?;
                    operations.push(Operation::Scale { place, shift: scaling.shift, scale: scaling.scale });
                }
            }
            FittedStep::OneHot { columns } => {
                for encoding in columns {
                    let of = self.text_at(&encoding.column)?;
                    let made: Vec<(String, usize)> =
                        encoding.categories.iter().map(|value| (value.clone(), self.number())).collect();
                    let named = made.iter().map(|(value, place)| {
                        (category_name(&encoding.column, value), Place::Number(*place))
                    });
                    let at = self.columns.iter().position(|(name, _)| *name == encoding.column);
                    if let Some(at) = at {
                        self.columns.splice(at..=at, named);
                    }
                    operations.push(Operation::OneHot { of, places: made.into_iter().collect() });
                }
            }
        }
        Ok(())
    }
}

impl RowPlan {
    /// Lay a pipeline out. Done once for many rows.
    pub fn new(pipeline: &FittedPipeline) -> Result<Self> {
        pipeline.check_version()?;
        let mut layout = Layout::default();
        for input in &pipeline.inputs {
            let place = match input.kind {
                ColumnKind::Number => Place::Number(layout.number()),
                ColumnKind::Text => {
                    layout.texts += 1;
                    Place::Text(layout.texts - 1)
                }
            };
            layout.columns.push((input.name.clone(), place));
        }
        let places = layout.columns.iter().map(|(_, place)| *place).collect();
        let mut operations = Vec::new();
        for step in &pipeline.steps {
            layout.lay_out(step, &mut operations)?;
        }
        let names: Vec<String> = layout.columns.iter().map(|(name, _)| name.clone()).collect();
        if names != pipeline.outputs {
            return Err(outputs_differ(&pipeline.outputs, &names));
        }
        let outputs = names.iter().map(|name| layout.number_at(name)).collect::<Result<_>>()?;
        Ok(Self {
            inputs: pipeline.inputs.clone(),
            places,
            operations,
            outputs,
            numbers: layout.numbers,
            texts: layout.texts,
        })
    }

    /// Put one row through. `cells` are in the order of the pipeline's inputs.
    pub fn apply(&self, cells: &[Cell]) -> Result<Vec<f32>> {
        let (mut numbers, mut texts) = self.read(cells)?;
        for operation in &self.operations {
            self.run(operation, &mut numbers, &mut texts);
        }
        Ok(self
            .outputs
            .iter()
            .map(|place| narrow(numbers.get(*place).copied().unwrap_or(f64::NAN)))
            .collect())
    }

    fn read<'a>(&self, cells: &'a [Cell]) -> Result<(Vec<f64>, Vec<Option<&'a str>>)> {
        if cells.len() != self.inputs.len() {
            let names: Vec<String> = self.inputs.iter().map(|input| input.name.clone()).collect();
            let lacking: Vec<&str> =
                self.inputs.iter().skip(cells.len()).map(|input| input.name.as_str()).collect();
            return Err(if lacking.is_empty() {
                Error::invalid(format!(
                    "the row has {} cells, the pipeline takes {}",
                    cells.len(),
                    names.len()
                ))
                .why(format!("its inputs are: {}", names.join(", ")))
            } else {
                missing_columns(&lacking, names.get(..cells.len()).unwrap_or_default())
            });
        }
        let mut numbers = vec![0.0; self.numbers];
        let mut texts = vec![None; self.texts];
        for ((cell, place), input) in cells.iter().zip(&self.places).zip(&self.inputs) {
            match (cell, *place) {
                (Cell::Number(value), Place::Number(at)) => set(&mut numbers, at, *value),
                (Cell::Missing, Place::Number(at)) => set(&mut numbers, at, f64::NAN),
                (Cell::Text(text), Place::Text(at)) => set(&mut texts, at, Some(text.as_str())),
                (Cell::Missing, Place::Text(_)) => {}
                (Cell::Number(value), Place::Text(_)) if value.is_nan() => {}
                (Cell::Text(text), Place::Number(_)) => {
                    return Err(wrong_kind(input, None, &format!("the text “{text}”")));
                }
                (Cell::Number(value), Place::Text(_)) => {
                    return Err(wrong_kind(input, None, &format!("the number {value}")));
                }
            }
        }
        Ok((numbers, texts))
    }

    fn run<'a>(&'a self, operation: &'a Operation, numbers: &mut [f64], texts: &mut [Option<&'a str>]) {
        match operation {
            Operation::Indicate { of, into } => {
                let missing = match *of {
                    Place::Number(at) => numbers.get(at).is_none_or(|value| value.is_nan()),
                    Place::Text(at) => texts.get(at).is_none_or(Option::is_none),
                };
                set(numbers, *into, f64::from(u8::from(missing)));
            }
            Operation::Fill { place, value } => {
                if let Some(slot) = numbers.get_mut(*place).filter(|slot| slot.is_nan()) {
                    *slot = *value;
                }
            }
            Operation::FillText { place, value } => {
                if let Some(slot) = texts.get_mut(*place).filter(|slot| slot.is_none()) {
                    *slot = Some(value);
                }
            }
            Operation::Clip { place, low, high } => {
                if let Some(slot) = numbers.get_mut(*place) {
                    *slot = clip(*slot, *low, *high);
                }
            }
            Operation::SignedLog { place } => {
                if let Some(slot) = numbers.get_mut(*place) {
                    *slot = signed_log(*slot);
                }
            }
            Operation::Scale { place, shift, scale } => {
                if let Some(slot) = numbers.get_mut(*place) {
                    *slot = (*slot - shift) / scale;
                }
            }
            Operation::OneHot { of, places } => {
                let known = texts.get(*of).copied().flatten().and_then(|text| places.get(text));
                if let Some(place) = known {
                    set(numbers, *place, 1.0);
                }
            }
        }
    }
}

fn set<T>(values: &mut [T], at: usize, value: T) {
    if let Some(slot) = values.get_mut(at) {
        *slot = value;
    }
}

impl FittedPipeline {
    /// Put one row through; `cells` are in the order of [`inputs`](Self::inputs). For many rows
    /// lay the pipeline out once: [`RowPlan::new`].
    pub fn apply_row(&self, cells: &[Cell]) -> Result<Vec<f32>> {
        RowPlan::new(self)?.apply(cells)
    }
}
