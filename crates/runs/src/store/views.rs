//! Saved views.

use ropewalk_core::Result;
use ropewalk_core::database::Connection;
use sqlx::Row;

use crate::service::views::View;

pub(crate) async fn of_experiment(connection: &mut Connection, experiment: i64) -> Result<Vec<View>> {
    let rows = sqlx::query(
        "SELECT name, content, updated_ms, actor FROM run_view WHERE experiment_id = $1 ORDER BY name",
    )
    .bind(experiment)
    .fetch_all(connection)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(View {
                name: row.try_get("name")?,
                view: serde_json::from_str(&row.try_get::<String, _>("content")?)?,
                updated_ms: row.try_get("updated_ms")?,
                by: row.try_get("actor")?,
            })
        })
        .collect()
}

pub(crate) async fn put(tx: &mut Connection, experiment: i64, view: &View) -> Result<()> {
    sqlx::query(
        "INSERT INTO run_view (experiment_id, name, content, updated_ms, actor) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (experiment_id, name) DO UPDATE SET content = excluded.content, updated_ms = excluded.updated_ms, \
         actor = excluded.actor",
    )
    .bind(experiment)
    .bind(view.name.as_str())
    .bind(view.view.to_string())
    .bind(view.updated_ms)
    .bind(view.by.as_str())
    .execute(tx)
    .await?;
    Ok(())
}

pub(crate) async fn remove(tx: &mut Connection, experiment: i64, name: &str) -> Result<u64> {
    let done = sqlx::query("DELETE FROM run_view WHERE experiment_id = $1 AND name = $2")
        .bind(experiment)
        .bind(name)
        .execute(tx)
        .await?;
    Ok(done.rows_affected())
}
