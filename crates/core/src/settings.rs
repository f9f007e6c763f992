//! Settings: flags over environment over project file over user file over defaults, merged in
//! one place, with the origin of every value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Where a setting's value came from, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Built in.
    Default,
    /// The user's file, `~/.config/ropewalk/config.toml`.
    UserFile,
    /// The project's file, `ropewalk.toml` in the working folder or above it.
    ProjectFile,
    /// An environment variable, `ROPEWALK_…`.
    Environment,
    /// A command-line flag.
    Flag,
}

/// One setting that can be given: its key in files, what it means and its default.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// The key in a settings file; the environment variable is `ROPEWALK_` and the key in capitals.
    pub key: &'static str,
    /// The built-in value, as text; empty means unset.
    pub default: &'static str,
    /// What it means, with its unit.
    pub meaning: &'static str,
    /// Never shown in full.
    pub secret: bool,
    /// A variable of MLflow's server that counts where ours is not set; empty if there is none.
    pub mlflow: &'static str,
}

const fn known(key: &'static str, default: &'static str, meaning: &'static str) -> Known {
    Known { key, default, meaning, secret: false, mlflow: "" }
}

const fn of_mlflow(
    key: &'static str,
    default: &'static str,
    mlflow: &'static str,
    meaning: &'static str,
) -> Known {
    Known { key, default, meaning, secret: false, mlflow }
}

/// Every setting there is. The reference page is generated from this table.
pub const KNOWN: &[Known] = &[
    known("home", ".ropewalk", "folder that holds the local state"),
    known("host", "127.0.0.1", "address that `up` binds to; another than loopback needs authentication"),
    known("port", "7878", "port that `up` listens on; 0 takes a free one"),
    Known {
        key: "database",
        default: "",
        meaning: "database URL, sqlite://… or postgres://…; unset: meta.db in the home",
        secret: true,
        mlflow: "",
    },
    known("blobs", "", "blob store URL, file:///… or s3://…; unset: blobs/ in the home"),
    of_mlflow(
        "artifacts_destination",
        "",
        "MLFLOW_ARTIFACTS_DESTINATION",
        "where artifacts that clients send through the server are kept, s3://… or a folder; unset: artifacts/ in the blob store",
    ),
    of_mlflow(
        "default_artifact_root",
        "",
        "MLFLOW_DEFAULT_ARTIFACT_ROOT",
        "where new experiments' artifacts go; unset: mlflow-artifacts:/, which is through the server",
    ),
    of_mlflow(
        "serve_artifacts",
        "true",
        "MLFLOW_SERVE_ARTIFACTS",
        "whether clients may send and fetch artifacts through the server",
    ),
    known("server", "", "URL of a remote server that commands talk to instead of a home"),
    Known {
        key: "token",
        default: "",
        meaning: "token that commands send to a server",
        secret: true,
        mlflow: "",
    },
    known(
        "country",
        "",
        "ISO 3166-1 alpha-3 code for the carbon intensity of electricity; unset: the world's mean",
    ),
    known("carbon_intensity", "", "grams of CO₂e per kWh, instead of the country's figure"),
    known("pue", "1.0", "power usage effectiveness: facility energy over machine energy"),
    known(
        "cpu_watts",
        "",
        "thermal design power of the whole processor in watts; unset: estimated from the core count",
    ),
    known("price_per_kwh", "0.25", "price of one kilowatt-hour"),
    known("price_per_hour", "0.10", "price of one hour of this machine"),
    known("currency", "EUR", "currency of the prices"),
    known("max_upload_bytes", "5368709120", "largest request body accepted by upload routes, in bytes"),
    known("log", "warn", "log filter, such as `info` or `ropewalk_serve=debug`"),
];

/// A merged value and where it came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sourced {
    /// The value as text; empty means unset.
    pub value: String,
    /// The layer that gave it.
    pub origin: Origin,
}

/// The merged settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The folder that holds the local state, absolute.
    pub home: PathBuf,
    values: BTreeMap<&'static str, Sourced>,
}

