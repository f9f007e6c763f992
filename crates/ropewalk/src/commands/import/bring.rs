//! A store from its experiments to its models.

use std::collections::HashMap;
use std::path::PathBuf;

use ropewalk_core::Result;
use ropewalk_migrate::places::{Locator, Place, place};
use ropewalk_migrate::{LoggedModelRecord, Outcome, Problem, RunRecord, Store, Taken};
use serde_json::json;

use super::files::{self, Owner};
use super::moved::Moved;
use super::report::{Renumbered, Report};
use crate::client::Client;
use crate::output::ProgressLine;

/// Experiments in a request.
const EXPERIMENTS: usize = 5000;
/// Bytes of texts in a request, about.
const TEXTS: usize = 8 << 20;

/// A store on its way to a server.
pub(super) struct Bring<'a> {
    pub(super) client: &'a Client,
    store: Store,
    pub(super) source: String,
    /// Finds files; none if they are left where they are.
    locator: Option<Locator>,
    pub(super) report: Report,
    line: ProgressLine,
    /// The numbers of experiments there, and here.
    pub(super) experiments: HashMap<String, String>,
    pub(super) moved: Moved,
    /// A run whose further parts come, and what became of its first.
    open: Option<(String, Outcome)>,
}

impl<'a> Bring<'a> {
    pub(super) fn new(
        client: &'a Client,
        store: Store,
        source: String,
        locator: Option<Locator>,
        dry_run: bool,
    ) -> Self {
        let report = Report { source: source.clone(), dry_run, ..Report::default() };
        Self {
            client,
            store,
            source,
            locator,
            report,
            line: ProgressLine::new(),
            experiments: HashMap::new(),
            moved: Moved::default(),
            open: None,
        }
    }

    /// Brings all in; what has come of it.
    pub(super) async fn all(mut self) -> Result<Report> {
        self.report.left = self.store.leftovers().await?;
        // What versions are made from is moved on the way: it must be known beforehand of what there are some.
        let (models, problems) = self.store.models().await?;
        self.report.problems.extend(problems);
        self.moved = Moved::of(&models);
        self.experiments().await?;
        self.runs().await?;
        self.logged_models().await?;
        self.registry(models).await?;
        self.line.clear();
        Ok(self.report)
    }

    async fn experiments(&mut self) -> Result<()> {
        let (experiments, problems) = self.store.experiments().await?;
        self.report.problems.extend(problems);
        for part in experiments.chunks(EXPERIMENTS) {
            let body = json!({"experiments": part, "source": self.source, "dry_run": self.report.dry_run});
            let taken: Vec<Taken> = self.client.post("/api/v1/import/experiments", &body).await?;
            for (record, taken) in part.iter().zip(taken) {
                self.report.experiments.count(taken.outcome);
                self.report.note("experiment", &record.name, &taken.notes);
                let Some(is) = taken.becomes else { continue };
                let was = record.experiment_id.clone();
                if is != was {
                    let name = record.name.clone();
                    self.report.renumbered.push(Renumbered { name, was: was.clone(), is: is.clone() });
                }
                self.experiments.insert(was, is);
            }
        }
        Ok(())
    }

    async fn runs(&mut self) -> Result<()> {
        let total = self.store.count_runs().await?;
        let mut reader = self.store.runs();
        let mut done = 0;
        while let Some(portion) = reader.next().await? {
            self.report.problems.extend(portion.problems);
            let mut batch = Vec::new();
            let mut texts = 0;
            for run in portion.runs {
                done += u64::from(!run.later_part);
                texts += texts_of(&run);
                batch.push(run);
                if texts > TEXTS {
                    self.send_runs(std::mem::take(&mut batch)).await?;
                    texts = 0;
                }
                self.line.show(done, total, "runs");
            }
            self.send_runs(batch).await?;
        }
        Ok(())
    }

    async fn send_runs(&mut self, mut runs: Vec<RunRecord>) -> Result<()> {
        runs.retain_mut(|run| {
            let Some(number) = self.experiments.get(&run.experiment_id) else {
                if !run.later_part {
                    self.report.runs.count(Outcome::Refused);
                    let why = format!("its experiment {} was not taken", run.experiment_id);
                    self.report.problems.push(Problem::new("run", run.run_id.as_str(), why));
                }
                return false;
            };
            run.experiment_id.clone_from(number);
            true
        });
        let mut first = Vec::with_capacity(runs.len());
        for mut run in runs {
            if run.later_part {
                self.send_part(run).await?;
                continue;
            }
            let owner = (run.artifact_uri.clone(), run.beside.take());
            run.artifact_uri = elsewhere(&run.artifact_uri);
            first.push((run, owner));
        }
        let records: Vec<&RunRecord> = first.iter().map(|(run, _)| run).collect();
        let taken = self.post_runs(&records).await?;
        for ((run, (told, beside)), taken) in first.iter().zip(taken) {
            self.report.runs.count(taken.outcome);
            self.report.measurements += taken.added as u64;
            self.report.note("run", &run.run_id, &taken.notes);
            if run.goes_on {
                self.open = Some((run.run_id.clone(), taken.outcome));
            }
            self.files("runs", &run.run_id, told, beside.as_ref(), &taken).await?;
        }
        Ok(())
    }

