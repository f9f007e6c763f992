//! Checking a table against what is expected of it.

use std::collections::HashSet;

use ropewalk_core::{Error, Result};
use ropewalk_data::{Column, ColumnKind, Frame};

use crate::expectation::{Check, Expectation, ValidationReport};

/// Check a table: first what any table must satisfy (it has rows, every column has values, no
/// number is infinite), then the expectations in order.
pub fn validate(source: &str, frame: &Frame, expectations: &[Expectation]) -> Result<ValidationReport> {
    let duplicates = duplicates(frame);
    let mut checks = basic(frame);
    checks.extend(expected(frame, expectations)?);
    Ok(ValidationReport {
        source: source.to_owned(),
        rows: frame.rows() as u64,
        columns: frame.names().len() as u64,
        duplicates: duplicates as u64,
        missing: frame.columns().iter().map(|column| column.missing() as u64).sum(),
        passed: checks.iter().all(|check| check.passed),
        checks,
    })
}

/// The outcome of each expectation, in order. An expectation that makes no sense is an error.
pub fn expected(frame: &Frame, expectations: &[Expectation]) -> Result<Vec<Check>> {
    let mut checks = Vec::with_capacity(expectations.len());
    for expectation in expectations {
        sensible(expectation)?;
        one(frame, expectation, &mut checks);
    }
    Ok(checks)
}

/// Rows that equal an earlier row in every column.
#[must_use]
pub fn duplicates(frame: &Frame) -> usize {
    let mut seen = HashSet::with_capacity(frame.rows());
    (0..frame.rows()).filter(|row| !seen.insert(frame.row_hash(*row))).count()
}

fn check(name: &str, column: Option<&str>, passed: bool, observed: String, expected: String) -> Check {
    let about = column.map_or_else(|| "the table".to_owned(), |column| format!("“{column}”"));
    let message = if passed {
        format!("{about}: {name} as expected ({observed})")
    } else {
        format!("{about}: {name} was to be {expected}, but it is {observed}")
    };
    Check { name: name.to_owned(), column: column.map(str::to_owned), passed, observed, expected, message }
}

fn basic(frame: &Frame) -> Vec<Check> {
    let mut checks =
        vec![check("rows", None, frame.rows() > 0, frame.rows().to_string(), "at least 1".to_owned())];
    let mut sound = |name: &str, expected: &str, faulty: &dyn Fn(&Column) -> Option<String>| {
        let before = checks.len();
        for (column, values) in frame.iter() {
            if let Some(observed) = faulty(values) {
                checks.push(check(name, Some(column), false, observed, expected.to_owned()));
            }
        }
        if checks.len() == before {
            let observed = format!("{} columns", frame.names().len());
            checks.push(check(name, None, true, observed, expected.to_owned()));
        }
    };
    sound("values", "present in every column", &|column| {
        (!column.is_empty() && column.missing() == column.len()).then(|| "missing in every row".to_owned())
    });
    sound("finite", "finite in every number column", &|column| match column {
        Column::Number(values) => {
            let row = values.iter().position(|value| value.is_infinite())?;
            let count = values.iter().filter(|value| value.is_infinite()).count();
            Some(format!("infinite in {count} rows, first in row {}", row + 1))
        }
        Column::Text(_) => None,
    });
    checks
}

fn sensible(expectation: &Expectation) -> Result<()> {
    let share = |share: f64, of: &str| {
        if (0.0..=1.0).contains(&share) {
            return Ok(());
        }
        Err(Error::invalid(format!("an expectation on {of} has a max_share of {share}"))
            .why("a share is from 0 to 1"))
    };
    match expectation {
        Expectation::Missing { max_share, .. } => share(*max_share, "missing values"),
        Expectation::Duplicates { max_share } => share(*max_share, "duplicates"),
        Expectation::Range { column, min: Some(min), max: Some(max) }
            if min > max || min.is_nan() || max.is_nan() =>
        {
            Err(Error::invalid(format!("the range expected of “{column}” is empty"))
                .why(format!("min is {min} and max is {max}")))
        }
        Expectation::Rows { min: Some(min), max: Some(max) } if min > max => {
            Err(Error::invalid("the expected number of rows is impossible")
                .why(format!("min is {min} and max is {max}")))
        }
        _ => Ok(()),
    }
}

