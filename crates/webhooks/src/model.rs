//! The words: webhooks, events, deliveries.

use ropewalk_core::{Error, Result};
use ropewalk_mlflow::python::{repr, repr_list};
use serde::{Deserialize, Serialize};

macro_rules! events {
    ($($variant:ident = $entity:literal, $action:literal;)+) => {
        /// What a webhook can be told of.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum Event { $($variant,)+ }

        impl Event {
            /// Every event there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What something happened to, such as `model_version_alias`.
            pub const fn entity(self) -> &'static str { match self { $(Self::$variant => $entity,)+ } }

            /// What happened to it, such as `created`.
            pub const fn action(self) -> &'static str { match self { $(Self::$variant => $action,)+ } }

            /// Both, as they are kept: `model_version_alias.created`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => concat!($entity, ".", $action),)+ }
            }
        }
    };
}

events! {
    RegisteredModelCreated = "registered_model", "created";
    ModelVersionCreated = "model_version", "created";
    ModelVersionTagSet = "model_version_tag", "set";
    ModelVersionTagDeleted = "model_version_tag", "deleted";
    ModelVersionAliasCreated = "model_version_alias", "created";
    ModelVersionAliasDeleted = "model_version_alias", "deleted";
    PromptCreated = "prompt", "created";
    PromptVersionCreated = "prompt_version", "created";
    PromptTagSet = "prompt_tag", "set";
    PromptTagDeleted = "prompt_tag", "deleted";
    PromptVersionTagSet = "prompt_version_tag", "set";
    PromptVersionTagDeleted = "prompt_version_tag", "deleted";
    PromptAliasCreated = "prompt_alias", "created";
    PromptAliasDeleted = "prompt_alias", "deleted";
    BudgetPolicyExceeded = "budget_policy", "exceeded";
}

impl Event {
    /// The event of an entity and an action.
    ///
    /// # Errors
    /// `invalid` when the entity is not known, or nothing of that kind happens to it.
    pub fn of(entity: &str, action: &str) -> Result<Self> {
        let of_entity: Vec<Self> =
            Self::ALL.iter().copied().filter(|event| event.entity() == entity).collect();
        if of_entity.is_empty() {
            return Err(Error::invalid(format!("{} is not a valid WebhookEntity", repr(entity))));
        }
        of_entity.iter().copied().find(|event| event.action() == action).ok_or_else(|| {
            let mut actions: Vec<&str> = of_entity.iter().map(|event| event.action()).collect();
            actions.sort_unstable();
            Error::invalid(format!(
                "Invalid action '{action}' for entity '{entity}'. Valid actions are: {}",
                repr_list(actions)
            ))
        })
    }

    /// The event of a name such as `prompt.created`, as it is kept.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|event| event.name() == name)
    }
}

/// Whether a webhook is sent anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is.
    Active,
    /// It is not.
    Disabled,
}

impl Status {
    /// Its name in MLflow's words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Disabled => "DISABLED",
        }
    }

    /// The status of a name.
    pub fn named(name: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.name() == name)
    }
}

/// A receiver of events.
#[derive(Debug, Clone)]
pub struct Webhook {
    /// A UUID.
    pub id: String,
    /// A name for people.
    pub name: String,
    /// Free words.
    pub description: String,
    /// Where events are sent.
    pub url: String,
    /// What it is sent, by entity and action.
    pub events: Vec<Event>,
    /// Whether it is sent anything.
    pub status: Status,
    /// Milliseconds since 1970.
    pub created_ms: i64,
    /// Milliseconds since 1970.
    pub updated_ms: i64,
    /// The secret that messages are signed with, sealed.
    pub(crate) secret: Option<String>,
}

/// What makes a webhook.
#[derive(Debug, Clone, Default)]
pub struct NewWebhook {
    /// A name for people.
    pub name: String,
    /// Free words.
    pub description: String,
    /// Where events are sent.
    pub url: String,
    /// What it is sent.
    pub events: Vec<Event>,
    /// The secret that messages are signed with.
    pub secret: Option<String>,
    /// Active, unless it says otherwise.
    pub status: Option<Status>,
}

/// What changes a webhook; what is not set stays as it is.
#[derive(Debug, Clone, Default)]
pub struct WebhookChange {
    /// A name for people.
    pub name: Option<String>,
    /// Free words.
    pub description: Option<String>,
    /// Where events are sent.
    pub url: Option<String>,
    /// What it is sent.
    pub events: Option<Vec<Event>>,
    /// The secret that messages are signed with; an empty one takes it away.
    pub secret: Option<String>,
    /// Whether it is sent anything.
    pub status: Option<Status>,
}

/// What came of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestResult {
    /// Whether the receiver took it.
    pub success: bool,
    /// The receiver's HTTP status, if it answered.
    pub response_status: Option<u16>,
    /// What it answered.
    pub response_body: Option<String>,
    /// Why it could not be reached.
    pub error: Option<String>,
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// It waits to be sent, for the first time or again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It was refused, or all attempts failed.
    Failed,
}

impl DeliveryState {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    pub(crate) fn named(name: &str) -> Self {
        match name {
            "delivered" => Self::Delivered,
            "failed" => Self::Failed,
            _ => Self::Waiting,
        }
    }
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Delivery {
    /// The identifier that the receiver sees; the same in every attempt.
    pub id: String,
    /// What happened, such as `model_version.created`.
    pub event: String,
    /// How far it is.
    pub state: DeliveryState,
    /// When it happened, in milliseconds since 1970.
    pub created_ms: i64,
    /// Attempts that have ended.
    pub attempts: i64,
    /// The last answer's HTTP status.
    pub response_status: Option<i64>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// When it was delivered or given up, in milliseconds since 1970.
    pub ended_ms: Option<i64>,
}

/// Refuses a name that MLflow refuses.
///
/// # Errors
/// `invalid`
pub(crate) fn check_name(name: &str) -> Result<()> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'));
    let ends = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric());
    if plain && ends && name.len() <= 63 {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Webhook name {} is invalid. It must start and end with a letter or digit, be less than 63 characters long, and \
         contain only letters, digits, dots (.), underscores (_), and hyphens (-).",
        repr(name)
    )))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn events_have_names_that_lead_back_to_them() {
        for event in Event::ALL {
            assert_eq!(Event::of(event.entity(), event.action()).unwrap(), *event);
            assert_eq!(Event::named(event.name()), Some(*event));
        }
        assert_eq!(
            Event::of("prompt_tag", "created").unwrap_err().what(),
            "Invalid action 'created' for entity 'prompt_tag'. Valid actions are: ['deleted', 'set']"
        );
        assert!(Event::of("entity_unspecified", "created").is_err());
    }

    #[test]
    fn names_begin_and_end_with_a_letter_or_digit() {
        for right in ["a", "A-b_c.9", &"a".repeat(63)] {
            check_name(right).unwrap();
        }
        for wrong in ["", "-a", "a.", "a b", "é", &"a".repeat(64), "a\n"] {
            assert!(check_name(wrong).is_err(), "{wrong:?}");
        }
    }
}
