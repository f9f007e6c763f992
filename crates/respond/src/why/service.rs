//! Which two sides a subject has, and what the record says of each.

use ropewalk_core::{Error, Page, Reference, Result};
use ropewalk_watch::{Report, Status};

use super::columns::{self, Columns};
use super::compare::{self, Comparison};
use super::facts::Facts;
use super::model::{Aspect, Difference, Slice, Why};
use super::verdict::verdict;
use crate::Respond;
use crate::model::{Incident, IncidentKind};

impl Respond {
    /// What changed between a good slice of the record and a bad one, for an incident, an endpoint, a revision, a
    /// model version or a run.
    ///
    /// # Errors
    /// `Invalid` for a subject of another kind, `NotFound` for one that is not there or has nothing to be compared
    /// with.
    pub async fn why(&self, subject: &str) -> Result<Why> {
        let subject = match subject.parse::<u32>() {
            Ok(number) => format!("incident:{number}"),
            Err(_) => subject.to_owned(),
        };
        let reference = Reference::parse(&subject)?;
        match reference.kind() {
            "incident" => {
                let incident = self.incident(reference.id()).await?;
                self.why_incident(&incident).await
            }
            "endpoint" => self.why_endpoint(reference.id()).await,
            "revision" => self.why_revision(reference.id()).await,
            "model" => self.why_model(reference.id()).await,
            "run" => {
                let run = self.core.journal.expand(&reference).await.unwrap_or(reference);
                self.why_run(run.id()).await
            }
            "alert" | "report" => {
                let report = self.watch.report(&self.report_of(&reference).await?).await?;
                self.why_report(reference.as_str(), &report).await
            }
            kind => Err(Error::invalid(format!("there is no `why` for a {kind}"))
                .why("it compares what served or was trained: incident, endpoint, revision, model, run, report, alert")
                .hint("ropewalk why endpoint:wine   # or incident:1, model:wine-quality/2, run:ID")),
        }
    }

    /// The two sides of an incident: for a bad release the revision before and the one that harmed, else what the
    /// model was trained on and what came in.
    pub(crate) async fn why_incident(&self, incident: &Incident) -> Result<Why> {
        let subject = format!("incident:{}", incident.number);
        if incident.kind == IncidentKind::BadRelease
            && let Some(id) = incident.rollouts.first()
        {
            let rollout = self.rollout(id).await?;
            let good = (rollout.stable_model.as_str(), rollout.stable_version);
            let bad = (rollout.model.as_str(), rollout.version);
            return self.versions(&subject, good, bad).await;
        }
        // The newest report that alarmed tells most; a later, healthy one would tell nothing.
        let mut newest: Option<Report> = None;
        for id in incident.alerts.iter().filter_map(|alert| alert.report.as_deref()) {
            // Old reports are removed.
            let Ok(report) = self.watch.report(id).await else { continue };
            if newest.as_ref().is_none_or(|known| known.created_ms < report.created_ms) {
                newest = Some(report);
            }
        }
        match newest {
            Some(report) => self.why_report(&subject, &report).await,
            None => self.why_endpoint(&incident.endpoint).await,
        }
    }

    async fn why_endpoint(&self, endpoint: &str) -> Result<Why> {
        let Some(report) = self.watch.latest_report(endpoint).await? else {
            self.serve.get(endpoint).await?;
            return Err(Error::not_found(format!("endpoint '{endpoint}' has no report to compare"))
                .why("nothing has been evaluated yet")
                .hint(format!("ropewalk watch evaluate {endpoint}")));
        };
        self.why_report(&format!("endpoint:{endpoint}"), &report).await
    }

    /// Good: the model as trained, or as it served when the endpoint was last well. Bad: the report's window.
    async fn why_report(&self, subject: &str, report: &Report) -> Result<Why> {
        let before = self.last_well(report).await?;
        let columns = columns::of_report(report);
        let mut found = match before {
            Some((model, version))
                if (model.as_str(), version) != (report.model.as_str(), report.version) =>
            {
                let mut found =
                    self.compare_versions((&model, version), (&report.model, report.version)).await?;
                found.differences.insert(0, release(&model, version, &report.model, report.version));
                found
            }
            _ => self.unchanged_release(report).await?,
        };
        // The dataset behind the model is a matter of releases; what came in is told by the columns.
        if found.unchanged.contains(&Aspect::Data) && !columns.differences.is_empty() {
            found.unchanged.retain(|aspect| *aspect != Aspect::Data);
        }
        if let (Some(before), Some(after)) = (report.reference_auc, report.realised_auc) {
            found.differences.retain(|difference| difference.aspect != Aspect::Quality);
            found.differences.push(quality(before, after));
        }
        let model = format!("{}/{}", report.model, report.version);
        let good = Slice {
            label: format!("{model} as trained"),
            references: self.version_references(&report.model, report.version).await,
            time_ms: None,
        };
        let bad = Slice {
            label: format!(
                "the {} requests of endpoint {} that report {} looked at",
                report.rows,
                report.endpoint,
                short(&report.id)
            ),
            references: vec![
                format!("report:{}", report.id),
                format!("revision:{}/{}", report.endpoint, report.revision),
            ],
            time_ms: report.to_ms,
        };
        Ok(conclude(subject, good, bad, columns, found))
    }

