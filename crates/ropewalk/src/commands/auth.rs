//! `ropewalk auth`: tokens, users and roles.

use clap::{Subcommand, ValueEnum};
use ropewalk_core::{Error, Result};
use ropewalk_http::auth::Credential;
use serde_json::{Value, json};

use crate::client::segment;
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
    /// Remove a credential
    Rm {
        /// Its name
        name: String,
    },
}

pub(crate) async fn run(context: &Context, command: AuthCommand) -> Result<()> {
    const PATH: &str = "/api/v1/auth/credentials";
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
        AuthCommand::Rm { name } => {
            client.delete(&format!("{PATH}/{}", segment(&name))).await?;
            context.output.say(&format!("Removed {name}."));
            Ok(())
        }
    }
}

fn role_text(role: RoleName) -> String {
    role.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
