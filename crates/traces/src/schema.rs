//! The tables.

use ropewalk_core::database::Migration;

/// The schema steps of traces.
///
/// A trace is a row that holds all that a listing shows, tags and metadata as the JSON that answers carry. Its number
/// grows with time, so that what belongs to new traces lies together in every table and index. What people search for
/// among tags and metadata stands a second time in `trace_entry`, whole and by name; both are written in one transaction.
/// Spans lie packed, as many as arrived together in one row.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "traces",
    version: 1,
    sql: "
CREATE TABLE trace_trace (
    n BIGINT PRIMARY KEY, id TEXT NOT NULL UNIQUE, experiment_id BIGINT NOT NULL, timestamp_ms BIGINT NOT NULL,
    execution_ms BIGINT, state TEXT NOT NULL, name TEXT, session_id TEXT, client_request_id TEXT,
    request_preview TEXT, response_preview TEXT, input_tokens BIGINT, output_tokens BIGINT, total_tokens BIGINT,
    cache_read_tokens BIGINT, cache_write_tokens BIGINT, cache_write_1h_tokens BIGINT, input_cost DOUBLE PRECISION,
    output_cost DOUBLE PRECISION, total_cost DOUBLE PRECISION, finalized BIGINT NOT NULL, parts BIGINT NOT NULL,
    writes BIGINT NOT NULL, metadata TEXT NOT NULL, tags TEXT NOT NULL);
CREATE INDEX trace_trace_page ON trace_trace (experiment_id, timestamp_ms DESC, id);
CREATE INDEX trace_trace_session ON trace_trace (session_id, experiment_id);
CREATE TABLE trace_entry (
    trace BIGINT NOT NULL, kind BIGINT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, hash BIGINT NOT NULL,
    PRIMARY KEY (trace, kind, key));
CREATE INDEX trace_entry_value ON trace_entry (kind, key, hash, trace);
CREATE TABLE trace_spans (
    trace BIGINT NOT NULL, part BIGINT NOT NULL, summaries BYTEA NOT NULL, contents BYTEA NOT NULL,
    PRIMARY KEY (trace, part));
CREATE TABLE trace_assessment (
    id TEXT PRIMARY KEY, n BIGINT NOT NULL, trace BIGINT NOT NULL, name TEXT NOT NULL, kind TEXT NOT NULL,
    value TEXT NOT NULL, error TEXT, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, source_type TEXT NOT NULL,
    source_id TEXT, run_id TEXT, span_id TEXT, rationale TEXT, overrides TEXT, valid BIGINT NOT NULL, metadata TEXT,
    of_session BIGINT NOT NULL, number DOUBLE PRECISION, is_numeric BIGINT NOT NULL);
CREATE INDEX trace_assessment_trace ON trace_assessment (trace, created_ms, n);
CREATE INDEX trace_assessment_name ON trace_assessment (kind, name, valid);
CREATE INDEX trace_assessment_run ON trace_assessment (run_id);
CREATE TABLE trace_run (run_id TEXT NOT NULL, trace_id TEXT NOT NULL, PRIMARY KEY (run_id, trace_id));
CREATE INDEX trace_run_trace ON trace_run (trace_id);
CREATE TABLE trace_prompt (prompt TEXT NOT NULL, trace_id TEXT NOT NULL, PRIMARY KEY (prompt, trace_id));
CREATE INDEX trace_prompt_trace ON trace_prompt (trace_id);
CREATE TABLE trace_dataset (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, digest TEXT NOT NULL, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,
    created_by TEXT, updated_by TEXT, schema_text TEXT, profile TEXT);
CREATE INDEX trace_dataset_page ON trace_dataset (created_ms DESC, id DESC);
CREATE TABLE trace_dataset_tag (
    dataset_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT, PRIMARY KEY (dataset_id, key));
CREATE TABLE trace_dataset_experiment (
    dataset_id TEXT NOT NULL, experiment_id TEXT NOT NULL, n BIGINT NOT NULL, PRIMARY KEY (dataset_id, experiment_id));
CREATE INDEX trace_dataset_experiment_of ON trace_dataset_experiment (experiment_id);
CREATE TABLE trace_dataset_record (
    id TEXT PRIMARY KEY, dataset_id TEXT NOT NULL, input_hash TEXT NOT NULL, created_ms BIGINT NOT NULL,
    updated_ms BIGINT NOT NULL, created_by TEXT, updated_by TEXT, inputs TEXT NOT NULL, outputs TEXT, expectations TEXT,
    tags TEXT, source TEXT, source_id TEXT, source_type TEXT, UNIQUE (dataset_id, input_hash));
CREATE INDEX trace_dataset_record_page ON trace_dataset_record (dataset_id, created_ms, id);
",
    code: None,
}];
