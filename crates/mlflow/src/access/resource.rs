//! What a permission can be about.

use super::permission::{Permission, tuple};
use crate::error::{MlflowError, MlflowResult};
use crate::python;

/// The pattern that stands for every resource of a type.
pub const EVERY: &str = "*";

/// A kind of thing that a permission can be about. Runs, traces, logged models and versions have none by name: they
/// follow what they belong to, unless something is granted on all of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum ResourceType {
    Assessment,
    Experiment,
    GatewayEndpoint,
    GatewayModelDefinition,
    GatewaySecret,
    LoggedModel,
    McpServer,
    McpServerVersion,
    Prompt,
    PromptVersion,
    RegisteredModel,
    RegisteredModelVersion,
    ReviewQueue,
    Run,
    Scorer,
    ScorerVersion,
    Skill,
    Trace,
    Workspace,
}

impl ResourceType {
    /// Every kind, by name.
    pub const ALL: [Self; 19] = [
        Self::Assessment,
        Self::Experiment,
        Self::GatewayEndpoint,
        Self::GatewayModelDefinition,
        Self::GatewaySecret,
        Self::LoggedModel,
        Self::McpServer,
        Self::McpServerVersion,
        Self::Prompt,
        Self::PromptVersion,
        Self::RegisteredModel,
        Self::RegisteredModelVersion,
        Self::ReviewQueue,
        Self::Run,
        Self::Scorer,
        Self::ScorerVersion,
        Self::Skill,
        Self::Trace,
        Self::Workspace,
    ];

    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Assessment => "assessment",
            Self::Experiment => "experiment",
            Self::GatewayEndpoint => "gateway_endpoint",
            Self::GatewayModelDefinition => "gateway_model_definition",
            Self::GatewaySecret => "gateway_secret",
            Self::LoggedModel => "logged_model",
            Self::McpServer => "mcp_server",
            Self::McpServerVersion => "mcp_server_version",
            Self::Prompt => "prompt",
            Self::PromptVersion => "prompt_version",
            Self::RegisteredModel => "registered_model",
            Self::RegisteredModelVersion => "registered_model_version",
            Self::ReviewQueue => "review_queue",
            Self::Run => "run",
            Self::Scorer => "scorer",
            Self::ScorerVersion => "scorer_version",
            Self::Skill => "skill",
            Self::Trace => "trace",
            Self::Workspace => "workspace",
        }
    }

    /// The kind of a word.
    #[must_use]
    pub fn known(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The kind of a word.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for another word.
    pub fn parse(name: &str) -> MlflowResult<Self> {
        Self::known(name).ok_or_else(|| {
            MlflowError::invalid(format!(
                "Invalid resource type '{name}'. Valid resource types are: {}",
                tuple(Self::ALL.map(Self::name))
            ))
        })
    }

    /// Whether something can be granted on one by its name.
    #[must_use]
    pub const fn has_names(self) -> bool {
        matches!(
            self,
            Self::Experiment
                | Self::RegisteredModel
                | Self::Prompt
                | Self::Scorer
                | Self::GatewaySecret
                | Self::GatewayEndpoint
                | Self::GatewayModelDefinition
                | Self::McpServer
                | Self::Skill
        )
    }

    /// The permission of a word, if it can be granted on this kind.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for a word that is none, or that means nothing for this kind.
    pub fn grantable(self, permission: &str) -> MlflowResult<Permission> {
        let parsed = Permission::parse(permission)?;
        let (whose, may): (&str, &[&str]) = match self {
            Self::Workspace => ("Workspace-wide", &["MANAGE", "USE"]),
            Self::Skill => ("Skill Registry", &["DENY", "EDIT", "MANAGE", "READ"]),
            _ => ("Resource-level", &["DENY", "EDIT", "MANAGE", "READ", "USE"]),
        };
        if may.contains(&permission) {
            return Ok(parsed);
        }
        Err(MlflowError::invalid(format!(
            "Invalid permission '{permission}' for resource_type='{}'. {whose} grants accept only: {}.",
            self.name(),
            tuple(may.iter().copied())
        )))
    }

    /// A pattern in the form in which it is kept and compared.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for the name of one thing where only all can be meant, and for a skill's name that is
    /// none.
    pub fn pattern(self, pattern: &str) -> MlflowResult<String> {
        if pattern != EVERY && !self.has_names() {
            return Err(MlflowError::invalid(format!(
                "Invalid resource_pattern '{pattern}' for resource_type='{}'. This resource type supports only \
                 wildcard ('*') grants.",
                self.name()
            )));
        }
        if self == Self::Skill && pattern != EVERY {
            check_skill(pattern)?;
        }
        Ok(self.canonical(pattern))
    }

    /// A name in the form in which it is compared: an experiment's number is the same however it is written.
    #[must_use]
    pub fn canonical(self, name: &str) -> String {
        match self {
            Self::Experiment => canonical_number(name),
            Self::Scorer => match name.split_once('/') {
                Some((experiment, scorer)) => format!("{}/{scorer}", canonical_number(experiment)),
                None => canonical_number(name),
            },
            _ => name.to_owned(),
        }
    }
}