    async fn why_revision(&self, id: &str) -> Result<Why> {
        let (endpoint, number) = numbered(id, "revision")?;
        let found = self.serve.get(endpoint).await?;
        let of = |wanted: i64| found.revisions.iter().find(|revision| revision.revision == wanted);
        let bad = of(number).ok_or_else(|| {
            Error::not_found(format!("endpoint '{endpoint}' has no revision {number}"))
                .hint(format!("ropewalk endpoint show {endpoint}"))
        })?;
        let good = found
            .revisions
            .iter()
            .filter(|revision| revision.revision < number)
            .max_by_key(|revision| revision.revision)
            .ok_or_else(|| {
                Error::not_found(format!("revision {id} has nothing before it"))
                    .why("it is the endpoint's first")
                    .hint(format!("ropewalk why endpoint:{endpoint}"))
            })?;
        self.versions(&format!("revision:{id}"), (&good.model, good.version), (&bad.model, bad.version)).await
    }

    async fn why_model(&self, id: &str) -> Result<Why> {
        let version = self.models.resolve(id).await?;
        if version.version < 2 {
            return Err(Error::not_found(format!("{} has nothing before it", version.id()))
                .why("it is the model's first version")
                .hint(format!("ropewalk model show {}", version.name)));
        }
        self.versions(
            &format!("model:{}", version.id()),
            (&version.name, version.version - 1),
            (&version.name, version.version),
        )
        .await
    }

    /// A run against the newest finished run before it in the same experiment.
    async fn why_run(&self, id: &str) -> Result<Why> {
        let run = self.runs.get_run(id).await?;
        let search = ropewalk_runs::RunSearch {
            experiment_ids: vec![run.info.experiment_id.clone()],
            filter: "attributes.status = 'FINISHED'".to_owned(),
            order_by: vec!["attributes.start_time DESC".to_owned()],
            max_results: 1000,
            ..ropewalk_runs::RunSearch::default()
        };
        let earlier = self.runs.search_runs(&search).await?;
        let before = earlier.items.into_iter().find(|other| {
            other.info.run_id != run.info.run_id && other.info.start_time <= run.info.start_time
        });
        let before = before.ok_or_else(|| {
            Error::not_found(format!("run {id} has nothing before it"))
                .why("no earlier run of its experiment has finished")
                .hint("ropewalk run list")
        })?;
        let found = compare::compare(&facts_of(&before), &facts_of(&run));
        let slice = |run: &ropewalk_runs::Run| Slice {
            label: format!("run {} ({})", run.info.run_name, short(&run.info.run_id)),
            references: vec![format!("run:{}", run.info.run_id)],
            time_ms: run.info.end_time,
        };
        Ok(conclude(&format!("run:{id}"), slice(&before), slice(&run), Columns::default(), found))
    }

    /// Two model versions: their runs' records and their training samples.
    async fn versions(&self, subject: &str, good: (&str, i64), bad: (&str, i64)) -> Result<Why> {
        let mut found = self.compare_versions(good, bad).await?;
        let columns = match (self.models.bundle(good.0, good.1).await, self.models.bundle(bad.0, bad.1).await)
        {
            (Ok(before), Ok(after)) => {
                columns::of_profiles(&before.manifest.reference, &after.manifest.reference)
            }
            _ => {
                found.unknown.push(Aspect::Column);
                Columns::default()
            }
        };
        let slices = [good, bad].map(|(model, version)| (format!("{model}/{version}"), model, version));
        let [good, bad] = slices;
        let good =
            Slice { references: self.version_references(good.1, good.2).await, label: good.0, time_ms: None };
        let bad =
            Slice { references: self.version_references(bad.1, bad.2).await, label: bad.0, time_ms: None };
        Ok(conclude(subject, good, bad, columns, found))
    }

    async fn compare_versions(&self, good: (&str, i64), bad: (&str, i64)) -> Result<Comparison> {
        let before = self.facts(good.0, good.1).await?;
        let after = self.facts(bad.0, bad.1).await?;
        Ok(compare::compare(&before, &after))
    }

