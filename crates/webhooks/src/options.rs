//! How webhooks are delivered: MLflow's own variables, so that an existing deployment keeps its settings.

use std::time::Duration;

use ropewalk_core::{Error, Result};

/// MLflow's variables that are honoured: name, default and meaning.
pub const VARIABLES: &[(&str, &str, &str)] = &[
    (SCHEMES, "https", "schemes that a webhook's URL may have, separated by commas"),
    (PRIVATE, "false", "whether webhooks may lie at addresses that are not public"),
    (TIMEOUT, "30", "longest time of one attempt to deliver, in seconds"),
    (RETRIES, "3", "attempts after the first, when a receiver fails or cannot be reached"),
    (WORKERS, "10", "deliveries at a time"),
    (
        "MLFLOW_WEBHOOK_CACHE_TTL",
        "60",
        "accepted, and without effect: a change of a webhook counts at once, since nothing is cached",
    ),
    (PASSPHRASE, "", "passphrase that webhooks' secrets are sealed with; unset: a key in the home"),
    (PASSPHRASE_VERSION, "1", "number of that passphrase"),
    (KEY, "", "32 bytes in URL-safe base64 to seal webhooks' secrets with, instead of the passphrase"),
];

const SCHEMES: &str = "MLFLOW_WEBHOOK_ALLOWED_SCHEMES";
const PRIVATE: &str = "MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS";
const TIMEOUT: &str = "MLFLOW_WEBHOOK_REQUEST_TIMEOUT";
const RETRIES: &str = "MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES";
const WORKERS: &str = "MLFLOW_WEBHOOK_DELIVERY_MAX_WORKERS";
const PASSPHRASE: &str = "MLFLOW_CRYPTO_KEK_PASSPHRASE";
const PASSPHRASE_VERSION: &str = "MLFLOW_CRYPTO_KEK_VERSION";
const KEY: &str = "MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY";

/// How webhooks are delivered.
#[derive(Clone)]
pub struct Options {
    /// Schemes that a URL may have.
    pub schemes: Vec<String>,
    /// Whether addresses that are not public may be reached.
    pub allow_private: bool,
    /// Longest time of one attempt.
    pub timeout: Duration,
    /// Attempts after the first.
    pub retries: u32,
    /// Deliveries at a time.
    pub workers: usize,
    /// The unit of the waits between attempts: two, four, eight of them, each with up to one more.
    pub backoff: Duration,
    /// A passphrase to seal secrets with, and its number.
    pub passphrase: Option<(String, u32)>,
    /// A key to seal secrets with.
    pub key: Option<[u8; 32]>,
}

/// Without the secrets.
impl std::fmt::Debug for Options {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Options")
            .field("schemes", &self.schemes)
            .field("allow_private", &self.allow_private)
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .field("workers", &self.workers)
            .field("backoff", &self.backoff)
            .finish_non_exhaustive()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            schemes: vec!["https".to_owned()],
            allow_private: false,
            timeout: Duration::from_secs(30),
            retries: 3,
            workers: 10,
            backoff: Duration::from_secs(1),
            passphrase: None,
            key: None,
        }
    }
}

impl Options {
    /// What the environment says.
    ///
    /// # Errors
    /// `invalid` for a variable that cannot be used.
    pub fn from_environment() -> Result<Self> {
        Self::read(|name| std::env::var(name).ok())
    }

    /// What variables say.
    ///
    /// # Errors
    /// `invalid` for a variable that cannot be used.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self> {
        let mut options = Self::default();
        let number = |name: &str, least: u32| match variable(name) {
            None => Ok(None),
            Some(text) => match text.trim().parse::<u32>() {
                Ok(number) if number >= least => Ok(Some(number)),
                _ => Err(unusable(name, &text, &format!("it must be a whole number of at least {least}"))),
            },
        };
        if let Some(text) = variable(SCHEMES) {
            options.schemes = text.split(',').map(|scheme| scheme.trim().to_owned()).collect();
        }
        if let Some(text) = variable(PRIVATE) {
            options.allow_private = match text.to_lowercase().as_str() {
                "true" | "1" => true,
                "false" | "0" => false,
                _ => return Err(unusable(PRIVATE, &text, "it must be true, false, 1 or 0")),
            };
        }
        if let Some(seconds) = number(TIMEOUT, 1)? {
            options.timeout = Duration::from_secs(seconds.into());
        }
        if let Some(retries) = number(RETRIES, 0)? {
            options.retries = retries;
        }
        if let Some(workers) = number(WORKERS, 1)? {
            options.workers = workers as usize;
        }
        let version = number(PASSPHRASE_VERSION, 0)?.unwrap_or(1);
        options.passphrase = variable(PASSPHRASE).filter(|text| !text.is_empty()).map(|text| (text, version));
        if let Some(text) = variable(KEY).filter(|text| !text.is_empty()) {
            options.key = Some(read_key(&text).ok_or_else(|| {
                // The key itself is not shown.
                unusable(KEY, "…", "it must be 32 bytes in URL-safe base64")
            })?);
        }
        Ok(options)
    }
}

fn read_key(text: &str) -> Option<[u8; 32]> {
    use base64::Engine;
    base64::engine::general_purpose::URL_SAFE.decode(text.trim()).ok()?.try_into().ok()
}

fn unusable(name: &str, value: &str, why: &str) -> Error {
    Error::invalid(format!("the variable {name} = “{value}” is not usable"))
        .why(why)
        .hint(format!("unset {name}   # or correct it, then run the command again"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Options> {
        Options::read(|name| {
            pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn variables_are_read_as_mlflow_reads_them() {
        let options = read(&[
            ("MLFLOW_WEBHOOK_ALLOWED_SCHEMES", "https, http"),
            ("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "TRUE"),
            ("MLFLOW_WEBHOOK_REQUEST_TIMEOUT", "5"),
            ("MLFLOW_WEBHOOK_REQUEST_MAX_RETRIES", "0"),
            ("MLFLOW_CRYPTO_KEK_PASSPHRASE", "word"),
            ("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="),
        ])
        .unwrap();
        assert_eq!(options.schemes, ["https", "http"]);
        assert!(options.allow_private && options.retries == 0);
        assert_eq!(options.timeout, Duration::from_secs(5));
        assert_eq!(options.passphrase, Some(("word".to_owned(), 1)));
        assert!(options.key.is_some());
        assert!(!format!("{options:?}").contains("word"));
        let plain = read(&[]).unwrap();
        assert!(plain.schemes == ["https"] && !plain.allow_private && plain.workers == 10);
    }

    #[test]
    fn a_variable_that_cannot_be_used_is_named() {
        for (name, value) in [
            ("MLFLOW_WEBHOOK_ALLOW_PRIVATE_IPS", "yes"),
            ("MLFLOW_WEBHOOK_REQUEST_TIMEOUT", "soon"),
            ("MLFLOW_WEBHOOK_DELIVERY_MAX_WORKERS", "0"),
            ("MLFLOW_WEBHOOK_SECRET_ENCRYPTION_KEY", "short"),
        ] {
            assert!(read(&[(name, value)]).unwrap_err().what().contains(name));
        }
    }
}
