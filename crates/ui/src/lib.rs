//! The web app, carried inside the binary.
//!
//! `cargo xtask install` and `cargo xtask demo` build `web/dist` before they build this crate. Without it the crate
//! carries one page that says how to get the web app. Nothing is fetched, at build time or later.

mod mime;
mod serve;

use std::borrow::Cow;

pub use serve::{CONTENT_SECURITY_POLICY, router, serve};

include!(concat!(env!("OUT_DIR"), "/files.rs"));

/// Whether the web app is in this binary; if not, the page served tells how to get it.
#[must_use]
pub fn built() -> bool {
    BUILT
}

/// The media type and content of a file of the web app, by its path without the leading slash, such as
/// `assets/index-3f9c.js`. An empty path means `index.html`.
#[must_use]
pub fn asset(path: &str) -> Option<(&'static str, Cow<'static, [u8]>)> {
    let path = path.trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let place = FILES.binary_search_by(|(name, _)| (*name).cmp(path)).ok()?;
    let (name, content) = FILES.get(place)?;
    Some((mime::of(name), Cow::Borrowed(*content)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn there_is_always_a_first_page() {
        let (mime, page) = asset("").unwrap();
        assert_eq!(mime, "text/html; charset=utf-8");
        let page = String::from_utf8(page.into_owned()).unwrap();
        assert!(page.contains("<!doctype html>") || page.contains("<!DOCTYPE html>"));
        assert_eq!(built(), !page.contains("cargo xtask install"));
        assert_eq!(asset("/index.html").unwrap().1, asset("").unwrap().1);
    }

    #[test]
    fn no_file_lies_outside_the_table() {
        assert!(asset("../Cargo.toml").is_none());
        assert!(asset("no/such/file.js").is_none());
    }

    #[test]
    fn the_pages_run_no_inline_script() {
        for (name, content) in FILES.iter().filter(|(name, _)| name.ends_with(".html")) {
            let text = std::str::from_utf8(content).unwrap();
            for script in text.split("<script").skip(1) {
                let tag = script.split('>').next().unwrap();
                assert!(
                    tag.contains("src="),
                    "{name} has an inline script, which the content security policy forbids"
                );
            }
            assert!(!text.contains("<style"), "{name} has an inline style");
        }
    }
}
