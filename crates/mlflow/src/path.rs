//! Paths below an artifact root, judged as the stock server judges them.

use crate::error::{MlflowError, MlflowResult};
use crate::uri::{Uri, unquote};

/// How often a path is decoded before it is given up: `%252e` hides `%2e`, which hides a dot.
const LAYERS: usize = 10;

fn refused() -> MlflowError {
    MlflowError::invalid("Invalid path")
}

/// The path that a client names, with all percent signs decoded and control characters escaped. It may have empty
/// segments and dots, but does not climb and does not begin at a root.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE`.
pub fn safe(path: &str) -> MlflowResult<String> {
    let decoded = decode(path).ok_or_else(refused)?;
    let mut path = String::with_capacity(decoded.len());
    for c in decoded.chars() {
        match c {
            '\0'..='\x1f' | '\x7f' => path.push_str(&format!("%{:02x}", u32::from(c))),
            other => path.push(other),
        }
    }
    if path.contains('#') {
        return Err(refused());
    }
    if path.starts_with("file:") {
        path = unquote(&Uri::parse(&path).map_err(|_| refused())?.path);
    }
    let climbs = path.split('/').any(|part| part == "..");
    let foreign = cfg!(windows) && (path.contains('\\') || path.get(1..2) == Some(":"));
    if climbs || foreign || path.starts_with('/') || is_rooted_on_windows(&path) {
        return Err(refused());
    }
    Ok(path)
}

/// Decodes until nothing changes any more; none if that takes too long or the text holds an authority that is none.
fn decode(text: &str) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..LAYERS {
        let next = Uri::parse(&unquote(&text)).ok()?.to_string();
        if next == text {
            return Some(text);
        }
        text = next;
    }
    None
}

/// Whether Windows would take the path for one from a root: `C:\x`, `\\machine\share`.
fn is_rooted_on_windows(path: &str) -> bool {
    let path = path.replace('/', "\\");
    let bytes = path.as_bytes();
    let drive = bytes.first().is_some_and(u8::is_ascii_alphabetic) && path.get(1..3) == Some(":\\");
    let Some(share) = path.strip_prefix("\\\\").filter(|rest| !rest.starts_with('\\')) else { return drive };
    share.split_once('\\').is_some_and(|(_, share)| !share.starts_with('\\'))
}

/// The path without empty segments and dots, as Python's `normpath` has it; a single dot for nothing.
pub fn normal(path: &str) -> String {
    let root = match path {
        path if path.starts_with("//") && !path.starts_with("///") => "//",
        path if path.starts_with('/') => "/",
        _ => "",
    };
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if kept.last().is_some_and(|last| *last != "..") => {
                kept.pop();
            }
            ".." if kept.is_empty() && !root.is_empty() => {}
            part => kept.push(part),
        }
    }
    let whole = format!("{root}{}", kept.join("/"));
    if whole.is_empty() { ".".to_owned() } else { whole }
}

/// Two paths one after the other, as Python's `join` has it: a second one from a root stands alone.
pub fn join(folder: &str, path: &str) -> String {
    if path.starts_with('/') || folder.is_empty() {
        path.to_owned()
    } else if folder.ends_with('/') {
        format!("{folder}{path}")
    } else {
        format!("{folder}/{path}")
    }
}

/// The folder and the name of a path, as Python's `split` has them.
pub fn folder_and_name(path: &str) -> (&str, &str) {
    let at = path.rfind('/').map_or(0, |at| at + 1);
    let (folder, name) = path.split_at(at);
    let plain = folder.trim_end_matches('/');
    (if plain.is_empty() { folder } else { plain }, name)
}

