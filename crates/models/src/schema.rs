//! The tables.

use ropewalk_core::database::Migration;

/// The schema steps of the registry.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        feature: "models",
        version: 1,
        sql: "
CREATE TABLE model_registered (
    name TEXT PRIMARY KEY, description TEXT, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL,
    last_version BIGINT NOT NULL);
CREATE TABLE model_registered_tag (name TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, key));
CREATE TABLE model_alias (name TEXT NOT NULL, alias TEXT NOT NULL, version BIGINT NOT NULL, PRIMARY KEY (name, alias));
CREATE TABLE model_version (
    name TEXT NOT NULL, version BIGINT NOT NULL, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL, actor TEXT NOT NULL,
    description TEXT, source TEXT NOT NULL, storage_location TEXT, run_id TEXT, run_link TEXT, model_id TEXT,
    stage TEXT NOT NULL, status TEXT NOT NULL, status_message TEXT, gates TEXT NOT NULL, forced BIGINT NOT NULL,
    bundle_hash TEXT, PRIMARY KEY (name, version));
CREATE INDEX model_version_run ON model_version (run_id);
CREATE INDEX model_version_logged ON model_version (model_id);
CREATE TABLE model_version_tag (
    name TEXT NOT NULL, version BIGINT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (name, version, key));
",
        code: None,
    },
    // A version without a run has an empty run, as in MLflow: a search for other runs finds it.
    Migration {
        feature: "models",
        version: 2,
        sql: "
UPDATE model_version SET run_id = '' WHERE run_id IS NULL;
UPDATE model_version SET run_link = '' WHERE run_link IS NULL;
CREATE INDEX model_version_stage ON model_version (name, stage, version);
",
        code: None,
    },
];
