//! Traces as clients before MLflow 3 tell them: once when they begin, once when they end.

use ropewalk_core::{Error, Result};

use super::starting::must_be_active;
use super::{Traces, artifact_location, experiment_number, limits, no_trace};
use crate::keys::{metadata, tag};
use crate::model::{Pairs, TraceInfo, TraceState};
use crate::numbers;
use crate::store::entries::{self, EntryKind};
use crate::store::traces::{self, TraceRow};

/// What is told of a trace with its begin or its end.
#[derive(Debug, Clone, Default)]
pub(crate) struct ToldPart {
    /// Milliseconds since 1970.
    pub(crate) timestamp_ms: i64,
    pub(crate) metadata: Vec<(String, String)>,
    pub(crate) tags: Vec<(String, String)>,
}

impl ToldPart {
    fn check(&self) -> Result<()> {
        let mut named = self.tags.iter().filter(|(key, _)| key == tag::NAME);
        named.try_for_each(|(_, name)| limits::check_name(name))?;
        let mut sessions = self.metadata.iter().filter(|(key, _)| key == metadata::SESSION);
        sessions.try_for_each(|(_, session)| limits::check_session(session))
    }

    /// Puts it into a row.
    fn put(&self, row: &mut TraceRow) {
        for (key, value) in &self.tags {
            if key == tag::NAME {
                row.info.name = Some(value.clone());
            }
        }
        for (key, value) in &self.metadata {
            row.info.promote(key, value);
        }
        row.info.tags = row.info.tags.with(self.kept_tags(), TraceInfo::LONGEST_TAG);
        row.info.metadata = row.info.metadata.with(self.kept_metadata(), TraceInfo::LONGEST_METADATA);
    }

    fn kept_tags(&self) -> impl Iterator<Item = (&str, &str)> {
        let kept = self.tags.iter().filter(|(key, _)| key != tag::NAME);
        kept.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    fn kept_metadata(&self) -> impl Iterator<Item = (&str, &str)> {
        let kept = self.metadata.iter().filter(|(key, _)| !metadata::PROMOTED.contains(&key.as_str()));
        kept.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// All that is searched by name; of two pairs with one name the later.
    fn entries(&self) -> Vec<(EntryKind, &str, &str)> {
        let tags = self.kept_tags().map(|(key, value)| (EntryKind::Tag, key, value));
        let metadata = self.kept_metadata().map(|(key, value)| (EntryKind::Metadata, key, value));
        let mut entries: Vec<(EntryKind, &str, &str)> = Vec::new();
        for entry in tags.chain(metadata) {
            entries.retain(|known| (known.0, known.1) != (entry.0, entry.1));
            entries.push(entry);
        }
        entries
    }
}

impl Traces {
    /// Begins a trace.
    pub(crate) async fn begin_trace(&self, experiment: &str, told: ToldPart) -> Result<TraceInfo> {
        told.check()?;
        let experiment = self.runs.get_experiment(experiment).await?;
        must_be_active(&experiment)?;
        let mut row = TraceRow { n: numbers::next(), ..TraceRow::default() };
        row.info.trace_id = ropewalk_core::new_id();
        row.info.experiment_id = experiment_number(&experiment.experiment_id)?;
        row.info.request_time = told.timestamp_ms;
        row.info.state = TraceState::InProgress;
        told.put(&mut row);
        let location = artifact_location(&experiment, &row.info.trace_id);
        let located = Pairs::new([(tag::ARTIFACT_LOCATION, location.as_str())], TraceInfo::LONGEST_TAG);
        let located = located.to_vec();
        let located = located.iter().map(|(key, value)| (key.as_str(), value.as_str()));
        row.info.tags = row.info.tags.with(located, TraceInfo::LONGEST_TAG);
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    traces::insert_or_hold(tx, &row).await?;
                    entries::put(tx, row.n, told.entries()).await?;
                    Ok(row.info)
                })
            })
            .await
    }

    /// Ends a trace.
    ///
    /// # Errors
    /// `not_found` when there is no such trace; `invalid` when no state is told.
    pub(crate) async fn end_trace(
        &self,
        trace_id: &str,
        state: Option<TraceState>,
        told: ToldPart,
    ) -> Result<TraceInfo> {
        told.check()?;
        let trace_id = trace_id.to_owned();
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let mut row = traces::hold(tx, &trace_id).await?.ok_or_else(|| no_trace(&trace_id))?;
                    row.info.state = state.ok_or_else(|| Error::invalid("A trace ends with a status"))?;
                    row.info.execution_duration =
                        Some(told.timestamp_ms.saturating_sub(row.info.request_time));
                    told.put(&mut row);
                    traces::update(tx, &row).await?;
                    entries::put(tx, row.n, told.entries()).await?;
                    Ok(row.info)
                })
            })
            .await
    }
}
