//! Notes for the record of every run which compiler built the program and which versions of the learning libraries are
//! in it. Reads the lock file and asks the compiler; nothing else, and nothing from the network.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../Cargo.lock");
    let compiler = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".to_owned());
    let version = Command::new(compiler).arg("--version").output().ok();
    let version = version.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    println!("cargo::rustc-env=ROPEWALK_RUSTC={}", version.unwrap_or_default());
    let lock = std::fs::read_to_string("../../Cargo.lock").unwrap_or_default();
    for (name, variable) in [("burn", "ROPEWALK_BURN"), ("forust-ml", "ROPEWALK_FORUST")] {
        println!("cargo::rustc-env={variable}={}", locked(&lock, name));
    }
}

/// The version that the lock file gives a package.
fn locked<'a>(lock: &'a str, name: &str) -> &'a str {
    let mut lines = lock.lines().skip_while(|line| *line != format!("name = \"{name}\"")).skip(1);
    lines.next().and_then(|line| line.strip_prefix("version = \"")?.strip_suffix('"')).unwrap_or_default()
}
