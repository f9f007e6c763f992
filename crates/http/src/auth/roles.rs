//! Named roles and the permissions that they hold, as MLflow's client manages them. A user's own permissions are held by a
//! role that is made for the user and for nobody else.

use ropewalk_core::{Code, Connection, Error, Result};
use ropewalk_mlflow::access::{Permission, ResourceType};

use super::service::Auth;
use super::store::{self, roles as sql};

/// The only workspace in which permissions count: workspaces are off.
pub const WORKSPACE: &str = "default";
/// How the names of users' own roles begin; no other role may be called so.
const OWN: &str = "__user_";
const LONGEST_NAME: usize = 255;
const LONGEST_DESCRIPTION: usize = 1024;

/// A role, without what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleRecord {
    /// Its number.
    pub id: i64,
    /// The workspace that it belongs to.
    pub workspace: String,
    /// Its name, unique within the workspace.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
}

/// A permission that a role holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permit {
    /// Its number.
    pub id: i64,
    /// The role that holds it.
    pub role_id: i64,
    /// What kind of thing it is about.
    pub resource_type: String,
    /// Which one; `*` for all of the kind.
    pub pattern: String,
    /// What it allows.
    pub permission: String,
}

/// That a user has a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Assignment {
    /// Its number.
    pub id: i64,
    /// The user's number.
    pub user_id: i64,
    /// The role's number.
    pub role_id: i64,
}

/// A role with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FullRole {
    /// The role.
    pub role: RoleRecord,
    /// What it holds.
    pub permits: Vec<Permit>,
}

/// Whether a grant may stand there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Then it is an error.
    Refuse,
    /// Then it is replaced.
    Replace,
}

/// The name of a user's own role.
pub(super) fn own_role(user_id: i64) -> String {
    format!("{OWN}{user_id}__")
}

