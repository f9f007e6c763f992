//! Tags of traces.

use ropewalk_core::{Error, Result};

use super::{Traces, limits, no_trace};
use crate::keys::tag;
use crate::model::TraceInfo;
use crate::store::entries::{self, EntryKind};
use crate::store::traces;

impl Traces {
    /// Sets a tag of a trace; a long value is cut.
    ///
    /// # Errors
    /// `invalid` for a tag that is the server's own or has no proper name, `not_found` when there is no such trace.
    pub(crate) async fn set_tag(&self, trace_id: &str, key: &str, value: &str) -> Result<()> {
        if tag::BLOCKED.contains(&key) {
            return Err(Error::invalid(format!("Tag '{key}' is immutable and cannot be set on a trace.")));
        }
        let value = limits::check_tag(key, value)?.to_owned();
        let (trace_id, key) = (trace_id.to_owned(), key.to_owned());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let row = traces::hold(tx, &trace_id).await?.ok_or_else(|| no_trace(&trace_id))?;
                    if key == tag::NAME {
                        return traces::set_name(tx, row.n, Some(value)).await;
                    }
                    let tags = row.info.tags.with([(key.as_str(), value.as_str())], TraceInfo::LONGEST_TAG);
                    traces::set_tags(tx, row.n, &tags).await?;
                    entries::put(tx, row.n, [(EntryKind::Tag, key.as_str(), value.as_str())]).await
                })
            })
            .await
    }

    /// Removes a tag of a trace.
    ///
    /// # Errors
    /// `not_found` when the trace has no such tag.
    pub(crate) async fn delete_tag(&self, trace_id: &str, key: &str) -> Result<()> {
        if tag::BLOCKED.contains(&key) && key != tag::ARCHIVAL_FAILURE {
            return Err(Error::invalid(format!(
                "Tag '{key}' is immutable and cannot be deleted on a trace."
            )));
        }
        let (trace_id, key) = (trace_id.to_owned(), key.to_owned());
        self.core
            .database
            .write(move |tx| {
                Box::pin(async move {
                    let missing = || {
                        Error::not_found(format!(
                            "No trace tag with key '{key}' for trace with ID '{trace_id}'"
                        ))
                    };
                    let row = traces::hold(tx, &trace_id).await?;
                    if key == tag::NAME {
                        let row = row.ok_or_else(|| no_trace(&trace_id))?;
                        row.info.name.ok_or_else(missing)?;
                        return traces::set_name(tx, row.n, None).await;
                    }
                    let row = row.ok_or_else(missing)?;
                    if row.info.tags.get(&key).is_none() {
                        return Err(missing());
                    }
                    traces::set_tags(tx, row.n, &row.info.tags.without(&key)).await?;
                    entries::remove(tx, row.n, EntryKind::Tag, &key).await
                })
            })
            .await
    }
}
