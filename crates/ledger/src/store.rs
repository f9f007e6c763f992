//! The ledger's table.

use ropewalk_core::{Connection, Migration, Result};
use sqlx::any::AnyRow;
use sqlx::{Any, AssertSqlSafe, Row};

use crate::model::{Cost, LedgerEntry, SummaryFilter};

/// The schema of this feature.
pub const MIGRATIONS: &[Migration] = &[Migration {
    feature: "ledger",
    version: 1,
    sql: "CREATE TABLE ledger_entry (
        id TEXT PRIMARY KEY,
        time_ms BIGINT NOT NULL,
        subject TEXT NOT NULL,
        activity TEXT NOT NULL,
        seconds DOUBLE PRECISION NOT NULL,
        cpu_seconds DOUBLE PRECISION NOT NULL,
        watt_hours DOUBLE PRECISION NOT NULL,
        watt_hours_low DOUBLE PRECISION NOT NULL,
        watt_hours_high DOUBLE PRECISION NOT NULL,
        method TEXT NOT NULL,
        grams_co2e DOUBLE PRECISION NOT NULL,
        money DOUBLE PRECISION NOT NULL,
        currency TEXT NOT NULL
    );
    CREATE INDEX ledger_entry_by_subject ON ledger_entry (subject, time_ms);
    CREATE INDEX ledger_entry_by_time ON ledger_entry (time_ms, id);",
    code: None,
}];

/// Which column to group by.
#[derive(Debug, Clone, Copy)]
pub enum Key {
    /// By what was done.
    Activity,
    /// By what it was done for.
    Subject,
}

impl Key {
    const fn column(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Subject => "subject",
        }
    }
}

/// The sum of the lines of one name, method and currency.
#[derive(Debug, Clone)]
pub struct Sum {
    /// The activity or the subject.
    pub name: String,
    /// How many lines.
    pub entries: u64,
    /// Their sum.
    pub cost: Cost,
}

pub async fn insert(connection: &mut Connection, entry: &LedgerEntry) -> Result<()> {
    let cost = &entry.cost;
    sqlx::query(
        "INSERT INTO ledger_entry (id, time_ms, subject, activity, seconds, cpu_seconds, watt_hours, \
         watt_hours_low, watt_hours_high, method, grams_co2e, money, currency) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
    )
    .bind(entry.id.as_str())
    .bind(entry.time_ms)
    .bind(entry.subject.as_str())
    .bind(entry.activity.as_str())
    .bind(cost.seconds)
    .bind(cost.cpu_seconds)
    .bind(cost.watt_hours)
    .bind(cost.watt_hours_low)
    .bind(cost.watt_hours_high)
    .bind(cost.method.as_str())
    .bind(cost.grams_co2e)
    .bind(cost.money)
    .bind(cost.currency.as_str())
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// The newest lines first.
pub async fn newest(connection: &mut Connection, offset: u64, limit: u64) -> Result<Vec<LedgerEntry>> {
    let rows = sqlx::query("SELECT * FROM ledger_entry ORDER BY time_ms DESC, id DESC LIMIT $1 OFFSET $2")
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .bind(i64::try_from(offset).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
    rows.iter()
        .map(|row| {
            Ok(LedgerEntry {
                id: row.try_get("id")?,
                time_ms: row.try_get("time_ms")?,
                subject: row.try_get("subject")?,
                activity: row.try_get("activity")?,
                cost: read_cost(row)?,
            })
        })
        .collect()
}

/// Sums by `key`, method and currency. By subject only the 100 that used the most energy.
pub async fn sums(connection: &mut Connection, filter: &SummaryFilter, key: Key) -> Result<Vec<Sum>> {
    let column = key.column();
    let (condition, texts) = condition(filter);
    let most = match key {
        Key::Activity => String::new(),
        Key::Subject => format!(
            " AND subject IN (SELECT subject FROM ledger_entry WHERE {condition} \
             GROUP BY subject ORDER BY SUM(watt_hours) DESC, subject LIMIT 100)"
        ),
    };
    let sql = format!(
        "SELECT {column} AS name, method, currency, COUNT(*) AS entries, \
         CAST(SUM(seconds) AS DOUBLE PRECISION) AS seconds, \
         CAST(SUM(cpu_seconds) AS DOUBLE PRECISION) AS cpu_seconds, \
         CAST(SUM(watt_hours) AS DOUBLE PRECISION) AS watt_hours, \
         CAST(SUM(watt_hours_low) AS DOUBLE PRECISION) AS watt_hours_low, \
         CAST(SUM(watt_hours_high) AS DOUBLE PRECISION) AS watt_hours_high, \
         CAST(SUM(grams_co2e) AS DOUBLE PRECISION) AS grams_co2e, \
         CAST(SUM(money) AS DOUBLE PRECISION) AS money \
         FROM ledger_entry WHERE {condition}{most} \
         GROUP BY {column}, method, currency ORDER BY {column}, method, currency"
    );
    let mut query = sqlx::query::<Any>(AssertSqlSafe(sql)).bind(filter.since_ms.unwrap_or(i64::MIN));
    for text in texts {
        query = query.bind(text);
    }
    let rows = query.fetch_all(&mut *connection).await?;
    rows.iter()
        .map(|row| {
            Ok(Sum {
                name: row.try_get("name")?,
                entries: u64::try_from(row.try_get::<i64, _>("entries")?).unwrap_or(0),
                cost: read_cost(row)?,
            })
        })
        .collect()
}

/// A condition with its values: `$1` is the time, then the texts in order. No value is ever part
/// of the SQL text.
fn condition(filter: &SummaryFilter) -> (String, Vec<String>) {
    let mut condition = "time_ms >= $1".to_owned();
    let mut texts = Vec::new();
    for (column, value) in [("subject", &filter.subject), ("activity", &filter.activity)] {
        if let Some(value) = value {
            texts.push(value.clone());
            condition.push_str(&format!(" AND {column} = ${}", texts.len() + 1));
        }
    }
    (condition, texts)
}

fn read_cost(row: &AnyRow) -> Result<Cost> {
    Ok(Cost {
        seconds: row.try_get("seconds")?,
        cpu_seconds: row.try_get("cpu_seconds")?,
        watt_hours: row.try_get("watt_hours")?,
        watt_hours_low: row.try_get("watt_hours_low")?,
        watt_hours_high: row.try_get("watt_hours_high")?,
        method: row.try_get("method")?,
        grams_co2e: row.try_get("grams_co2e")?,
        money: row.try_get("money")?,
        currency: row.try_get("currency")?,
    })
}
