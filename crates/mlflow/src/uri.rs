//! URIs as Python's `urllib.parse` takes them apart and puts them together: what a client may name is judged by the same
//! reading of it, and what is kept is written the same.

use std::fmt;
use std::net::Ipv6Addr;

use unicode_normalization::UnicodeNormalization;

/// Schemes that Python writes with `//` even where there is no authority.
const WITH_AUTHORITY: [&str; 25] = [
    "ftp", "http", "gopher", "nntp", "telnet", "imap", "wais", "file", "mms", "https", "shttp", "snews",
    "prospero", "rtsp", "rtspu", "rsync", "svn", "svn+ssh", "sftp", "nfs", "git", "git+ssh", "ws", "wss",
    "rtsps",
];
/// Schemes whose last segment may have parameters after a semicolon.
const WITH_PARAMETERS: [&str; 15] = [
    "", "ftp", "hdl", "prospero", "http", "imap", "https", "shttp", "rtsp", "rtspu", "sip", "sips", "mms",
    "sftp", "tel",
];

/// The parts of a URI.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Uri {
    /// Before the first colon, in small letters; empty if there is none.
    pub scheme: String,
    /// After `//`: user, host and port.
    pub authority: String,
    /// The path, as it was written.
    pub path: String,
    /// After the semicolon in the path's last segment, where the scheme has such parameters.
    pub parameters: String,
    /// After `?`.
    pub query: String,
    /// After `#`.
    pub fragment: String,
}

impl Uri {
    /// Takes a URI apart.
    ///
    /// # Errors
    /// Python's words for an authority that is none.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::split(text, true)
    }

    /// As [`Uri::parse`], but a `#` is a character as any other.
    ///
    /// # Errors
    /// Python's words for an authority that is none.
    pub fn parse_without_fragment(text: &str) -> Result<Self, String> {
        Self::split(text, false)
    }

    fn split(text: &str, fragments: bool) -> Result<Self, String> {
        let plain: String = text
            .trim_start_matches(|c: char| c <= ' ')
            .chars()
            .filter(|c| !matches!(c, '\t' | '\r' | '\n'))
            .collect();
        let mut uri = Self::default();
        let mut rest = plain.as_str();
        if let Some((scheme, after)) = rest.split_once(':')
            && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
        {
            uri.scheme = scheme.to_ascii_lowercase();
            rest = after;
        }
        if let Some(after) = rest.strip_prefix("//") {
            let end = after.find(['/', '?', '#']).unwrap_or(after.len());
            let (authority, after) = after.split_at(end);
            check_authority(authority)?;
            uri.authority = authority.to_owned();
            rest = after;
        }
        if fragments && let Some((before, fragment)) = rest.split_once('#') {
            uri.fragment = fragment.to_owned();
            rest = before;
        }
        if let Some((before, query)) = rest.split_once('?') {
            uri.query = query.to_owned();
            rest = before;
        }
        let last = rest.rfind('/').unwrap_or(0);
        if WITH_PARAMETERS.contains(&uri.scheme.as_str())
            && let Some(at) = rest[last..].find(';')
        {
            uri.parameters = rest[last + at + 1..].to_owned();
            rest = &rest[..last + at];
        }
        uri.path = rest.to_owned();
        Ok(uri)
    }

    /// The host in small letters; none if there is none.
    pub fn host(&self) -> Option<String> {
        let place = self.authority.rsplit_once('@').map_or(self.authority.as_str(), |(_, place)| place);
        let host = match place.split_once('[') {
            Some((_, bracketed)) => bracketed.split(']').next(),
            None => place.split(':').next(),
        };
        host.filter(|host| !host.is_empty()).map(str::to_lowercase)
    }

    /// The port, if one is written.
    ///
    /// # Errors
    /// Python's words for what is none.
    pub fn port(&self) -> Result<Option<u16>, String> {
        let place = self.authority.rsplit_once('@').map_or(self.authority.as_str(), |(_, place)| place);
        let after = match place.split_once(']') {
            Some((_, after)) => after,
            None => place,
        };
        match after.split_once(':') {
            Some((_, "")) | None => Ok(None),
            Some((_, port)) if port.bytes().all(|b| b.is_ascii_digit()) => {
                port.parse().map(Some).map_err(|_| "Port out of range 0-65535".to_owned())
            }
            Some((_, port)) => Err(format!("Port could not be cast to integer value as '{port}'")),
        }
    }
}

