//! The names that MLflow's client and server have agreed on.

/// Attributes of spans.
pub(crate) mod attribute {
    pub(crate) const REQUEST_ID: &str = "mlflow.traceRequestId";
    pub(crate) const INPUTS: &str = "mlflow.spanInputs";
    pub(crate) const OUTPUTS: &str = "mlflow.spanOutputs";
    pub(crate) const SPAN_TYPE: &str = "mlflow.spanType";
    pub(crate) const CHAT_TOOLS: &str = "mlflow.chat.tools";
    pub(crate) const USAGE: &str = "mlflow.chat.tokenUsage";
    pub(crate) const COST: &str = "mlflow.llm.cost";
    pub(crate) const MODEL: &str = "mlflow.llm.model";
    pub(crate) const PROVIDER: &str = "mlflow.llm.provider";
    pub(crate) const MESSAGE_FORMAT: &str = "mlflow.message.format";
    pub(crate) const USER: &str = "user.id";
    pub(crate) const SESSION: &str = "session.id";
    pub(crate) const CONVERSATION: &str = "gen_ai.conversation.id";
    pub(crate) const SERVICE: &str = "service.name";
    /// What begins so on a root span becomes a tag of the trace.
    pub(crate) const TAG_PREFIX: &str = "mlflow.traceTag.";
}

/// Metadata of traces.
pub(crate) mod metadata {
    pub(crate) const SOURCE_RUN: &str = "mlflow.sourceRun";
    pub(crate) const SIZE_STATS: &str = "mlflow.trace.sizeStats";
    pub(crate) const SIZE_BYTES: &str = "mlflow.trace.sizeBytes";
    pub(crate) const SCHEMA_VERSION: &str = "mlflow.trace_schema.version";
    pub(crate) const USAGE: &str = "mlflow.trace.tokenUsage";
    pub(crate) const FINALIZED: &str = "mlflow.trace.infoFinalized";
    pub(crate) const COST: &str = "mlflow.trace.cost";
    pub(crate) const USER: &str = "mlflow.trace.user";
    pub(crate) const SESSION: &str = "mlflow.trace.session";
    /// What is kept in columns of its own, and shown as metadata all the same.
    pub(crate) const PROMOTED: [&str; 3] = [SESSION, USAGE, COST];
}

/// Tags of traces.
pub(crate) mod tag {
    pub(crate) const NAME: &str = "mlflow.traceName";
    pub(crate) const ARTIFACT_LOCATION: &str = "mlflow.artifactLocation";
    pub(crate) const SPANS_LOCATION: &str = "mlflow.trace.spansLocation";
    pub(crate) const ARCHIVE_LOCATION: &str = "mlflow.trace.archiveLocation";
    pub(crate) const ARCHIVAL_FAILURE: &str = "mlflow.trace.archivalFailure";
    /// Where a trace with spans has them: here.
    pub(crate) const TRACKING_STORE: &str = "TRACKING_STORE";
    /// What the server keeps itself, whatever a client sends.
    pub(crate) const BLOCKED: [&str; 4] =
        [ARTIFACT_LOCATION, SPANS_LOCATION, ARCHIVE_LOCATION, ARCHIVAL_FAILURE];
}

/// Metadata of assessments.
pub(crate) mod assessment {
    pub(crate) const SOURCE_RUN: &str = "mlflow.assessment.sourceRunId";
}
