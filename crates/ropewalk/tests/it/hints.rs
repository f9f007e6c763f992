//! What the program tells people to run can be run: every command that stands in a text of the
//! sources is tried with made-up names, to see whether it is understood.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::support::{Place, finish, program};

/// Texts that begin with the program's name and are no commands.
const PROSE: [&str; 6] = ["is up", "has made", "trained", "that fitted it", "answers", "ran"];

#[test]
fn every_hint_is_a_command() {
    let mut hints = BTreeMap::new();
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut sources = Vec::new();
    for member in std::fs::read_dir(crates).unwrap() {
        walk(&member.unwrap().path().join("src"), &mut sources);
    }
    for file in sources {
        let text = std::fs::read_to_string(&file).unwrap();
        // Tests stand at the end of a file.
        let program_text = text.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in literals(program_text) {
            for command in commands(&literal) {
                hints.entry(command).or_insert_with(|| file.strip_prefix(crates).unwrap().to_path_buf());
            }
        }
    }
    assert!(hints.len() > 80, "only {} hints were found: {hints:?}", hints.len());
    let place = Place::new();
    let mut wrong = Vec::new();
    for (hint, file) in &hints {
        if let Some(why) = refused(&place, hint) {
            wrong.push(format!("{}: {hint}\n    {why}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{} hints are no commands:\n{}", wrong.len(), wrong.join("\n"));
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        let tests = path.file_stem().is_some_and(|name| name.to_string_lossy().ends_with("tests"));
        if tests {
            continue;
        }
        if path.is_dir() {
            walk(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}

/// The plain string literals of a source text, with their escapes resolved; comments are passed over.
fn literals(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '/' if rest.peek() == Some(&'/') => {
                for character in rest.by_ref() {
                    if character == '\n' {
                        break;
                    }
                }
            }
            '\'' => {
                // A quote as a character, such as '"', opens no string; a lifetime has no closing quote.
                let mut ahead = rest.clone();
                let first = ahead.next();
                if first == Some('\\') {
                    ahead.next();
                }
                if ahead.next() == Some('\'') {
                    rest = ahead;
                }
            }
            '"' => {
                let mut literal = String::new();
                while let Some(character) = rest.next() {
                    match character {
                        '"' => break,
                        '\\' => match rest.next() {
                            Some('n') => literal.push('\n'),
                            Some('\n') => {
                                while rest.peek().is_some_and(|next| next.is_whitespace()) {
                                    rest.next();
                                }
                            }
                            Some(escaped) => literal.push(escaped),
                            None => {}
                        },
                        plain => literal.push(plain),
                    }
                }
                found.push(literal);
            }
            _ => {}
        }
    }
    found
}

/// The commands that stand in a text: at the beginning of a line, after a colon, or in backquotes.
fn commands(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for line in text.lines() {
        for (at, _) in line.match_indices("ropewalk ") {
            let before = &line[..at];
            let quoted = before.ends_with('`');
            let begins = before.ends_with("&& ")
                || before.trim().is_empty()
                || before.ends_with(": ")
                || before.ends_with("| ")
                || before.ends_with("then ");
            if !quoted && !begins {
                continue;
            }
            let mut command = &line[at + "ropewalk ".len()..];
            for end in ["`", "   ", "  #", " | ", " > ", " && ", ", ", "; "] {
                command = command.split(end).next().unwrap_or_default();
            }
            let command = command.trim().trim_end_matches([',', ')', '.']);
            if !command.is_empty() && !PROSE.iter().any(|prose| command.starts_with(prose)) {
                found.push(command.to_owned());
            }
        }
    }
    found
}

/// Why the program does not understand a command; `None` if it does. It is sent to a server that
/// does not exist, so that nothing comes of it.
fn refused(place: &Place, hint: &str) -> Option<String> {
    let words = words(hint);
    let mut command = program(place.folder());
    command.args(&words);
    let starts = matches!(words.first().map(String::as_str), Some("up" | "demo" | "doctor"));
    // A command without its arguments is named rather than told: it must exist.
    let named = words.iter().all(|word| word.chars().all(|character| character.is_ascii_lowercase()));
    if starts || named {
        command.arg("--help");
    } else if !words.iter().any(|word| word == "--server") {
        command.args(["--server", "http://127.0.0.1:1"]);
    }
    let done = finish(command);
    // A value that was put in may be of the wrong kind, but the words must be understood.
    let misunderstood = [
        "unexpected argument",
        "unrecognized subcommand",
        "required arguments",
        "invalid value",
        "cannot be used",
        "requires a",
        "there is no command",
    ];
    misunderstood
        .iter()
        .any(|words| done.err.contains(words))
        .then(|| done.err.lines().take(3).collect::<Vec<_>>().join(" "))
}

/// The words of a command line, with placeholders filled in.
fn words(line: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut depth = 0_u32;
    for character in line.chars() {
        match character {
            '{' => depth += 1,
            '}' => {
                depth = depth.saturating_sub(1);
                word.push('1');
            }
            _ if depth > 0 => {}
            '\'' | '"' if quote == Some(character) => quote = None,
            '\'' | '"' if quote.is_none() => quote = Some(character),
            ' ' if quote.is_none() => words.extend((!word.is_empty()).then(|| std::mem::take(&mut word))),
            other => word.push(other),
        }
    }
    words.extend((!word.is_empty()).then_some(word));
    let placeholder = |word: &str| {
        word == "…" || (!word.is_empty() && word.chars().all(|c| c.is_ascii_uppercase() || c == '_'))
    };
    let filled: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(at, word)| match word.as_str() {
            "…" if at > 0 && words[at - 1] == "--role" => "viewer".to_owned(),
            "…" if at + 1 == words.len() => String::new(),
            word if placeholder(word) => "1".to_owned(),
            word => word.to_owned(),
        })
        .filter(|word| !word.is_empty())
        .collect();
    filled
}
