//! What the program prints about itself, kept in the repository so that it can be read and compared.

use std::path::Path;
use std::process::Command;

use crate::process::{self, Outcome, output, root};

/// The generated files and the words that print them.
const FILES: [(&str, &str); 2] = [("docs/reference.md", "commands"), ("docs/openapi.json", "openapi")];

fn printed(program: &Path, what: &str) -> Outcome<String> {
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
    process::build()?;
    for (file, what) in FILES {
        let path = root().join(file);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        }
        std::fs::write(&path, printed(&process::program(), what)?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        eprintln!("wrote {file}");
    }
    Ok(())
}

/// Build the program and compare the files with what it prints.
pub(crate) fn check() -> Outcome {
    process::build()?;
    compare(&process::program())
}

/// Compare the files with what a program prints.
pub(crate) fn compare(program: &Path) -> Outcome {
    for (file, what) in FILES {
        let kept = std::fs::read_to_string(root().join(file)).unwrap_or_default();
        if kept != printed(program, what)? {
            return Err(format!(
                "{file} is not what the program prints: run cargo xtask generate and commit it"
            ));
        }
    }
    Ok(())
}