impl fmt::Display for Uri {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = self.path.clone();
        if !self.parameters.is_empty() {
            path = format!("{path};{}", self.parameters);
        }
        let slashes = WITH_AUTHORITY.contains(&self.scheme.as_str()) && !path.starts_with("//");
        if !self.scheme.is_empty() {
            write!(to, "{}:", self.scheme)?;
        }
        if !self.authority.is_empty() || slashes {
            write!(to, "//{}", self.authority)?;
            if !path.is_empty() && !path.starts_with('/') {
                to.write_str("/")?;
            }
        }
        to.write_str(&path)?;
        if !self.query.is_empty() {
            write!(to, "?{}", self.query)?;
        }
        if !self.fragment.is_empty() {
            write!(to, "#{}", self.fragment)?;
        }
        Ok(())
    }
}

fn check_authority(authority: &str) -> Result<(), String> {
    let (open, close) = (authority.contains('['), authority.contains(']'));
    if open != close || (open && !has_bracketed_host(authority)) {
        return Err("Invalid IPv6 URL".to_owned());
    }
    // Characters that turn into a part's mark when they are normalised, so that two readers see two hosts.
    let plain: String = authority.chars().filter(|c| !matches!(c, '@' | ':' | '#' | '?')).collect();
    let normal: String = plain.nfkc().collect();
    if normal != plain && normal.contains(['/', '?', '#', '@', ':']) {
        return Err(format!("netloc '{authority}' contains invalid characters under NFKC normalization"));
    }
    Ok(())
}

fn has_bracketed_host(authority: &str) -> bool {
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let Some((before, bracketed)) = place.split_once('[') else { return false };
    let (host, after) = bracketed.split_once(']').unwrap_or((bracketed, ""));
    if !before.is_empty() || !(after.is_empty() || after.starts_with(':')) {
        return false;
    }
    if let Some(future) = host.strip_prefix('v') {
        return future.split_once('.').is_some_and(|(version, rest)| {
            !version.is_empty() && version.bytes().all(|b| b.is_ascii_hexdigit()) && !rest.is_empty()
        });
    }
    let (address, zone) = host.split_once('%').map_or((host, None), |(address, zone)| (address, Some(zone)));
    address.parse::<Ipv6Addr>().is_ok() && zone.is_none_or(|zone| !zone.is_empty() && !zone.contains('%'))
}

