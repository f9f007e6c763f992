//! The lines of the comparison, and whether each bar is met.

use serde_json::{Value, json};

use super::measure::Timing;
use super::memory::Memory;
use super::options::Database;
use super::side::Side;
use super::work::{self, Done, Judged};
use crate::process::Outcome;

/// How many times as fast ours must start, and how many times less memory it may take.
const START_BAR: f64 = 25.0;
const MEMORY_BAR: f64 = 30.0;

/// A larger share of a core that goes into sending the requests is told.
const BUSY: f64 = 0.2;

/// One line of the comparison.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) unit: &'static str,
    /// Whether more is better.
    more: bool,
    pub(super) ours: Option<Figure>,
    pub(super) stock: Option<Figure>,
    pub(super) bar: Option<f64>,
    /// Whether what was measured is not to be trusted: failures of ours, or answers that differ.
    pub(super) wrong: bool,
    pub(super) notes: Vec<String>,
}

pub(super) struct Figure {
    pub(super) value: f64,
    pub(super) p99: Option<f64>,
    detail: Value,
}

/// All lines for one database.
pub(super) fn rows(database: Database, ours: &Side, stock: Option<&Side>) -> Vec<Row> {
    let sides = |figure: &dyn Fn(&Side) -> Option<Figure>| (figure(ours), stock.and_then(figure));
    let compared = stock.is_some();
    let row = |name: &str, unit, bar: Option<f64>, (ours, stock)| Row {
        name: name.to_owned(),
        unit,
        more: false,
        ours,
        stock,
        bar: bar.filter(|_| compared),
        wrong: false,
        notes: Vec::new(),
    };
    let megabytes = |memory: Memory| {
        let detail = json!({
            "processes": memory.processes,
            "resident_mb": memory.resident_mb,
            "proportional_mb": memory.proportional_mb,
        });
        Some(Figure { value: memory.resident_mb, p99: None, detail })
    };
    let first = |side: &Side| {
        let value = side.first_start * 1000.0;
        Some(Figure { value, p99: None, detail: json!({"ms": value}) })
    };
    let mut rows = vec![row("start, empty database", "ms", Some(START_BAR), sides(&first))];
    if ours.starts.is_some() {
        let start = |side: &Side| side.starts.as_ref().map(|starts| figure(Judged::Time, starts));
        rows.push(row("start, loaded database", "ms", Some(START_BAR), sides(&start)));
    }
    for work in work::list(database) {
        let Some(done) = ours.done(&work.name) else { continue };
        let other = stock.and_then(|stock| stock.done(&work.name));
        let of = |done: &Outcome<Done>| {
            let timing = done.as_ref().ok().map(|done| &done.timing)?;
            (timing.count() > 0).then(|| figure(work.judged, timing))
        };
        let unit = if work.judged == Judged::Rate { "/s" } else { "ms" };
        let mut one = row(&work.name, unit, work.bar, (of(done), other.and_then(of)));
        one.more = work.judged == Judged::Rate;
        one.compare(done, other);
        rows.push(one);
    }
    let idle = |side: &Side| megabytes(side.idle);
    rows.push(row("memory idle", "MB", None, sides(&idle)));
    let loaded = |side: &Side| megabytes(side.loaded);
    rows.push(row("memory after load and work", "MB", Some(MEMORY_BAR), sides(&loaded)));
    rows
}

impl Row {
    /// How many times as good ours is.
    pub(super) fn ratio(&self) -> Option<f64> {
        let (ours, stock) = (self.ours.as_ref()?.value, self.stock.as_ref()?.value);
        Some(if self.more { ours / stock } else { stock / ours })
    }

    /// Whether the bar is met; nothing if there is none.
    pub(super) fn met(&self) -> Option<bool> {
        self.bar.map(|bar| !self.wrong && self.ratio().is_some_and(|ratio| ratio >= bar))
    }

    /// Note what failed and what was answered differently.
    fn compare(&mut self, ours: &Outcome<Done>, stock: Option<&Outcome<Done>>) {
        for (whose, done) in [("ours", Some(ours)), ("stock", stock)] {
            let told = match done {
                None => continue,
                Some(Err(why)) => format!("{whose}: {why}"),
                Some(Ok(Done { timing, .. })) if timing.failed > 0 => format!(
                    "{whose}: {} failed, {} went well: {}",
                    timing.failed,
                    timing.count(),
                    timing.failure.as_deref().unwrap_or_default()
                ),
                Some(Ok(_)) => continue,
            };
            self.wrong |= whose == "ours";
            self.notes.push(told);
        }
        if let Ok(Done { timing, .. }) = ours
            && timing.generator > BUSY
        {
            self.notes.push(format!(
                "sending the requests itself took {:.2} of a core from ours",
                timing.generator
            ));
        }
        if let (Ok(Done { seen: Some(ours), .. }), Some(Ok(Done { seen: Some(stock), .. }))) = (ours, stock)
            && ours != stock
        {
            self.wrong = true;
            self.notes.push(format!("the answers differ: ours {ours}; stock {stock}"));
        }
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        json!({
            "name": self.name,
            "unit": self.unit,
            "ours": self.ours.as_ref().map(Figure::json),
            "stock": self.stock.as_ref().map(Figure::json),
            "ratio": self.ratio(),
            "bar": self.bar,
            "met": self.met(),
            "notes": self.notes,
        })
    }
}

impl Figure {
    fn json(&self) -> Value {
        json!({"value": self.value, "p99": self.p99, "detail": self.detail})
    }
}

fn figure(judged: Judged, timing: &Timing) -> Figure {
    let value = if judged == Judged::Rate { timing.rate } else { timing.median() };
    Figure { value, p99: Some(timing.quantile(0.99)), detail: timing.json() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(ours: f64, stock: f64, more: bool, bar: f64) -> Row {
        let figure = |value| Some(Figure { value, p99: None, detail: Value::Null });
        let (ours, stock) = (figure(ours), figure(stock));
        Row {
            name: "x".to_owned(),
            unit: "",
            more,
            ours,
            stock,
            bar: Some(bar),
            wrong: false,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_ratio_says_how_many_times_as_good_ours_is() {
        assert_eq!(row(100.0, 2.0, true, 50.0).met(), Some(true));
        assert_eq!(row(2.0, 100.0, false, 50.0).met(), Some(true));
        assert_eq!(row(2.0, 99.0, false, 50.0).met(), Some(false));
    }

    #[test]
    fn what_is_wrong_meets_no_bar() {
        let mut fast = row(1.0, 1000.0, false, 50.0);
        fast.compare(&Err("status 404".to_owned()), None);
        assert_eq!((fast.met(), fast.notes.len()), (Some(false), 1));
        let mut missing = row(1.0, 1000.0, false, 50.0);
        missing.stock = None;
        assert_eq!(missing.met(), Some(false));
    }
}
