//! Which tables and columns a database has: those of MLflow's releases differ.

use std::collections::{BTreeMap, BTreeSet};

use ropewalk_core::Result;
use ropewalk_core::database::Sql;
use sqlx::{AnyConnection, Row};

/// The tables of a database, each with its columns.
#[derive(Debug, Clone, Default)]
pub(super) struct Schema {
    tables: BTreeMap<String, BTreeSet<String>>,
}

impl Schema {
    pub(super) async fn read(connection: &mut AnyConnection, sqlite: bool) -> Result<Self> {
        let sql = if sqlite {
            "SELECT CAST(t.name AS TEXT) AS table_name, CAST(c.name AS TEXT) AS column_name FROM sqlite_master t \
             JOIN pragma_table_xinfo(t.name) c WHERE t.type = 'table'"
        } else {
            "SELECT CAST(table_name AS TEXT) AS table_name, CAST(column_name AS TEXT) AS column_name \
             FROM information_schema.columns WHERE table_schema = ANY (current_schemas(false))"
        };
        let mut schema = Self::default();
        for row in Sql::new(sql).fetch(connection).await? {
            schema.tables.entry(row.try_get("table_name")?).or_default().insert(row.try_get("column_name")?);
        }
        Ok(schema)
    }

    /// Whether there is a table.
    pub(super) fn has(&self, table: &str) -> bool {
        self.tables.contains_key(table)
    }

    /// Whether a table has a column.
    pub(super) fn has_column(&self, table: &str, column: &str) -> bool {
        self.tables.get(table).is_some_and(|columns| columns.contains(column))
    }

    /// What asks for columns of a table, each as the one type that both databases give alike; a column that is not there is
    /// nothing. Columns are written `name:text`, `name:whole`, `name:real` or `name:truth`, and come under their names.
    pub(super) fn columns(&self, table: &str, alias: &str, columns: &[&str]) -> String {
        let parts: Vec<String> = columns
            .iter()
            .map(|told| {
                let (name, kind) = told.split_once(':').unwrap_or((told, "text"));
                let place = if self.has_column(table, name) {
                    format!("{alias}.\"{name}\"")
                } else {
                    "NULL".to_owned()
                };
                let cast = match kind {
                    "whole" => format!("CAST({place} AS BIGINT)"),
                    "real" => format!("CAST({place} AS DOUBLE PRECISION)"),
                    // PostgreSQL makes a short number of a truth, and a long one only of that.
                    "truth" => format!("CAST(CAST({place} AS INTEGER) AS BIGINT)"),
                    _ => format!("CAST({place} AS TEXT)"),
                };
                format!("{cast} AS \"{name}\"")
            })
            .collect();
        parts.join(", ")
    }
}
