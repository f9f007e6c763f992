//! `ropewalk config`: settings and where each comes from.

use clap::Subcommand;
use ropewalk_core::Result;
use serde::Serialize;

use crate::context::Context;
use crate::table::Table;

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting with its value
    #[command(
        after_help = "Settings come from, strongest first: flags, ROPEWALK_… variables, ropewalk.toml here or above,\n~/.config/ropewalk/config.toml, defaults.\n\nExample:\n  ropewalk config show --origin"
    )]
    Show {
        /// Also show where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

#[derive(Serialize)]
struct Setting {
    key: &'static str,
    value: String,
    origin: ropewalk_core::settings::Origin,
    meaning: &'static str,
}

pub(crate) fn run(context: &Context, command: ConfigCommand) -> Result<()> {
    let ConfigCommand::Show { origin } = command;
    let settings: Vec<Setting> = context
        .settings
        .rows()
        .into_iter()
        .map(|(known, sourced)| Setting {
            key: known.key,
            value: if known.key == "home" {
                context.settings.home.display().to_string()
            } else {
                sourced.value
            },
            origin: sourced.origin,
            meaning: known.meaning,
        })
        .collect();
    context.output.list(&settings, "", |settings| {
        let mut table = Table::new(&["setting", "value", if origin { "origin" } else { "meaning" }]);
        for setting in settings {
            let from =
                serde_json::to_value(setting.origin).ok().and_then(|value| value.as_str().map(str::to_owned));
            let last =
                if origin { from.unwrap_or_default().replace('_', " ") } else { setting.meaning.to_owned() };
            let value = if setting.value.is_empty() { "–" } else { &setting.value };
            table.row([setting.key, value, &last]);
        }
        table
    })
}
