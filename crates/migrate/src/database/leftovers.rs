//! What a database holds that is not read, so that nobody believes that it came along.

use ropewalk_core::Result;
use ropewalk_core::database::Sql;
use sqlx::Row;

use super::{Database, text};
use crate::record::Leftover;

/// Tables whose rows stay behind, what they are, and why.
const BEHIND: [(&str, &str, &str); 15] = [
    ("trace_info", "traces", NOT_READ),
    ("assessments", "assessments of traces", NOT_READ),
    ("evaluation_datasets", "evaluation datasets", NOT_READ),
    ("scorers", "registered scorers", NO_PLACE),
    ("online_scoring_configs", "online scoring configurations", NO_PLACE),
    ("issues", "issues", NO_PLACE),
    ("label_schemas", "label schemas", NO_PLACE),
    ("review_queues", "review queues", NO_PLACE),
    ("endpoints", "gateway endpoints", NO_PLACE),
    ("secrets", "gateway secrets", "they are sealed with a key of the old server"),
    ("guardrails", "gateway guardrails", NO_PLACE),
    ("budget_policies", "gateway budgets", NO_PLACE),
    ("mcp_servers", "MCP servers", NO_PLACE),
    ("skills", "skills", NO_PLACE),
    ("jobs", "jobs", "they are work of the old server"),
];
/// What this program has a place for, but does not read.
const NOT_READ: &str = "they are not read from stores yet; the old server keeps them";
const NO_PLACE: &str = "this program has no place for them";

impl Database {
    /// What is there and is not read.
    pub(crate) async fn leftovers(&self) -> Result<Vec<Leftover>> {
        let mut found = Vec::new();
        for (table, what, why) in BEHIND {
            if self.schema.has(table) {
                let count = self.count(&format!("SELECT COUNT(*) AS n FROM {table}")).await?;
                push(&mut found, what, count, why, Vec::new());
            }
        }
        found.extend(self.webhooks().await?);
        if self.schema.has_column("experiments", "workspace") {
            let mut connection = self.connection.lock().await;
            let mut sql = Sql::new(
                "SELECT CAST(e.workspace AS TEXT) AS name, COUNT(*) AS n FROM experiments e WHERE e.workspace <> ",
            );
            sql.bind(self.workspace.as_str()).push(" GROUP BY e.workspace ORDER BY e.workspace");
            for row in sql.fetch(&mut connection).await? {
                let name = text(&row, "name")?;
                let count = row.try_get::<i64, _>("n")?.unsigned_abs();
                let why = format!("one workspace is read at a time; run it again with --workspace {name}");
                push(&mut found, &format!("experiments of the workspace {name}"), count, &why, Vec::new());
            }
        }
        Ok(found)
    }

    async fn webhooks(&self) -> Result<Option<Leftover>> {
        if !self.schema.has("webhooks") {
            return Ok(None);
        }
        let columns = self.schema.columns("webhooks", "w", &["name", "url"]);
        let mut sql = Sql::new(&format!("SELECT {columns} FROM webhooks w WHERE 1 = 1"));
        if self.schema.has_column("webhooks", "deleted_timestamp") {
            sql.push(" AND w.deleted_timestamp IS NULL");
        }
        self.push_workspace(&mut sql, "webhooks", "w");
        sql.push(" ORDER BY w.name");
        let mut connection = self.connection.lock().await;
        let mut names = Vec::new();
        for row in sql.fetch(&mut connection).await? {
            names.push(format!("{} → {}", text(&row, "name")?, text(&row, "url")?));
        }
        let why = "their secrets are sealed by the old server, and two servers would tell the same receivers; make them again";
        Ok((!names.is_empty()).then(|| Leftover {
            what: "webhooks".to_owned(),
            count: names.len() as u64,
            why: why.to_owned(),
            names,
        }))
    }

    async fn count(&self, sql: &str) -> Result<u64> {
        let mut connection = self.connection.lock().await;
        let row = Sql::new(sql).fetch_optional(&mut connection).await?;
        Ok(row.map(|row| row.try_get::<i64, _>("n")).transpose()?.unwrap_or_default().unsigned_abs())
    }
}

fn push(found: &mut Vec<Leftover>, what: &str, count: u64, why: &str, names: Vec<String>) {
    if count > 0 {
        found.push(Leftover { what: what.to_owned(), count, why: why.to_owned(), names });
    }
}
