//! The question that a model learns to answer: a condition on one column.

use ropewalk_core::{Error, Result};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How a column's value is compared with a threshold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum Operator {
    /// At least.
    #[serde(rename = ">=")]
    AtLeast,
    /// More than.
    #[serde(rename = ">")]
    MoreThan,
    /// At most.
    #[serde(rename = "<=")]
    AtMost,
    /// Less than.
    #[serde(rename = "<")]
    LessThan,
    /// Equal to.
    #[serde(rename = "==")]
    Equal,
    /// Different from.
    #[serde(rename = "!=")]
    Different,
}

impl Operator {
    /// Every operator, the two-character ones first: the order in which text is searched.
    pub const ALL: [Self; 6] =
        [Self::AtLeast, Self::AtMost, Self::Equal, Self::Different, Self::MoreThan, Self::LessThan];

    /// The operator's sign.
    #[must_use]
    pub const fn sign(self) -> &'static str {
        match self {
            Self::AtLeast => ">=",
            Self::MoreThan => ">",
            Self::AtMost => "<=",
            Self::LessThan => "<",
            Self::Equal => "==",
            Self::Different => "!=",
        }
    }

    /// Whether `left` stands in this relation to `right`. Equality is exact.
    #[must_use]
    #[expect(clippy::float_cmp, reason = "a label compares a recorded value with a written threshold")]
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::AtLeast => left >= right,
            Self::MoreThan => left > right,
            Self::AtMost => left <= right,
            Self::LessThan => left < right,
            Self::Equal => left == right,
            Self::Different => left != right,
        }
    }
}

/// The binary target: rows whose `column` satisfies the condition are positive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Target {
    /// The observed column; it is never among a pipeline's inputs.
    pub column: String,
    /// How it is compared.
    pub operator: Operator,
    /// What it is compared with.
    pub value: f64,
}

impl Target {
    /// The label of an observed value: 1 if the condition holds, 0 if not, `None` for a missing
    /// or infinite value.
    #[must_use]
    pub fn label(&self, observed: f64) -> Option<f64> {
        observed.is_finite().then(|| f64::from(u8::from(self.operator.holds(observed, self.value))))
    }
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {} {}", self.column, self.operator.sign(), self.value)
    }
}

/// Reads `quality >= 6`.
impl std::str::FromStr for Target {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let refuse = || {
            Error::invalid(format!("“{text}” is not a target"))
                .why("a target is a column, one of >= > <= < == !=, and a number")
                .hint("ropewalk prep run wine --target 'quality >= 6'")
        };
        let (operator, at) = Operator::ALL
            .into_iter()
            .find_map(|operator| text.rfind(operator.sign()).map(|at| (operator, at)))
            .ok_or_else(refuse)?;
        let (column, rest) = text.split_at(at);
        let value = rest.get(operator.sign().len()..).unwrap_or_default().trim().parse::<f64>();
        let value = value.ok().filter(|value| value.is_finite()).ok_or_else(refuse)?;
        let column = column.trim();
        if column.is_empty() {
            return Err(refuse());
        }
        Ok(Self { column: column.to_owned(), operator, value })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_back_what_it_writes() {
        for text in ["quality >= 6", "a b < -1.5", "x == 0", "x != 2", "y <= 3", "z > 1000"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in ["", "quality", ">= 6", "quality >= six", "quality >= inf", "quality ≥ 6"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_missing_observation_has_no_label() {
        let target: Target = "quality >= 6".parse().unwrap();
        assert_eq!(target.label(6.0), Some(1.0));
        assert_eq!(target.label(5.9), Some(0.0));
        assert_eq!(target.label(f64::NAN), None);
    }
}
