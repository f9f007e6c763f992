//! How much somebody may do to something, in MLflow's words.

use crate::error::{MlflowError, MlflowResult};

/// What somebody may do to something, the least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permission {
    /// Nothing, whatever else is granted beside it.
    Deny,
    /// Nothing.
    NoPermissions,
    /// Read it.
    Read,
    /// Also use it.
    Use,
    /// Also change it.
    Edit,
    /// Also delete it, and say what others may do.
    Manage,
}

/// What a request does to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// It must only not be denied.
    NotDenied,
    /// It is read.
    Read,
    /// It is used.
    Use,
    /// It is changed.
    Update,
    /// It is deleted.
    Delete,
    /// Others' permissions on it are changed.
    Manage,
}

impl Permission {
    /// Every permission, in MLflow's order.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Use, Self::Edit, Self::Manage, Self::NoPermissions, Self::Deny];

    /// The word on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "DENY",
            Self::NoPermissions => "NO_PERMISSIONS",
            Self::Read => "READ",
            Self::Use => "USE",
            Self::Edit => "EDIT",
            Self::Manage => "MANAGE",
        }
    }

    /// The permission of a word.
    #[must_use]
    pub fn known(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|permission| permission.name() == name)
    }

    /// The permission of a word.
    ///
    /// # Errors
    /// `INVALID_PARAMETER_VALUE` for another word.
    pub fn parse(name: &str) -> MlflowResult<Self> {
        Self::known(name).ok_or_else(|| {
            MlflowError::invalid(format!(
                "Invalid permission '{name}'. Valid permissions are: {}",
                tuple(Self::ALL.map(Self::name))
            ))
        })
    }

    /// Whether it allows this.
    #[must_use]
    pub fn allows(self, action: Action) -> bool {
        match action {
            Action::NotDenied => self != Self::Deny,
            Action::Read => self >= Self::Read,
            Action::Use => self >= Self::Use,
            Action::Update => self >= Self::Edit,
            Action::Delete | Action::Manage => self == Self::Manage,
        }
    }
}

/// Words as Python shows a tuple of them.
pub(crate) fn tuple<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let shown: Vec<String> = words.into_iter().map(|word| format!("'{word}'")).collect();
    match shown.as_slice() {
        [one] => format!("({one},)"),
        many => format!("({})", many.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn each_permission_allows_what_the_one_before_it_does() {
        let allowed = |permission: Permission| {
            [Action::NotDenied, Action::Read, Action::Use, Action::Update, Action::Delete, Action::Manage]
                .map(|action| permission.allows(action))
        };
        assert_eq!(allowed(Permission::Deny), [false; 6]);
        assert_eq!(allowed(Permission::NoPermissions), [true, false, false, false, false, false]);
        assert_eq!(allowed(Permission::Read), [true, true, false, false, false, false]);
        assert_eq!(allowed(Permission::Use), [true, true, true, false, false, false]);
        assert_eq!(allowed(Permission::Edit), [true, true, true, true, false, false]);
        assert_eq!(allowed(Permission::Manage), [true; 6]);
    }

    #[test]
    fn unknown_words_are_refused_in_known_words() {
        assert_eq!(Permission::parse("USE").unwrap(), Permission::Use);
        assert_eq!(
            Permission::parse("use").unwrap_err().message(),
            "Invalid permission 'use'. Valid permissions are: \
             ('READ', 'USE', 'EDIT', 'MANAGE', 'NO_PERMISSIONS', 'DENY')"
        );
    }
}
