//! The operations: validate, prepare, list, load.

use bytes::Bytes;
use ropewalk_core::{Actor, Code, Core, Error, NewEntry, Reference, Result, now_ms};
use ropewalk_data::{Data, DatasetSpec, Frame};
use ropewalk_ledger::{Ledger, Meter};
use serde_json::json;

use crate::build::{Built, build, part};
use crate::expectation::{Expectation, ValidationReport};
use crate::model::{Prepared, PreparedData, PreparedRows, RowCounts};
use crate::pipeline::canonical_hash;
use crate::spec::PrepSpec;
use crate::{store, validate};

/// The version of the code that prepares: raised whenever the same spec on the same commit would
/// give other parts or another pipeline, so that what an older program prepared is not taken for
/// the new outcome.
const CODE_VERSION: u32 = 1;
/// The parts, as blobs and routes name them.
const PARTS: [&str; 3] = ["train", "validation", "test"];
/// The most items of one answer.
const MOST_ITEMS: u32 = 1000;
/// The most rows of one answer.
const MOST_ROWS: usize = 100_000;

/// Prepares datasets for training.
#[derive(Clone)]
pub struct Prep {
    core: Core,
    data: Data,
    ledger: Ledger,
}

/// A source resolved to a commit, so that it cannot move meanwhile.
struct Pinned {
    spec: DatasetSpec,
    commit: String,
}

impl Pinned {
    fn reference(&self) -> Reference {
        Reference::new("dataset", format!("{}@{}", self.spec.name, self.commit))
    }
}

impl Prep {
    /// The service of a home.
    #[must_use]
    pub fn new(core: Core, data: Data, ledger: Ledger) -> Self {
        Self { core, data, ledger }
    }

    /// Check a table (`wine@v1/red.csv`) against expectations. A failed check is a report that
    /// has not passed, not an error.
    pub async fn validate(&self, source: &str, expectations: &[Expectation]) -> Result<ValidationReport> {
        let pinned = self.pin(source).await?;
        let frame = self.data.frame(&pinned.spec).await?;
        let (source, expectations) = (pinned.spec.to_string(), expectations.to_vec());
        off_the_reactor(move || validate::validate(&source, &frame, &expectations)).await
    }

    /// The same, with a line in the journal.
    pub async fn validate_as(
        &self,
        source: &str,
        expectations: &[Expectation],
        actor: &Actor,
    ) -> Result<ValidationReport> {
        let pinned = self.pin(source).await?;
        let report = self.validate(&pinned.spec.to_string(), expectations).await?;
        let failed: Vec<&str> =
            report.checks.iter().filter(|check| !check.passed).map(|check| check.message.as_str()).collect();
        self.core
            .journal
            .append(NewEntry {
                actor: actor.clone(),
                verb: "validate",
                subject: pinned.reference(),
                inputs: Vec::new(),
                outputs: Vec::new(),
                facts: json!({
                    "source": report.source,
                    "passed": report.passed,
                    "checks": report.checks.len(),
                    "failed": failed,
                    "rows": report.rows,
                    "duplicates": report.duplicates,
                    "missing": report.missing,
                }),
            })
            .await?;
        Ok(report)
    }

    /// Expectations that a table itself suggests, for a person to edit.
    pub async fn suggest(&self, source: &str) -> Result<Vec<Expectation>> {
        let pinned = self.pin(source).await?;
        let frame = self.data.frame(&pinned.spec).await?;
        off_the_reactor(move || Ok(validate::suggest(&frame))).await
    }

    /// Prepare a dataset. The same spec on the same commit is prepared once: the second call finds
    /// it, does nothing, and says so by `cached`.
    pub async fn prepare(&self, spec: &PrepSpec, actor: &Actor) -> Result<Prepared> {
        spec.check()?;
        let pinned = self.pin(&spec.source).await?;
        let id = key(spec, &pinned.spec)?;
        if let Some(mut prepared) = self.find(&id).await?
            && self.has_blobs(&id).await?
        {
            prepared.cached = true;
            return Ok(prepared);
        }
        let meter = Meter::start();
        let frame = self.data.frame(&pinned.spec).await?;
        let (wanted, source) = (spec.clone(), pinned.spec.to_string());
        let (built, parts) = off_the_reactor(move || {
            meets(&frame, &source, &wanted.expectations)?;
            let built = build(&frame, &wanted)?;
            let parts = [&built.train, &built.validation, &built.test].map(Frame::to_parquet);
            Ok((built, parts))
        })
        .await?;
        // The parts stand before the row that tells of them: a crash in between leaves files that
        // the next attempt writes again, never a row without its parts.
        for (name, bytes) in PARTS.into_iter().zip(parts) {
            self.core.blobs.put(&blob(&id, name), Bytes::from(bytes?)).await?;
        }
        self.record(id, spec, &pinned, built, meter, actor).await
    }

