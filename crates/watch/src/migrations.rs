//! The tables of monitoring.

use ropewalk_core::Migration;

/// Feedback, reports, alerts and monitor settings. Predictions are no rows here: they lie in the prediction log.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "watch",
    version: 1,
    sql: "
CREATE TABLE watch_feedback (
    endpoint TEXT NOT NULL,
    prediction_id TEXT NOT NULL,
    value DOUBLE PRECISION NOT NULL,
    time_ms BIGINT NOT NULL,
    received_ms BIGINT NOT NULL,
    PRIMARY KEY (endpoint, prediction_id)
);
CREATE INDEX watch_feedback_received ON watch_feedback (endpoint, received_ms);
CREATE TABLE watch_report (
    id TEXT PRIMARY KEY,
    endpoint TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    live BIGINT NOT NULL,
    revision BIGINT NOT NULL,
    status TEXT NOT NULL,
    summary TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX watch_report_endpoint ON watch_report (endpoint, created_ms);
CREATE TABLE watch_alert (
    id TEXT PRIMARY KEY,
    alert_key TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    status TEXT NOT NULL,
    pending BIGINT NOT NULL,
    fired_ms BIGINT NOT NULL,
    report_id TEXT NOT NULL,
    body TEXT NOT NULL
);
CREATE UNIQUE INDEX watch_alert_firing ON watch_alert (alert_key) WHERE status = 'firing';
CREATE INDEX watch_alert_fired ON watch_alert (fired_ms);
CREATE TABLE watch_monitor (
    endpoint TEXT PRIMARY KEY,
    settings TEXT NOT NULL
)
",
    code: None,
}];
