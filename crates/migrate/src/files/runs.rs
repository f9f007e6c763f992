//! Runs.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use super::{Files, META, folders, meta, named_files, texts};
use crate::batch::Batch;
use crate::record::{DatasetRecord, LinkRecord, Problem, RunRecord};
use crate::store::Portion;
use crate::yaml::Value;

/// MLflow's numbers of statuses, from 1.
const STATUSES: [&str; 5] = ["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED"];
/// Folders of an experiment that are no runs.
const OTHERS: [&str; 4] = ["tags", "datasets", "traces", "models"];

impl Files {
    /// How many runs there are.
    pub(crate) fn count_runs(&self) -> u64 {
        self.run_folders().count() as u64
    }

    /// The folders of runs: experiment and run.
    fn run_folders(&self) -> impl Iterator<Item = (i64, std::path::PathBuf, String, std::path::PathBuf)> {
        let experiments =
            self.experiment_folders().into_iter().filter(|(_, folder, _)| folder.join(META).exists());
        experiments.flat_map(|(number, folder, _)| {
            let runs = folders(&folder).into_iter().filter(|(name, run)| {
                !OTHERS.contains(&name.as_str()) && (run.join(META).exists() || run.join("metrics").is_dir())
            });
            runs.map(move |(name, run)| (number, folder.clone(), name, run)).collect::<Vec<_>>()
        })
    }

    /// Reads all runs and hands them over, batch by batch, until `hand_over` takes no more.
    pub(crate) fn read_runs(&self, mut hand_over: impl FnMut(Portion) -> bool) {
        let mut batch = Batch::default();
        let mut problems = Vec::new();
        let mut datasets: (i64, BTreeMap<String, DatasetRecord>) = (-1, BTreeMap::new());
        for (experiment, folder, name, run_folder) in self.run_folders() {
            if datasets.0 != experiment {
                datasets = (experiment, read_datasets(&folder));
            }
            let run = match read_run(experiment, &name, &run_folder, &datasets.1) {
                Ok(run) => run,
                Err(why) => {
                    problems.push(Problem::new("run", name, why));
                    continue;
                }
            };
            if let Some(runs) = batch.begin(run)
                && !hand_over(Portion { runs, problems: std::mem::take(&mut problems) })
            {
                return;
            }
            for (key, file) in named_files(&run_folder.join("metrics")) {
                let mut taken = true;
                let read = each_line(&file, |parts| {
                    let point = Measurement::of_run(parts)?;
                    if let Some(runs) = batch.point(&key, point.timestamp, point.step, point.value) {
                        taken = hand_over(Portion { runs, problems: Vec::new() });
                    }
                    Ok(taken)
                });
                if !taken {
                    return;
                }
                if let Err(why) = read {
                    problems.push(Problem::new("metric", format!("{name}/{key}"), why));
                }
            }
        }
        let rest = Portion { runs: batch.finish(), problems };
        if !rest.runs.is_empty() || !rest.problems.is_empty() {
            hand_over(rest);
        }
    }
}

