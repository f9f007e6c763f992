//! What a person or a program sees: data on stdout, words on stderr.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::io::{IsTerminal, Write};
use std::process::ExitCode;

use indicatif::{ProgressBar, ProgressStyle};
use owo_colors::OwoColorize;
use ropewalk_core::{Error, Result};
use serde::Serialize;
use serde_json::{Value, json};

use crate::table::Table;

/// The version of the shape of JSON output; it rises when a member changes its meaning or goes.
const SCHEMA_VERSION: u32 = 1;

/// The form of what is printed on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON document.
    Json,
    /// One JSON document a line and item.
    Ndjson,
}

/// Where a command's results go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) format: Format,
    pub(crate) quiet: bool,
}

impl Output {
    /// Print one thing: as a table of its members, or as JSON.
    pub(crate) fn one<T: Serialize>(self, value: &T, table: impl FnOnce(&T) -> Table) -> Result<()> {
        match self.format {
            Format::Table => print(&table(value).to_string()),
            Format::Json | Format::Ndjson => {
                let mut value = serde_json::to_value(value)?;
                if let Some(members) = value.as_object_mut() {
                    members.insert("schema_version".to_owned(), json!(SCHEMA_VERSION));
                }
                self.json(&value)
            }
        }
    }

    /// Print a list: a row, or a line of JSON, for each; `empty` is told on stderr when there is none.
    pub(crate) fn list<T: Serialize>(
        self,
        items: &[T],
        empty: &str,
        table: impl FnOnce(&[T]) -> Table,
    ) -> Result<()> {
        match self.format {
            Format::Table if items.is_empty() => {
                self.say(empty);
                Ok(())
            }
            Format::Table => print(&table(items).to_string()),
            Format::Json => self.json(&json!({"schema_version": SCHEMA_VERSION, "items": items})),
            Format::Ndjson => items.iter().try_for_each(|item| print(&serde_json::to_string(item)?)),
        }
    }

    /// Print text for people, or the value for programs.
    pub(crate) fn text<T: Serialize>(self, value: &T, text: impl FnOnce(&T) -> String) -> Result<()> {
        match self.format {
            Format::Table => print(&text(value)),
            _ => self.one(value, |_| Table::default()),
        }
    }

    fn json(self, value: &Value) -> Result<()> {
        let text = match self.format {
            Format::Ndjson => serde_json::to_string(value)?,
            _ => serde_json::to_string_pretty(value)?,
        };
        print(&text)
    }

    /// Words for a person, on stderr; silent when quiet.
    pub(crate) fn say(self, words: &str) {
        if !self.quiet {
            anstream::eprintln!("{words}");
        }
    }

    /// The next command to run, on stderr.
    pub(crate) fn next(self, command: &str) {
        if !self.quiet {
            anstream::eprintln!("{} {}", "next:".dimmed(), command.cyan());
        }
    }
}

/// Print to stdout; a reader that has gone away, as in `ropewalk … | head`, is no error.
fn print(text: &str) -> Result<()> {
    match writeln!(anstream::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Raw bytes on stdout.
pub(crate) fn print_bytes(bytes: &[u8]) -> Result<()> {
    match std::io::stdout().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tell an error — what, why, and what to run — and give its exit status.
pub(crate) fn fail(error: &Error) -> ExitCode {
    anstream::eprintln!("{} {}", "error:".red().bold(), error.what());
    if let Some(why) = error.reason() {
        anstream::eprintln!("  {} {why}", "why:".dimmed());
    }
    if let Some(hint) = error.advice() {
        anstream::eprintln!("  {} {hint}", "hint:".cyan().bold());
    }
    ExitCode::from(error.code().exit())
}

/// A line that shows how far a job is; only on a terminal.
pub(crate) struct ProgressLine(ProgressBar);

impl ProgressLine {
    pub(crate) fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) =
            ProgressStyle::with_template("  {spinner} {bar:24.cyan/dim} {pos}/{len} {wide_msg:.dim}")
        {
            bar.set_style(style);
        }
        Self(bar)
    }

    pub(crate) fn show(&self, done: u64, total: u64, message: &str) {
        self.0.set_length(total.max(1));
        self.0.set_position(done);
        self.0.set_message(message.to_owned());
        self.0.tick();
    }

    pub(crate) fn clear(&self) {
        self.0.finish_and_clear();
    }
}
