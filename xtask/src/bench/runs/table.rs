//! Tables for people.

use std::fmt::Write;

use super::measure::Timing;
use super::rows::Row;
use super::searches::{MEDIAN_BAR, P99_BAR, Varied};

/// Columns as wide as they must be, the first to the left, the others to the right.
fn columns(text: &mut String, lines: &[Vec<String>]) {
    let count = lines.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    for line in lines {
        let mut shown = String::from(" ");
        for (column, (cell, width)) in line.iter().zip(&widths).enumerate() {
            let room = " ".repeat(width - cell.chars().count());
            let _ =
                if column == 0 { write!(shown, " {cell}{room}") } else { write!(shown, "  {room}{cell}") };
        }
        let _ = writeln!(text, "{}", shown.trim_end());
    }
}

/// The comparison; without MLflow's server what ours does.
pub(super) fn comparison(text: &mut String, rows: &[Row], compared: bool) {
    let words = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>();
    let mut lines = vec![if compared {
        words(&["", "ours", "p99", "stock", "p99", "ratio", "bar", ""])
    } else {
        words(&["", "median", "p99"])
    }];
    for row in rows {
        let mut line = vec![row.name.clone()];
        for side in [Some(&row.ours), compared.then_some(&row.stock)].into_iter().flatten() {
            line.push(
                side.as_ref().map_or("–".to_owned(), |side| format!("{} {}", short(side.value), row.unit)),
            );
            let p99 = side.as_ref().and_then(|side| side.p99);
            line.push(p99.map_or(String::new(), |p99| format!("{} ms", short(p99))));
        }
        if compared {
            line.push(row.ratio().map_or("–".to_owned(), |ratio| format!("{} ×", short(ratio))));
            line.push(row.bar.map_or(String::new(), |bar| format!("≥ {bar}")));
            line.push(row.met().map_or("", |met| if met { "met" } else { "NOT MET" }).to_owned());
        }
        lines.push(line);
    }
    columns(text, &lines);
    for row in rows {
        for note in &row.notes {
            let _ = writeln!(text, "  ! {}: {note}", row.name);
        }
    }
}

/// The different searches, kind by kind.
pub(super) fn searches(text: &mut String, varied: &Varied) {
    let _ = writeln!(
        text,
        "\n  {} different searches, 100 runs a page, one after the other; the very first after the start: {} ms\n",
        varied.all.count(),
        short(varied.cold)
    );
    let words = |name: &str, timing: &Timing| {
        let times = [0.5, 0.99, 1.0].map(|share| format!("{} ms", short(timing.quantile(share))));
        [vec![name.to_owned(), timing.count().to_string()], times.to_vec()].concat()
    };
    let mut lines = vec![["", "searches", "median", "p99", "most"].map(str::to_owned).to_vec()];
    lines.extend(varied.kinds.iter().map(|(kind, timing)| words(kind, timing)));
    lines.push(words("all", &varied.all));
    columns(text, &lines);
    let met = if varied.met() { "met" } else { "NOT MET" };
    let _ = writeln!(text, "  bar: median ≤ {MEDIAN_BAR} ms, p99 ≤ {P99_BAR} ms: {met}");
    for wrong in varied.wrong.iter().take(10) {
        let _ = writeln!(text, "  ! {wrong}");
    }
    if varied.wrong.len() > 10 {
        let _ = writeln!(text, "  ! and {} more wrong answers", varied.wrong.len() - 10);
    }
}

/// Three digits that count.
fn short(value: f64) -> String {
    match value {
        value if value >= 99.95 => whole(value.round() as usize),
        value if value >= 9.995 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

/// With a comma between the thousands.
pub(super) fn whole(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        let shown = [0.0123, 3.456, 12.34, 99.97, 1234.5].map(short);
        assert_eq!(shown, ["0.01", "3.46", "12.3", "100", "1,235"]);
        assert_eq!(whole(10_000_000), "10,000,000");
    }
}
