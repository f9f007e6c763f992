//! `ropewalk auth`: tokens, users and roles.

use clap::{Args, Subcommand, ValueEnum};
use ropewalk_core::{Error, Result};
use ropewalk_http::auth::{Credential, PermissionRow};
use serde_json::{Value, json};

use crate::client::{Client, query, segment};
use crate::commands::experiment::number_of;
use crate::context::Context;
use crate::table::{Table, ago};

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum RoleName {
    /// Read, and ask for predictions
    Viewer,
    /// Also change data, runs and models
    Scientist,
    /// Also change endpoints and incidents
    Operator,
    /// Also change credentials
    Admin,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PermissionName {
    /// Read it
    Read,
    /// Also use it
    Use,
    /// Also change it
    Edit,
    /// Also delete it, and say what others may do
    Manage,
    /// Nothing at all
    Deny,
}

/// What a permission is about.
#[derive(Debug, Clone, Args)]
#[group(required = true, multiple = false)]
pub(crate) struct On {
    /// An experiment, by its name or number, or * for all
    #[arg(long)]
    experiment: Option<String>,
    /// A registered model, by its name, or * for all
    #[arg(long)]
    model: Option<String>,
    /// A prompt, by its name, or * for all
    #[arg(long)]
    prompt: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuthCommand {
    /// List the credentials
    #[command(visible_alias = "list")]
    Ls,
    /// Make a token for a program; it is shown this once
    #[command(
        after_help = "Example:\n  ropewalk auth token ci --role scientist\n\nThe first credential must be an admin's; from then on every caller of a server proves who it is."
    )]
    Token {
        /// Its name
        name: String,
        /// What it allows
        #[arg(long, value_enum)]
        role: RoleName,
    },
    /// Make a user with a password, read from standard input
    #[command(after_help = "Example:\n  printf %s \"$PASSWORD\" | ropewalk auth user ann --role operator")]
    User {
        /// Its name
        name: String,
        /// What it allows
        #[arg(long, value_enum)]
        role: RoleName,
    },
    /// Grant a permission on an experiment or a registered model; there it counts instead of the role
    #[command(
        after_help = "Examples:\n  ropewalk auth permit ann --experiment churn --permission manage\n  ropewalk auth permit ann --model wine-quality --permission deny\n\nAdministrators may do everything, whatever is granted to them."
    )]
    Permit {
        /// Whose it is
        name: String,
        #[command(flatten)]
        on: On,
        /// What it allows
        #[arg(long, value_enum, ignore_case = true)]
        permission: PermissionName,
    },
    /// Take a permission back; then the role counts again
    #[command(after_help = "Example:\n  ropewalk auth revoke ann --experiment churn")]
    Revoke {
        /// Whose it is
        name: String,
        #[command(flatten)]
        on: On,
    },
    /// List the permissions of one, or of all
    Permissions {
        /// Whose they are
        name: Option<String>,
    },
    /// Remove a credential
    Rm {
        /// Its name
        name: String,
    },
}

pub(crate) async fn run(context: &Context, command: AuthCommand) -> Result<()> {
    const PATH: &str = "/api/v1/auth/credentials";
    const PERMISSIONS: &str = "/api/v1/auth/permissions";
    let client = context.client().await?;
    match command {
        AuthCommand::Ls => {
            let credentials: Vec<Credential> = client.get(PATH).await?;
            let empty = "No credentials: everybody on this machine may do everything, nobody else anything.";
            context.output.list(&credentials, empty, |credentials| {
                let mut table = Table::new(&["name", "kind", "role", "made"]);
                for credential in credentials {
                    table.row([
                        credential.name.clone(),
                        credential.kind.name().to_owned(),
                        credential.role.name().to_owned(),
                        ago(credential.created_ms),
                    ]);
                }
                table
            })
        }
        AuthCommand::Token { name, role } => {
            let created: Value = client.post(PATH, &json!({"name": name, "role": role_text(role)})).await?;
            context.output.say("The token is shown this once:");
            context
                .output
                .text(&created, |created| created["token"].as_str().unwrap_or_default().to_owned())?;
            context.output.next("export ROPEWALK_TOKEN=…   # MLFLOW_TRACKING_TOKEN for MLflow's client");
            Ok(())
        }
        AuthCommand::User { name, role } => {
            let mut password = String::new();
            std::io::Read::read_to_string(&mut std::io::stdin(), &mut password)?;
            let password = password.trim_end_matches(['\r', '\n']);
            if password.is_empty() {
                return Err(Error::invalid("no password came on standard input")
                    .hint(format!("printf %s \"$PASSWORD\" | ropewalk auth user {name} --role …")));
            }
            let body = json!({"name": name, "role": role_text(role), "password": password});
            let _: Value = client.post(PATH, &body).await?;
            context.output.say(&format!("User {name} stands."));
            Ok(())
        }
        AuthCommand::Permit { name, on, permission } => {
            let (kind, resource) = named(client, on).await?;
            let permission = text_of(permission).to_uppercase();
            let body = json!({
                "name": name, "resource_type": kind, "resource": resource, "permission": permission,
            });
            let _: PermissionRow = client.put(PERMISSIONS, &body).await?;
            context.output.say(&format!("{name} has {permission} on {kind} {resource}."));
            context.output.next(&format!("ropewalk auth permissions {name}"));
            Ok(())
        }
        AuthCommand::Revoke { name, on } => {
            let (kind, resource) = named(client, on).await?;
            let pairs = [("name", &name), ("resource_type", &kind), ("resource", &resource)];
            let pairs = pairs.map(|(key, value)| (key, Some(value.clone())));
            client.delete(&query(PERMISSIONS, &pairs)).await?;
            context.output.say(&format!("On {kind} {resource} the role of {name} counts again."));
            Ok(())
        }
        AuthCommand::Permissions { name } => {
            let rows: Vec<PermissionRow> = client.get(&query(PERMISSIONS, &[("name", name)])).await?;
            let empty = "Nothing is granted: everybody may do what their role allows.";
            context.output.list(&rows, empty, |rows| {
                let mut table = Table::new(&["name", "kind", "resource", "permission", "by role"]);
                for row in rows {
                    table.row([
                        row.name.clone(),
                        row.resource_type.clone(),
                        row.resource.clone(),
                        row.permission.clone(),
                        row.role.clone().unwrap_or_default(),
                    ]);
                }
                table
            })
        }
        AuthCommand::Rm { name } => {
            client.delete(&format!("{PATH}/{}", segment(&name))).await?;
            context.output.say(&format!("Removed {name}."));
            Ok(())
        }
    }
}

fn role_text(role: RoleName) -> String {
    text_of(role)
}

fn text_of(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// The kind of what is meant, and its number or name.
async fn named(client: &Client, on: On) -> Result<(String, String)> {
    let resource = |kind: &str, name: String| Ok((kind.to_owned(), name));
    match (on.experiment, on.model, on.prompt) {
        (_, Some(name), _) => resource("registered_model", name),
        (_, _, Some(name)) => resource("prompt", name),
        (Some(name), ..) => {
            if name == "*" || !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
                return resource("experiment", name);
            }
            resource("experiment", number_of(client, &name).await?)
        }
        _ => Err(Error::invalid("nothing was named")
            .hint("ropewalk auth permit NAME --experiment EXPERIMENT --permission read")),
    }
}
