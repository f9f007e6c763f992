//! What a process and all that came from it take, read from `/proc`.

use std::collections::{BTreeMap, BTreeSet};

/// A process, as far as it can be told from a later one with the same number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Process {
    pub(super) id: u32,
    /// When it began, in clock ticks after the machine.
    began: u64,
}

/// Memory of a tree of processes.
#[derive(Clone, Copy, Default)]
pub(super) struct Memory {
    pub(super) processes: usize,
    /// Resident set sizes added up, in MB (10⁶ bytes): pages that are shared count for each process.
    pub(super) resident_mb: f64,
    /// The same with each shared page divided among those who share it.
    pub(super) proportional_mb: f64,
}

impl Memory {
    /// This, or the other if that is more.
    pub(super) fn or_more(self, other: Self) -> Self {
        if other.resident_mb > self.resident_mb { other } else { self }
    }
}

/// A process and all its descendants that are alive.
pub(super) fn tree(root: u32) -> BTreeSet<Process> {
    let mut parents = BTreeMap::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let id = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        if let Some((id, (parent, began))) = id.and_then(|id| Some((id, parent_and_beginning(id)?))) {
            parents.insert(id, (parent, began));
        }
    }
    let mut found = BTreeSet::new();
    let mut open = vec![root];
    while let Some(id) = open.pop() {
        if let Some((_, began)) = parents.get(&id)
            && found.insert(Process { id, began: *began })
        {
            open.extend(parents.iter().filter(|(_, (parent, _))| *parent == id).map(|(child, _)| *child));
        }
    }
    found
}

/// Whether it still runs.
pub(super) fn alive(process: Process) -> bool {
    parent_and_beginning(process.id).is_some_and(|(_, began)| began == process.began)
}

/// What a process and its descendants take now.
pub(super) fn memory(root: u32) -> Memory {
    let mut memory = Memory::default();
    for process in tree(root) {
        let file = |name: &str| std::fs::read_to_string(format!("/proc/{}/{name}", process.id));
        let resident = file("status").ok().and_then(|text| kilobytes(&text, "VmRSS:"));
        let Some(resident) = resident else { continue };
        memory.processes += 1;
        memory.resident_mb += resident * 1024.0 / 1e6;
        let proportional = file("smaps_rollup").ok().and_then(|text| kilobytes(&text, "Pss:"));
        memory.proportional_mb += proportional.unwrap_or(resident) * 1024.0 / 1e6;
    }
    memory
}

/// Processor time that a process and its descendants have used so far, in seconds.
pub(super) fn tree_processor_seconds(root: u32) -> f64 {
    tree(root).into_iter().map(|process| processor_seconds(&process.id.to_string())).sum()
}

/// Processor time that this program has used so far, in seconds.
pub(super) fn own_processor_seconds() -> f64 {
    processor_seconds("self")
}

fn processor_seconds(process: &str) -> f64 {
    // Linux counts in hundredths of a second for every program, whatever the kernel's own tick.
    let fields = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let after_name = fields.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: f64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|x| x.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn parent_and_beginning(id: u32) -> Option<(u32, u64)> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name may hold anything, parentheses too; the fields after the last one are numbers.
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    let parent = fields.next()?.parse().ok()?;
    let began = fields.nth(17)?.parse().ok()?;
    // One that has ended and waits to be collected takes nothing.
    (state != "Z").then_some((parent, began))
}

fn kilobytes(text: &str, field: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(field))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_child_belongs_to_the_tree_until_it_ends() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = tree(std::process::id());
        let process = found.into_iter().find(|process| process.id == child.id()).unwrap();
        assert!(alive(process));
        assert!(memory(std::process::id()).resident_mb > 0.0);
        let _ = child.kill();
        let _ = child.wait();
        assert!(!alive(process));
    }
}