/// The words for a path that another one stands for as well; none for one that is itself.
pub fn ambiguity(path: &str) -> Option<String> {
    let normal = normal(path);
    let itself = normal == path && normal != "." && !normal.starts_with("..") && !normal.starts_with('/');
    (!itself && !path.is_empty()).then(|| {
        format!(
            "Invalid artifact path: '{path}'. Names may be treated as files in certain cases, and must not resolve to other names \
             when treated as such. This name would resolve to '{normal}'"
        )
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_decoded_and_judged() {
        for (path, safe_path) in [
            ("a/b.txt", "a/b.txt"),
            ("", ""),
            (".", "."),
            ("a//b/./c/", "a//b/./c/"),
            ("a%20b%2541", "a bA"),
            ("a%0ab", "ab"),
            ("a%00b", "a%00b"),
            ("a%09b%7f", "ab%7f"),
            ("%20x", "x"),
            ("a\\..\\b", "a\\..\\b"),
            ("a:b", "a:b"),
            ("C:x", "c:x"),
            ("....//x", "....//x"),
            ("percent%", "percent%"),
            ("a?x=..", "a?x=.."),
            ("a?", "a"),
            ("http://host/x", "http://host/x"),
            ("%ef%bc%8e%ef%bc%8e/x", "．．/x"),
        ] {
            assert_eq!(safe(path).unwrap(), safe_path, "{path}");
        }
        for path in [
            "..",
            "../x",
            "%2e%2e/x",
            "%252e%252e%252fx",
            "%25252e%25252e/x",
            "a/../x",
            "a/..",
            "/etc",
            "%2Fetc",
            "//etc/passwd",
            "a#b",
            "a%23b",
            "C:/x",
            "c:%5Cx",
            "\\\\host\\share",
            "file:///etc/passwd",
            "file:/etc",
            "FILE:%2f%2f%2fetc",
            "file:../x",
            "//[x",
            "%2f%2f[",
        ] {
            assert!(safe(path).is_err(), "{path}");
        }
        // Each layer hides the next.
        assert_eq!(safe(&format!("%{}2e", "25".repeat(7))).unwrap(), ".");
        assert!(safe(&format!("%{}2e", "25".repeat(50))).is_err());
    }

    #[test]
    fn paths_are_put_in_order() {
        for (path, normal_path) in [
            ("", "."),
            (".", "."),
            ("a//b/./c/", "a/b/c"),
            ("a/../b", "b"),
            ("../a", "../a"),
            ("/../a", "/a"),
            ("//a", "//a"),
            ("///a", "/a"),
            ("a/../../b", "../b"),
        ] {
            assert_eq!(normal(path), normal_path, "{path}");
        }
        assert_eq!(folder_and_name("a//b"), ("a", "b"));
        assert_eq!(folder_and_name("a/"), ("a", ""));
        assert_eq!(folder_and_name("a"), ("", "a"));
        assert_eq!(folder_and_name("/a"), ("/", "a"));
        assert_eq!(join("a/", "b"), "a/b");
        assert_eq!(join("a", "/b"), "/b");
        assert_eq!(ambiguity("a/b"), None);
        assert_eq!(ambiguity(""), None);
        assert!(ambiguity("a/.").unwrap().ends_with("would resolve to 'a'"));
        assert!(ambiguity("a//b").is_some() && ambiguity("..a").is_some());
    }

    proptest! {
        #[test]
        fn what_is_safe_never_climbs(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "..", ".", "/", "//", "%2e", "%2E", "%252e", "%2f", "%5c", "\\", "a", "%00", "file:", "C:", "%25", "2e", "?",
                    "#", ";", " ", "é", "%c0%ae", "\u{ff0e}",
                ]),
                0..12,
            )
        ) {
            let path = pieces.concat();
            if let Ok(safe_path) = safe(&path) {
                prop_assert!(!safe_path.starts_with('/'), "{path}: {safe_path}");
                prop_assert!(!safe_path.split('/').any(|part| part == ".."), "{path}: {safe_path}");
                let inside = normal(&join("root", &safe_path));
                prop_assert!(inside == "root" || inside.starts_with("root/"), "{path}: {inside}");
                prop_assert!(!safe_path.chars().any(|c| c.is_ascii_control()), "{path}");
            }
        }

        #[test]
        fn no_text_panics(path in ".*") {
            let _ = (safe(&path), normal(&path), folder_and_name(&path), ambiguity(&path));
        }
    }
}
