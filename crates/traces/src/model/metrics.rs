//! Statistics over traces, spans and assessments.

use crate::python::float_shown;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    Traces,
    Spans,
    Assessments,
}

/// How values are put together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Aggregation {
    Count,
    Sum,
    Average,
    Minimum,
    Maximum,
    /// A number from 0 to 100.
    Percentile(f64),
}

impl Aggregation {
    /// MLflow's word for its kind.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Count => "COUNT",
            Self::Sum => "SUM",
            Self::Average => "AVG",
            Self::Minimum => "MIN",
            Self::Maximum => "MAX",
            Self::Percentile(_) => "PERCENTILE",
        }
    }

    /// What its value is called in an answer.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Percentile(percent) => format!("P{}", float_shown(percent)),
            other => other.kind().to_owned(),
        }
    }
}

/// What is asked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct MetricQuery {
    pub(crate) experiment_ids: Vec<String>,
    pub(crate) view: View,
    pub(crate) metric: String,
    pub(crate) aggregations: Vec<Aggregation>,
    pub(crate) dimensions: Vec<String>,
    /// Each one comparison in MLflow's grammar; all must hold.
    pub(crate) filters: Vec<String>,
    /// The length of time that is put together, in seconds; none or 0 for all of it.
    pub(crate) interval: Option<i64>,
    /// Milliseconds since 1970, this one included.
    pub(crate) from_ms: Option<i64>,
    /// Milliseconds since 1970, this one included.
    pub(crate) until_ms: Option<i64>,
    /// The most points to answer; all if it is negative.
    pub(crate) max_results: i64,
}

/// The values of one group.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DataPoint {
    /// The group: dimensions with their values.
    pub(crate) dimensions: Vec<(String, String)>,
    /// The values by their labels.
    pub(crate) values: Vec<(String, f64)>,
}

/// How often traces fulfil one filter, another, and both.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Correlation {
    /// The normalized pointwise mutual information, from -1 to 1; NaN where it is not defined.
    pub(crate) npmi: f64,
    /// The same with half a trace more in each of the four cells.
    pub(crate) npmi_smoothed: f64,
    pub(crate) first: u64,
    pub(crate) second: u64,
    pub(crate) both: u64,
    pub(crate) total: u64,
}

impl Correlation {
    /// Computes it of counts.
    pub(crate) fn of(first: u64, second: u64, both: u64, total: u64) -> Self {
        let undefined = Self { npmi: f64::NAN, npmi_smoothed: f64::NAN, first, second, both, total };
        let (Some(only_first), Some(only_second)) = (first.checked_sub(both), second.checked_sub(both))
        else {
            return undefined;
        };
        let Some(neither) = (total + both).checked_sub(first + second) else { return undefined };
        if first == 0 || second == 0 {
            return undefined;
        }
        let cells = [both, only_first, only_second, neither].map(|count| count as f64);
        let npmi = if both == 0 { -1.0 } else { mutual_information(cells, 0.0) };
        Self { npmi, npmi_smoothed: mutual_information(cells, 0.5), ..undefined }
    }
}

fn mutual_information(cells: [f64; 4], more: f64) -> f64 {
    if cells[1..] == [0.0; 3] {
        return 1.0;
    }
    let [both, only_first, only_second, neither] = cells.map(|count| count + more);
    let total = both + only_first + only_second + neither;
    let (first, second) = (both + only_first, both + only_second);
    let information = (both.ln() + total.ln()) - (first.ln() + second.ln());
    (information / -(both.ln() - total.ln())).clamp(-1.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn labels_are_those_of_the_stock_server() {
        let labels = [Aggregation::Count, Aggregation::Percentile(95.0), Aggregation::Percentile(99.9)];
        assert_eq!(labels.map(Aggregation::label), ["COUNT", "P95.0", "P99.9"]);
    }

    #[test]
    fn correlations_of_plain_cases() {
        let of = |first, second, both, total| Correlation::of(first, second, both, total).npmi;
        assert_eq!(of(5, 5, 5, 5), 1.0);
        assert_eq!(of(5, 5, 0, 10), -1.0);
        assert!(of(0, 5, 0, 10).is_nan() && of(0, 0, 0, 0).is_nan() && of(5, 5, 6, 10).is_nan());
        assert!(of(50, 20, 10, 100).abs() < 1e-12, "independent");
        // As MLflow computes it.
        let found = Correlation::of(20, 15, 10, 100);
        assert!((found.npmi - 0.522_878_745_280_337_8).abs() < 1e-12, "{found:?}");
        assert!((found.npmi_smoothed - 0.509_868_999_183_141_2).abs() < 1e-12, "{found:?}");
    }

    proptest! {
        #[test]
        fn a_correlation_lies_between_minus_one_and_one(a in 0_u64..50, b in 0_u64..50, both in 0_u64..50, t in 0_u64..100) {
            let of = Correlation::of(a, b, both, t);
            for value in [of.npmi, of.npmi_smoothed] {
                prop_assert!(value.is_nan() || (-1.0..=1.0).contains(&value));
            }
        }
    }
}
