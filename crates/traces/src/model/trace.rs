//! What a trace is, apart from its spans.

use ropewalk_mlflow::json::{Json, parse};
use serde::{Deserialize, Serialize};

use super::{Assessment, Pairs};
use crate::keys::{metadata, tag};
use crate::python::{self, Letters};

/// How far a trace has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TraceState {
    /// Not said.
    #[default]
    StateUnspecified,
    /// It went well.
    Ok,
    /// It failed.
    Error,
    /// Its root has not ended.
    InProgress,
}

impl TraceState {
    /// The word on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StateUnspecified => "STATE_UNSPECIFIED",
            Self::Ok => "OK",
            Self::Error => "ERROR",
            Self::InProgress => "IN_PROGRESS",
        }
    }

    /// Reads the word; what is no state is not said.
    pub fn read(text: &str) -> Self {
        match text {
            "OK" => Self::Ok,
            "ERROR" => Self::Error,
            "IN_PROGRESS" => Self::InProgress,
            _ => Self::StateUnspecified,
        }
    }
}

/// Tokens that a trace used, by these names.
pub const USAGE_NAMES: [&str; 6] = [
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cache_read_input_tokens",
    "cache_creation_input_tokens",
    "cache_creation_input_tokens_above_1hr",
];
/// What a trace cost in US dollars, by these names.
pub const COST_NAMES: [&str; 3] = ["input_cost", "output_cost", "total_cost"];

/// What a trace is, apart from its spans.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TraceInfo {
    /// MLflow's identifier.
    pub trace_id: String,
    /// The experiment's number.
    pub experiment_id: i64,
    /// The start, in milliseconds since 1970.
    pub request_time: i64,
    /// The length in milliseconds; none while it is not known.
    pub execution_duration: Option<i64>,
    /// How far it has come.
    pub state: TraceState,
    /// Its name, shown as the tag `mlflow.traceName`.
    pub name: Option<String>,
    /// The conversation that it belongs to.
    pub session_id: Option<String>,
    /// What the client calls it.
    pub client_request_id: Option<String>,
    /// The beginning of what went in.
    pub request_preview: Option<String>,
    /// The beginning of what came out.
    pub response_preview: Option<String>,
    /// Tokens, in the order of [`USAGE_NAMES`].
    pub usage: [Option<i64>; 6],
    /// US dollars, in the order of [`COST_NAMES`].
    pub cost: [Option<f64>; 3],
    /// Facts that do not change.
    pub metadata: Pairs,
    /// Tags, without the name.
    pub tags: Pairs,
    /// What was judged of it.
    pub assessments: Vec<Assessment>,
}

impl TraceInfo {
    /// The longest value of metadata in an answer, in characters.
    pub const LONGEST_METADATA: usize = 250;
    /// The longest value of a tag in an answer, in characters.
    pub const LONGEST_TAG: usize = 4096;

    /// Metadata that is kept in columns of its own, as texts.
    pub fn promoted(&self) -> Vec<(&'static str, String)> {
        let mut pairs = Vec::new();
        if let Some(session) = &self.session_id {
            pairs.push((metadata::SESSION, session.clone()));
        }
        let usage = USAGE_NAMES.iter().zip(self.usage);
        let usage = usage.filter_map(|(name, count)| Some(((*name).to_owned(), Json::Integer(count?))));
        let cost = COST_NAMES.iter().zip(self.cost);
        let cost = cost.filter_map(|(name, dollars)| Some(((*name).to_owned(), Json::Number(dollars?))));
        for (name, members) in
            [(metadata::USAGE, usage.collect::<Vec<_>>()), (metadata::COST, cost.collect::<Vec<_>>())]
        {
            if !members.is_empty() {
                pairs.push((name, python::dumps(&Json::Object(members), Letters::Escaped)));
            }
        }
        pairs
    }

    /// Takes session, usage and cost from metadata; what it does not name stays.
    pub(crate) fn promote(&mut self, name: &str, value: &str) {
        let members = || match parse(value) {
            Some(Json::Object(members)) => members,
            _ => Vec::new(),
        };
        match name {
            metadata::SESSION => self.session_id = Some(value.to_owned()),
            metadata::USAGE => {
                for (name, value) in members() {
                    if let Some(place) = USAGE_NAMES.iter().position(|known| *known == name) {
                        self.usage[place] = count(&value);
                    }
                }
            }
            metadata::COST => {
                for (name, value) in members() {
                    if let Some(place) = COST_NAMES.iter().position(|known| *known == name) {
                        self.cost[place] = dollars(&value);
                    }
                }
            }
            _ => {}
        }
    }

    /// All metadata as answers show it.
    pub fn shown_metadata(&self) -> Vec<(String, String)> {
        let mut pairs = self.metadata.to_vec();
        let promoted = self.promoted().into_iter();
        pairs.extend(promoted.map(|(name, value)| {
            (name.to_owned(), python::truncated(&value, Self::LONGEST_METADATA).to_owned())
        }));
        pairs
    }

    /// All tags as answers show them.
    pub fn shown_tags(&self) -> Vec<(String, String)> {
        let mut pairs = self.tags.to_vec();
        if let Some(name) = &self.name {
            pairs.push((tag::NAME.to_owned(), python::truncated(name, Self::LONGEST_TAG).to_owned()));
        }
        pairs
    }
}

/// A count in JSON: a whole number, or a text that is one.
pub(crate) fn count(value: &Json) -> Option<i64> {
    let whole = |number: f64| {
        (number.fract() == 0.0 && (-9.223_372_036_854_775e18..9.223_372_036_854_775e18).contains(&number))
            .then_some(number as i64)
    };
    match value {
        Json::Integer(number) => Some(*number),
        Json::Number(number) => whole(*number),
        Json::Text(text) => {
            let text = text.trim();
            text.parse().ok().or_else(|| text.parse::<f64>().ok().and_then(whole))
        }
        _ => None,
    }
}

/// A finite number in JSON, or a text that is one.
pub(crate) fn dollars(value: &Json) -> Option<f64> {
    let number = match value {
        Json::Integer(number) => *number as f64,
        Json::Number(number) => *number,
        Json::Text(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    number.is_finite().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_and_cost_are_taken_in_and_shown_again() {
        let mut info = TraceInfo::default();
        info.promote(
            metadata::USAGE,
            r#"{"input_tokens": 3, "output_tokens": "4", "total_tokens": 7.5, "x": 1}"#,
        );
        info.promote(metadata::COST, r#"{"input_cost": 0.00025, "output_cost": "nan", "total_cost": 1}"#);
        info.promote(metadata::SESSION, "s");
        let shown = info.promoted();
        assert_eq!(shown[0], (metadata::SESSION, "s".to_owned()));
        assert_eq!(shown[1].1, r#"{"input_tokens": 3, "output_tokens": 4}"#);
        assert_eq!(shown[2].1, r#"{"input_cost": 0.00025, "total_cost": 1.0}"#);
        info.promote(metadata::USAGE, "[]");
        assert_eq!(info.usage[0], Some(3));
    }

    #[test]
    fn states_are_read_back() {
        for state in [TraceState::StateUnspecified, TraceState::Ok, TraceState::Error, TraceState::InProgress]
        {
            assert_eq!(TraceState::read(state.as_str()), state);
        }
    }
}
