//! The house's first rule: a crate uses only crates below it.

use crate::process::{Outcome, root};

/// The crates from the top of the house to its ground.
const ORDER: [&str; 19] = [
    "ropewalk", "http", "ui", "graphql", "respond", "watch", "serve", "learn", "nets", "models", "webhooks",
    "traces", "runs", "prep", "data", "ledger", "migrate", "mlflow", "core",
];

pub(crate) fn check() -> Outcome {
    let mut faults = Vec::new();
    for (place, name) in ORDER.iter().enumerate() {
        let file = root().join("crates").join(name).join("Cargo.toml");
        let text = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let manifest: toml::Table = text.parse().map_err(|error| format!("{}: {error}", file.display()))?;
        let used = manifest.get("dependencies").and_then(toml::Value::as_table).into_iter().flatten();
        for (dependency, _) in used {
            let Some(other) = dependency.strip_prefix("ropewalk-") else { continue };
            let below = ORDER.iter().position(|listed| *listed == other);
            if below.is_none_or(|below| below <= place) {
                faults.push(format!("crates/{name} uses crates/{other}, which is not below it"));
            }
        }
    }
    if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
}