impl Settings {
    /// Merge the layers. `flags` and `environment` are by key; the files are those found from
    /// `directory` upwards and in the user's configuration folder.
    pub fn merge(
        flags: &BTreeMap<String, String>,
        environment: &BTreeMap<String, String>,
        directory: &Path,
    ) -> Result<Self> {
        let user_file = environment
            .get("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .or_else(|| environment.get("HOME").map(|home| PathBuf::from(home).join(".config")))
            .map(|folder| folder.join("ropewalk").join("config.toml"));
        let user = read_file(user_file.as_deref())?;
        let project_file =
            directory.ancestors().map(|folder| folder.join("ropewalk.toml")).find(|file| file.is_file());
        let project = read_file(project_file.as_deref())?;
        let variables: BTreeMap<String, String> = KNOWN
            .iter()
            .filter_map(|known| {
                let ours = environment.get(&variable(known.key));
                let value =
                    ours.or_else(|| environment.get(known.mlflow).filter(|value| !value.is_empty()))?;
                Some((known.key.to_owned(), value.clone()))
            })
            .collect();
        let layers: [(Origin, &BTreeMap<String, String>); 4] = [
            (Origin::Flag, flags),
            (Origin::Environment, &variables),
            (Origin::ProjectFile, &project),
            (Origin::UserFile, &user),
        ];
        let values: BTreeMap<&'static str, Sourced> = KNOWN
            .iter()
            .map(|known| {
                let found = layers.iter().find_map(|(origin, layer)| {
                    layer.get(known.key).map(|value| Sourced { value: value.clone(), origin: *origin })
                });
                let default = Sourced { value: known.default.to_owned(), origin: Origin::Default };
                (known.key, found.unwrap_or(default))
            })
            .collect();
        let home = match values.get("home") {
            Some(sourced) if sourced.origin != Origin::Default => directory.join(&sourced.value),
            // As with git: the home of the project that this folder belongs to.
            _ => directory
                .ancestors()
                .map(|folder| folder.join(".ropewalk"))
                .find(|home| home.is_dir())
                .unwrap_or_else(|| directory.join(".ropewalk")),
        };
        let settings = Self { home, values };
        settings.check()?;
        Ok(settings)
    }

    /// The built-in settings on a given home: what tests and a plain demo use.
    #[must_use]
    pub fn for_home(home: &Path) -> Self {
        let values = KNOWN
            .iter()
            .map(|known| (known.key, Sourced { value: known.default.to_owned(), origin: Origin::Default }))
            .collect();
        Self { home: home.to_path_buf(), values }
    }

    /// The same settings with one value replaced, as if by a flag. An unknown key is ignored.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        if let Some(sourced) = self.values.get_mut(key) {
            *sourced = Sourced { value: value.into(), origin: Origin::Flag };
        }
        self
    }

    /// The text of a setting; `None` when it is unset or unknown.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(|sourced| sourced.value.as_str()).filter(|value| !value.is_empty())
    }

    /// A setting as a number; `None` when it is unset. `merge` has checked that it is one.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        self.text(key).and_then(|value| value.parse().ok())
    }

    /// The port to listen on.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.text("port").and_then(|value| value.parse().ok()).unwrap_or(7878)
    }

    /// The database URL: as given, or SQLite in the home.
    #[must_use]
    pub fn database_url(&self) -> String {
        self.text("database")
            .map_or_else(|| format!("sqlite://{}", self.home.join("meta.db").display()), str::to_owned)
    }

    /// The blob store URL: as given, or a folder in the home.
    #[must_use]
    pub fn blobs_url(&self) -> String {
        self.text("blobs")
            .map_or_else(|| format!("file://{}", self.home.join("blobs").display()), str::to_owned)
    }

    /// A setting that is true or false. `merge` has checked that it is one.
    #[must_use]
    pub fn truth(&self, key: &str) -> bool {
        self.text(key).and_then(read_truth).unwrap_or_default()
    }

    /// Every setting with its value, its origin and its meaning; secrets are masked.
    #[must_use]
    pub fn rows(&self) -> Vec<(Known, Sourced)> {
        KNOWN
            .iter()
            .filter_map(|known| {
                let mut sourced = self.values.get(known.key)?.clone();
                if known.secret && !sourced.value.is_empty() {
                    sourced.value = mask(&sourced.value);
                }
                Some((*known, sourced))
            })
            .collect()
    }

    fn check(&self) -> Result<()> {
        const NUMBERS: [&str; 6] =
            ["carbon_intensity", "pue", "cpu_watts", "price_per_kwh", "price_per_hour", "max_upload_bytes"];
        for key in NUMBERS {
            let Some(value) = self.text(key) else { continue };
            let number = value.parse::<f64>().ok().filter(|number| number.is_finite() && *number >= 0.0);
            if number.is_none() {
                return Err(self.refuse(key, value, "it must be a number that is not negative"));
            }
        }
        if let Some(port) = self.text("port")
            && port.parse::<u16>().is_err()
        {
            return Err(self.refuse("port", port, "it must be a whole number from 0 to 65535"));
        }
        if let Some(word) = self.text("serve_artifacts")
            && read_truth(word).is_none()
        {
            return Err(self.refuse("serve_artifacts", word, "it must be true or false"));
        }
        Ok(())
    }

    fn refuse(&self, key: &str, value: &str, why: &str) -> Error {
        let origin = self.values.get(key).map_or(Origin::Default, |sourced| sourced.origin);
        let place = match origin {
            Origin::Flag => format!("--{}", key.replace('_', "-")),
            Origin::Environment => variable(key),
            Origin::ProjectFile => "ropewalk.toml".to_owned(),
            Origin::UserFile => "the user's config.toml".to_owned(),
            Origin::Default => "the defaults".to_owned(),
        };
        Error::invalid(format!("the setting {key} = “{value}” in {place} is not usable"))
            .why(why)
            .hint("ropewalk config show --origin")
    }
}

