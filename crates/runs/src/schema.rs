//! The tables.

mod pack;

use ropewalk_core::database::Migration;

/// The schema steps of tracking.
pub const MIGRATIONS: &[Migration] = &[
    Migration { feature: "runs", version: 1, sql: ROWS, code: None },
    Migration {
        feature: "runs",
        version: 2,
        sql: PACKED,
        code: Some(|connection| Box::pin(pack::pack_rows(connection))),
    },
];

/// Everything in rows.
const ROWS: &str = "
CREATE TABLE run_counter (name TEXT PRIMARY KEY, value BIGINT NOT NULL);
INSERT INTO run_counter (name, value) VALUES ('experiment', 0);
CREATE TABLE run_experiment (
    id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, artifact_location TEXT NOT NULL, lifecycle TEXT NOT NULL,
    created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL);
INSERT INTO run_experiment (id, name, artifact_location, lifecycle, created_ms, updated_ms)
    VALUES (0, 'Default', 'mlflow-artifacts:/0', 'active', 0, 0);
CREATE TABLE run_experiment_tag (
    experiment_id BIGINT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (experiment_id, key));
CREATE TABLE run_run (
    id TEXT PRIMARY KEY, experiment_id BIGINT NOT NULL, name TEXT NOT NULL, user_id TEXT NOT NULL, status TEXT NOT NULL,
    start_ms BIGINT NOT NULL, end_ms BIGINT, lifecycle TEXT NOT NULL, deleted_ms BIGINT, artifact_uri TEXT NOT NULL,
    actor TEXT NOT NULL);
CREATE INDEX run_run_page ON run_run (experiment_id, lifecycle, start_ms DESC, id);
CREATE INDEX run_run_time ON run_run (start_ms DESC, id);
CREATE TABLE run_param (run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key));
CREATE TABLE run_tag (run_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (run_id, key));
CREATE TABLE run_metric (
    run_id TEXT NOT NULL, key TEXT NOT NULL, timestamp_ms BIGINT NOT NULL, step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL, is_nan BIGINT NOT NULL,
    PRIMARY KEY (run_id, key, timestamp_ms, step, value, is_nan));
CREATE TABLE run_latest_metric (
    run_id TEXT NOT NULL, key TEXT NOT NULL, timestamp_ms BIGINT NOT NULL, step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL, is_nan BIGINT NOT NULL, PRIMARY KEY (run_id, key));
CREATE TABLE run_dataset (
    id TEXT PRIMARY KEY, experiment_id BIGINT NOT NULL, name TEXT NOT NULL, digest TEXT NOT NULL, source_type TEXT NOT NULL,
    source TEXT NOT NULL, schema_text TEXT, profile TEXT, UNIQUE (experiment_id, name, digest));
CREATE TABLE run_input (run_id TEXT NOT NULL, dataset_id TEXT NOT NULL, PRIMARY KEY (run_id, dataset_id));
CREATE TABLE run_input_tag (
    run_id TEXT NOT NULL, dataset_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (run_id, dataset_id, key));
CREATE TABLE run_model_link (
    run_id TEXT NOT NULL, direction TEXT NOT NULL, model_id TEXT NOT NULL, step BIGINT NOT NULL,
    PRIMARY KEY (run_id, direction, model_id));
CREATE TABLE run_logged_model (
    id TEXT PRIMARY KEY, experiment_id BIGINT NOT NULL, name TEXT NOT NULL, artifact_uri TEXT NOT NULL, status TEXT NOT NULL,
    status_message TEXT, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, model_type TEXT, source_run_id TEXT,
    lifecycle TEXT NOT NULL);
CREATE INDEX run_logged_model_page ON run_logged_model (experiment_id, lifecycle, created_ms DESC, id);
CREATE TABLE run_logged_model_param (
    model_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key));
CREATE TABLE run_logged_model_tag (
    model_id TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (model_id, key));
CREATE TABLE run_logged_model_metric (
    model_id TEXT NOT NULL, run_id TEXT NOT NULL, key TEXT NOT NULL, timestamp_ms BIGINT NOT NULL, step BIGINT NOT NULL,
    value DOUBLE PRECISION NOT NULL, is_nan BIGINT NOT NULL, dataset_name TEXT, dataset_digest TEXT,
    PRIMARY KEY (model_id, key, timestamp_ms, step, run_id));
";

/// What runs log, packed: a run's parameters, tags and latest metrics in its row, its measurements in segments, and before
/// they are folded into these, changes as they came. Keys of segments are bytes, which both databases compare alike.
const PACKED: &str = "
INSERT INTO run_counter (name, value) VALUES ('change', 0);
ALTER TABLE run_run ADD COLUMN changed BIGINT NOT NULL DEFAULT 0;
ALTER TABLE run_run ADD COLUMN folded BIGINT NOT NULL DEFAULT 0;
ALTER TABLE run_run ADD COLUMN document BYTEA;
CREATE INDEX run_run_changed ON run_run (changed);
CREATE TABLE run_change (number BIGINT PRIMARY KEY, run_id TEXT NOT NULL, data BYTEA NOT NULL);
CREATE INDEX run_change_run ON run_change (run_id, number);
CREATE TABLE run_segment (
    run_id TEXT NOT NULL, number BIGINT NOT NULL, part BIGINT NOT NULL, level BIGINT NOT NULL,
    first_key BYTEA NOT NULL, last_key BYTEA NOT NULL, data BYTEA NOT NULL, PRIMARY KEY (run_id, number, part));
CREATE TABLE run_view (
    experiment_id BIGINT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, updated_ms BIGINT NOT NULL, actor TEXT NOT NULL,
    PRIMARY KEY (experiment_id, name));
CREATE TABLE run_purge (number BIGINT NOT NULL, run_id TEXT NOT NULL, PRIMARY KEY (number, run_id));
";
