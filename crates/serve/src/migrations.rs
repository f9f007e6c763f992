//! The tables of endpoints.

use ropewalk_core::Migration;

/// Endpoints, revisions, changes of traffic, and one counter that grows with every change.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "serve",
    version: 1,
    sql: "
CREATE TABLE serve_endpoint (
    name TEXT PRIMARY KEY,
    require_log BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL
);
CREATE TABLE serve_revision (
    endpoint TEXT NOT NULL REFERENCES serve_endpoint (name),
    revision BIGINT NOT NULL,
    model TEXT NOT NULL,
    version BIGINT NOT NULL,
    bundle_hash TEXT NOT NULL,
    percent DOUBLE PRECISION NOT NULL,
    created_ms BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (endpoint, revision)
);
CREATE TABLE serve_change (
    endpoint TEXT NOT NULL REFERENCES serve_endpoint (name),
    sequence BIGINT NOT NULL,
    time_ms BIGINT NOT NULL,
    kind TEXT NOT NULL,
    actor TEXT NOT NULL,
    reason TEXT NOT NULL,
    shares TEXT NOT NULL,
    PRIMARY KEY (endpoint, sequence)
);
CREATE TABLE serve_generation (
    id BIGINT PRIMARY KEY,
    generation BIGINT NOT NULL
);
INSERT INTO serve_generation (id, generation) VALUES (1, 0);
",
    code: None,
}];
