//! What an import has come to.

use ropewalk_migrate::{Leftover, Outcome, Problem};
use serde::Serialize;

use crate::table::{Table, bytes};

/// Names that are told to a person of one kind of thing.
const NAMES: usize = 8;

/// How many of a kind became what.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    created: u64,
    completed: u64,
    unchanged: u64,
    refused: u64,
}

impl Counts {
    pub(crate) fn count(&mut self, outcome: Outcome) {
        *self.of(outcome) += 1;
    }

    /// One that was counted as one thing turns out to be another.
    pub(crate) fn recount(&mut self, was: Outcome, is: Outcome) {
        let counted = self.of(was);
        *counted = counted.saturating_sub(1);
        self.count(is);
    }

    fn of(&mut self, outcome: Outcome) -> &mut u64 {
        match outcome {
            Outcome::Created => &mut self.created,
            Outcome::Completed => &mut self.completed,
            Outcome::Unchanged => &mut self.unchanged,
            Outcome::Refused => &mut self.refused,
        }
    }
}

/// Files of runs and logged models.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Files {
    pub(crate) sent: u64,
    pub(crate) bytes: u64,
    pub(crate) unchanged: u64,
    pub(crate) failed: u64,
}

/// An experiment that has another number here.
#[derive(Debug, Serialize)]
pub(crate) struct Renumbered {
    pub(crate) name: String,
    pub(crate) was: String,
    pub(crate) is: String,
}

/// What an import has come to, or would come to.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    pub(crate) source: String,
    pub(crate) dry_run: bool,
    pub(crate) experiments: Counts,
    pub(crate) runs: Counts,
    /// Measurements that were added.
    pub(crate) measurements: u64,
    pub(crate) logged_models: Counts,
    pub(crate) registered_models: Counts,
    /// Versions that were added.
    pub(crate) versions: u64,
    /// Aliases that were set.
    pub(crate) aliases: u64,
    pub(crate) files: Files,
    pub(crate) renumbered: Vec<Renumbered>,
    /// Kinds of things that stay behind.
    pub(crate) left: Vec<Leftover>,
    /// Single things that could not be read or taken.
    pub(crate) problems: Vec<Problem>,
}

impl Report {
    /// Notes that a thing stays behind, with others of its kind.
    pub(crate) fn leave(&mut self, what: &str, why: &str, name: &str) {
        let known = self.left.iter_mut().find(|left| left.what == what && left.why == why);
        let left = match known {
            Some(left) => left,
            None => {
                self.left.push(Leftover {
                    what: what.to_owned(),
                    count: 0,
                    why: why.to_owned(),
                    names: Vec::new(),
                });
                let last = self.left.len() - 1;
                &mut self.left[last]
            }
        };
        left.count += 1;
        left.names.push(name.to_owned());
    }

    /// Notes what was told with a record.
    pub(crate) fn note(&mut self, kind: &str, id: &str, notes: &[String]) {
        self.problems.extend(notes.iter().map(|note| Problem::new(kind, id, note.as_str())));
    }

    /// What stays behind and what went wrong, in lines for a person.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for Renumbered { name, was, is } in &self.renumbered {
            lines.push(format!("The experiment “{name}” had the number {was} and has {is} here."));
        }
        for Leftover { what, count, why, names } in &self.left {
            let mut line = format!("Left behind: {what} ({count}): {why}");
            if !names.is_empty() {
                line.push_str(&format!(" — {}", shortened(names)));
            }
            lines.push(line);
        }
        const MANY: usize = 20;
        for Problem { kind, id, why } in self.problems.iter().take(MANY) {
            lines.push(format!("{kind} {id}: {why}"));
        }
        if let Some(more) = self.problems.len().checked_sub(MANY).filter(|more| *more > 0) {
            lines.push(format!("… and {more} more of these; -o json tells all."));
        }
        lines
    }
}

fn shortened(names: &[String]) -> String {
    let first = names.iter().take(NAMES).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(NAMES).filter(|more| *more > 0) {
        Some(more) => format!("{first} and {more} more"),
        None => first,
    }
}

/// The counts for a person.
pub(crate) fn table(report: &Report) -> Table {
    let mut table = Table::new(&["", ">new", ">completed", ">as before", ">refused"]);
    for (what, counts) in [
        ("experiments", report.experiments),
        ("runs", report.runs),
        ("logged models", report.logged_models),
        ("registered models", report.registered_models),
    ] {
        let Counts { created, completed, unchanged, refused } = counts;
        table.row([
            what.to_owned(),
            created.to_string(),
            completed.to_string(),
            unchanged.to_string(),
            refused.to_string(),
        ]);
    }
    for (what, added) in
        [("measurements", report.measurements), ("versions", report.versions), ("aliases", report.aliases)]
    {
        table.row([what.to_owned(), added.to_string()]);
    }
    let Files { sent, unchanged, failed, bytes: size } = &report.files;
    let what = if *size == 0 { "files".to_owned() } else { format!("files ({})", bytes(*size)) };
    table.row([what, sent.to_string(), String::new(), unchanged.to_string(), failed.to_string()]);
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stays_behind_is_told_by_kind() {
        let mut report = Report::default();
        for number in 0..12 {
            report.leave("files of runs", "they lie elsewhere", &format!("r{number}"));
        }
        report.note("tag", "x", &["too long".to_owned()]);
        let words = report.words();
        assert_eq!(words.len(), 2);
        assert!(words[0].contains("files of runs (12)") && words[0].contains("r7 and 4 more"), "{words:?}");
        report.runs.count(Outcome::Unchanged);
        report.runs.recount(Outcome::Unchanged, Outcome::Completed);
        assert_eq!(report.runs, Counts { completed: 1, ..Counts::default() });
    }
}