fn read_truth(word: &str) -> Option<bool> {
    match word.to_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

/// The environment variable of a key.
#[must_use]
pub fn variable(key: &str) -> String {
    format!("ROPEWALK_{}", key.to_uppercase())
}

/// Keep what tells a URL apart (scheme and host) and hide the rest.
fn mask(value: &str) -> String {
    match url::Url::parse(value) {
        Ok(mut url) if url.has_host() => {
            if url.password().is_some() {
                let _ = url.set_password(Some("***"));
            }
            url.to_string()
        }
        Ok(url) => url.to_string(),
        Err(_) => "***".to_owned(),
    }
}

fn read_file(file: Option<&Path>) -> Result<BTreeMap<String, String>> {
    let Some(file) = file.filter(|file| file.is_file()) else { return Ok(BTreeMap::new()) };
    let text = std::fs::read_to_string(file)?;
    let table: toml::Table = text.parse().map_err(|source: toml::de::Error| {
        Error::invalid(format!("{} is not valid TOML", file.display()))
            .why(source.to_string())
            .hint("ropewalk config show")
    })?;
    table
        .into_iter()
        .map(|(key, value)| {
            if !KNOWN.iter().any(|known| known.key == key) {
                return Err(Error::invalid(format!("{} has an unknown setting “{key}”", file.display()))
                    .hint("ropewalk config show  # lists the settings there are"));
            }
            let text = match value {
                toml::Value::String(text) => text,
                other => other.to_string(),
            };
            Ok((key, text))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn stronger_layers_win_and_say_so() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ropewalk.toml"), "port = 9000\ncurrency = \"CHF\"\n").unwrap();
        let settings = Settings::merge(
            &map(&[("port", "9002")]),
            &map(&[("ROPEWALK_PORT", "9001"), ("ROPEWALK_PUE", "1.2")]),
            folder.path(),
        )
        .unwrap();
        assert_eq!(settings.port(), 9002);
        assert_eq!(settings.text("currency"), Some("CHF"));
        let origins: BTreeMap<_, _> =
            settings.rows().into_iter().map(|(known, sourced)| (known.key, sourced.origin)).collect();
        assert_eq!(origins["port"], Origin::Flag);
        assert_eq!(origins["currency"], Origin::ProjectFile);
        assert_eq!(origins["pue"], Origin::Environment);
        assert_eq!(origins["host"], Origin::Default);
    }

    #[test]
    fn an_unusable_value_names_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let error =
            Settings::merge(&map(&[]), &map(&[("ROPEWALK_PORT", "lots")]), folder.path()).unwrap_err();
        assert!(error.what().contains("ROPEWALK_PORT"), "{error}");
    }

    #[test]
    fn variables_of_mlflow_count_where_ours_are_not_set() {
        let folder = tempfile::tempdir().unwrap();
        let merge = |pairs: &[(&str, &str)]| Settings::merge(&map(&[]), &map(pairs), folder.path());
        let theirs = ("MLFLOW_ARTIFACTS_DESTINATION", "s3://theirs");
        assert_eq!(merge(&[theirs]).unwrap().text("artifacts_destination"), Some("s3://theirs"));
        let both = [theirs, ("ROPEWALK_ARTIFACTS_DESTINATION", "s3://ours")];
        assert_eq!(merge(&both).unwrap().text("artifacts_destination"), Some("s3://ours"));
        assert!(merge(&[]).unwrap().truth("serve_artifacts"));
        assert!(!merge(&[("MLFLOW_SERVE_ARTIFACTS", "False")]).unwrap().truth("serve_artifacts"));
        assert!(merge(&[("ROPEWALK_SERVE_ARTIFACTS", "perhaps")]).is_err());
    }

    #[test]
    fn secrets_are_masked() {
        let settings = Settings::for_home(Path::new("/h"))
            .with("database", "postgres://ann:pw@db/x")
            .with("token", "abc");
        let shown: BTreeMap<_, _> =
            settings.rows().into_iter().map(|(known, sourced)| (known.key, sourced.value)).collect();
        assert_eq!(shown["database"], "postgres://ann:***@db/x");
        assert_eq!(shown["token"], "***");
    }
}