/// A text with its percent signs decoded; what is no UTF-8 becomes U+FFFD.
pub fn unquote(text: &str) -> String {
    if !text.contains('%') {
        return text.to_owned();
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|two| first == b'%' && two.iter().all(u8::is_ascii_hexdigit));
        let byte = digits
            .and_then(|two| std::str::from_utf8(two).ok())
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// [`unquote`] until nothing changes, in one pass: `%252e` hides `%2e`, which hides a dot.
pub fn unquote_wholly(text: &str) -> String {
    let mut bytes: Vec<u8> = Vec::with_capacity(text.len());
    for byte in text.bytes() {
        bytes.push(byte);
        while let [.., b'%', high, low] = bytes.as_slice()
            && let (Some(high), Some(low)) = (hex(*high), hex(*low))
        {
            bytes.truncate(bytes.len() - 3);
            bytes.push(high * 16 + low);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_uri_is_taken_apart() {
        let uri = Uri::parse("S3://User:pw@Bucket:9000/a//b;v=1?x=1#y").unwrap();
        assert_eq!((uri.scheme.as_str(), uri.path.as_str()), ("s3", "/a//b;v=1"));
        assert_eq!((uri.query.as_str(), uri.fragment.as_str()), ("x=1", "y"));
        assert_eq!((uri.host().as_deref(), uri.port()), (Some("bucket"), Ok(Some(9000))));
        let uri = Uri::parse("https://[::1]:80/a;b/c;d").unwrap();
        assert_eq!(
            (uri.host().as_deref(), uri.port(), uri.path.as_str()),
            (Some("::1"), Ok(Some(80)), "/a;b/c")
        );
        for (text, scheme, path) in [
            ("/tmp/x", "", "/tmp/x"),
            ("C:\\x", "c", "\\x"),
            ("models:/a@b", "models", "/a@b"),
            ("1:x", "", "1:x"),
            (" \u{1}runs:/a\n/b", "runs", "/a/b"),
            ("", "", ""),
        ] {
            let uri = Uri::parse(text).unwrap();
            assert_eq!((uri.scheme.as_str(), uri.path.as_str()), (scheme, path), "{text}");
        }
        assert_eq!(Uri::parse_without_fragment("models:/a#b/1").unwrap().path, "/a#b/1");
        assert_eq!(Uri::parse("http://[::1").unwrap_err(), "Invalid IPv6 URL");
        assert!(Uri::parse("http://a\u{ff0f}b/").is_err());
        assert!(Uri::parse("http://h:x/").unwrap().port().is_err());
        assert_eq!(Uri::parse("http://h:70000/").unwrap().port().unwrap_err(), "Port out of range 0-65535");
    }

    #[test]
    fn what_was_taken_apart_is_put_together_as_python_does_it() {
        for (text, again) in [
            ("s3://Bucket/a;b?x#y", "s3://Bucket/a;b?x#y"),
            ("FILE:/abs", "file:///abs"),
            ("file:relative", "file:///relative"),
            ("http:x", "http:///x"),
            ("mlflow-artifacts:/0", "mlflow-artifacts:/0"),
            ("//etc/passwd", "//etc/passwd"),
            ("///etc/passwd", "/etc/passwd"),
            ("////etc", "//etc"),
            ("a?", "a"),
            ("a#", "a"),
            ("a;", "a"),
            ("a;b/c", "a;b/c"),
            ("a/b;c", "a/b;c"),
            (" \u{1}a\nb", "ab"),
            ("C:/x", "c:/x"),
            ("1:x", "1:x"),
            ("", ""),
        ] {
            assert_eq!(Uri::parse(text).unwrap().to_string(), again, "{text}");
        }
        for wrong in
            ["//[::1", "//a]b/", "//[1.2.3.4]/", "//x[::1]/", "//[::1]x/", "//a\u{ff0f}b/", "//\u{2100}/"]
        {
            assert!(Uri::parse(wrong).is_err(), "{wrong}");
        }
        for right in ["//[::1]:80/", "//[fe80::1%25eth0]/", "//[v1.a]/", "//\u{e9}/"] {
            assert!(Uri::parse(&unquote(right)).is_ok(), "{right}");
        }
        assert_eq!(Uri::parse("http://u@HOST:8/").unwrap().host().as_deref(), Some("host"));
    }

    #[test]
    fn percent_signs_are_undone() {
        assert_eq!(unquote("a%20b%zz%c3%a9%"), "a b%zzé%");
        for hidden in ["%25252e", "%%32%65", "%2%65", "%252E"] {
            assert_eq!(unquote_wholly(hidden), ".", "{hidden}");
        }
        assert_eq!(unquote_wholly(&format!("%{}2e", "25".repeat(500_000))), ".");
    }

    proptest! {
        #[test]
        fn what_has_no_marks_stays_as_it_is(text in "[a-z0-9 ._+@é日/-]{0,40}") {
            prop_assume!(!text.starts_with([' ', '/']));
            prop_assert_eq!(Uri::parse(&text).unwrap().to_string(), text);
        }

        #[test]
        fn no_text_panics(text in ".*") {
            if let Ok(uri) = Uri::parse(&text) {
                let _ = (uri.host(), uri.port(), uri.to_string());
            }
            let _ = unquote_wholly(&text);
        }
    }
}
