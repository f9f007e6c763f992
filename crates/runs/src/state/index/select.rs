//! Which rows a filter selects.

use std::collections::HashMap;

use ropewalk_core::Result;
use ropewalk_mlflow::filter::{self, Condition, Entity, Expression, NumberTest, Operator, TextTest, Value};

use super::column::TextColumn;
use super::{Cell, Index};
use crate::column::{Aggregate, Attribute, Column};
use crate::model::{Lifecycle, ViewType};
use crate::service::NAME_TAG;

/// A dataset that a run has read, as a filter sees it.
#[derive(Debug, Clone)]
pub(crate) struct ReadDataset {
    pub(crate) name: String,
    pub(crate) digest: String,
    /// The values of its `mlflow.data.context` tags.
    pub(crate) contexts: Vec<String>,
}

/// The datasets that runs have read, by run; asked for only if a filter speaks of datasets.
pub(crate) type ReadDatasets = HashMap<String, Vec<ReadDataset>>;

/// Whether a filter speaks of datasets.
pub(crate) fn needs_datasets(expression: &Expression) -> bool {
    match expression {
        Expression::All => false,
        Expression::Comparison(condition) => condition.entity == Entity::Dataset,
        Expression::And(parts) | Expression::Or(parts) => parts.iter().any(needs_datasets),
        Expression::Not(part) => needs_datasets(part),
    }
}

impl Index {
    /// The rows that a filter selects among those of a view, in no particular order.
    pub(crate) fn select(
        &self,
        view: ViewType,
        expression: &Expression,
        datasets: &ReadDatasets,
    ) -> Result<Vec<u32>> {
        let mut selected: Vec<bool> = self
            .rows
            .iter()
            .map(|row| {
                row.present
                    && match view {
                        ViewType::ActiveOnly => row.lifecycle == Lifecycle::Active,
                        ViewType::DeletedOnly => row.lifecycle == Lifecycle::Deleted,
                        ViewType::All => true,
                    }
            })
            .collect();
        self.narrow(&mut selected, expression, datasets)?;
        Ok(selected
            .iter()
            .enumerate()
            .filter(|(_, selected)| **selected)
            .map(|(row, _)| row as u32)
            .collect())
    }

    /// Takes out of a selection what an expression does not hold for.
    fn narrow(&self, selected: &mut [bool], expression: &Expression, datasets: &ReadDatasets) -> Result<()> {
        match expression {
            Expression::All => {}
            Expression::Comparison(condition) => self.compare(selected, condition, datasets)?,
            Expression::And(parts) => {
                for part in parts {
                    self.narrow(selected, part, datasets)?;
                }
            }
            Expression::Or(parts) => {
                let mut any = vec![false; selected.len()];
                for part in parts {
                    let mut these = selected.to_vec();
                    self.narrow(&mut these, part, datasets)?;
                    any.iter_mut().zip(these).for_each(|(any, this)| *any |= this);
                }
                selected.copy_from_slice(&any);
            }
            Expression::Not(part) => {
                let mut these = selected.to_vec();
                self.narrow(&mut these, part, datasets)?;
                selected.iter_mut().zip(these).for_each(|(selected, this)| *selected &= !this);
            }
        }
        Ok(())
    }

    fn compare(&self, selected: &mut [bool], condition: &Condition, datasets: &ReadDatasets) -> Result<()> {
        let key = condition.key.as_str();
        match condition.entity {
            Entity::Metric => {
                let column = self.metric(key);
                let which = condition.aggregate.map_or(Aggregate::Last, Aggregate::from);
                if let Some(present) = presence(condition) {
                    retain(selected, |row| column.is_some_and(|column| column.get(row).is_some()) == present);
                    return Ok(());
                }
                let test = Numbers::new(condition)?;
                retain(selected, |row| {
                    column
                        .and_then(|column| column.get(row))
                        .is_some_and(|cell| test.holds(cell.value(which)))
                });
            }
            Entity::Parameter => compare_texts(selected, self.param(key), condition)?,
            Entity::Tag => compare_texts(selected, self.tag(key), condition)?,
            // A run's name is what its tag says.
            Entity::Attribute if key == "run_name" => compare_texts(selected, self.tag(NAME_TAG), condition)?,
            Entity::Attribute => match Attribute::parse(key) {
                Some(attribute @ (Attribute::StartTime | Attribute::EndTime | Attribute::Duration)) => {
                    self.compare_times(selected, attribute, condition)?;
                }
                Some(attribute) => {
                    let column = Column::Attribute(attribute);
                    let test = Texts::new(condition)?;
                    retain(selected, |row| match self.cell(row, &column) {
                        Cell::Text(text) => test.holds(text),
                        _ => false,
                    });
                }
                None => selected.fill(false),
            },
            Entity::Dataset => {
                let test = Texts::new(condition)?;
                retain(selected, |row| {
                    let Some(read) = datasets.get(&*self.row(row).id) else { return false };
                    read.iter().any(|dataset| match key {
                        "name" => test.holds(&dataset.name),
                        "digest" => test.holds(&dataset.digest),
                        _ => dataset.contexts.iter().any(|context| test.holds(context)),
                    })
                });
            }
            _ => selected.fill(false),
        }
        Ok(())
    }

