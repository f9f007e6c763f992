//! Whose a proxied artifact is, by its path: `EXPERIMENT/RUN/artifacts/…`, `EXPERIMENT/models/MODEL/artifacts/…` and
//! `EXPERIMENT/traces/TRACE/artifacts/…`.

use super::asked::Asked;
use super::permission::Action;
use super::resource::ResourceType;
use super::rights::{Needs, Requirement};

pub(super) fn needs(asked: &Asked<'_>, action: Action) -> Option<Needs> {
    let path = asked.variable("path").or_else(|| asked.call.query("path")).unwrap_or_default();
    let (experiment, rest) = match target(path)? {
        Target::Elsewhere => return Some(Needs::all(vec![Requirement::role(action)])),
        Target::Within(experiment, rest) => (experiment, rest),
    };
    let kinds = kinds(&rest, action == Action::Manage);
    if kinds.is_empty() {
        return Some(Needs::all(vec![Requirement::on(ResourceType::Experiment, &experiment, action)]));
    }
    let mut all = vec![Requirement::on(ResourceType::Experiment, &experiment, Action::Read)];
    all.extend(
        kinds
            .iter()
            .map(|kind| Requirement::every(*kind, action).or(ResourceType::Experiment, &experiment, action)),
    );
    Some(Needs::all(all))
}

enum Target {
    /// Below an experiment's folder.
    Within(String, Vec<String>),
    /// In no experiment's folder.
    Elsewhere,
}

/// What a path leads to; none for one that could lead elsewhere than it says.
fn target(path: &str) -> Option<Target> {
    // Whoever decodes a second time must not end up where nobody looked.
    if path.contains(['\\', '%', '\0']) || path.split('/').any(|segment| segment == "..") {
        return None;
    }
    let mut segments = path.split('/').filter(|segment| !segment.is_empty() && *segment != ".");
    let Some(first) = segments.next().filter(|first| first.bytes().all(|byte| byte.is_ascii_digit())) else {
        return Some(Target::Elsewhere);
    };
    // A store that ignores case gives out `MODELS` as `models`.
    Some(Target::Within(first.to_owned(), segments.map(str::to_lowercase).collect()))
}

/// Whose the rest of a path is. Deletion takes a whole folder, so it needs everything that lies below.
fn kinds(rest: &[String], whole_folder: bool) -> Vec<ResourceType> {
    let segment = |index: usize| rest.get(index).map_or("", String::as_str);
    match segment(0) {
        "" if whole_folder => vec![ResourceType::Run, ResourceType::Trace, ResourceType::LoggedModel],
        "" => Vec::new(),
        "models" => vec![ResourceType::LoggedModel],
        "traces" => vec![ResourceType::Trace],
        first if segment(1) == "artifacts" || is_run_id(first) || whole_folder => vec![ResourceType::Run],
        _ => Vec::new(),
    }
}

/// Whether a name is a run's identifier.
pub(super) fn is_run_id(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ResourceType::{LoggedModel, Run, Trace};

    fn kinds_of(path: &str, whole_folder: bool) -> Vec<ResourceType> {
        match target(path) {
            Some(Target::Within(_, rest)) => kinds(&rest, whole_folder),
            _ => vec![ResourceType::Workspace],
        }
    }

    #[test]
    fn a_path_tells_whose_it_is() {
        let run = "0123456789abcdef0123456789abcdef";
        assert_eq!(kinds_of(&format!("1/{run}/artifacts/model/MLmodel"), false), [Run]);
        assert_eq!(kinds_of(&format!("/1/./{run}"), false), [Run]);
        assert_eq!(kinds_of("1/models/m-1/artifacts/x", false), [LoggedModel]);
        assert_eq!(kinds_of("1/TRACES/tr-1/artifacts/traces.json", false), [Trace]);
        assert_eq!(kinds_of("1/notes.txt", false), []);
        assert_eq!(kinds_of("1/notes.txt", true), [Run]);
        assert_eq!(kinds_of("1", true), [Run, Trace, LoggedModel]);
    }

    #[test]
    fn a_path_that_could_lead_elsewhere_is_refused() {
        for path in ["1/../2/x", "1\\..\\2", "1/%2e%2e/2/x", "..", "1/\0"] {
            assert!(target(path).is_none(), "{path:?}");
        }
        assert!(matches!(target("shared/x"), Some(Target::Elsewhere)));
        assert!(matches!(target(""), Some(Target::Elsewhere)));
    }
}
