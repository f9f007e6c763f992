//! What a server keeps in memory of users, roles and permissions, so that a request needs no database.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Instant;

use ropewalk_core::{Connection, Result};
use ropewalk_mlflow::access::{Grant, Grants, Permission, ResourceType};

use super::model::Credential;
use super::roles::{Assignment, FullRole, Permit, RoleRecord, WORKSPACE};
use super::service::Caller;
use super::store;

/// The most verified passwords that are kept; beyond that all are forgotten.
const MOST_VERIFIED: usize = 10_000;

#[derive(Default)]
pub(super) struct Known {
    /// Every credential, and the hash of its secret.
    pub(super) credentials: Vec<(Credential, String)>,
    roles: BTreeMap<i64, RoleRecord>,
    permits: HashMap<i64, Vec<Permit>>,
    assignments: Vec<Assignment>,
    /// What was granted to a user, folded; made when first asked for.
    grants: HashMap<i64, Arc<Grants>>,
    /// How many changes there were when this was read.
    change: i64,
    pub(super) read_at: Option<Instant>,
    /// Passwords that were verified: argon2 is slow on purpose, and a client sends its password with every request.
    /// Keyed by a hash of the whole header, forgotten when a credential changes.
    verified: HashMap<blake3::Hash, Caller>,
}

impl Known {
    /// How many changes there were when this was read.
    pub(super) fn change(&self) -> i64 {
        self.change
    }

    /// Reads everything anew.
    pub(super) async fn read(connection: &mut Connection) -> Result<Self> {
        // First the number: what changes meanwhile is read again.
        let change = store::changes(connection).await?;
        let credentials = store::credentials::all(connection).await?;
        let roles = store::roles::roles(connection).await?;
        let mut permits: HashMap<i64, Vec<Permit>> = HashMap::new();
        for permit in store::roles::permits(connection).await? {
            permits.entry(permit.role_id).or_default().push(permit);
        }
        Ok(Self {
            credentials,
            roles: roles.into_iter().map(|role| (role.id, role)).collect(),
            permits,
            assignments: store::roles::assignments(connection).await?,
            change,
            read_at: Some(Instant::now()),
            ..Self::default()
        })
    }

    /// Takes the place of an older reading; passwords stay verified if no credential has changed.
    pub(super) fn replace(&mut self, mut newer: Self) {
        if newer.change < self.change {
            return;
        }
        if newer.credentials == self.credentials {
            newer.verified = std::mem::take(&mut self.verified);
        }
        *self = newer;
    }

    pub(super) fn verified(&self, key: &blake3::Hash) -> Option<Caller> {
        self.verified.get(key).cloned()
    }

    pub(super) fn remember(&mut self, key: blake3::Hash, caller: Caller) {
        if self.verified.len() >= MOST_VERIFIED {
            self.verified.clear();
        }
        self.verified.insert(key, caller);
    }

    pub(super) fn credential(&self, name: &str) -> Option<&Credential> {
        self.credentials.iter().map(|(credential, _)| credential).find(|credential| credential.name == name)
    }

    pub(super) fn role(&self, id: i64) -> Option<FullRole> {
        self.roles.get(&id).map(|role| self.full(role))
    }

    pub(super) fn roles(&self) -> Vec<FullRole> {
        self.roles.values().map(|role| self.full(role)).collect()
    }

    fn full(&self, role: &RoleRecord) -> FullRole {
        FullRole { role: role.clone(), permits: self.permits.get(&role.id).cloned().unwrap_or_default() }
    }

    pub(super) fn roles_of(&self, user: i64) -> Vec<FullRole> {
        self.role_ids(user).filter_map(|id| self.role(id)).collect()
    }

    pub(super) fn assignments_to(&self, role: i64) -> Vec<Assignment> {
        self.assignments.iter().filter(|assignment| assignment.role_id == role).copied().collect()
    }

    fn role_ids(&self, user: i64) -> impl Iterator<Item = i64> {
        self.assignments.iter().filter(move |one| one.user_id == user).map(|one| one.role_id)
    }

    /// The workspaces in which a user has a role.
    pub(super) fn workspaces_of(&self, user: i64) -> Vec<String> {
        let roles = self.role_ids(user).filter_map(|id| self.roles.get(&id));
        roles.map(|role| role.workspace.clone()).collect()
    }

    /// The workspaces that a user manages.
    pub(super) fn managed_by(&self, user: i64) -> Vec<String> {
        let manages = |role: &&RoleRecord| {
            self.permits.get(&role.id).into_iter().flatten().any(|permit| {
                permit.resource_type == ResourceType::Workspace.name()
                    && permit.permission == Permission::Manage.name()
            })
        };
        let roles = self.role_ids(user).filter_map(|id| self.roles.get(&id));
        roles.filter(manages).map(|role| role.workspace.clone()).collect()
    }

    /// What was granted to a user, if it was asked for before.
    pub(super) fn folded(&self, user: i64) -> Option<Arc<Grants>> {
        self.grants.get(&user).cloned()
    }

    /// What was granted to a user.
    pub(super) fn fold(&mut self, user: i64) -> Arc<Grants> {
        let roles: Vec<i64> = self.role_ids(user).collect();
        let here =
            roles.iter().filter(|id| self.roles.get(id).is_some_and(|role| role.workspace == WORKSPACE));
        let permits = here.flat_map(|id| self.permits.get(id).into_iter().flatten());
        let grants = permits.filter_map(|permit| {
            Some(Grant {
                kind: ResourceType::known(&permit.resource_type)?,
                pattern: permit.pattern.clone(),
                // A permission that this program does not know allows nothing.
                permission: Permission::known(&permit.permission).unwrap_or(Permission::Deny),
            })
        });
        let folded = Arc::new(Grants::new(grants));
        self.grants.insert(user, folded.clone());
        folded
    }
}
