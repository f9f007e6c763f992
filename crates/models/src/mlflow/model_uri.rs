//! `models:/` URIs as MLflow's server reads them.

use ropewalk_mlflow::uri::Uri;
use ropewalk_mlflow::{MlflowError, MlflowResult};

use super::number::Number;
use crate::model::ModelVersion;
use crate::service::Models;

/// What a `models:/` URI names.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum ModelUri {
    /// `models:/m-…`: a logged model.
    Logged(String),
    /// `models:/NAME/3`
    Version { name: String, version: String },
    /// `models:/NAME/Production`, or `models:/NAME/latest` for the newest of all stages.
    Stage { name: String, stage: Option<String> },
    /// `models:/NAME@ALIAS`
    Alias { name: String, alias: String },
}

impl ModelUri {
    /// Reads a URI; none if it is none of these.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let uri = Uri::parse_without_fragment(text).ok().filter(|uri| uri.scheme == "models")?;
        let path = uri.path.strip_prefix('/').filter(|rest| !rest.is_empty())?;
        let mut parts = path.trim_start_matches('/').split('/');
        let (name, suffix, more) = (parts.next()?.to_owned(), parts.next(), parts.next());
        if more.is_some() || name.trim().is_empty() {
            return None;
        }
        match suffix {
            Some(suffix) if suffix.trim().is_empty() => None,
            Some(suffix) if suffix.bytes().all(|b| b.is_ascii_digit()) => {
                Some(Self::Version { name, version: suffix.to_owned() })
            }
            Some(suffix) if suffix.eq_ignore_ascii_case("latest") => Some(Self::Stage { name, stage: None }),
            Some(suffix) => Some(Self::Stage { name, stage: Some(suffix.to_owned()) }),
            None => match name.rsplit_once('@') {
                Some((_, alias)) if alias.trim().is_empty() => None,
                Some((name, alias)) => Some(Self::Alias { name: name.to_owned(), alias: alias.to_owned() }),
                None => Some(Self::Logged(name)),
            },
        }
    }

    /// The version that it names now.
    pub(super) async fn resolve(&self, models: &Models) -> MlflowResult<ModelVersion> {
        match self {
            Self::Logged(id) => Err(MlflowError::invalid(format!("models:/{id} is not a registered model"))),
            Self::Version { name, version } => {
                Ok(models.get(name, Number::parse(version)?.known(name)?).await?)
            }
            Self::Alias { name, alias } => Ok(models.version_of_alias(name, alias).await?),
            Self::Stage { name, stage } => {
                let stages: Vec<String> = stage.iter().cloned().collect();
                let newest = models
                    .latest_versions(name, &stages)
                    .await?
                    .into_iter()
                    .max_by_key(|found| found.version);
                newest.ok_or_else(|| {
                    let of = stage.as_ref().map_or_else(String::new, |stage| format!(" and stage '{stage}'"));
                    MlflowError::invalid(format!("No versions of model with name '{name}'{of} found"))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_form_is_read() {
        let stage = |name: &str, stage: Option<&str>| {
            Some(ModelUri::Stage { name: name.into(), stage: stage.map(str::to_owned) })
        };
        assert_eq!(ModelUri::parse("models:/m-1"), Some(ModelUri::Logged("m-1".into())));
        assert_eq!(
            ModelUri::parse("models:/a b/12"),
            Some(ModelUri::Version { name: "a b".into(), version: "12".into() })
        );
        assert_eq!(ModelUri::parse("models:/a/LATEST"), stage("a", None));
        assert_eq!(ModelUri::parse("models:/a/Production"), stage("a", Some("Production")));
        assert_eq!(
            ModelUri::parse("models:/a@b@c"),
            Some(ModelUri::Alias { name: "a@b".into(), alias: "c".into() })
        );
        for wrong in
            ["models:/", "models:a", "models:/a/b/c", "models:/a/", "models:/a@", "models:/ /1", "runs:/a/1"]
        {
            assert_eq!(ModelUri::parse(wrong), None, "{wrong}");
        }
    }
}
