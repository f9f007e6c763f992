//! What a caller may do: what their role gives them everywhere, and what was granted to them explicitly.

use std::collections::HashMap;
use std::sync::Arc;

use super::permission::{Action, Permission};
use super::resource::{EVERY, ResourceType};

/// A permission that somebody has on one resource or on every one of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// What kind of thing it is about.
    pub kind: ResourceType,
    /// Which one, in its canonical form; [`EVERY`] for all of the kind.
    pub pattern: String,
    /// What it allows.
    pub permission: Permission,
}

/// Everything that was granted to one user, folded: of several permissions on the same thing a denial wins, else the
/// highest.
#[derive(Debug, Default)]
pub struct Grants {
    by_kind: HashMap<ResourceType, HashMap<String, Permission>>,
    bounds: Option<(Permission, Permission)>,
}

impl Grants {
    /// Folds grants.
    pub fn new(grants: impl IntoIterator<Item = Grant>) -> Self {
        let mut folded = Self::default();
        for grant in grants {
            let (low, high) = folded.bounds.unwrap_or((grant.permission, grant.permission));
            folded.bounds = Some((low.min(grant.permission), high.max(grant.permission)));
            let kept = folded.by_kind.entry(grant.kind).or_default().entry(grant.pattern);
            kept.and_modify(|kept| *kept = fold(*kept, grant.permission)).or_insert(grant.permission);
        }
        folded
    }

    /// What was granted on this one or on all of its kind; none if nothing was.
    #[must_use]
    pub fn on(&self, kind: ResourceType, name: &str) -> Option<Permission> {
        let of_kind = self.by_kind.get(&kind)?;
        let every = of_kind.get(EVERY).copied();
        if name == EVERY {
            return every;
        }
        let named = of_kind.get(name).or_else(|| of_kind.get(&kind.canonical(name))).copied();
        match (every, named) {
            (Some(every), Some(named)) => Some(fold(every, named)),
            (every, named) => every.or(named),
        }
    }
}

fn fold(one: Permission, other: Permission) -> Permission {
    if one == Permission::Deny || other == Permission::Deny { Permission::Deny } else { one.max(other) }
}

/// Where a permission is looked for, and what it must allow there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rung {
    /// The kind of thing.
    pub kind: ResourceType,
    /// Which one.
    pub name: String,
    /// What the permission must allow.
    pub action: Action,
}

/// What a request needs: an action on something. Where nothing is granted on it, the next rung decides, and at last the
/// caller's role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement(Vec<Rung>);

impl Requirement {
    /// An action on one thing.
    #[must_use]
    pub fn on(kind: ResourceType, name: &str, action: Action) -> Self {
        Self(vec![Rung { kind, name: name.to_owned(), action }])
    }

    /// An action on all of a kind.
    #[must_use]
    pub fn every(kind: ResourceType, action: Action) -> Self {
        Self::on(kind, EVERY, action)
    }

    /// Nothing but the caller's role decides.
    #[must_use]
    pub fn role(action: Action) -> Self {
        // Nothing can be granted on a workspace without a name.
        Self::on(ResourceType::Workspace, "", action)
    }

    /// Something new that stands by itself: who may use the workspace may make it, else the role decides.
    #[must_use]
    pub fn creates() -> Self {
        Self::every(ResourceType::Workspace, Action::Use).or(ResourceType::Workspace, "", Action::Update)
    }

    /// Where nothing is granted on it, the permission on this must allow an action.
    #[must_use]
    pub fn or(mut self, kind: ResourceType, name: &str, action: Action) -> Self {
        self.0.push(Rung { kind, name: name.to_owned(), action });
        self
    }
}

/// What a request needs, all of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Every one of these must be met,
    pub all: Vec<Requirement>,
    /// and one of these, if there are any.
    pub one_of: Vec<Requirement>,
}

impl Needs {
    /// All of these.
    #[must_use]
    pub fn all(all: Vec<Requirement>) -> Self {
        Self { all, one_of: Vec::new() }
    }
}

