//! Lists the files of `web/dist` (or, when the web app has not been built, of `fallback/`) as a table of
//! `include_bytes!`, so that the binary carries them. It reads the disk only: it never goes to the network and
//! never runs Node.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let here = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let dist = here.join("../../web/dist");
    let fallback = here.join("fallback");
    let built = dist.join("index.html").is_file();

    // Cargo takes a watched path that does not exist as changed at every build. So that it does not build the
    // binary anew each time, the directory that the web app will be built into is made now, empty (git ignores it).
    if !dist.is_dir() {
        let _ = fs::create_dir(&dist);
    }
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={}", fallback.display());
    if dist.is_dir() {
        println!("cargo::rerun-if-changed={}", dist.display());
    }

    let root = if built { dist } else { fallback };
    let mut files = Vec::new();
    collect(&root, &root, &mut files)?;
    files.sort();

    let mut table = String::new();
    let _ = writeln!(
        table,
        "/// Whether these files are the web app (and not the page that says how to get it)."
    );
    let _ = writeln!(table, "const BUILT: bool = {built};");
    let _ = writeln!(table, "/// Path and content, sorted by path.");
    let _ = writeln!(table, "static FILES: &[(&str, &[u8])] = &[");
    for (name, path) in &files {
        let _ = writeln!(table, "    ({name:?}, include_bytes!({:?})),", path.display().to_string());
    }
    let _ = writeln!(table, "];");
    fs::write(Path::new(&variable("OUT_DIR")?).join("files.rs"), table)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(|error| io::Error::other(format!("{name}: {error}")))
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, files)?;
        } else if let Ok(relative) = path.strip_prefix(root) {
            let name = relative
                .components()
                .map(|part| part.as_os_str().to_string_lossy())
                .collect::<Vec<_>>()
                .join("/");
            files.push((name, fs::canonicalize(&path)?));
        }
    }
    Ok(())
}
