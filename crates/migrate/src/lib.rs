//! Reading stores of other programs: MLflow's databases and file stores, of any release from 2.0 on, as plain records.
//!
//! **Invariant:** a store is never written to. **Invariant:** what cannot be read is told, and all else is read.

mod batch;
mod database;
mod files;
mod number;
mod outcome;
pub mod places;
pub mod record;
mod source;
mod store;
mod yaml;

pub use outcome::{KeptFile, Outcome, Taken};
pub use record::{
    DatasetRecord, ExperimentRecord, Leftover, LinkRecord, LoggedModelRecord, ModelMetricRecord, ModelRecord,
    Problem, RunRecord, Series, VersionRecord,
};
pub use source::Source;
pub use store::{Options, Portion, Runs, Store};
