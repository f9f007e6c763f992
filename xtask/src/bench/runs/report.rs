//! What was measured, as a table for people and as JSON.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::data::{CURVE_POINTS, Data, METRICS, PARAMS, TAGS};
use super::machine::Machine;
use super::options::{Database, Options};
use super::rows::{self, Row};
use super::searches::Varied;
use super::side::Side;
use super::table::{self, whole};
use crate::process::Outcome;

/// More running programs than this before anything was measured make the figures doubtful.
const QUIET: f64 = 0.5;

/// Everything that was measured.
pub(super) struct Report {
    machine: Machine,
    data: Data,
    quick: bool,
    only: Vec<String>,
    program: String,
    /// By database.
    pub(super) parts: Vec<Part>,
    /// What was not measured, and why.
    pub(super) left_out: Vec<String>,
    /// What was to be measured but could not be, and why.
    pub(super) failed: Vec<String>,
}

/// What was measured on one database.
pub(super) struct Part {
    pub(super) database: Database,
    pub(super) ours: Side,
    pub(super) stock: Option<Side>,
}

impl Report {
    /// An empty report; it looks at the machine before anything runs.
    pub(super) fn new(options: &Options, program: &Path) -> Self {
        Self {
            machine: Machine::look(),
            data: options.data(),
            quick: options.quick,
            only: options.only.clone(),
            program: program.display().to_string(),
            parts: Vec::new(),
            left_out: Vec::new(),
            failed: Vec::new(),
        }
    }

    /// An error if something was answered wrongly or not at all by ours; a missed bar is only told.
    pub(super) fn judge(&self) -> Outcome {
        if let Some(why) = self.failed.first() {
            return Err(why.clone());
        }
        let mut wrong = Vec::new();
        for part in &self.parts {
            let rows = part.rows().into_iter().filter(|row| row.wrong);
            wrong.extend(rows.map(|row| format!("{}: {}", part.database.name(), row.name)));
            let searches = part.ours.varied.iter().filter(|varied| !varied.wrong.is_empty());
            wrong.extend(searches.map(|_| format!("{}: varied searches", part.database.name())));
        }
        if wrong.is_empty() {
            Ok(())
        } else {
            Err(format!("wrong or failed answers in {}", wrong.join("; ")))
        }
    }

    /// For people.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.head(&mut text);
        for part in &self.parts {
            part.text(&mut text);
        }
        for what in &self.left_out {
            let _ = writeln!(text, "\nleft out: {what}");
        }
        for why in &self.failed {
            let _ = writeln!(text, "\nfailed: {why}");
        }
        let bars: Vec<bool> = self.parts.iter().flat_map(Part::bars).collect();
        if !bars.is_empty() {
            let met = bars.iter().filter(|met| **met).count();
            let _ = writeln!(text, "\n{met} of {} bars met", bars.len());
        }
        text
    }

    fn head(&self, text: &mut String) {
        let Machine { cores, processor, memory_gb, system, load } = &self.machine;
        let _ = writeln!(text, "The tracking server's speed");
        let _ = writeln!(text, "machine  {cores} cores, {processor}, {memory_gb:.0} GB, {system}");
        if *load > QUIET {
            let _ = writeln!(text, "         NOT QUIET: {load} programs ran on average before the start");
        }
        let version = self.parts.first().map_or("", |part| part.ours.version.as_str());
        let _ = writeln!(text, "ours     {version} ({})", self.program);
        if let Some(stock) = self.parts.iter().find_map(|part| part.stock.as_ref()) {
            let _ = writeln!(text, "stock    {}; its default of 4 workers, telemetry off", stock.version);
        }
        let Data { runs, steps } = self.data;
        let _ = writeln!(
            text,
            "data     {} runs × {METRICS} metrics × {} × {PARAMS} params × {TAGS} tags ({} points), and one curve of {}",
            whole(runs),
            if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") },
            whole(self.data.points()),
            whole(CURVE_POINTS)
        );
        let _ = writeln!(
            text,
            "method   one server at a time; the headers of MLflow's client; answers checked; medians{}",
            if self.quick { "; --quick: few repetitions" } else { "" }
        );
    }

    /// For programs.
    pub(super) fn json(&self) -> Value {
        let Data { runs, steps } = self.data;
        let data = json!({
            "runs": runs, "metrics": METRICS, "steps": steps, "params": PARAMS, "tags": TAGS,
            "points": self.data.points(), "curve_points": CURVE_POINTS,
        });
        json!({
            "machine": self.machine.json(),
            "program": self.program,
            "data": data,
            "quick": self.quick,
            "only": self.only,
            "databases": self.parts.iter().map(Part::json).collect::<Vec<_>>(),
            "left_out": self.left_out,
            "failed": self.failed,
        })
    }
}

impl Part {
    fn rows(&self) -> Vec<Row> {
        rows::rows(self.database, &self.ours, self.stock.as_ref())
    }

    /// Whether each bar is met.
    fn bars(&self) -> Vec<bool> {
        let mut bars: Vec<bool> = self.rows().iter().filter_map(Row::met).collect();
        bars.extend(self.ours.varied.as_ref().map(Varied::met));
        bars
    }

    fn text(&self, text: &mut String) {
        let version = self.ours.database_version.as_deref();
        let _ = writeln!(
            text,
            "\n{}",
            version.map_or_else(
                || self.database.name().to_owned(),
                |version| { format!("{version}, set as it comes: durable (fsync on)") }
            )
        );
        let loading = &self.ours.loading;
        let per_second = |count: usize| whole((count as f64 / loading.seconds) as usize);
        let _ = writeln!(
            text,
            "  ours loaded through its HTTP API in {:.1} s over 4 connections: {} runs/s, {} points/s, {} requests/s",
            loading.seconds,
            per_second(loading.runs),
            per_second(loading.points),
            per_second(loading.requests)
        );
        if let Some(stock) = &self.stock {
            let _ = writeln!(
                text,
                "  stock loaded by writing rows through MLflow's own tables in bulk, in {:.1} s: its API would take\n  \
                 about ten minutes for 5,000 runs, so the two times are not to be compared",
                stock.loading.seconds
            );
        }
        let processes = |side: &Side| side.loaded.processes;
        if let Some(stock) = &self.stock {
            let _ = writeln!(
                text,
                "  memory: resident sets of all the server's processes added up (ours {}, stock {}), without the database's;\n  \
                 with shared pages counted once, after load and work: ours {:.0} MB, stock {:.0} MB",
                processes(&self.ours),
                processes(stock),
                self.ours.loaded.proportional_mb,
                stock.loaded.proportional_mb
            );
        }
        let _ = writeln!(text);
        table::comparison(text, &self.rows(), self.stock.is_some());
        if let Some(varied) = &self.ours.varied {
            table::searches(text, varied);
        }
    }

    fn json(&self) -> Value {
        let side = |side: &Side| {
            let Side { version, database_version, loading, varied, .. } = side;
            json!({
                "version": version,
                "database_version": database_version,
                "loading": {
                    "seconds": loading.seconds, "runs": loading.runs,
                    "points": loading.points, "requests": loading.requests,
                },
                "varied_searches": varied.as_ref().map(Varied::json),
            })
        };
        json!({
            "database": self.database.name(),
            "ours": side(&self.ours),
            "stock": self.stock.as_ref().map(side),
            "rows": self.rows().iter().map(Row::json).collect::<Vec<_>>(),
        })
    }
}
