//! Files of traces: attachments, and the spans of traces that have theirs in a file.

use bytes::Bytes;
use ropewalk_core::{Code, Error, Result};
use ropewalk_runs::proxied_path;

use super::{Trace, Traces};
use crate::keys::tag;
use crate::model::TraceInfo;

/// The file in which clients put spans that they do not send by themselves.
const SPANS_FILE: &str = "traces.json";

impl Traces {
    /// A trace's spans as one JSON text; none if there are none at all.
    pub(crate) async fn spans_json(&self, trace_id: &str) -> Result<Option<Bytes>> {
        match self.trace(trace_id, true).await {
            Ok(trace) => Ok(Some(joined(&trace).into())),
            Err(error) if error.code() == Code::WrongState => {
                let info = self.trace_info(trace_id).await?;
                match self.trace_file(&info, SPANS_FILE).await {
                    Ok(bytes) => Ok(Some(bytes)),
                    Err(error) if error.code() == Code::NotFound => Ok(None),
                    Err(error) => Err(error),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// An attachment of a trace by its identifier.
    pub(crate) async fn attachment(&self, trace_id: &str, name: &str) -> Result<Bytes> {
        let info = self.trace_info(trace_id).await?;
        let path = format!("attachments/{name}");
        self.trace_file(&info, &path).await.map_err(|error| match error.code() {
            Code::NotFound => Error::not_found(format!("No such artifact: '{path}'")),
            _ => error,
        })
    }

    async fn trace_file(&self, info: &TraceInfo, path: &str) -> Result<Bytes> {
        let location = info.tags.get(tag::ARTIFACT_LOCATION).unwrap_or_default();
        let root = proxied_path(&location).ok_or_else(|| {
            Error::invalid(format!("the files of trace {} are not kept here", info.trace_id))
                .why(format!("they lie at {location}"))
        })?;
        self.runs.get_artifact(&format!("{root}/{path}")).await
    }
}

fn joined(trace: &Trace) -> Vec<u8> {
    let mut json = b"{\"spans\":[".to_vec();
    for (index, span) in trace.spans.iter().enumerate() {
        if index > 0 {
            json.push(b',');
        }
        json.extend_from_slice(span.content.as_bytes());
    }
    json.extend_from_slice(b"]}");
    json
}
