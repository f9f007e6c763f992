//! The tables.

use ropewalk_core::database::Migration;

/// The schema steps of webhooks.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "webhooks",
    version: 1,
    sql: "
CREATE TABLE webhook (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, description TEXT NOT NULL, url TEXT NOT NULL, status TEXT NOT NULL,
    secret TEXT, created_ms BIGINT NOT NULL, updated_ms BIGINT NOT NULL);
CREATE TABLE webhook_event (
    event TEXT NOT NULL, webhook_id TEXT NOT NULL, PRIMARY KEY (event, webhook_id));
CREATE INDEX webhook_event_owner ON webhook_event (webhook_id);
CREATE TABLE webhook_delivery (
    id TEXT PRIMARY KEY, webhook_id TEXT NOT NULL, event TEXT NOT NULL, data TEXT NOT NULL, state TEXT NOT NULL,
    created_ms BIGINT NOT NULL, due_ms BIGINT NOT NULL, attempts BIGINT NOT NULL, response_status BIGINT, error TEXT,
    ended_ms BIGINT);
CREATE INDEX webhook_delivery_due ON webhook_delivery (state, due_ms);
CREATE INDEX webhook_delivery_owner ON webhook_delivery (webhook_id, created_ms);
",
    code: None,
}];