/// What a caller may do.
#[derive(Debug, Clone)]
pub struct Rights {
    default: Permission,
    grants: Arc<Grants>,
}

impl Rights {
    /// What a role gives everywhere, and what was granted beside it.
    #[must_use]
    pub fn new(default: Permission, grants: Arc<Grants>) -> Self {
        // Who manages the workspace cannot be denied anything in it.
        if grants.on(ResourceType::Workspace, EVERY) == Some(Permission::Manage) {
            return Self::everything();
        }
        Self { default, grants }
    }

    /// Everything: nothing can be denied to an administrator.
    #[must_use]
    pub fn everything() -> Self {
        Self { default: Permission::Manage, grants: Arc::default() }
    }

    /// The same with another default.
    #[must_use]
    pub fn with_default(&self, default: Permission) -> Self {
        Self { default, grants: self.grants.clone() }
    }

    /// What the role gives.
    #[must_use]
    pub fn default_permission(&self) -> Permission {
        self.default
    }

    /// What counts for one thing: what was granted on it, or what the role gives.
    #[must_use]
    pub fn on(&self, kind: ResourceType, name: &str) -> Permission {
        self.grants.on(kind, name).unwrap_or(self.default)
    }

    /// Whether a request is allowed or forbidden whatever it is about, so that nobody needs to look: by what the role
    /// gives if nothing was granted, or because no grant goes below what it can need. `action` is what it needs where
    /// nothing is granted, `most` the most that any of its rungs asks for.
    #[must_use]
    pub fn settle(&self, action: Action, most: Action) -> Option<bool> {
        let allowed = self.default.allows(action);
        match self.grants.bounds {
            None => Some(allowed),
            Some((low, _)) if allowed && low.allows(most) => Some(true),
            Some(_) => None,
        }
    }

    /// Whether a requirement is met.
    #[must_use]
    pub fn meet(&self, requirement: &Requirement) -> bool {
        let granted = requirement.0.iter().find_map(|rung| {
            self.grants.on(rung.kind, &rung.name).map(|permission| permission.allows(rung.action))
        });
        granted.unwrap_or_else(|| requirement.0.last().is_none_or(|rung| self.default.allows(rung.action)))
    }

    /// Whether everything that a request needs is met.
    #[must_use]
    pub fn allow(&self, needs: &Needs) -> bool {
        needs.all.iter().all(|requirement| self.meet(requirement))
            && (needs.one_of.is_empty() || needs.one_of.iter().any(|requirement| self.meet(requirement)))
    }

    /// Whether one thing may be read.
    #[must_use]
    pub fn may_read(&self, kind: ResourceType, name: &str) -> bool {
        self.on(kind, name).allows(Action::Read)
    }

    /// Whether all of a kind are denied.
    #[must_use]
    pub fn denies_every(&self, kind: ResourceType) -> bool {
        self.grants.on(kind, EVERY) == Some(Permission::Deny)
    }

