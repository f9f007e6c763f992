//! Traces as their clients tell them.

use ropewalk_core::database::Connection;
use ropewalk_core::{Error, Result};
use ropewalk_runs::{Experiment, Lifecycle};

use super::{Traces, artifact_location, limits};
use crate::keys::{metadata, tag};
use crate::model::{Assessment, Pairs, TraceInfo};
use crate::numbers;
use crate::python::without_nul;
use crate::store::assessments;
use crate::store::entries::{self, EntryKind};
use crate::store::traces::{self, TraceRow};

/// A trace as its client tells it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    /// What it is. Its tags and metadata are not looked at.
    pub(crate) info: TraceInfo,
    pub(crate) metadata: Vec<(String, String)>,
    /// Tags, the name among them.
    pub(crate) tags: Vec<(String, String)>,
}

impl Told {
    fn name(&self) -> Option<&str> {
        self.tags.iter().find(|(key, _)| key == tag::NAME).map(|(_, name)| name.as_str())
    }
}

impl Traces {
    /// Takes in what a client tells of a trace once it has ended. Its spans may have come before, or come later.
    ///
    /// # Errors
    /// `not_found` when there is no such experiment, `invalid` when it was deleted or none is named.
    pub(crate) async fn start_trace(&self, experiment: Option<&str>, told: Told) -> Result<TraceInfo> {
        if let Some(name) = told.name() {
            limits::check_name(name)?;
        }
        let Some(experiment) = experiment else {
            limits::check_trace_id(&told.info.trace_id)?;
            return Err(Error::invalid("The trace's location names no experiment"));
        };
        let experiment = self.runs.get_experiment(experiment).await?;
        must_be_active(&experiment)?;
        for (name, value) in &told.metadata {
            if name == metadata::SESSION {
                limits::check_session(value)?;
            }
        }
        limits::check_trace_id(&told.info.trace_id)?;
        self.core.database.write(move |tx| Box::pin(async move { start(tx, &experiment, told).await })).await
    }
}

pub(super) fn must_be_active(experiment: &Experiment) -> Result<()> {
    if experiment.lifecycle_stage == Lifecycle::Active {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "The experiment {} must be in the 'active' state. Current state is deleted.",
        experiment.experiment_id
    )))
}

async fn start(tx: &mut Connection, experiment: &Experiment, told: Told) -> Result<TraceInfo> {
    let number = super::experiment_number(&experiment.experiment_id)?;
    let location = artifact_location(experiment, &told.info.trace_id);
    let own = [(tag::ARTIFACT_LOCATION.to_owned(), location)];
    let tags: Vec<_> = told.tags.iter().filter(|(key, _)| key != tag::NAME).cloned().chain(own).collect();
    let finalized = [(metadata::FINALIZED.to_owned(), "true".to_owned())];
    let kept = told.metadata.iter().filter(|(key, _)| !metadata::PROMOTED.contains(&key.as_str()));
    let facts: Vec<_> = kept.cloned().chain(finalized).collect();

    let mut fresh = TraceRow { n: numbers::next(), finalized: true, ..TraceRow::default() };
    fresh.info.trace_id.clone_from(&told.info.trace_id);
    fresh.info.experiment_id = number;
    put(&mut fresh, &told, &tags, &facts);
    let (stands, created) = traces::insert_or_hold(tx, &fresh).await?;
    let mut row = fresh;
    let mut before = None;
    if !created {
        row = stands;
        if row.info.experiment_id != number {
            return Err(Error::invalid(format!(
                "Trace with ID '{}' already exists in another experiment.",
                row.info.trace_id
            )));
        }
        let ids: Vec<_> = told.info.assessments.iter().map(|one| one.assessment_id.as_str()).collect();
        if let Some(id) = assessments::foreign(tx, row.n, &ids).await? {
            return Err(Error::invalid(format!("Assessment with ID '{id}' belongs to another trace.")));
        }
        before = Some(row.info.tags.to_vec());
        put(&mut row, &told, &tags, &facts);
        row.finalized = true;
        traces::update(tx, &row).await?;
    }
    let of = |kind: EntryKind| move |(key, value): &'_ (String, String)| (kind, key.clone(), value.clone());
    let named: Vec<_> = unique(&tags)
        .iter()
        .map(of(EntryKind::Tag))
        .chain(unique(&facts).iter().map(of(EntryKind::Metadata)))
        .collect();
    entries::put(tx, row.n, named.iter().map(|(kind, key, value)| (*kind, key.as_str(), value.as_str())))
        .await?;
    for assessment in &told.info.assessments {
        let assessment = Assessment { trace_id: row.info.trace_id.clone(), ..assessment.clone() };
        assessments::insert(tx, numbers::next(), row.n, &assessment, !created).await?;
    }
    let mut found = assessments::of_traces(tx, &[(row.n, &row.info.trace_id)]).await?;
    row.info.assessments = found.remove(&row.n).unwrap_or_default();
    if let Some(before) = before {
        // The stock server answers with the tags that the trace had, not yet with those that it was told just now.
        let mut tags = row.info.tags.to_vec();
        tags.retain(|(key, _)| before.iter().any(|(known, _)| known == key));
        let tags = tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        row.info.tags = Pairs::new(tags, TraceInfo::LONGEST_TAG);
    }
    Ok(row.info)
}

/// Of two pairs with one name the later.
fn unique(pairs: &[(String, String)]) -> Vec<(String, String)> {
    let later = |at: usize, key: &str| pairs[at + 1..].iter().any(|(other, _)| other == key);
    pairs.iter().enumerate().filter(|(at, (key, _))| !later(*at, key)).map(|(_, pair)| pair.clone()).collect()
}

/// Puts what was told into a row.
fn put(row: &mut TraceRow, told: &Told, tags: &[(String, String)], facts: &[(String, String)]) {
    let info = &mut row.info;
    info.request_time = told.info.request_time;
    info.execution_duration = told.info.execution_duration;
    info.state = told.info.state;
    info.client_request_id.clone_from(&told.info.client_request_id);
    for (kept, told) in [
        (&mut info.request_preview, &told.info.request_preview),
        (&mut info.response_preview, &told.info.response_preview),
    ] {
        if let Some(told) = told {
            *kept = Some(without_nul(told).into_owned());
        }
    }
    if let Some(name) = told.name() {
        info.name = Some(name.to_owned());
    }
    for (key, value) in &told.metadata {
        info.promote(key, value);
    }
    info.tags = info.tags.with(tags.iter().map(|(k, v)| (k.as_str(), v.as_str())), TraceInfo::LONGEST_TAG);
    info.metadata =
        info.metadata.with(facts.iter().map(|(k, v)| (k.as_str(), v.as_str())), TraceInfo::LONGEST_METADATA);
}