    /// Nothing was released since the endpoint was well, so only what is in memory could differ from what was
    /// registered: the read-back says.
    async fn unchanged_release(&self, report: &Report) -> Result<Comparison> {
        let registered = self.models.get(&report.model, report.version).await?;
        let served = self.serve.read_back(&report.endpoint).await.ok();
        let loaded = served
            .iter()
            .flat_map(|state| &state.revisions)
            .find(|revision| revision.revision == report.revision);
        let made = [Aspect::Model, Aspect::Data, Aspect::Pipeline, Aspect::Params, Aspect::Code];
        match (loaded, registered.bundle_hash) {
            (Some(loaded), Some(hash)) if loaded.bundle_hash == hash => {
                Ok(Comparison { unchanged: made.to_vec(), ..Comparison::default() })
            }
            (Some(loaded), Some(hash)) => {
                let difference = Difference {
                    aspect: Aspect::Model,
                    name: "bundle".to_owned(),
                    before: hash.clone(),
                    after: loaded.bundle_hash.clone(),
                    effect_size: None,
                    text: format!(
                        "what is loaded ({}) is not what was registered ({})",
                        short(&loaded.bundle_hash),
                        short(&hash)
                    ),
                };
                Ok(Comparison { differences: vec![difference], ..Comparison::default() })
            }
            _ => Ok(Comparison { unknown: made.to_vec(), ..Comparison::default() }),
        }
    }

    /// What served when a report last found the endpoint well, before this one.
    async fn last_well(&self, report: &Report) -> Result<Option<(String, i64)>> {
        let reports = self.watch.reports(&report.endpoint, Page::first(200)).await?;
        let well = reports
            .items
            .into_iter()
            .find(|other| other.created_ms < report.created_ms && other.status == Status::Ok);
        Ok(well.map(|other| (other.model, other.version)))
    }

    async fn facts(&self, model: &str, version: i64) -> Result<Facts> {
        let version = self.models.get(model, version).await?;
        match &version.run_id {
            Some(id) => Ok(facts_of(&self.runs.get_run(id).await?)),
            None => Ok(Facts::default()),
        }
    }

    /// The version, its run and its dataset, as far as the record holds them.
    async fn version_references(&self, model: &str, version: i64) -> Vec<String> {
        let mut references = vec![format!("model:{model}/{version}")];
        let Ok(found) = self.models.get(model, version).await else { return references };
        let Some(run_id) = found.run_id else { return references };
        references.push(format!("run:{run_id}"));
        if let Ok(run) = self.runs.get_run(&run_id).await
            && let Some(dataset) = facts_of(&run).dataset
        {
            references.push(if dataset.starts_with("dataset:") {
                dataset
            } else {
                format!("dataset:{dataset}")
            });
        }
        references
    }

    async fn report_of(&self, reference: &Reference) -> Result<String> {
        if reference.kind() == "report" {
            return Ok(reference.id().to_owned());
        }
        let alerts = self.watch.alerts(None, None, Page::first(1000)).await?;
        alerts
            .items
            .into_iter()
            .find(|alert| alert.id == reference.id())
            .map(|alert| alert.report_id)
            .ok_or_else(|| Error::not_found(format!("no {reference}")).hint("ropewalk watch alerts"))
    }
}

fn facts_of(run: &ropewalk_runs::Run) -> Facts {
    Facts::of_run(
        run.data.params.iter().map(|param| (param.key.clone(), param.value.clone())),
        run.data.tags.iter().map(|tag| (tag.key.clone(), tag.value.clone())),
        run.data.metrics.iter().map(|metric| (metric.key.clone(), metric.value)),
    )
}

fn conclude(subject: &str, good: Slice, bad: Slice, columns: Columns, found: Comparison) -> Why {
    let columns_differ = columns.differences.len();
    let mut differences = columns.differences;
    differences.extend(found.differences);
    let verdict = verdict(&differences, &found.unchanged, columns.compared);
    Why {
        subject: subject.to_owned(),
        good,
        bad,
        differences,
        unchanged: found.unchanged,
        unknown: found.unknown,
        columns_compared: columns.compared,
        columns_differ,
        verdict,
    }
}

fn release(model_before: &str, before: i64, model: &str, after: i64) -> Difference {
    let (before, after) = (format!("{model_before}/{before}"), format!("{model}/{after}"));
    Difference {
        aspect: Aspect::Model,
        name: "release".to_owned(),
        text: format!("another version serves: {before} → {after}"),
        before,
        after,
        effect_size: None,
    }
}

fn quality(before: f64, after: f64) -> Difference {
    Difference {
        aspect: Aspect::Quality,
        name: "AUC".to_owned(),
        before: format!("{before:.3}"),
        after: format!("{after:.3}"),
        effect_size: None,
        text: format!("AUC {before:.3} when registered → {after:.3} realised"),
    }
}

fn numbered<'a>(id: &'a str, kind: &str) -> Result<(&'a str, i64)> {
    id.rsplit_once('/').and_then(|(name, number)| Some((name, number.parse().ok()?))).ok_or_else(|| {
        Error::invalid(format!("“{id}” names no {kind}"))
            .why(format!("a {kind} is written {kind}:NAME/NUMBER"))
    })
}

fn short(id: &str) -> String {
    id.chars().take(12).collect()
}
