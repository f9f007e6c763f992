//! Registered models and prompts.

use std::path::Path;

use super::{Files, META, MODELS, folders, meta, texts};
use crate::database::{DELETED, logged_model};
use crate::record::{ModelRecord, Problem, VersionRecord};

impl Files {
    /// All registered models with their versions by name, and what of them cannot be read.
    pub(crate) fn models(&self) -> (Vec<ModelRecord>, Vec<Problem>) {
        let (mut found, mut problems) = (Vec::new(), Vec::new());
        for (name, folder) in folders(&self.root.join(MODELS)) {
            match read_model(&name, &folder, &mut problems) {
                Ok(model) => found.push(model),
                Err(why) => problems.push(Problem::new("model", name, why)),
            }
        }
        (found, problems)
    }
}

fn read_model(name: &str, folder: &Path, problems: &mut Vec<Problem>) -> Result<ModelRecord, String> {
    let told = meta(&folder.join(META))?;
    let mut model = ModelRecord {
        name: told.text("name").unwrap_or_else(|| name.to_owned()),
        description: told.text("description"),
        created_ms: told.whole("creation_timestamp").unwrap_or_default(),
        updated_ms: told.whole("last_updated_timestamp").unwrap_or_default(),
        tags: texts(&folder.join("tags"))?,
        ..ModelRecord::default()
    };
    for (alias, number) in texts(&folder.join("aliases"))? {
        match number.trim().parse() {
            Ok(number) => {
                model.aliases.insert(alias, number);
            }
            Err(_) => {
                problems.push(Problem::new("alias", format!("{name}@{alias}"), "it leads to no number"))
            }
        }
    }
    for (version, folder) in folders(folder) {
        let Some(number) = version.strip_prefix("version-") else { continue };
        match read_version(number, &folder) {
            Ok(version) => {
                model.last_version = model.last_version.max(version.version);
                if version.stage != DELETED {
                    model.versions.push(version);
                }
            }
            Err(why) => problems.push(Problem::new("model version", format!("{name}/{number}"), why)),
        }
    }
    model.versions.sort_by_key(|version| version.version);
    Ok(model)
}

fn read_version(number: &str, folder: &Path) -> Result<VersionRecord, String> {
    let told = meta(&folder.join(META))?;
    let filled = |key: &str| told.text(key).filter(|text| !text.is_empty());
    let version = told.whole("version").filter(|version| version.to_string() == number);
    let source = told.text("source").unwrap_or_default();
    Ok(VersionRecord {
        version: version.ok_or("its meta.yaml is of another version")?,
        created_ms: told.whole("creation_timestamp").unwrap_or_default(),
        updated_ms: told.whole("last_updated_timestamp").unwrap_or_default(),
        description: told.text("description"),
        user_id: filled("user_id"),
        storage_location: filled("storage_location"),
        run_id: filled("run_id"),
        run_link: filled("run_link"),
        model_id: filled("model_id").or_else(|| logged_model(&source)),
        source,
        stage: told.text("current_stage").unwrap_or_else(|| "None".to_owned()),
        status: told.text("status").unwrap_or_else(|| "READY".to_owned()),
        status_message: told.text("status_message"),
        tags: texts(&folder.join("tags"))?,
    })
}
