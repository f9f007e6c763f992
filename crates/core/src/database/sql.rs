//! SQL put together from parts: text with numbered placeholders, and the arguments that go with them.

use sqlx::any::{AnyArguments, AnyRow};
use sqlx::query::Query;
use sqlx::{Any, AssertSqlSafe};

use super::Connection;
use crate::Result;

/// The few points at which the two databases need different words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// SQLite.
    Sqlite,
    /// PostgreSQL.
    Postgres,
}

/// One argument.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument {
    /// Text.
    Text(String),
    /// Text or nothing.
    MaybeText(Option<String>),
    /// A whole number.
    Integer(i64),
    /// A whole number or nothing.
    MaybeInteger(Option<i64>),
    /// A finite number.
    Real(f64),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl From<&str> for Argument {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Argument {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Option<String>> for Argument {
    fn from(value: Option<String>) -> Self {
        Self::MaybeText(value)
    }
}

impl From<i64> for Argument {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<Option<i64>> for Argument {
    fn from(value: Option<i64>) -> Self {
        Self::MaybeInteger(value)
    }
}

impl From<Vec<u8>> for Argument {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<f64> for Argument {
    fn from(value: f64) -> Self {
        Self::Real(value)
    }
}

/// A statement in the making. Values only ever enter as arguments.
#[derive(Debug, Clone, Default)]
pub struct Sql {
    text: String,
    arguments: Vec<Argument>,
}

impl Sql {
    /// A statement that starts with this text.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), arguments: Vec::new() }
    }

    /// Appends text of the program's own.
    pub fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends a placeholder for `value`.
    pub fn bind(&mut self, value: impl Into<Argument>) -> &mut Self {
        self.arguments.push(value.into());
        self.text.push_str(&format!("${}", self.arguments.len()));
        self
    }

    /// Appends `(…, …)` with a placeholder for each value; a list of none matches nothing.
    pub fn bind_list<T: Into<Argument>>(&mut self, values: impl IntoIterator<Item = T>) -> &mut Self {
        self.push("(");
        let mut first = true;
        for value in values {
            if !first {
                self.push(", ");
            }
            first = false;
            self.bind(value);
        }
        if first {
            self.push("NULL");
        }
        self.push(")")
    }

    /// Appends a whole part, renumbering its placeholders.
    pub fn append(&mut self, part: Sql) -> &mut Self {
        let base = self.arguments.len();
        let mut rest = part.text.as_str();
        while let Some(at) = rest.find('$') {
            let (before, after) = rest.split_at(at);
            self.text.push_str(before);
            let digits = after[1..].bytes().take_while(u8::is_ascii_digit).count();
            let number: usize = after[1..1 + digits].parse().unwrap_or(0);
            self.text.push_str(&format!("${}", base + number));
            rest = &after[1 + digits..];
        }
        self.text.push_str(rest);
        self.arguments.extend(part.arguments);
        self
    }

    /// The text so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    fn query(self) -> Query<'static, Any, AnyArguments> {
        let mut query = sqlx::query(AssertSqlSafe(self.text));
        for argument in self.arguments {
            query = match argument {
                Argument::Text(text) => query.bind(text),
                Argument::MaybeText(text) => query.bind(text),
                Argument::Integer(number) => query.bind(number),
                Argument::MaybeInteger(number) => query.bind(number),
                Argument::Real(number) => query.bind(number),
                Argument::Bytes(bytes) => query.bind(bytes),
            };
        }
        query
    }

    /// Runs a query to its end.
    pub async fn fetch(self, connection: &mut Connection) -> Result<Vec<AnyRow>> {
        Ok(self.query().fetch_all(connection).await?)
    }

    /// Runs a query for at most one row.
    pub async fn fetch_optional(self, connection: &mut Connection) -> Result<Option<AnyRow>> {
        Ok(self.query().fetch_optional(connection).await?)
    }

    /// Runs a statement; the number of rows it touched.
    pub async fn execute(self, connection: &mut Connection) -> Result<u64> {
        Ok(self.query().execute(connection).await?.rows_affected())
    }
}

/// Inserts many rows in few statements. `head` ends before `VALUES`, `tail` holds what follows the rows. The rows go in
/// powers of two, so that the databases see few different statements and can keep them prepared.
pub async fn insert_many(
    connection: &mut Connection,
    head: &str,
    rows: Vec<Vec<Argument>>,
    tail: &str,
) -> Result<()> {
    let mut rows = rows.into_iter().peekable();
    let mut left = rows.len();
    while left > 0 {
        let size = largest_power_of_two(left).min(128);
        let mut statement = Sql::new(head);
        statement.push(" VALUES ");
        for index in 0..size {
            let Some(row) = rows.next() else { break };
            if index > 0 {
                statement.push(", ");
            }
            statement.bind_list(row);
        }
        statement.push(" ").push(tail);
        statement.execute(connection).await?;
        left -= size;
    }
    Ok(())
}

fn largest_power_of_two(number: usize) -> usize {
    1 << number.ilog2()
}

/// A case-sensitive `LIKE` on both databases: SQLite's own folds case, so there it becomes a `GLOB`.
pub fn push_like(sql: &mut Sql, dialect: Dialect, column: &str, pattern: &str) {
    match dialect {
        Dialect::Sqlite => sql.push(column).push(" GLOB ").bind(glob(pattern)),
        Dialect::Postgres => sql.push(column).push(" LIKE ").bind(pattern).push(" ESCAPE ''"),
    };
}

/// A `LIKE` that ignores case on both databases.
pub fn push_ilike(sql: &mut Sql, dialect: Dialect, column: &str, pattern: &str) {
    sql.push("LOWER(").push(column).push(") LIKE LOWER(").bind(pattern).push(")");
    if dialect == Dialect::Postgres {
        sql.push(" ESCAPE ''");
    }
}

/// Text order by code point on both databases.
pub fn text_order(dialect: Dialect, column: &str) -> String {
    match dialect {
        Dialect::Sqlite => column.to_owned(),
        Dialect::Postgres => format!("{column} COLLATE \"C\""),
    }
}

fn glob(pattern: &str) -> String {
    let mut glob = String::with_capacity(pattern.len());
    for character in pattern.chars() {
        match character {
            '%' => glob.push('*'),
            '_' => glob.push('?'),
            '*' | '?' | '[' => {
                glob.push('[');
                glob.push(character);
                glob.push(']');
            }
            other => glob.push(other),
        }
    }
    glob
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_renumbered() {
        let mut part = Sql::new("b = ");
        part.bind("x").push(" AND c IN ").bind_list([1_i64, 2]);
        let mut whole = Sql::new("a = ");
        whole.bind(1_i64).push(" AND ").append(part);
        assert_eq!(whole.text(), "a = $1 AND b = $2 AND c IN ($3, $4)");
        assert_eq!(whole.arguments.len(), 4);
    }

    #[test]
    fn a_like_pattern_becomes_a_glob() {
        assert_eq!(glob("a%b_c*?["), "a*b?c[*][?][[]");
    }

    #[test]
    fn sizes_are_powers_of_two() {
        assert_eq!([1, 2, 3, 100, 128].map(largest_power_of_two), [1, 2, 2, 64, 128]);
    }
}
