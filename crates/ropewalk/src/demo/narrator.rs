//! The demo's voice: a line for each step with its result and time, and the command that does the same.

use std::cell::Cell;
use std::time::Instant;

use owo_colors::OwoColorize;

use crate::output::Output;

pub(crate) struct Narrator {
    output: Output,
    since: Cell<Instant>,
}

impl Narrator {
    pub(crate) fn new(output: Output) -> Self {
        Self { output, since: Cell::new(Instant::now()) }
    }

    /// A new chapter.
    pub(crate) fn chapter(&self, name: &str, words: &str) {
        self.output.say(&format!("\n{} {words}", format!("{name:<8}").bold().cyan()));
        self.since.set(Instant::now());
    }

    /// A step that is done: what came of it, how long it took, and the public command.
    pub(crate) fn step(&self, result: &str, command: &str) {
        let took = format!("{:.2} s", self.since.get().elapsed().as_secs_f64());
        self.output.say(&format!("  {} {result} {}", "✓".green(), took.dimmed()));
        if !command.is_empty() {
            self.output.say(&format!("    {} {}", "$".dimmed(), command.dimmed()));
        }
        self.since.set(Instant::now());
    }

    /// More about the step before.
    pub(crate) fn detail(&self, words: &str) {
        self.output.say(&format!("    {words}"));
    }
}