fn read_run(
    experiment: i64,
    name: &str,
    folder: &Path,
    datasets: &BTreeMap<String, DatasetRecord>,
) -> Result<RunRecord, String> {
    let told = meta(&folder.join(META))?;
    let own = told.text("run_id").or_else(|| told.text("run_uuid")).unwrap_or_default();
    if own != name {
        return Err(format!("its meta.yaml is of a run “{own}”"));
    }
    let status = match told.get("status") {
        None => STATUSES[0].to_owned(),
        Some(Value::Text(word)) => word.clone(),
        Some(number) => number
            .as_whole()
            .and_then(|number| STATUSES.get(usize::try_from(number).ok()?.checked_sub(1)?))
            .ok_or("its meta.yaml has a status that MLflow does not know")?
            .to_string(),
    };
    let tags = texts(&folder.join("tags"))?;
    let stated = told.text("run_name").or_else(|| told.text("name")).filter(|name| !name.is_empty());
    let deleted = told.text("lifecycle_stage").as_deref() == Some("deleted");
    let mut run = RunRecord {
        run_id: name.to_owned(),
        experiment_id: experiment.to_string(),
        name: stated.or_else(|| tags.get("mlflow.runName").cloned()).unwrap_or_default(),
        user_id: told.text("user_id").unwrap_or_default(),
        status,
        start_ms: told.whole("start_time").unwrap_or_default(),
        end_ms: told.whole("end_time"),
        deleted,
        deleted_ms: told.whole("deleted_time").filter(|_| deleted),
        artifact_uri: told.text("artifact_uri").unwrap_or_default(),
        params: texts(&folder.join("params"))?,
        tags,
        beside: Some(folder.join("artifacts")),
        ..RunRecord::default()
    };
    for (_, input) in folders(&folder.join("inputs")) {
        let told = meta(&input.join(META))?;
        let source = told.text("source_id").unwrap_or_default();
        match told.text("source_type").as_deref() {
            Some("MODEL") => run.model_inputs.push(LinkRecord { model_id: source, step: 0 }),
            Some("DATASET") => {
                let dataset =
                    datasets.get(&source).ok_or_else(|| format!("its dataset {source} is not there"))?;
                let tags = told.get("tags").map(Value::members).unwrap_or_default();
                let tags = tags
                    .iter()
                    .map(|(key, value)| (key.clone(), value.as_text().unwrap_or_default()))
                    .collect();
                run.datasets.push(DatasetRecord { tags, ..dataset.clone() });
            }
            _ => {}
        }
    }
    for (_, output) in folders(&folder.join("outputs")) {
        let told = meta(&output.join(META))?;
        let model_id = told.text("destination_id").unwrap_or_default();
        run.model_outputs.push(LinkRecord { model_id, step: told.whole("step").unwrap_or_default() });
    }
    Ok(run)
}

/// The datasets of an experiment by their folders; one that cannot be read is missed by the runs that read it.
fn read_datasets(folder: &Path) -> BTreeMap<String, DatasetRecord> {
    let read = |(name, folder): (String, std::path::PathBuf)| {
        let told = meta(&folder.join(META)).ok()?;
        let dataset = DatasetRecord {
            name: told.text("name")?,
            digest: told.text("digest")?,
            source_type: told.text("source_type").unwrap_or_default(),
            source: told.text("source").unwrap_or_default(),
            schema: told.text("schema"),
            profile: told.text("profile"),
            tags: BTreeMap::new(),
        };
        Some((name, dataset))
    };
    folders(&folder.join("datasets")).into_iter().filter_map(read).collect()
}

/// A line of a metric's file.
pub(super) struct Measurement {
    pub(super) timestamp: i64,
    pub(super) value: f64,
    pub(super) step: i64,
}

impl Measurement {
    /// Reads time, value and, unless it is very old, step; what follows these tells of a dataset.
    pub(super) fn of_run(parts: &[&str]) -> Result<Self, String> {
        let (timestamp, value) = match parts {
            [timestamp, value, ..] => (timestamp, value),
            _ => return Err("it has less than two parts".to_owned()),
        };
        let step = parts.get(2).map_or(Ok(0), |step| step.parse());
        match (timestamp.parse(), value.parse(), step) {
            (Ok(timestamp), Ok(value), Ok(step)) => Ok(Self { timestamp, value, step }),
            _ => Err("it is no time, value and step".to_owned()),
        }
    }
}

/// Reads the parts of each line of a file, until `take` wants no more. A last line without its end is still being written,
/// and left for another time; of lines that cannot be read the first is told once the others have been taken.
pub(super) fn each_line(
    file: &Path,
    mut take: impl FnMut(&[&str]) -> Result<bool, String>,
) -> Result<(), String> {
    let opened = File::open(file).map_err(|fault| format!("{}: {fault}", file.display()))?;
    let mut lines = BufReader::with_capacity(64 << 10, opened);
    let mut line = Vec::new();
    let (mut number, mut wrong, mut first) = (0, 0, None);
    loop {
        line.clear();
        lines.read_until(b'\n', &mut line).map_err(|fault| format!("{}: {fault}", file.display()))?;
        if line.last() != Some(&b'\n') {
            break;
        }
        number += 1;
        let text = String::from_utf8_lossy(&line);
        let parts: Vec<&str> = text.trim().split(' ').collect();
        match take(&parts) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(why) => {
                wrong += 1;
                first.get_or_insert(format!("line {number}: {why}"));
            }
        }
    }
    match first {
        None => Ok(()),
        Some(first) if wrong == 1 => Err(first),
        Some(first) => Err(format!("{first}, and {} more lines", wrong - 1)),
    }
}
