//! Lineage: a walk over the journal from a thing to what it was made from and what was made of it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::model::{Entry, Reference};
use super::store;
use crate::{Connection, Result};

/// A walk stops after this many nodes: enough for a person, a bound for the server.
const MOST_NODES: usize = 500;
/// Entries read about one node.
const MOST_ENTRIES: i64 = 200;

/// Which way to walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// To what it was made from.
    Upstream,
    /// To what was made from it.
    Downstream,
    /// Both ways.
    #[default]
    Both,
}

/// A thing in the lineage.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Node {
    /// Its name.
    pub reference: Reference,
    /// Steps from the thing asked about: negative upstream, positive downstream.
    pub distance: i32,
    /// When the journal first made it, in milliseconds since the Unix epoch; absent for what came
    /// from outside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub made_ms: Option<i64>,
}

/// One thing was made from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Edge {
    /// What it was made from.
    pub from: Reference,
    /// What was made.
    pub to: Reference,
    /// The operation.
    pub verb: String,
    /// The journal entry that tells of it.
    pub seq: i64,
}

/// A piece of the graph of everything.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Lineage {
    /// The thing asked about.
    pub of: Reference,
    /// The things found, nearest first.
    pub nodes: Vec<Node>,
    /// How they were made from one another.
    pub edges: Vec<Edge>,
    /// There was more than is shown.
    pub truncated: bool,
}

pub(super) async fn walk(
    connection: &mut Connection,
    of: &Reference,
    direction: Direction,
    depth: u32,
) -> Result<Lineage> {
    let mut nodes = BTreeMap::from([(of.clone(), (0, None))]);
    let mut edges = BTreeSet::new();
    let mut truncated = false;
    let signs: &[i32] = match direction {
        Direction::Upstream => &[-1],
        Direction::Downstream => &[1],
        Direction::Both => &[-1, 1],
    };
    for sign in signs {
        let mut queue = VecDeque::from([(of.clone(), 0)]);
        let mut seen = BTreeSet::from([of.clone()]);
        while let Some((reference, distance)) = queue.pop_front() {
            if distance == depth {
                continue;
            }
            // Upstream looks at the entries that made the thing, downstream at those that used it.
            let sides = if *sign < 0 { ["output", "subject"] } else { ["input", "input"] };
            for entry in store::linked(connection, &reference, sides, MOST_ENTRIES).await? {
                let made = made_by(&entry);
                if *sign < 0 {
                    if !made.contains(&&reference) {
                        continue;
                    }
                    if let Some((_, made_ms)) = nodes.get_mut(&reference) {
                        made_ms.get_or_insert(entry.time_ms);
                    }
                }
                let others: Vec<&Reference> =
                    if *sign < 0 { entry.inputs.iter().collect() } else { made.clone() };
                for other in others {
                    if *other == reference {
                        continue;
                    }
                    if nodes.len() >= MOST_NODES {
                        truncated = true;
                        break;
                    }
                    let (from, to) = if *sign < 0 { (other, &reference) } else { (&reference, other) };
                    edges.insert(Edge {
                        from: from.clone(),
                        to: to.clone(),
                        verb: entry.verb.clone(),
                        seq: entry.seq,
                    });
                    let made_ms = (*sign > 0).then_some(entry.time_ms);
                    let steps = sign * i32::try_from(distance + 1).unwrap_or(i32::MAX);
                    nodes.entry(other.clone()).or_insert((steps, made_ms));
                    if seen.insert(other.clone()) {
                        queue.push_back((other.clone(), distance + 1));
                    }
                }
            }
        }
    }
    let mut nodes: Vec<Node> = nodes
        .into_iter()
        .map(|(reference, (distance, made_ms))| Node { reference, distance, made_ms })
        .collect();
    nodes.sort_by_key(|node| (node.distance.abs(), node.distance));
    Ok(Lineage { of: of.clone(), nodes, edges: edges.into_iter().collect(), truncated })
}

/// What an entry made: its outputs, or its subject where it names none.
fn made_by(entry: &Entry) -> Vec<&Reference> {
    if entry.outputs.is_empty() { vec![&entry.subject] } else { entry.outputs.iter().collect() }
}
