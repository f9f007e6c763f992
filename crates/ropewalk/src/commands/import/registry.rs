//! Registered models, prompts, their versions and aliases.

use std::collections::BTreeMap;

use ropewalk_core::{Code, Error, Result};
use ropewalk_migrate::{ModelRecord, Outcome, Taken};
use serde_json::{Value, json};

use super::bring::Bring;
use crate::client::segment;

/// The tag with the experiments that a prompt belongs to: their numbers, each between commas.
const EXPERIMENTS_TAG: &str = "_mlflow_experiment_ids";

impl Bring<'_> {
    /// Brings in registered models once the runs are there that they come from.
    pub(super) async fn registry(&mut self, models: Vec<ModelRecord>) -> Result<()> {
        for mut model in models {
            let name = model.name.clone();
            if let Some(numbers) = model.tags.get_mut(EXPERIMENTS_TAG) {
                *numbers = self.renumbered(numbers);
            }
            for version in &mut model.versions {
                if !self.moved.follow(version) {
                    let why = "they lie in no folder of a run or a logged model, and stay there";
                    self.report.leave("files of versions", why, &format!("{name}/{}", version.version));
                }
            }
            let aliases = std::mem::take(&mut model.aliases);
            let created: BTreeMap<i64, i64> =
                model.versions.iter().map(|version| (version.version, version.created_ms)).collect();
            let body = json!({"models": [model], "source": self.source, "dry_run": self.report.dry_run});
            let taken: Vec<Taken> = self.client.post("/api/v1/import/models", &body).await?;
            for taken in taken {
                self.report.registered_models.count(taken.outcome);
                self.report.versions += taken.added as u64;
                self.report.note("model", &name, &taken.notes);
                if taken.outcome != Outcome::Refused {
                    self.aliases(&name, &aliases, &created).await?;
                }
            }
        }
        Ok(())
    }

    /// Sets aliases that are not here yet.
    async fn aliases(
        &mut self,
        name: &str,
        aliases: &BTreeMap<String, i64>,
        created: &BTreeMap<i64, i64>,
    ) -> Result<()> {
        if aliases.is_empty() {
            return Ok(());
        }
        let here: Value = match self.client.get(&format!("/api/v1/models/{}", segment(name))).await {
            Ok(here) => here,
            Err(error) if self.report.dry_run && error.code() == Code::NotFound => Value::Null,
            Err(error) => return Err(error),
        };
        for (alias, number) in aliases {
            let id = format!("{name}@{alias}");
            match here["aliases"][alias].as_i64() {
                Some(now) if now == *number => continue,
                Some(now) => {
                    let why = format!("it points at version {now} here and at {number} there");
                    self.report.note("alias", &id, &[why]);
                    continue;
                }
                None => {}
            }
            if self.report.dry_run {
                self.report.aliases += 1;
                continue;
            }
            let versions = here["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
            let target = versions.iter().find(|version| version["version"].as_i64() == Some(*number));
            if target.map(|version| version["created_ms"].as_i64()) != Some(created.get(number).copied()) {
                self.report.note("alias", &id, &[format!("the version {number} it points at was not taken")]);
                continue;
            }
            let path = format!("/api/v1/models/{}/aliases/{}", segment(name), segment(alias));
            match self.client.put::<Value>(&path, &json!({"version": number})).await {
                Ok(_) => self.report.aliases += 1,
                Err(error) if error.code().status() < 500 => self.report.note("alias", &id, &[words(&error)]),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// A list of experiments' numbers as they are here.
    fn renumbered(&self, numbers: &str) -> String {
        let is = |was: &str| self.experiments.get(was).cloned().unwrap_or_else(|| was.to_owned());
        numbers.split(',').map(is).collect::<Vec<_>>().join(",")
    }
}

/// An error in one line.
pub(super) fn words(error: &Error) -> String {
    let why = error.reason().map(|why| format!(": {why}")).unwrap_or_default();
    format!("{}{why}", error.what())
}