    /// Whether there is anything at all that may not be read.
    #[must_use]
    pub fn hide_something(&self) -> bool {
        self.settle(Action::Read, Action::Read) != Some(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(default: Permission, grants: &[(ResourceType, &str, Permission)]) -> Rights {
        let grants = grants.iter().map(|(kind, pattern, permission)| Grant {
            kind: *kind,
            pattern: (*pattern).to_owned(),
            permission: *permission,
        });
        Rights::new(default, Arc::new(Grants::new(grants)))
    }

    use Permission::{Deny, Edit, Manage, Read};
    use ResourceType::{Experiment, Run, Trace};

    /// A change of a run in an experiment, as MLflow asks for it.
    fn change_of_run(experiment: &str) -> Needs {
        Needs::all(vec![
            Requirement::on(Experiment, experiment, Action::Read),
            Requirement::every(Run, Action::Update).or(Experiment, experiment, Action::Update),
        ])
    }

    #[test]
    fn a_grant_overrides_the_role_both_ways() {
        let scientist =
            rights(Edit, &[(Experiment, "1", Read), (Experiment, "2", Manage), (Experiment, "3", Deny)]);
        assert!(!scientist.allow(&change_of_run("1")));
        assert!(scientist.may_read(Experiment, "1") && scientist.may_read(Experiment, "01"));
        assert!(scientist.on(Experiment, "2").allows(Action::Delete));
        assert!(!scientist.may_read(Experiment, "3") && !scientist.allow(&change_of_run("3")));
        assert!(scientist.allow(&change_of_run("4")));
        let viewer = rights(Read, &[(Experiment, "1", Edit)]);
        assert!(viewer.allow(&change_of_run("1")) && !viewer.allow(&change_of_run("2")));
    }

    #[test]
    fn the_first_rung_with_a_grant_decides() {
        let denied = rights(Edit, &[(Run, EVERY, Deny), (Experiment, "1", Manage)]);
        assert!(!denied.allow(&change_of_run("1")), "a denial of all runs is not rescued by the experiment");
        let lifted = rights(Read, &[(Run, EVERY, Edit)]);
        assert!(
            lifted.allow(&change_of_run("1")),
            "all runs may be changed where the experiment may be read"
        );
        let hidden = rights(Read, &[(Run, EVERY, Edit), (Experiment, "1", Deny)]);
        assert!(!hidden.allow(&change_of_run("1")));
    }

    #[test]
    fn a_denial_wins_over_what_stands_beside_it() {
        let both = rights(Edit, &[(Experiment, EVERY, Manage), (Experiment, "1", Deny)]);
        assert!(!both.may_read(Experiment, "1") && both.may_read(Experiment, "2"));
        let highest = rights(Read, &[(Experiment, "1", Read), (Experiment, "1", Edit)]);
        assert!(highest.on(Experiment, "1") == Edit);
    }

    #[test]
    fn a_rung_may_ask_for_another_action() {
        let delete = |experiment: &str| {
            Needs::all(vec![Requirement::every(Trace, Action::Delete).or(
                Experiment,
                experiment,
                Action::Update,
            )])
        };
        assert!(rights(Edit, &[]).allow(&delete("1")));
        let narrowed = rights(Edit, &[(Trace, EVERY, Edit)]);
        assert!(!narrowed.allow(&delete("1")));
        assert_eq!(narrowed.settle(Action::Update, Action::Delete), None);
    }

    #[test]
    fn who_manages_the_workspace_may_do_everything() {
        let manager = rights(Read, &[(ResourceType::Workspace, EVERY, Manage), (Experiment, "1", Deny)]);
        assert!(manager.allow(&change_of_run("1")) && !manager.hide_something());
        let member = rights(Read, &[(ResourceType::Workspace, EVERY, Permission::Use)]);
        assert!(member.meet(&Requirement::creates()) && !member.allow(&change_of_run("1")));
        assert!(!rights(Read, &[]).meet(&Requirement::creates()));
        assert!(rights(Edit, &[]).meet(&Requirement::creates()));
    }

    #[test]
    fn most_requests_are_settled_without_looking() {
        assert_eq!(rights(Edit, &[]).settle(Action::Update, Action::Update), Some(true));
        assert_eq!(rights(Read, &[]).settle(Action::Update, Action::Update), Some(false));
        assert_eq!(
            rights(Edit, &[(Experiment, "1", Manage)]).settle(Action::Update, Action::Update),
            Some(true)
        );
        assert_eq!(rights(Edit, &[(Experiment, "1", Manage)]).settle(Action::Delete, Action::Delete), None);
        assert_eq!(rights(Edit, &[(Experiment, "1", Read)]).settle(Action::Update, Action::Update), None);
        assert_eq!(rights(Edit, &[(Experiment, "1", Read)]).settle(Action::Read, Action::Read), Some(true));
        assert!(!rights(Edit, &[(Experiment, "1", Read)]).hide_something());
        assert!(rights(Edit, &[(Experiment, "1", Deny)]).hide_something());
        assert_eq!(Rights::everything().settle(Action::Manage, Action::Manage), Some(true));
    }
}