/// The number of the user whose own role has this name.
pub(super) fn owner(role: &str) -> Option<i64> {
    let digits = role.strip_prefix(OWN)?.strip_suffix("__")?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

fn no_role(id: i64) -> Error {
    Error::not_found(format!("Role with id={id} not found"))
}

fn no_permit(id: i64) -> Error {
    Error::not_found(format!("Role permission with id={id} not found"))
}

fn exists(what: String) -> Error {
    Error::new(Code::AlreadyExists, what)
}

fn check_text(field: &str, text: &str, longest: usize) -> Result<()> {
    if text.contains('\0') {
        return Err(Error::invalid(format!("'{field}' cannot contain NUL (0x00) characters")));
    }
    if text.chars().count() > longest {
        return Err(Error::invalid(format!("'{field}' exceeds the maximum length of {longest} characters")));
    }
    Ok(())
}

fn check_role(name: Option<&str>, description: Option<&str>) -> Result<()> {
    if let Some(name) = name {
        if name.starts_with(OWN) {
            return Err(Error::invalid(format!(
                "Role name '{name}' uses the reserved '__user_' prefix, which is held for the per-user permission \
                 representation. Choose a different name."
            )));
        }
        check_text("Role name", name, LONGEST_NAME)?;
    }
    description.map_or(Ok(()), |text| check_text("Role description", text, LONGEST_DESCRIPTION))
}

impl Auth {
    /// Makes a role.
    ///
    /// # Errors
    /// `already_exists` when the workspace has one of that name; `invalid` for a reserved or overlong name.
    pub async fn create_role(
        &self,
        workspace: &str,
        name: &str,
        description: Option<&str>,
    ) -> Result<FullRole> {
        check_role(Some(name), description)?;
        let (workspace, name) = (workspace.to_owned(), name.to_owned());
        let description = description.map(str::to_owned);
        let id = self
            .change(move |tx| {
                Box::pin(async move {
                    let made = sql::insert_role(tx, &workspace, &name, description.as_deref()).await?;
                    made.ok_or_else(|| {
                        exists(format!("Role (name={name}, workspace={workspace}) already exists."))
                    })
                })
            })
            .await?;
        self.get_role(id).await
    }

    /// A role with what it holds.
    ///
    /// # Errors
    /// `not_found` for another number.
    pub async fn get_role(&self, id: i64) -> Result<FullRole> {
        self.refresh(true).await?;
        self.known().role(id).ok_or_else(|| no_role(id))
    }

    /// The roles of these workspaces, or all.
    pub async fn list_roles(&self, workspaces: Option<&[String]>) -> Result<Vec<FullRole>> {
        self.refresh(true).await?;
        let mut roles = self.known().roles();
        if let Some(workspaces) = workspaces {
            roles.retain(|full| workspaces.contains(&full.role.workspace));
        }
        Ok(roles)
    }

    /// Gives a role another name or description.
    ///
    /// # Errors
    /// `not_found`; `already_exists` when the workspace has another of that name.
    pub async fn update_role(
        &self,
        id: i64,
        name: Option<&str>,
        description: Option<&str>,
    ) -> Result<FullRole> {
        check_role(name, description)?;
        let (name, description) = (name.map(str::to_owned), description.map(str::to_owned));
        self.change(move |tx| {
            Box::pin(async move {
                let mut role = sql::get_role(tx, id).await?.ok_or_else(|| no_role(id))?;
                if let Some(name) = name {
                    let taken = sql::role_named(tx, &role.workspace, &name).await?;
                    if taken.is_some_and(|other| other.id != id) {
                        let workspace = &role.workspace;
                        return Err(exists(format!(
                            "Role with name={name} already exists in workspace={workspace}"
                        )));
                    }
                    role.name = name;
                }
                role.description = description.or(role.description);
                sql::update_role(tx, &role).await
            })
        })
        .await?;
        self.get_role(id).await
    }

    /// Removes a role; whoever had it loses what it held.
    ///
    /// # Errors
    /// `not_found` for another number.
    pub async fn delete_role(&self, id: i64) -> Result<()> {
        self.change(move |tx| {
            Box::pin(async move {
                sql::get_role(tx, id).await?.ok_or_else(|| no_role(id))?;
                sql::delete_role(tx, id).await
            })
        })
        .await
    }

    /// Lets a role hold a permission; the pattern is canonical.
    ///
    /// # Errors
    /// `not_found` for another role; `already_exists` when it holds one on the same thing.
    pub async fn add_permit(
        &self,
        role_id: i64,
        kind: ResourceType,
        pattern: &str,
        permission: Permission,
    ) -> Result<Permit> {
        let pattern = pattern.to_owned();
        self.change(move |tx| {
            Box::pin(async move {
                sql::get_role(tx, role_id).await?.ok_or_else(|| no_role(role_id))?;
                let made = sql::insert_permit(tx, role_id, kind.name(), &pattern, permission.name()).await?;
                made.ok_or_else(|| {
                    exists(format!(
                        "Role permission (role_id={role_id}, resource_type={}, resource_pattern={pattern}) already \
                         exists.",
                        kind.name()
                    ))
                })
            })
        })
        .await
    }

    /// One permission of a role.
    ///
    /// # Errors
    /// `not_found` for another number.
    pub async fn get_permit(&self, id: i64) -> Result<Permit> {
        let mut connection = self.core().database.read().await?;
        sql::get_permit(&mut connection, id).await?.ok_or_else(|| no_permit(id))
    }

    /// Changes what a role's permission allows.
    ///
    /// # Errors
    /// `not_found` for another number.
    pub async fn update_permit(&self, id: i64, permission: Permission) -> Result<Permit> {
        self.change(move |tx| {
            Box::pin(async move {
                let mut permit = sql::get_permit(tx, id).await?.ok_or_else(|| no_permit(id))?;
                sql::set_permission(tx, id, permission.name()).await?;
                permit.permission = permission.name().to_owned();
                Ok(permit)
            })
        })
        .await
    }

    /// Takes a permission from a role.
    ///
    /// # Errors
    /// `not_found` for another number.
    pub async fn remove_permit(&self, id: i64) -> Result<()> {
        self.change(move |tx| {
            Box::pin(async move {
                sql::get_permit(tx, id).await?.ok_or_else(|| no_permit(id))?;
                sql::delete_permit(tx, id).await
            })
        })
        .await
    }

    /// Gives a user a role.
    ///
    /// # Errors
    /// `not_found` for another role; `already_exists` when the user has it.
    pub async fn assign_role(&self, user_id: i64, role_id: i64) -> Result<Assignment> {
        self.change(move |tx| {
            Box::pin(async move {
                sql::get_role(tx, role_id).await?.ok_or_else(|| no_role(role_id))?;
                let made = sql::insert_assignment(tx, user_id, role_id).await?;
                made.ok_or_else(|| {
                    exists(format!(
                        "User role assignment (user_id={user_id}, role_id={role_id}) already exists"
                    ))
                })
            })
        })
        .await
    }

    /// Takes a role from a user.
    ///
    /// # Errors
    /// `not_found` when the user does not have it.
    pub async fn unassign_role(&self, user_id: i64, role_id: i64) -> Result<()> {
        self.change(move |tx| {
            Box::pin(async move {
                if sql::delete_assignment(tx, user_id, role_id).await? {
                    return Ok(());
                }
                Err(Error::not_found(format!(
                    "User role assignment (user_id={user_id}, role_id={role_id}) not found"
                )))
            })
        })
        .await
    }

    /// The roles of a user, the user's own among them.
    pub async fn roles_of(&self, user_id: i64) -> Result<Vec<FullRole>> {
        self.refresh(true).await?;
        Ok(self.known().roles_of(user_id))
    }

    /// Who has a role.
    ///
    /// # Errors
    /// `not_found` for another number.
    pub async fn users_of(&self, role_id: i64) -> Result<Vec<Assignment>> {
        self.refresh(true).await?;
        let known = self.known();
        known.role(role_id).ok_or_else(|| no_role(role_id))?;
        Ok(known.assignments_to(role_id))
    }

    /// Grants a user something of their own; the pattern is canonical.
    ///
    /// # Errors
    /// `not_found` for another user; `already_exists` when something is granted there and may not be replaced.
    pub async fn grant(
        &self,
        user: &str,
        kind: ResourceType,
        pattern: &str,
        permission: Permission,
        standing: Standing,
    ) -> Result<()> {
        let (user, pattern) = (user.to_owned(), pattern.to_owned());
        self.change(move |tx| {
            Box::pin(async move {
                let role = own_role_of(tx, &user).await?;
                let (kind, permission) = (kind.name(), permission.name());
                if sql::insert_permit(tx, role, kind, &pattern, permission).await?.is_some() {
                    return Ok(());
                }
                if standing == Standing::Refuse {
                    return Err(exists(format!(
                        "Permission for user={user} on resource_type={kind}, resource_id={pattern} already exists."
                    )));
                }
                sql::replace_permit(tx, role, kind, &pattern, permission).await.map(drop)
            })
        })
        .await
    }

    /// Takes from a user what was granted to them on something.
    ///
    /// # Errors
    /// `not_found` for another user, or when nothing was granted there.
    pub async fn revoke(&self, user: &str, kind: ResourceType, pattern: &str) -> Result<()> {
        let (user, pattern) = (user.to_owned(), pattern.to_owned());
        self.change(move |tx| {
            Box::pin(async move {
                let role = own_role_of(tx, &user).await?;
                if sql::delete_permit_on(tx, role, kind.name(), &pattern).await? {
                    return Ok(());
                }
                Err(Error::not_found(format!(
                    "Permission for user={user} on resource_type={}, resource_id={pattern} not found.",
                    kind.name()
                ))
                .hint(format!("ropewalk auth permissions {user}")))
            })
        })
        .await
    }

    /// Forgets what users were granted on a registered model or prompt that is gone: another of its name is another's.
    pub async fn forget_model(&self, name: &str) -> Result<()> {
        let name = name.to_owned();
        self.change(move |tx| {
            Box::pin(async move {
                for (role, permit) in sql::permits_on(tx, WORKSPACE, &name).await? {
                    if owner(&role).is_some() && is_model(&permit) {
                        sql::delete_permit(tx, permit.id).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// Lets what users were granted on a registered model or prompt go with its new name.
    pub async fn rename_model(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (from.to_owned(), to.to_owned());
        self.change(move |tx| {
            Box::pin(async move {
                for (role, permit) in sql::permits_on(tx, WORKSPACE, &from).await? {
                    if owner(&role).is_some() && is_model(&permit) {
                        sql::rename_pattern(tx, permit.id, &to).await?;
                    }
                }
                Ok(())
            })
        })
        .await
    }

    /// Who holds a permission by name on a registered model or prompt: the name of the role, and the permission.
    pub async fn permits_on_model(&self, name: &str) -> Result<Vec<(String, Permit)>> {
        let mut connection = self.core().database.read().await?;
        let mut found = sql::permits_on(&mut connection, WORKSPACE, name).await?;
        found.retain(|(_, permit)| is_model(permit));
        Ok(found)
    }
}

fn is_model(permit: &Permit) -> bool {
    [ResourceType::RegisteredModel, ResourceType::Prompt]
        .iter()
        .any(|kind| kind.name() == permit.resource_type)
}

/// The number of a user's own role, made if there is none.
async fn own_role_of(tx: &mut Connection, user: &str) -> Result<i64> {
    let Some(number) = store::credentials::number(tx, user).await? else {
        return Err(Error::not_found(format!("User with username={user} not found")).hint("ropewalk auth ls"));
    };
    let name = own_role(number);
    if let Some(role) = sql::role_named(tx, WORKSPACE, &name).await? {
        return Ok(role.id);
    }
    match sql::insert_role(tx, WORKSPACE, &name, None).await? {
        Some(role) => {
            sql::insert_assignment(tx, number, role).await?;
            Ok(role)
        }
        // Another server made it in the same moment.
        None => match sql::role_named(tx, WORKSPACE, &name).await? {
            Some(role) => Ok(role.id),
            None => Err(Error::conflict("the user's own role was made and removed in the same moment")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_roles_are_told_by_their_names() {
        assert_eq!(owner(&own_role(12)), Some(12));
        for name in ["__user_12", "__user_x__", "__user___", "user_12__", ""] {
            assert_eq!(owner(name), None, "{name}");
        }
    }
}
