//! What a result may depend on besides data, parameters and seed: the code and the machine.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::OnceLock;

/// The code that runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Code {
    /// The program's version and the hash of the running binary: `0.1.0 (binary 4f2a91c07b3d)`. Two equal texts are the
    /// same code, however it was built.
    pub version: String,
    /// The commit of the checkout that the binary lies in, if it was built after the commit was made.
    pub commit: Option<String>,
}

/// The code that runs. Reads the binary once, so the first call may block for a moment.
pub fn code() -> &'static Code {
    static CODE: OnceLock<Code> = OnceLock::new();
    CODE.get_or_init(|| {
        let binary = std::env::current_exe().ok();
        let hash = binary.as_deref().and_then(hash_of);
        let version = env!("CARGO_PKG_VERSION");
        Code {
            version: hash.map_or_else(|| version.to_owned(), |hash| format!("{version} (binary {hash})")),
            commit: binary.as_deref().and_then(commit_of),
        }
    })
}

/// The machine and the libraries, by name.
#[must_use]
pub fn environment(processor: &str, threads: u32) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("os", format!("{} {}", std::env::consts::OS, kernel()).trim().to_owned()),
        ("architecture", std::env::consts::ARCH.to_owned()),
        ("cpu", processor.to_owned()),
        ("cores", cores().map_or_else(|| threads.to_string(), |cores| cores.to_string())),
        ("threads", threads.to_string()),
        ("vector_instructions", vector_instructions().to_owned()),
        ("rustc", env!("ROPEWALK_RUSTC").to_owned()),
        ("build", if cfg!(debug_assertions) { "debug" } else { "release" }.to_owned()),
        ("burn", env!("ROPEWALK_BURN").to_owned()),
        ("forust", env!("ROPEWALK_FORUST").to_owned()),
    ])
}

/// Twelve hexadecimal digits of the BLAKE3 hash of a file.
fn hash_of(path: &Path) -> Option<String> {
    let mut file = fs::File::open(path).ok()?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = file.read(&mut buffer).ok()?;
        if read == 0 {
            break;
        }
        hasher.update(buffer.get(..read)?);
    }
    Some(hasher.finalize().to_hex().as_str().chars().take(12).collect())
}

/// The commit that a checkout around `binary` stands at, unless it moved there after the binary was built.
fn commit_of(binary: &Path) -> Option<String> {
    let git = binary.ancestors().map(|folder| folder.join(".git")).find(|git| git.is_dir())?;
    let head = fs::read_to_string(git.join("HEAD")).ok()?;
    let file = match head.trim().strip_prefix("ref: ") {
        Some(reference) => git.join(reference),
        None => git.join("HEAD"),
    };
    let built = fs::metadata(binary).ok()?.modified().ok()?;
    if fs::metadata(&file).ok()?.modified().ok()? > built {
        return None;
    }
    let commit = fs::read_to_string(file).ok()?.trim().to_owned();
    (commit.len() >= 40 && commit.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(commit)
}

fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()).unwrap_or_default()
}

/// Physical cores that the system shows: distinct pairs of package and core.
fn cores() -> Option<usize> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let value = |line: &str| line.split_once(':').map(|(_, value)| value.trim().to_owned());
    let mut seen = std::collections::BTreeSet::new();
    let mut package = String::new();
    for line in text.lines() {
        if line.starts_with("physical id") {
            package = value(line)?;
        } else if line.starts_with("core id") {
            seen.insert((package.clone(), value(line)?));
        }
    }
    (!seen.is_empty()).then_some(seen.len())
}

/// The widest vector instructions, on which the last digits of a network's weights depend.
fn vector_instructions() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if std::arch::is_x86_feature_detected!("avx2") {
            return "avx2";
        }
        "sse2"
    }
    #[cfg(not(target_arch = "x86_64"))]
    {
        "baseline"
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn the_environment_says_what_it_promises() {
        let environment = environment("a processor", 2);
        assert!(environment["rustc"].starts_with("rustc 1."), "{environment:?}");
        assert!(
            environment["burn"].starts_with("0.") && environment["forust"].starts_with("0."),
            "{environment:?}"
        );
        assert!(environment.values().all(|value| !value.is_empty()), "{environment:?}");
        assert_eq!(code(), code());
        assert!(code().version.contains("binary"));
    }

    #[test]
    fn a_commit_counts_only_if_the_binary_is_younger() {
        let folder = std::env::temp_dir().join(format!("ropewalk-code-{}", std::process::id()));
        let branch = folder.join(".git/refs/heads/main");
        let binary = folder.join("target/program");
        fs::create_dir_all(branch.parent().unwrap()).unwrap();
        fs::create_dir_all(binary.parent().unwrap()).unwrap();
        fs::write(folder.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        let commit = "0123456789abcdef0123456789abcdef01234567";
        fs::write(&branch, format!("{commit}\n")).unwrap();
        fs::write(&binary, "x").unwrap();
        let at = |path: &Path, seconds: u64| {
            let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
            fs::File::options().write(true).open(path).unwrap().set_modified(time).unwrap();
        };
        at(&branch, 1000);
        at(&binary, 2000);
        assert_eq!(commit_of(&binary).as_deref(), Some(commit));
        at(&branch, 3000);
        assert_eq!(commit_of(&binary), None);
        fs::remove_dir_all(folder).unwrap();
    }
}
