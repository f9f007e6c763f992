//! Help, completions and exit statuses.

use crate::support::{Place, finish, program};

fn printed(words: &[&str]) -> String {
    let place = Place::new();
    let mut command = program(place.folder());
    command.args(words);
    let done = finish(command);
    assert_eq!(done.code, Some(0), "{words:?}: {done:?}");
    done.out
}

/// The sections of the generated reference: a command's words and its text.
fn commands() -> Vec<(Vec<String>, String)> {
    let page = printed(&["reference"]);
    let sections = page.split("\n### `").skip(1).map(|section| {
        let (name, text) = section.split_once('`').unwrap();
        (name.split(' ').skip(1).map(str::to_owned).collect(), text.to_owned())
    });
    sections.collect()
}

#[test]
fn every_command_has_help() {
    let commands = commands();
    assert!(commands.len() > 60, "{}", commands.len());
    for (words, text) in &commands {
        assert!(text.contains("Usage: ropewalk"), "{words:?} has no usage");
        let about = text.trim().lines().next().unwrap();
        assert!(about.ends_with('.') && about.len() > 10, "{words:?} is not told: {about}");
        let group = text.contains("\nCommands:");
        let own = text.split("\nOptions:").nth(1).unwrap_or_default();
        let options = own
            .lines()
            .filter(|line| line.trim_start().starts_with('-') && !line.contains("-h, --help"))
            .count();
        let arguments =
            text.lines().find(|line| line.starts_with("Usage:")).unwrap().matches(['<', '[']).count();
        // What takes two things or more shows how it is used.
        if !group && options + arguments > 3 {
            assert!(text.contains("Example"), "{words:?} has no example");
        }
        for line in text.lines().filter(|line| line.contains("  ropewalk ")) {
            let told = format!("ropewalk {}", words.join(" "));
            let told = told.trim();
            let alias = line.contains("ropewalk prepare") || words.is_empty();
            assert!(alias || line.trim().starts_with(told), "the example “{}” is not of {told}", line.trim());
        }
    }
    // `help` and `--help` are found for each, and told on standard output.
    for words in [&["data"][..], &["data", "commit"], &["endpoint", "rollout"], &["why"], &["demo"], &["up"]]
    {
        let mut help = vec!["help"];
        help.extend(words);
        let mut flag = words.to_vec();
        flag.push("--help");
        assert!(printed(&help).contains("Usage:"));
        assert!(printed(&flag).contains("Usage:"));
    }
}

#[test]
fn exit_statuses_are_told() {
    let topic = printed(&["help", "exit-codes"]);
    for line in ["0  ", "1  ", "2  ", "4  ", "130  "] {
        assert!(topic.lines().any(|told| told.trim_start().starts_with(line)), "{line}: {topic}");
    }
    for code in ["invalid", "not_found", "port_in_use", "disk_full", "gate_failed", "unauthenticated"] {
        assert!(topic.contains(code), "{code}");
    }
    let help = printed(&["--help"]);
    assert!(help.contains("Exit status:") && help.contains("ropewalk help exit-codes"), "{help}");
}

#[test]
fn shells_complete_every_command() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = printed(&["completions", shell]);
        for word in ["demo", "commit", "rollback", "lineage", "--home"] {
            let word = if shell == "fish" { word.trim_start_matches('-') } else { word };
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
    }
    let Ok(bash) = which("bash") else { return println!("no bash here: its completions were not tried") };
    let place = Place::new();
    place.write("completions.bash", printed(&["completions", "bash"]));
    let mut command = std::process::Command::new(bash);
    let script = "source completions.bash; COMP_WORDS=(ropewalk data com); COMP_CWORD=2; \
                  _ropewalk ropewalk com data; echo \"${COMPREPLY[@]}\"";
    command.current_dir(place.folder()).args(["--norc", "-c", script]);
    let done = finish(command);
    assert_eq!((done.code, done.out.trim()), (Some(0), "commit"), "{done:?}");
}

fn which(program: &str) -> Result<std::path::PathBuf, ()> {
    let path = std::env::var_os("PATH").ok_or(())?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file()).ok_or(())
}
