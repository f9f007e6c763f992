//! How two commits differ: files, and in tables rows and columns.

use std::collections::{BTreeSet, HashMap};

use ropewalk_core::Result;

use crate::column::{Column, hash_value, truncated};
use crate::frame::Frame;
use crate::model::{Change, ColumnDiff, Diff, FileDiff, TableDiff};
use crate::name::DatasetSpec;
use crate::objects;
use crate::service::Data;
use crate::summary::ColumnSummary;
use crate::table::Format;

impl Data {
    /// What `to` has that `from` has not, and the other way about. For tables that differ, rows and
    /// columns are compared.
    pub async fn diff(&self, name: &str, from: &str, to: &str) -> Result<Diff> {
        let (before, after) = (self.find(name, from).await?, self.find(name, to).await?);
        let (old, new) = (self.tree(before.tree).await?, self.tree(after.tree).await?);
        let (old_spec, new_spec) = (DatasetSpec::new(name, from), DatasetSpec::new(name, to));
        let mut diff = Diff {
            dataset: name.to_owned(),
            from: before.info.id,
            to: after.info.id,
            files: Vec::new(),
            rows_added: 0,
            rows_removed: 0,
        };
        let paths: BTreeSet<&String> = old.files.keys().chain(new.files.keys()).collect();
        for path in paths {
            let change = match (old.files.get(path), new.files.get(path)) {
                (Some(a), Some(b)) if a.object.hash == b.object.hash => continue,
                (Some(_), None) => Change::Removed,
                (None, _) => Change::Added,
                (Some(_), Some(_)) => Change::Modified,
            };
            let table = if Format::of(path).is_some() {
                let a = match old.files.contains_key(path) {
                    true => self.frame_path(&old_spec, &old, path).await?,
                    false => Frame::default(),
                };
                let b = match new.files.contains_key(path) {
                    true => self.frame_path(&new_spec, &new, path).await?,
                    false => Frame::default(),
                };
                Some(objects::blocking(move || Ok(table_diff(&a, &b))).await?)
            } else {
                None
            };
            diff.rows_added += table.as_ref().map_or(0, |table| table.rows_added);
            diff.rows_removed += table.as_ref().map_or(0, |table| table.rows_removed);
            diff.files.push(FileDiff {
                path: path.clone(),
                change,
                bytes_before: old.files.get(path).map_or(0, |file| file.object.bytes),
                bytes_after: new.files.get(path).map_or(0, |file| file.object.bytes),
                table,
            });
        }
        Ok(diff)
    }
}

fn table_diff(before: &Frame, after: &Frame) -> TableDiff {
    let names: Vec<&str> = before.names().iter().filter(|name| after.has(name)).map(String::as_str).collect();
    let (rows_added, rows_removed) = if names.is_empty() {
        (after.rows() as u64, before.rows() as u64)
    } else {
        let mut surplus: HashMap<u128, i64> = HashMap::new();
        for hash in row_hashes(after, &names) {
            *surplus.entry(hash).or_default() += 1;
        }
        for hash in row_hashes(before, &names) {
            *surplus.entry(hash).or_default() -= 1;
        }
        surplus.values().fold((0, 0), |(added, removed), surplus| {
            let magnitude = surplus.unsigned_abs();
            if *surplus > 0 { (added + magnitude, removed) } else { (added, removed + magnitude) }
        })
    };
    TableDiff {
        rows_before: before.rows() as u64,
        rows_after: after.rows() as u64,
        rows_added,
        rows_removed,
        columns: column_diffs(before, after),
    }
}

/// Hashes of the rows over these columns, in this order of columns.
fn row_hashes(frame: &Frame, names: &[&str]) -> Vec<u128> {
    let columns: Vec<&Column> = names.iter().filter_map(|name| frame.column(name).ok()).collect();
    (0..frame.rows())
        .map(|row| {
            let mut hasher = blake3::Hasher::new();
            for column in &columns {
                hash_value(&mut hasher, column, row);
            }
            truncated(&hasher)
        })
        .collect()
}

fn column_diffs(before: &Frame, after: &Frame) -> Vec<ColumnDiff> {
    let added = after.names().iter().filter(|name| !before.has(name));
    let names = before.names().iter().chain(added);
    let mut diffs = Vec::new();
    for name in names {
        let (a, b) = (before.column(name).ok(), after.column(name).ok());
        let change = match (a, b) {
            (Some(a), Some(b)) if a == b => continue,
            (Some(_), Some(_)) => Change::Modified,
            (Some(_), None) => Change::Removed,
            (None, _) => Change::Added,
        };
        let (a, b) = (a.map(|a| ColumnSummary::of(name, a)), b.map(|b| ColumnSummary::of(name, b)));
        diffs.push(ColumnDiff {
            name: name.clone(),
            change,
            kind_before: a.as_ref().map(|a| a.kind),
            kind_after: b.as_ref().map(|b| b.kind),
            mean_before: a.as_ref().and_then(|a| a.mean),
            mean_after: b.as_ref().and_then(|b| b.mean),
            missing_before: a.as_ref().map_or(0, |a| a.missing),
            missing_after: b.as_ref().map_or(0, |b| b.missing),
        });
    }
    diffs
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    fn frame(text: &str) -> Frame {
        Frame::from_csv(text.as_bytes()).unwrap()
    }

    #[test]
    fn rows_are_compared_as_a_multiset() {
        let diff = table_diff(&frame("a,b\n1,x\n1,x\n2,y\n"), &frame("b,a\ny,2\nx,1\nz,3\nz,3\n"));
        assert_eq!((diff.rows_added, diff.rows_removed), (2, 1));
        assert_eq!((diff.rows_before, diff.rows_after), (3, 4));
    }

    #[test]
    fn a_new_column_is_no_new_row() {
        let diff = table_diff(&frame("a,b\n1,2\n3,4\n"), &frame("a,c\n1,x\n3,y\n"));
        assert_eq!((diff.rows_added, diff.rows_removed), (0, 0));
        let changes: Vec<(&str, Change)> =
            diff.columns.iter().map(|column| (column.name.as_str(), column.change)).collect();
        assert_eq!(changes, [("b", Change::Removed), ("c", Change::Added)]);
        assert_eq!(diff.columns[0].mean_before, Some(3.0));
    }

    #[test]
    fn a_table_that_comes_is_all_new_rows() {
        let diff = table_diff(&Frame::default(), &frame("a\n1\n2\n"));
        assert_eq!((diff.rows_added, diff.rows_removed, diff.columns.len()), (2, 0, 1));
    }
}