    fn compare_times(
        &self,
        selected: &mut [bool],
        attribute: Attribute,
        condition: &Condition,
    ) -> Result<()> {
        let column = Column::Attribute(attribute);
        let time = |row| match self.cell(row, &column) {
            Cell::Whole(time) => Some(time),
            _ => None,
        };
        if let Some(present) = presence(condition) {
            retain(selected, |row| time(row).is_some() == present);
            return Ok(());
        }
        let test = Numbers::new(condition)?;
        retain(selected, |row| time(row).is_some_and(|time| test.holds_whole(time)));
        Ok(())
    }
}

/// Whether a condition asks for something that is there, or for something that is not.
fn presence(condition: &Condition) -> Option<bool> {
    match condition.test {
        filter::Test::Compare(Operator::IsNull, _) => Some(false),
        filter::Test::Compare(Operator::IsNotNull, _) => Some(true),
        _ => None,
    }
}

/// What must hold of a number.
enum Numbers {
    One(NumberTest),
    /// Both.
    Between(NumberTest, NumberTest),
}

impl Numbers {
    fn new(condition: &Condition) -> Result<Self> {
        Ok(match &condition.test {
            filter::Test::Compare(operator, value) => Self::One(NumberTest::new(*operator, value)?),
            filter::Test::Between(low, high) => Self::Between(
                NumberTest::new(Operator::GreaterOrEqual, low)?,
                NumberTest::new(Operator::LessOrEqual, high)?,
            ),
        })
    }

    fn holds(&self, number: f64) -> bool {
        match self {
            Self::One(test) => test.matches(number),
            Self::Between(low, high) => low.matches(number) && high.matches(number),
        }
    }

    fn holds_whole(&self, number: i64) -> bool {
        match self {
            Self::One(test) => test.matches_integer(number),
            Self::Between(low, high) => low.matches_integer(number) && high.matches_integer(number),
        }
    }
}

/// What must hold of a text.
enum Texts {
    One(TextTest),
    /// Both.
    Between(TextTest, TextTest),
}

impl Texts {
    fn new(condition: &Condition) -> Result<Self> {
        let test = |operator: Operator, value: &Value| TextTest::new(operator, value);
        Ok(match &condition.test {
            filter::Test::Compare(operator, value) => Self::One(test(*operator, value)?),
            filter::Test::Between(low, high) => {
                Self::Between(test(Operator::GreaterOrEqual, low)?, test(Operator::LessOrEqual, high)?)
            }
        })
    }

    fn holds(&self, text: &str) -> bool {
        match self {
            Self::One(test) => test.matches(Some(text)),
            Self::Between(low, high) => low.matches(Some(text)) && high.matches(Some(text)),
        }
    }
}

fn retain(selected: &mut [bool], holds: impl Fn(u32) -> bool) {
    for (row, selected) in selected.iter_mut().enumerate() {
        *selected = *selected && holds(row as u32);
    }
}

fn compare_texts(selected: &mut [bool], column: Option<&TextColumn>, condition: &Condition) -> Result<()> {
    if let Some(present) = presence(condition) {
        retain(selected, |row| column.is_some_and(|column| column.number(row).is_some()) == present);
        return Ok(());
    }
    let test = Texts::new(condition)?;
    let Some(column) = column else {
        selected.fill(false);
        return Ok(());
    };
    // Each different text is looked at once.
    let holds: Vec<bool> = column.texts().iter().map(|text| test.holds(text)).collect();
    retain(selected, |row| column.number(row).is_some_and(|number| holds[number as usize]));
    Ok(())
}