    async fn record(
        &self,
        id: String,
        spec: &PrepSpec,
        pinned: &Pinned,
        built: Built,
        meter: Meter,
        actor: &Actor,
    ) -> Result<Prepared> {
        let Built { pipeline, rows, positive_share, .. } = built;
        let cost = self.ledger.measure(meter);
        let reference = pinned.reference();
        let prepared = Prepared {
            id: id.clone(),
            cached: false,
            dataset: pinned.spec.name.clone(),
            commit: pinned.commit.clone(),
            reference: reference.as_str().to_owned(),
            spec: spec.clone(),
            pipeline_hash: pipeline.hash(),
            pipeline,
            rows,
            positive_share,
            seconds: cost.seconds,
            created_ms: now_ms(),
        };
        let entry = entry(&prepared, reference, actor);
        let (journal, ledger, stored) = (self.core.journal.clone(), self.ledger.clone(), prepared.clone());
        let inserted = self
            .core
            .database
            .write(move |transaction| {
                Box::pin(async move {
                    if !store::insert(transaction, &stored).await? {
                        return Ok(false);
                    }
                    ledger.record_in(transaction, &stored.journal_reference(), "prepare", &cost).await?;
                    journal.append_in(transaction, entry).await?;
                    Ok(true)
                })
            })
            .await?;
        // Someone prepared the same meanwhile, or the parts had been lost: what was recorded
        // first stays the record.
        if inserted { Ok(prepared) } else { self.get(&id).await }
    }

    /// One preparation, by its identifier or the beginning of it (at least 4 digits).
    pub async fn get(&self, id: &str) -> Result<Prepared> {
        let sound =
            (4..=64).contains(&id.len()) && id.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !sound {
            return Err(Error::invalid(format!("“{id}” does not identify a preparation"))
                .why("an identifier is 64 hexadecimal digits, of which the first 4 or more can do")
                .hint("ropewalk prep list"));
        }
        let mut connection = self.core.database.read().await?;
        let mut found = store::beginning_with(&mut connection, id, 2).await?;
        if found.len() > 1 {
            return Err(Error::invalid(format!("more than one preparation begins with {id}"))
                .hint("give more digits; ropewalk prep list shows them"));
        }
        found.pop().ok_or_else(|| {
            Error::not_found(format!("no preparation begins with {id}")).hint("ropewalk prep list")
        })
    }

    /// The preparations, newest first: at most `limit` (1 to 1000), after the first `offset`.
    pub async fn list(&self, offset: u64, limit: u32) -> Result<Vec<Prepared>> {
        let limit = u64::from(limit.clamp(1, MOST_ITEMS));
        let mut connection = self.core.database.read().await?;
        store::newest(&mut connection, offset, limit).await
    }

    /// A preparation with its rows, features and labels.
    pub async fn load(&self, id: &str) -> Result<PreparedData> {
        let prepared = self.get(id).await?;
        let train = self.part_bytes(&prepared.id, "train").await?;
        let validation = self.part_bytes(&prepared.id, "validation").await?;
        let test = self.part_bytes(&prepared.id, "test").await?;
        off_the_reactor(move || {
            let read =
                |bytes: &Bytes| part(&prepared.pipeline, &prepared.spec.target, Frame::from_parquet(bytes)?);
            let (train, validation, test) = (read(&train)?, read(&validation)?, read(&test)?);
            Ok(PreparedData { prepared, train, validation, test })
        })
        .await
    }