fn one(frame: &Frame, expectation: &Expectation, checks: &mut Vec<Check>) {
    match expectation {
        Expectation::Present { column } => {
            let observed = if frame.has(column) { "there" } else { "not there" };
            checks.push(check(
                "present",
                Some(column),
                frame.has(column),
                observed.to_owned(),
                "there".to_owned(),
            ));
        }
        Expectation::Kind { column, kind } => {
            let found = find(frame, column).map(Column::kind);
            let observed = found.map_or_else(|| "not there".to_owned(), |kind| kind.to_string());
            checks.push(check("kind", Some(column), found == Some(*kind), observed, kind.to_string()));
        }
        Expectation::Range { column, min, max } => checks.push(range(frame, column, *min, *max)),
        Expectation::Missing { column, max_share } => {
            let columns =
                column.as_ref().map_or_else(|| frame.names().to_vec(), |column| vec![column.clone()]);
            for column in columns {
                let (observed, passed) =
                    find(frame, &column).map_or(("not there".to_owned(), false), |found| {
                        let share = share(found.missing(), found.len());
                        (format!("{share:.4}"), share <= *max_share)
                    });
                checks.push(check(
                    "missing",
                    Some(&column),
                    passed,
                    observed,
                    format!("at most {max_share}"),
                ));
            }
        }
        Expectation::OneOf { column, values } => checks.push(one_of(frame, column, values)),
        Expectation::Duplicates { max_share } => {
            let count = duplicates(frame);
            let share = share(count, frame.rows());
            let observed = format!("{share:.4} ({count} rows)");
            checks.push(check(
                "duplicates",
                None,
                share <= *max_share,
                observed,
                format!("at most {max_share}"),
            ));
        }
        Expectation::Rows { min, max } => {
            let rows = frame.rows() as u64;
            let passed = min.is_none_or(|min| rows >= min) && max.is_none_or(|max| rows <= max);
            checks.push(check("rows", None, passed, rows.to_string(), between(*min, *max)));
        }
    }
}

fn range(frame: &Frame, column: &str, min: Option<f64>, max: Option<f64>) -> Check {
    let expected = between(min, max);
    let fail = |observed: &str| check("range", Some(column), false, observed.to_owned(), expected.clone());
    let values = match find(frame, column) {
        None => return fail("not there"),
        Some(Column::Text(_)) => return fail("text"),
        Some(Column::Number(values)) => values,
    };
    let present = || values.iter().enumerate().filter(|(_, value)| !value.is_nan());
    let outside = |value: f64| min.is_some_and(|min| value < min) || max.is_some_and(|max| value > max);
    let count = present().filter(|(_, value)| outside(**value)).count();
    match present().find(|(_, value)| outside(**value)) {
        Some((row, value)) => {
            fail(&format!("outside in {count} of {} rows, first {value} in row {}", values.len(), row + 1))
        }
        None => {
            let low = present().map(|(_, value)| *value).fold(f64::INFINITY, f64::min);
            let high = present().map(|(_, value)| *value).fold(f64::NEG_INFINITY, f64::max);
            let observed = if low <= high { format!("{low} to {high}") } else { "no value".to_owned() };
            check("range", Some(column), true, observed, expected)
        }
    }
}

fn one_of(frame: &Frame, column: &str, allowed: &[String]) -> Check {
    let expected = format!("one of {}", allowed.join(", "));
    let fail = |observed: String| check("one_of", Some(column), false, observed, expected.clone());
    let texts = match find(frame, column) {
        None => return fail("not there".to_owned()),
        Some(Column::Number(_)) => return fail("numbers".to_owned()),
        Some(Column::Text(texts)) => texts,
    };
    let stray = |text: &Option<String>| text.as_ref().is_some_and(|text| !allowed.contains(text));
    let count = texts.iter().filter(|text| stray(text)).count();
    match texts.iter().enumerate().find(|(_, text)| stray(text)) {
        Some((row, text)) => fail(format!(
            "other in {count} of {} rows, first “{}” in row {}",
            texts.len(),
            text.as_deref().unwrap_or_default(),
            row + 1
        )),
        None => check("one_of", Some(column), true, "only these".to_owned(), expected),
    }
}

fn find<'a>(frame: &'a Frame, column: &str) -> Option<&'a Column> {
    frame.column(column).ok()
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows in memory are far below 2^53")]
fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn between<T: std::fmt::Display>(min: Option<T>, max: Option<T>) -> String {
    match (min, max) {
        (Some(min), Some(max)) => format!("{min} to {max}"),
        (Some(min), None) => format!("at least {min}"),
        (None, Some(max)) => format!("at most {max}"),
        (None, None) => "anything".to_owned(),
    }
}

