//! Parquet in and out, and the way to Arrow.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray, UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Float64Type, Schema};
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{CdcOptions, WriterProperties};
use ropewalk_core::{Error, Result};

use crate::column::{Column, ColumnKind};
use crate::frame::Frame;
use crate::problem::Problem;

/// Whole numbers up to here are exact as 64-bit floats; a column that goes beyond is kept as text.
const LARGEST_EXACT: u64 = 1 << 53;

impl Frame {
    /// Reads a Parquet file. Numbers and truth values (0 and 1) become numbers; text, dates and
    /// times become text; columns of lists and structs are refused.
    pub fn from_parquet(bytes: &[u8]) -> Result<Self> {
        parse(Bytes::copy_from_slice(bytes)).map_err(Problem::into_error)
    }

    /// Writes a Parquet file with zstd. Pages end where the content says so, which lets the chunker
    /// find what two versions of a table have in common.
    pub fn to_parquet(&self) -> Result<Vec<u8>> {
        let failed = |source: parquet::errors::ParquetError| {
            Error::internal("the table cannot be written as Parquet").source(source)
        };
        let batch = self.to_record_batch()?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).map_err(failed)?))
            .set_content_defined_chunking(Some(CdcOptions::default()))
            .build();
        let mut out = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut out, batch.schema(), Some(properties)).map_err(failed)?;
        writer.write(&batch).map_err(failed)?;
        writer.close().map_err(failed)?;
        Ok(out)
    }

    /// The table as one Arrow batch: `Float64` and `Utf8` columns, missing values as nulls.
    pub fn to_record_batch(&self) -> Result<RecordBatch> {
        let fields: Vec<Field> = self
            .iter()
            .map(|(name, column)| {
                let kind = match column.kind() {
                    ColumnKind::Number => DataType::Float64,
                    ColumnKind::Text => DataType::Utf8,
                };
                Field::new(name, kind, true)
            })
            .collect();
        let arrays = self
            .columns()
            .iter()
            .map(|column| -> ArrayRef {
                match column {
                    Column::Number(values) => Arc::new(Float64Array::from_iter(
                        values.iter().map(|value| Some(*value).filter(|value| !value.is_nan())),
                    )),
                    Column::Text(values) => Arc::new(StringArray::from_iter(values)),
                }
            })
            .collect();
        let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(self.rows()));
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|source| Error::internal("the table cannot be handed to Arrow").source(source))
    }
}

