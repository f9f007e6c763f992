//! What a request names, read as the handler behind it will read it.

use super::lookup::Lookup;
use super::permission::Action;
use super::resource::ResourceType;
use super::rights::{Needs, Requirement};
use crate::call::Call;
use crate::error::{MlflowError, MlflowResult};
use crate::fields::Fields;
use crate::message::{Message, text};
use crate::rules::missing_value;

/// A request, what its path names, and where to find what things belong to.
pub struct Asked<'a> {
    /// The request with its body.
    pub call: &'a Call,
    /// What the path names.
    pub variables: &'a [(&'static str, String)],
    /// Finds what things belong to.
    pub lookup: &'a dyn Lookup,
}

/// What a request needs; none where it is refused whatever the caller may do, since it names what does not exist: an
/// answer must not tell strangers which identifiers there are.
pub(super) type Found = MlflowResult<Option<Needs>>;

static RUN: Message = Message(&[text("run_id"), text("run_uuid")]);

impl Asked<'_> {
    /// The request's fields. A message must name no field that the handler's has not: reading ends at the first value
    /// that cannot be read, and must not end here before it ends there.
    ///
    /// # Errors
    /// A body that does not call itself JSON, a field under two names.
    pub fn fields(&self, message: &'static Message) -> MlflowResult<Fields> {
        self.call.read(message, &[])
    }

    /// What the path names.
    pub fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// A text that the path or the request names.
    pub(super) fn text(&self, name: &str, message: &'static Message) -> MlflowResult<String> {
        if let Some(value) = self.variable(name) {
            return Ok(value.to_owned());
        }
        let fields = self.fields(message)?;
        fields.some_text(name).map(str::to_owned).ok_or_else(|| missing(name))
    }

    /// The run's identifier.
    pub(super) fn run_id(&self) -> MlflowResult<String> {
        if let Some(value) = self.variable("run_id") {
            return Ok(value.to_owned());
        }
        match self.fields(&RUN)?.run_id() {
            "" => Err(missing("run_id")),
            id => Ok(id.to_owned()),
        }
    }

    /// The run's identifier in the query, whatever the method.
    pub(super) fn run_in_query(&self) -> MlflowResult<String> {
        let found =
            ["run_id", "run_uuid"].iter().find_map(|name| self.call.query(name).filter(|id| !id.is_empty()));
        found
            .map(str::to_owned)
            .ok_or_else(|| MlflowError::invalid("Request must specify run_id or run_uuid parameter"))
    }

    /// An action on something that belongs to an experiment.
    fn within(experiment: Option<String>, kind: ResourceType, action: Action) -> Option<Needs> {
        experiment.map(|experiment| Needs::all(within(&experiment, kind, action)))
    }

    /// An action on a run; none if there is no such run.
    ///
    /// # Errors
    /// A database that does not answer.
    pub async fn run(&self, id: &str, action: Action) -> Found {
        Ok(Self::within(self.lookup.experiment_of_run(id).await?, ResourceType::Run, action))
    }

    /// An action on a logged model.
    pub(super) async fn logged_model(&self, id: &str, action: Action) -> Found {
        Ok(Self::within(self.lookup.experiment_of_logged_model(id).await?, ResourceType::LoggedModel, action))
    }

    /// An action on a trace.
    pub(super) async fn trace(&self, id: &str, action: Action) -> Found {
        Ok(Self::within(self.lookup.experiment_of_trace(id).await?, ResourceType::Trace, action))
    }
}

/// An action on something that belongs to an experiment. The experiment must be readable; the action is judged by what was granted on all of the kind, or by the experiment.
#[must_use]
pub fn within(experiment: &str, kind: ResourceType, action: Action) -> Vec<Requirement> {
    vec![
        Requirement::on(ResourceType::Experiment, experiment, Action::Read),
        Requirement::every(kind, action).or(ResourceType::Experiment, experiment, action),
    ]
}

/// Something new within an experiment: the experiment is changed, and its kind must not be denied.
#[must_use]
pub fn new_in(experiment: &str, kind: ResourceType) -> Vec<Requirement> {
    vec![
        Requirement::on(ResourceType::Experiment, experiment, Action::Update),
        Requirement::every(kind, Action::NotDenied),
    ]
}

/// Both of two needs; none if either names what does not exist.
#[must_use]
pub fn both(one: Option<Needs>, other: Option<Needs>) -> Option<Needs> {
    let (mut one, other) = (one?, other?);
    one.all.extend(other.all);
    one.one_of.extend(other.one_of);
    Some(one)
}

pub(super) fn missing(name: &str) -> MlflowError {
    MlflowError::invalid(format!(
        "{} See the API docs for more information about request parameters.",
        missing_value(name)
    ))
}
