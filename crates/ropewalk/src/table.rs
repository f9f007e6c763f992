//! Tables for people: aligned columns, no lines, a dim head.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, presets};
use ropewalk_core::format_utc;
use serde_json::Value;

/// Rows under a head, or pairs of name and value.
#[derive(Default)]
pub(crate) struct Table {
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with column titles; a title that begins with `>` aligns its column to the right.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { head: head.iter().map(|title| (*title).to_owned()).collect(), rows: Vec::new() }
    }

    /// A table of pairs.
    pub(crate) fn pairs() -> Self {
        Self::default()
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// A pair; an empty value leaves it out.
    pub(crate) fn pair(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        if !value.is_empty() {
            self.rows.push(vec![name.to_owned(), value]);
        }
    }
}

impl std::fmt::Display for Table {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut table = comfy_table::Table::new();
        table.load_preset(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        let pairs = self.head.is_empty();
        if !pairs {
            table.set_header(self.head.iter().map(|title| {
                Cell::new(title.trim_start_matches('>').to_uppercase()).add_attribute(Attribute::Dim)
            }));
        }
        for row in &self.rows {
            table.add_row(row.iter().enumerate().map(|(place, text)| {
                let cell = Cell::new(text);
                if pairs && place == 0 { cell.add_attribute(Attribute::Dim) } else { cell }
            }));
        }
        for (place, title) in self.head.iter().enumerate() {
            if let (true, Some(column)) = (title.starts_with('>'), table.column_mut(place)) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
        formatter.write_str(&lines.join("\n"))
    }
}

/// A size in bytes for people, in powers of 1000.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1000.0 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    let decimals = usize::from(unit > 0 && value < 100.0);
    format!("{value:.decimals$} {}", UNITS[unit])
}

/// How long ago a time was, for people.
pub(crate) fn ago(ms: i64) -> String {
    let seconds = (ropewalk_core::now_ms() - ms).max(0) / 1000;
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} d ago", seconds / 86_400),
    }
}

/// The first twelve characters of a hash or an identifier.
pub(crate) fn short(id: &str) -> String {
    id.chars().take(12).collect()
}

/// A figure with four significant decimals.
pub(crate) fn figure(value: f64) -> String {
    if value.is_nan() {
        "–".to_owned()
    } else if value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e7) {
        format!("{value:.3e}")
    } else {
        let text = format!("{value:.4}");
        if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
    }
}

/// A JSON value as a cell.
pub(crate) fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Number(number) => number.as_f64().map_or_else(|| number.to_string(), figure),
        other => other.to_string(),
    }
}

/// A member of a JSON object as a cell: times as such, everything else as it is.
pub(crate) fn member(name: &str, value: &Value) -> String {
    match value.as_i64() {
        Some(time_ms) if name.ends_with("_ms") || name.ends_with("_time") => format_utc(time_ms),
        _ => scalar(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(84_199), "84.2 kB");
        assert_eq!(figure(0.5), "0.5");
        assert_eq!(figure(0.00001), "1.000e-5");
        assert_eq!(figure(f64::NAN), "–");
    }
}