pub(crate) fn parse(bytes: Bytes) -> Result<Frame, Problem> {
    if bytes.is_empty() {
        return Err(Problem::new("the file is empty"));
    }
    let foreign = |what: String| {
        Problem::new(what).hint("check that the file is whole: a Parquet file begins and ends with PAR1")
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(bytes)
        .map_err(|error| foreign(format!("it is not Parquet: {error}")))?;
    let schema = builder.schema().clone();
    let reader = builder.build().map_err(|error| foreign(error.to_string()))?;
    let batches = reader
        .collect::<Result<Vec<RecordBatch>, _>>()
        .map_err(|error| foreign(format!("it is damaged: {error}")))?;
    let columns = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(at, field)| {
            let arrays: Vec<&ArrayRef> = batches.iter().map(|batch| batch.column(at)).collect();
            Ok((field.name().clone(), column(field.name(), field.data_type(), &arrays)?))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    Frame::new(columns).map_err(|error| Problem::new(error.to_string()))
}

fn column(name: &str, kind: &DataType, arrays: &[&ArrayRef]) -> Result<Column, Problem> {
    let kind = match kind {
        DataType::Dictionary(_, value) => value.as_ref(),
        kind => kind,
    };
    let numeric = kind.is_numeric() || matches!(kind, DataType::Boolean | DataType::Null);
    if numeric && exact(kind, arrays) { numbers(name, arrays) } else { texts(name, kind, arrays) }
}

/// Whether every whole number survives as a 64-bit float.
fn exact(kind: &DataType, arrays: &[&ArrayRef]) -> bool {
    let within = |magnitude: u64| magnitude <= LARGEST_EXACT;
    arrays.iter().all(|array| match kind {
        DataType::Int64 => array
            .as_any()
            .downcast_ref::<Int64Array>()
            .is_none_or(|values| values.iter().flatten().all(|value| within(value.unsigned_abs()))),
        DataType::UInt64 => array
            .as_any()
            .downcast_ref::<UInt64Array>()
            .is_none_or(|values| values.iter().flatten().all(within)),
        _ => true,
    })
}

fn numbers(name: &str, arrays: &[&ArrayRef]) -> Result<Column, Problem> {
    let mut values = Vec::with_capacity(arrays.iter().map(|array| array.len()).sum());
    for array in arrays {
        let array = cast(array, &DataType::Float64).map_err(|error| unreadable(name, &error.to_string()))?;
        values.extend(array.as_primitive::<Float64Type>().iter().map(|value| value.unwrap_or(f64::NAN)));
    }
    Ok(Column::Number(values))
}

fn texts(name: &str, kind: &DataType, arrays: &[&ArrayRef]) -> Result<Column, Problem> {
    if kind.is_nested() || kind.is_binary() {
        return Err(unreadable(name, &format!("{kind} values are not a table's"))
            .hint("leave the column out, or flatten it into columns of numbers and text"));
    }
    let mut values = Vec::with_capacity(arrays.iter().map(|array| array.len()).sum());
    for array in arrays {
        let array = cast(array, &DataType::Utf8).map_err(|error| unreadable(name, &error.to_string()))?;
        values.extend(array.as_string::<i32>().iter().map(|value| value.map(str::to_owned)));
    }
    Ok(Column::Text(values))
}

fn unreadable(name: &str, why: &str) -> Problem {
    Problem::new(format!("column {name:?} cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use arrow::array::{BooleanArray, Date32Array, ListArray};
    use arrow::datatypes::Int32Type;

    fn written(columns: Vec<(&str, ArrayRef)>) -> Vec<u8> {
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let mut out = Vec::new();
        let mut writer = ArrowWriter::try_new(&mut out, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
        out
    }

    #[test]
    fn what_is_written_reads_back() {
        let frame = Frame::new(vec![
            ("pH".into(), Column::Number(vec![3.5, f64::NAN, -0.0])),
            ("colour".into(), Column::Text(vec![Some("rot".into()), None, Some(String::new())])),
        ])
        .unwrap();
        assert_eq!(Frame::from_parquet(&frame.to_parquet().unwrap()).unwrap(), frame);
    }

    #[test]
    fn kinds_are_mapped() {
        let bytes = written(vec![
            ("flag", Arc::new(BooleanArray::from(vec![Some(true), Some(false), None]))),
            ("small", Arc::new(Int64Array::from(vec![1, -2, 3]))),
            ("large", Arc::new(Int64Array::from(vec![(1 << 53) + 1, 2, 3]))),
            ("day", Arc::new(Date32Array::from(vec![0, 1, 2]))),
        ]);
        let frame = Frame::from_parquet(&bytes).unwrap();
        assert_eq!(frame.number("flag").unwrap()[..2], [1.0, 0.0]);
        assert_eq!(frame.number("small").unwrap(), [1.0, -2.0, 3.0]);
        assert_eq!(frame.text("large").unwrap()[0].as_deref(), Some("9007199254740993"));
        assert_eq!(frame.text("day").unwrap()[1].as_deref(), Some("1970-01-02"));
    }

    #[test]
    fn damaged_and_foreign_files_are_refused() {
        assert!(Frame::from_parquet(b"").is_err());
        assert!(Frame::from_parquet(b"a,b\n1,2\n").is_err());
        let good = Frame::new(vec![("a".into(), Column::Number(vec![1.0; 100]))]).unwrap();
        let bytes = good.to_parquet().unwrap();
        assert!(Frame::from_parquet(&bytes[..bytes.len() / 2]).is_err());
        let list = ListArray::from_iter_primitive::<Int32Type, _, _>(vec![Some(vec![Some(1)])]);
        let error = Frame::from_parquet(&written(vec![("nested", Arc::new(list))])).unwrap_err();
        assert!(error.to_string().contains("nested"));
    }
}
