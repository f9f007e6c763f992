//! What the registry's requests need.

use super::about::{About, veto_if_named};
use super::asked::{Asked, Found, both, missing};
use super::lookup::Registered;
use super::permission::Action;
use super::resource::{EVERY, ResourceType};
use super::rights::{Needs, Requirement};
use crate::error::{MlflowError, MlflowResult};
use crate::fields::Fields;
use crate::message::{Message, parts, text};

/// The tag that makes a registered model a prompt.
pub const PROMPT_TAG: &str = "mlflow.prompt.is_prompt";

static TAG: Message = Message(&[text("key"), text("value")]);
static NAME: Message = Message(&[text("name")]);
static NEW_NAME: Message = Message(&[text("new_name")]);
static NEW_MODEL: Message = Message(&[text("name"), parts("tags", &TAG)]);
static NEW_VERSION: Message =
    Message(&[text("name"), text("source"), text("run_id"), text("model_id"), parts("tags", &TAG)]);
static FILTER: Message = Message(&[text("filter")]);

impl Registered {
    /// What it is as a resource.
    #[must_use]
    pub const fn kind(self) -> ResourceType {
        match self {
            Self::Model => ResourceType::RegisteredModel,
            Self::Prompt => ResourceType::Prompt,
        }
    }

    /// What its versions are as resources.
    #[must_use]
    pub const fn versions(self) -> ResourceType {
        match self {
            Self::Model => ResourceType::RegisteredModelVersion,
            Self::Prompt => ResourceType::PromptVersion,
        }
    }
}

pub(super) async fn needs(about: About, asked: &Asked<'_>) -> Found {
    let everything = |all: Vec<Requirement>| Ok(Some(Needs::all(all)));
    match about {
        About::NewModel => {
            let fields = asked.fields(&NEW_MODEL)?;
            let kind = marked(&fields).unwrap_or(Registered::Model).kind();
            let name = match fields.text("name") {
                "" => EVERY,
                name => name,
            };
            return everything(vec![Requirement::creates(), Requirement::on(kind, name, Action::NotDenied)]);
        }
        About::SearchVersions => {
            let fields = asked.fields(&FILTER)?;
            return everything(veto_if_named(fields.text("filter"), "run_id", ResourceType::Run));
        }
        _ => {}
    }
    let name = match about {
        About::VersionFile => asked.call.query("name").map(str::to_owned).ok_or_else(|| missing("name"))?,
        _ => asked.text("name", &NAME)?,
    };
    let Some(registered) = asked.lookup.registered(&name).await? else {
        // The model's own routes say that it is not there; a version's routes refuse.
        let plain = |action| everything(vec![Requirement::on(ResourceType::RegisteredModel, &name, action)]);
        return match about {
            About::Model(action) => plain(action),
            _ => Ok(None),
        };
    };
    let (model, versions) = (registered.kind(), registered.versions());
    let on_model = |action| Requirement::on(model, &name, action);
    let on_versions = |action| Requirement::every(versions, action).or(model, &name, action);
    match about {
        About::WholeModel => everything(vec![on_model(Action::Delete), on_versions(Action::Delete)]),
        About::Alias(action) => everything(vec![on_model(action), on_versions(Action::Read)]),
        About::Version(action) => everything(vec![on_model(Action::Read), on_versions(action)]),
        About::ReadVersion | About::VersionFile => {
            everything(vec![on_model(Action::Read), Requirement::every(versions, Action::NotDenied)])
        }
        About::NewVersion => new_version(asked, registered, &name).await,
        About::Model(action) => everything(vec![on_model(action)]),
        _ => Ok(None),
    }
}

/// A new version: the model is changed, and what the version is made of is read.
async fn new_version(asked: &Asked<'_>, registered: Registered, name: &str) -> Found {
    let fields = asked.fields(&NEW_VERSION)?;
    let mut all = vec![
        Requirement::on(registered.kind(), name, Action::Update),
        Requirement::every(registered.versions(), Action::NotDenied),
    ];
    if let Some(other) = marked(&fields).filter(|other| *other != registered) {
        all.push(Requirement::every(other.versions(), Action::NotDenied));
    }
    let source = source(fields.text("source"));
    if let Source::Registered(copied) = &source {
        // The model that is copied from is the border: what its version was once made of needs no permission.
        let Some(kind) = asked.lookup.registered(copied).await? else { return Ok(None) };
        all.push(Requirement::on(kind.kind(), copied, Action::Read));
        return Ok(Some(Needs::all(all)));
    }
    let mut needs = Some(Needs::all(all));
    if let Some(run) = fields.sent_text("run_id") {
        needs = both(needs, asked.run(run, Action::Read).await?);
    }
    if let Some(model) = fields.sent_text("model_id") {
        needs = both(needs, asked.logged_model(model, Action::Read).await?);
    }
    if let Source::Logged(model) = &source {
        needs = both(needs, asked.logged_model(model, Action::Read).await?);
    }
    Ok(needs)
}

enum Source {
    Registered(String),
    Logged(String),
    Other,
}

/// What a `models:` source names: a registered model with a version, a stage or an alias, or a logged model.
fn source(uri: &str) -> Source {
    let Some(rest) = uri.strip_prefix("models:") else { return Source::Other };
    let path = rest.trim_start_matches('/');
    match path.split_once(['/', '@']) {
        Some((name, _)) => Source::Registered(name.to_owned()),
        None => Source::Logged(path.to_owned()),
    }
}

/// Which of the two the tags say that it is; none if they say nothing.
fn marked(fields: &Fields) -> Option<Registered> {
    let mark = fields.parts("tags").filter(|tag| tag.text("key") == PROMPT_TAG).last()?;
    Some(if mark.text("value").eq_ignore_ascii_case("true") { Registered::Prompt } else { Registered::Model })
}

/// The name that a new or a renamed model would have; it must not read as a permission on all of them.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a star.
pub fn new_name(asked: &Asked<'_>, renames: bool) -> MlflowResult<String> {
    let (field, message) = if renames { ("new_name", &NEW_NAME) } else { ("name", &NAME) };
    let name = asked.fields(message)?.text(field).to_owned();
    if name == EVERY {
        return Err(MlflowError::invalid(
            "'*' is reserved for wildcard permission grants and cannot be used as a registered model or prompt name.",
        ));
    }
    Ok(name)
}

/// The name that a request gives of a registered model.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` when it gives none.
pub fn model_name(asked: &Asked<'_>) -> MlflowResult<String> {
    asked.text("name", &NAME)
}