/// The expectations that a table itself suggests: its columns with their kinds, and ranges a
/// tenth wider than what it holds. A start for a person to edit.
#[must_use]
pub fn suggest(frame: &Frame) -> Vec<Expectation> {
    let mut expectations = vec![Expectation::Rows { min: Some(1), max: None }];
    for (name, column) in frame.iter() {
        expectations.push(Expectation::Kind { column: name.to_owned(), kind: column.kind() });
        if let (Column::Number(values), ColumnKind::Number) = (column, column.kind()) {
            let finite = || values.iter().copied().filter(|value| value.is_finite());
            let (low, high) =
                (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
            if low <= high {
                let margin = (high - low) * 0.1;
                // What has never been negative is hardly meant to be.
                let min = if low >= 0.0 { (low - margin).max(0.0) } else { low - margin };
                expectations.push(Expectation::Range {
                    column: name.to_owned(),
                    min: Some(min),
                    max: Some(high + margin),
                });
            }
        }
        if column.missing() == 0 {
            expectations.push(Expectation::Missing { column: Some(name.to_owned()), max_share: 0.0 });
        }
    }
    expectations
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn table() -> Frame {
        Frame::from_csv(b"a;colour;b\n1;red;10\n2;;20\n1;red;10\n3;blue;\n").unwrap()
    }

    fn outcome(json: &str) -> Check {
        let expectation: Expectation = serde_json::from_str(json).unwrap();
        expected(&table(), &[expectation]).unwrap().remove(0)
    }

    #[test]
    fn a_sound_table_passes_and_is_counted() {
        let report = validate("t", &table(), &[]).unwrap();
        assert!(report.passed, "{report:?}");
        assert_eq!((report.rows, report.columns, report.duplicates, report.missing), (4, 3, 1, 2));
    }

    #[test]
    fn every_expectation_can_pass_and_fail() {
        for (json, passes) in [
            (r#"{"expect":"present","column":"a"}"#, true),
            (r#"{"expect":"present","column":"z"}"#, false),
            (r#"{"expect":"kind","column":"a","kind":"number"}"#, true),
            (r#"{"expect":"kind","column":"colour","kind":"number"}"#, false),
            (r#"{"expect":"kind","column":"z","kind":"text"}"#, false),
            (r#"{"expect":"range","column":"b","min":10,"max":20}"#, true),
            (r#"{"expect":"range","column":"b","max":19}"#, false),
            (r#"{"expect":"range","column":"colour","max":19}"#, false),
            (r#"{"expect":"missing","column":"b","max_share":0.25}"#, true),
            (r#"{"expect":"missing","column":"b","max_share":0.2}"#, false),
            (r#"{"expect":"missing","column":"z","max_share":1}"#, false),
            (r#"{"expect":"one_of","column":"colour","values":["red","blue"]}"#, true),
            (r#"{"expect":"one_of","column":"colour","values":["red"]}"#, false),
            (r#"{"expect":"duplicates","max_share":0.25}"#, true),
            (r#"{"expect":"duplicates","max_share":0}"#, false),
            (r#"{"expect":"rows","min":4,"max":4}"#, true),
            (r#"{"expect":"rows","min":5}"#, false),
        ] {
            let check = outcome(json);
            assert_eq!(check.passed, passes, "{json}: {check:?}");
        }
        let message = outcome(r#"{"expect":"range","column":"b","max":19}"#).message;
        assert!(message.contains("“b”") && message.contains("first 20 in row 2"), "{message}");
    }

    #[test]
    fn infinite_and_empty_columns_are_found() {
        let frame = Frame::new(vec![
            ("x".into(), Column::Number(vec![1.0, f64::INFINITY])),
            ("y".into(), Column::Text(vec![None, None])),
        ])
        .unwrap();
        let report = validate("t", &frame, &[]).unwrap();
        let failed: Vec<_> = report.checks.iter().filter(|check| !check.passed).collect();
        assert!(!report.passed);
        assert_eq!(failed.len(), 2);
        assert!(failed.iter().any(|check| check.message.contains("first in row 2")));
    }

    #[test]
    fn nonsense_is_refused_and_suggestions_hold() {
        let nonsense = Expectation::Range { column: "a".into(), min: Some(2.0), max: Some(1.0) };
        assert!(expected(&table(), &[nonsense]).is_err());
        assert!(expected(&table(), &[Expectation::Duplicates { max_share: 1.5 }]).is_err());
        let frame = table();
        let report = validate("t", &frame, &suggest(&frame)).unwrap();
        assert!(report.passed, "{report:?}");
    }
}
