//! Which store is meant.

use std::path::{Path, PathBuf};

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::uri::unquote;

/// A store of MLflow's, by where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A SQLite database.
    Sqlite(PathBuf),
    /// A PostgreSQL database, by its URL.
    Postgres(String),
    /// A file store: the folder that MLflow calls `mlruns`.
    Files(PathBuf),
}

/// What MLflow calls its database if nobody says otherwise.
const DATABASE: &str = "mlflow.db";

impl Source {
    /// Reads what MLflow calls a backend store's URI, or a path.
    ///
    /// # Errors
    /// `invalid` for a database that cannot be read, an address of a server, and a path where no store lies.
    pub fn parse(text: &str) -> Result<Self> {
        let (scheme, rest) = match text.split_once(':') {
            Some((scheme, rest)) if scheme.len() > 1 && !scheme.contains(['/', '\\', '.']) => (scheme, rest),
            _ => return Self::of_path(Path::new(text)),
        };
        // SQLAlchemy names the driver behind the database: `postgresql+psycopg2`.
        let kind = scheme.split('+').next().unwrap_or(scheme).to_ascii_lowercase();
        match kind.as_str() {
            "sqlite" => {
                let path = rest.split('?').next().unwrap_or(rest);
                // Three slashes begin a relative path, four an absolute one.
                let path = path.strip_prefix("///").or_else(|| path.strip_prefix("//")).unwrap_or(path);
                Self::of_path(Path::new(&unquote(path)))
            }
            "postgresql" | "postgres" => Ok(Self::Postgres(format!("postgresql:{rest}"))),
            "file" => {
                let path = rest.strip_prefix("//localhost").or_else(|| rest.strip_prefix("//")).unwrap_or(rest);
                Self::of_path(Path::new(&unquote(path)))
            }
            "mysql" | "mariadb" | "mssql" => Err(Error::invalid(format!("a store in {} cannot be read", named(&kind)))
                .why("this program speaks with SQLite and PostgreSQL only")
                .hint(format!(
                    "copy the database first: pgloader {kind}://USER@HOST/NAME postgresql://USER@HOST/NAME   # then: ropewalk \
                     import mlflow postgresql://USER@HOST/NAME"
                ))),
            "http" | "https" => Err(Error::invalid("a running MLflow server cannot be read from")
                .why("its database is read, so that nothing is lost on the way")
                .hint("ropewalk import mlflow URI   # what the server was given as --backend-store-uri")),
            _ => Err(Error::invalid(format!("“{text}” names no store of MLflow’s"))
                .why(format!("`{scheme}` is not known"))
                .hint("ropewalk import mlflow sqlite:///mlflow.db   # or postgresql://… or a folder")),
        }
    }

    /// The store at a path: a SQLite file, a file store, or a folder that holds one of them.
    ///
    /// # Errors
    /// `invalid` when there is none.
    pub fn of_path(path: &Path) -> Result<Self> {
        let none = |why: &str| {
            Error::invalid(format!("{} holds no store of MLflow’s", path.display()))
                .why(why)
                .hint("name the folder `mlruns` or the file `mlflow.db` that MLflow has made")
        };
        let Ok(about) = std::fs::metadata(path) else {
            return Err(none("there is no such file or folder, or it may not be read"));
        };
        let absolute = std::path::absolute(path)?;
        if about.is_file() {
            return Ok(Self::Sqlite(absolute));
        }
        if absolute.join(DATABASE).is_file() {
            return Ok(Self::Sqlite(absolute.join(DATABASE)));
        }
        for folder in [absolute.clone(), absolute.join("mlruns")] {
            if is_file_store(&folder) {
                return Ok(Self::Files(folder));
            }
        }
        Err(none("there is neither an experiment’s folder with a meta.yaml nor a file mlflow.db in it"))
    }

    /// The store in words that may be shown and kept: without user and password.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Sqlite(path) => format!("sqlite://{}", path.display()),
            Self::Files(path) => format!("file://{}", path.display()),
            Self::Postgres(url) => match url::Url::parse(url) {
                Ok(mut url) => {
                    // Neither can fail for a URL that names a host.
                    let _ = url.set_username("");
                    let _ = url.set_password(None);
                    url.set_query(None);
                    url.to_string()
                }
                Err(_) => "postgresql://".to_owned(),
            },
        }
    }

    /// The folder that the store lies in; none for a database elsewhere.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) | Self::Files(path) => path.parent(),
            Self::Postgres(_) => None,
        }
    }
}

fn named(kind: &str) -> &str {
    match kind {
        "mssql" => "SQL Server",
        "mariadb" => "MariaDB",
        _ => "MySQL",
    }
}

/// Whether a folder holds an experiment or a registered model.
fn is_file_store(folder: &Path) -> bool {
    let holds = |folder: &Path| {
        std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.path().join("meta.yaml").is_file())
    };
    holds(folder) || holds(&folder.join(".trash")) || holds(&folder.join("models"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_store_is_found_by_any_of_its_names() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().display().to_string();
        std::fs::write(folder.path().join("mlflow.db"), "").unwrap();
        let database = Source::Sqlite(folder.path().join("mlflow.db"));
        for text in [
            format!("sqlite:///{root}/mlflow.db"),
            format!("sqlite+pysqlite:////{root}/mlflow.db?timeout=5"),
            format!("{root}/mlflow.db"),
            root.clone(),
        ] {
            let found = Source::parse(&text).unwrap();
            assert_eq!(found.name().replace("//", "/"), database.name().replace("//", "/"), "{text}");
        }
        std::fs::create_dir_all(folder.path().join("old/mlruns/0")).unwrap();
        std::fs::write(folder.path().join("old/mlruns/0/meta.yaml"), "").unwrap();
        let files = Source::Files(folder.path().join("old/mlruns"));
        for text in [format!("file://{root}/old/mlruns"), format!("{root}/old")] {
            assert_eq!(Source::parse(&text).unwrap(), files, "{text}");
        }
        std::fs::create_dir_all(folder.path().join("empty")).unwrap();
        for text in [format!("{root}/empty"), format!("{root}/none")] {
            assert!(Source::parse(&text).unwrap_err().what().contains("no store"), "{text}");
        }
    }

    #[test]
    fn other_databases_are_named_with_a_way_out() {
        for (text, word) in [
            ("mysql+pymysql://u:secret@h/db", "MySQL"),
            ("mssql+pyodbc://u:secret@h/db", "SQL Server"),
            ("http://127.0.0.1:5000", "backend-store-uri"),
            ("databricks://x", "sqlite:///"),
        ] {
            let error = Source::parse(text).unwrap_err();
            let words = format!("{error} {}", error.advice().unwrap());
            assert!(words.contains(word) && !words.contains("secret"), "{words}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        let source =
            Source::parse("postgresql+psycopg2://ann:secret@db:5433/mlflow?sslmode=require").unwrap();
        assert_eq!(source.name(), "postgresql://db:5433/mlflow");
    }
}