fn canonical_number(text: &str) -> String {
    python::whole(text).map_or_else(|| text.to_owned(), |number| number.to_string())
}

fn check_skill(key: &str) -> MlflowResult<()> {
    let holds = match key.strip_prefix('@') {
        Some(rest) => rest.split_once('/').is_some_and(|(organization, name)| {
            !organization.is_empty() && !name.is_empty() && !name.contains('/')
        }),
        None => !key.is_empty() && !key.contains('/'),
    };
    if holds {
        return Ok(());
    }
    Err(MlflowError::invalid("Invalid Skill Registry resource_id. Expected 'name' or '@organization/name'."))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_cannot_be_granted_is_refused_in_known_words() {
        let words = |kind: ResourceType, permission: &str| {
            kind.grantable(permission).unwrap_err().message().to_owned()
        };
        assert_eq!(
            words(ResourceType::Experiment, "NO_PERMISSIONS"),
            "Invalid permission 'NO_PERMISSIONS' for resource_type='experiment'. Resource-level grants accept only: \
             ('DENY', 'EDIT', 'MANAGE', 'READ', 'USE')."
        );
        assert!(words(ResourceType::Workspace, "READ").contains("('MANAGE', 'USE')"));
        assert!(words(ResourceType::Skill, "USE").contains("Skill Registry grants"));
        assert_eq!(ResourceType::Run.grantable("DENY").unwrap(), Permission::Deny);
        assert!(
            ResourceType::Run.pattern("abc").unwrap_err().message().contains("only wildcard ('*') grants")
        );
        assert!(ResourceType::parse("runs").unwrap_err().message().ends_with("'trace', 'workspace')"));
    }

    #[test]
    fn an_experiment_is_the_same_however_its_number_is_written() {
        for spelling in ["7", "07", " 7", "+7", "0_7"] {
            assert_eq!(ResourceType::Experiment.pattern(spelling).unwrap(), "7", "{spelling:?}");
        }
        assert_eq!(ResourceType::Experiment.canonical("x"), "x");
        assert_eq!(ResourceType::Scorer.canonical("07/a b"), "7/a b");
        assert_eq!(ResourceType::RegisteredModel.canonical("07"), "07");
        assert!(ResourceType::Skill.pattern("@a/b/c").is_err());
        assert!(ResourceType::Skill.pattern("@a/b").is_ok());
    }

    #[test]
    fn kinds_stand_by_name_and_read_back() {
        assert!(ResourceType::ALL.is_sorted_by_key(|kind| kind.name()));
        for kind in ResourceType::ALL {
            assert_eq!(ResourceType::known(kind.name()), Some(kind));
        }
    }
}
