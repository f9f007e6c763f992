//! What the program prints about itself, kept in the repository so that it can be read and compared.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{Outcome, cargo, output, root, run, target};

/// The generated files and the words that print them.
const FILES: [(&str, &str); 2] = [("docs/reference.md", "commands"), ("docs/openapi.json", "openapi")];

fn program() -> Outcome<PathBuf> {
    run(cargo().args(["build", "--locked", "--package", "ropewalk"]))?;
    Ok(target().join("debug/ropewalk"))
}

fn printed(program: &PathBuf, what: &str) -> Outcome<String> {
    // The width of this terminal must not show in the page.
    output(
        Command::new(program)
            .args(["reference", what])
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .current_dir(std::env::temp_dir()),
    )
}

/// Write the files.
pub(crate) fn write() -> Outcome {
    let program = program()?;
    for (file, what) in FILES {
        let path = root().join(file);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        }
        std::fs::write(&path, printed(&program, what)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        eprintln!("wrote {file}");
    }
    Ok(())
}

/// Compare the files with what the program prints now.
pub(crate) fn check() -> Outcome {
    let program = program()?;
    for (file, what) in FILES {
        let kept = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        if kept != printed(&program, what)? {
            return Err(format!(
                "{file} is not what the program prints: run cargo xtask generate and commit it"
            ));
        }
    }
    Ok(())
}