    /// Raw rows of one part (`train`, `validation` or `test`), inputs and target.
    pub async fn rows(&self, id: &str, name: &str, offset: usize, limit: usize) -> Result<PreparedRows> {
        if !PARTS.contains(&name) {
            return Err(Error::invalid(format!("there is no part “{name}”"))
                .why(format!("the parts are {}", PARTS.join(", "))));
        }
        let prepared = self.get(id).await?;
        let bytes = self.part_bytes(&prepared.id, name).await?;
        let name = name.to_owned();
        off_the_reactor(move || {
            let part = part(&prepared.pipeline, &prepared.spec.target, Frame::from_parquet(&bytes)?)?;
            let chosen = (offset..part.frame.rows()).take(limit.min(MOST_ROWS));
            Ok(PreparedRows {
                part: name,
                total: part.frame.rows() as u64,
                offset: offset as u64,
                columns: part.frame.names().to_vec(),
                labels: chosen.clone().filter_map(|row| part.labels.get(row).copied()).collect(),
                rows: chosen.map(|row| part.frame.row(row)).collect(),
            })
        })
        .await
    }

    async fn pin(&self, source: &str) -> Result<Pinned> {
        let mut spec: DatasetSpec = source.parse()?;
        let commit = self.data.resolve(&spec.name, &spec.reference).await?;
        spec.reference.clone_from(&commit);
        Ok(Pinned { spec, commit })
    }

    async fn find(&self, id: &str) -> Result<Option<Prepared>> {
        let mut connection = self.core.database.read().await?;
        Ok(store::beginning_with(&mut connection, id, 1).await?.pop())
    }

    async fn has_blobs(&self, id: &str) -> Result<bool> {
        for name in PARTS {
            if self.core.blobs.head(&blob(id, name)).await?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn part_bytes(&self, id: &str, name: &str) -> Result<Bytes> {
        self.core.blobs.get(&blob(id, name)).await.map_err(|error| match error.code() {
            Code::NotFound => error
                .context(format!("the {name} part of the preparation {id} is gone from the blob store"))
                .hint("prepare it again with the same spec: ropewalk prep run"),
            _ => error,
        })
    }
}

fn blob(id: &str, part: &str) -> String {
    format!("prepared/{id}/{part}.parquet")
}

/// The hash of all that decides the outcome: the commit (however it was named), the spec, the code.
fn key(spec: &PrepSpec, pinned: &DatasetSpec) -> Result<String> {
    let spec = PrepSpec { source: pinned.to_string(), ..spec.clone() };
    canonical_hash(&json!({ "code": CODE_VERSION, "spec": spec }))
}

/// Refuse a table that fails an expectation.
fn meets(frame: &Frame, source: &str, expectations: &[Expectation]) -> Result<()> {
    let checks = validate::expected(frame, expectations)?;
    let failed: Vec<&str> =
        checks.iter().filter(|check| !check.passed).map(|check| check.message.as_str()).collect();
    if failed.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Code::GateFailed,
        format!("{source} does not meet {} of {} expectations", failed.len(), checks.len()),
    )
    .why(failed.join("; "))
    .hint(format!("ropewalk prep validate {source}")))
}

fn entry(prepared: &Prepared, dataset: Reference, actor: &Actor) -> NewEntry {
    let RowCounts { source, duplicates_dropped, unlabelled_dropped, train, validation, test } = prepared.rows;
    NewEntry {
        actor: actor.clone(),
        verb: "prepare",
        subject: prepared.journal_reference(),
        inputs: vec![dataset],
        outputs: vec![prepared.journal_reference(), Reference::new("pipeline", &prepared.pipeline_hash)],
        facts: json!({
            "source": prepared.spec.source,
            "target": prepared.spec.target.to_string(),
            "rows": source,
            "duplicates_dropped": duplicates_dropped,
            "unlabelled_dropped": unlabelled_dropped,
            "train": train,
            "validation": validation,
            "test": test,
            "positive_share": prepared.positive_share,
            "inputs": prepared.pipeline.inputs.len(),
            "outputs": prepared.pipeline.outputs.len(),
            "seconds": prepared.seconds,
        }),
    }
}

/// Long computing belongs on a thread of its own: the reactor goes on answering requests.
async fn off_the_reactor<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(|source| {
        Error::internal("preparing stopped half-way").why(source.to_string()).source(source)
    })?
}