    /// Sends a further part of a run with very many measurements.
    async fn send_part(&mut self, mut run: RunRecord) -> Result<()> {
        let Some((id, outcome)) = self.open.clone().filter(|(id, _)| *id == run.run_id) else {
            return Ok(());
        };
        let is_new = outcome == Outcome::Created;
        if outcome == Outcome::Refused {
            return Ok(());
        }
        if is_new && self.report.dry_run {
            self.report.measurements += run.points() as u64;
            return Ok(());
        }
        // Only of a run that has just been made nothing can be there yet.
        run.fresh = is_new;
        run.artifact_uri = String::new();
        for taken in self.post_runs(&[&run]).await? {
            self.report.measurements += taken.added as u64;
            self.report.note("run", &id, &taken.notes);
            if outcome == Outcome::Unchanged && taken.outcome == Outcome::Completed {
                self.report.runs.recount(Outcome::Unchanged, Outcome::Completed);
                self.open = Some((id.clone(), Outcome::Completed));
            }
        }
        Ok(())
    }

    async fn post_runs(&self, runs: &[&RunRecord]) -> Result<Vec<Taken>> {
        if runs.is_empty() {
            return Ok(Vec::new());
        }
        let body = Runs { runs, source: &self.source, dry_run: self.report.dry_run };
        self.client.post("/api/v1/import/runs", &body).await
    }

    async fn files(
        &mut self,
        kind: &str,
        id: &str,
        told: &str,
        beside: Option<&PathBuf>,
        taken: &Taken,
    ) -> Result<()> {
        let target = taken.artifact_uri.as_deref();
        if taken.outcome == Outcome::Refused {
            return Ok(());
        }
        if let Some(target) = target {
            self.moved.note(id, target);
        }
        let Some(locator) = &self.locator else { return Ok(()) };
        let owner = Owner { kind, id, told, beside: beside.map(PathBuf::as_path) };
        files::send(self.client, locator, owner, target, &mut self.report).await
    }

    async fn logged_models(&mut self) -> Result<()> {
        let mut after = String::new();
        loop {
            let (models, problems) = self.store.logged_models(&after).await?;
            self.report.problems.extend(problems);
            let Some(last) = models.last() else { return Ok(()) };
            after.clone_from(&last.model_id);
            let mut sent = Vec::with_capacity(models.len());
            for mut model in models {
                let Some(number) = self.experiments.get(&model.experiment_id) else {
                    self.report.logged_models.count(Outcome::Refused);
                    let why = format!("its experiment {} was not taken", model.experiment_id);
                    self.report.problems.push(Problem::new("logged model", model.model_id, why));
                    continue;
                };
                model.experiment_id.clone_from(number);
                let owner = (model.artifact_uri.clone(), model.beside.take());
                model.artifact_uri = elsewhere(&model.artifact_uri);
                sent.push((model, owner));
            }
            let records: Vec<&LoggedModelRecord> = sent.iter().map(|(model, _)| model).collect();
            let body =
                json!({"logged_models": records, "source": self.source, "dry_run": self.report.dry_run});
            let taken: Vec<Taken> = self.client.post("/api/v1/import/logged-models", &body).await?;
            for ((model, (told, beside)), taken) in sent.iter().zip(taken) {
                self.report.logged_models.count(taken.outcome);
                self.report.note("logged model", &model.model_id, &taken.notes);
                self.files("logged models", &model.model_id, told, beside.as_ref(), &taken).await?;
            }
        }
    }
}

/// Runs as they are sent.
#[derive(serde::Serialize)]
struct Runs<'a> {
    runs: &'a [&'a RunRecord],
    source: &'a str,
    dry_run: bool,
}

/// A place of files, if they lie with another system; what lies on a disk comes along.
fn elsewhere(uri: &str) -> String {
    if place(uri) == Place::Remote { uri.to_owned() } else { String::new() }
}

/// About how many bytes a run's texts have.
fn texts_of(run: &RunRecord) -> usize {
    let pairs = run.params.iter().chain(&run.tags).map(|(key, value)| key.len() + value.len());
    let datasets = run.datasets.iter().map(|dataset| {
        let told = [&dataset.schema, &dataset.profile].into_iter().flatten().map(String::len);
        dataset.source.len() + told.sum::<usize>()
    });
    pairs.chain(datasets).sum()
}
