//! What a file's name says of its kind, as the stock server guesses it, and the header that makes an answer a download.

use std::collections::HashMap;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;

use crate::path::folder_and_name;

/// Endings of files that are shown as text, and whole names of such files.
const TEXT: [&str; 26] = [
    "txt",
    "log",
    "err",
    "cfg",
    "conf",
    "cnf",
    "cf",
    "ini",
    "properties",
    "prop",
    "hocon",
    "toml",
    "yaml",
    "yml",
    "xml",
    "json",
    "js",
    "py",
    "py3",
    "csv",
    "tsv",
    "md",
    "rst",
    "ipynb",
    "MLmodel",
    "MLproject",
];
/// What is not known.
const BYTES: &str = "application/octet-stream";
/// Endings that stand for two.
const SHORT: [(&str, &str); 6] = [
    ("svgz", "svg.gz"),
    ("tgz", "tar.gz"),
    ("taz", "tar.gz"),
    ("tz", "tar.gz"),
    ("tbz2", "tar.bz2"),
    ("txz", "tar.xz"),
];
/// Endings that say how content is packed.
const PACKED: [(&str, &str); 5] =
    [("gz", "gzip"), ("Z", "compress"), ("bz2", "bzip2"), ("xz", "xz"), ("br", "br")];
/// Where systems keep tables of their own; of two that know an ending the later one counts.
const TABLES: [&str; 8] = [
    "/etc/mime.types",
    "/etc/httpd/mime.types",
    "/etc/httpd/conf/mime.types",
    "/etc/apache/mime.types",
    "/etc/apache2/mime.types",
    "/usr/local/lib/netscape/mime.types",
    "/usr/local/etc/httpd/conf/mime.types",
    "/usr/local/etc/mime.types",
];
/// Media types and their endings: the table of Python's `mimetypes`, with some that its newer versions have.
const TYPES: [(&str, &str); 110] = [
    ("application/javascript", "js mjs"),
    ("application/json", "json"),
    ("application/manifest+json", "webmanifest"),
    ("application/msword", "doc dot wiz"),
    ("application/n-quads", "nq"),
    ("application/n-triples", "nt"),
    ("application/octet-stream", "a bin dll exe o obj so"),
    ("application/oda", "oda"),
    ("application/pdf", "pdf"),
    ("application/pkcs7-mime", "p7c"),
    ("application/postscript", "ai eps ps"),
    ("application/trig", "trig"),
    ("application/vnd.apple.mpegurl", "m3u m3u8"),
    ("application/vnd.ms-excel", "xlb xls"),
    ("application/vnd.ms-powerpoint", "pot ppa pps ppt pwz"),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
    ("application/wasm", "wasm"),
    ("application/x-bcpio", "bcpio"),
    ("application/x-cpio", "cpio"),
    ("application/x-csh", "csh"),
    ("application/x-dvi", "dvi"),
    ("application/x-gtar", "gtar"),
    ("application/x-hdf", "hdf"),
    ("application/x-hdf5", "h5"),
    ("application/x-latex", "latex"),
    ("application/x-mif", "mif"),
    ("application/x-netcdf", "cdf nc"),
    ("application/x-pkcs12", "p12 pfx"),
    ("application/x-pn-realaudio", "ram"),
    ("application/x-python-code", "pyc pyo"),
    ("application/x-sh", "sh"),
    ("application/x-shar", "shar"),
    ("application/x-shockwave-flash", "swf"),
    ("application/x-sv4cpio", "sv4cpio"),
    ("application/x-sv4crc", "sv4crc"),
    ("application/x-tar", "tar"),
    ("application/x-tcl", "tcl"),
    ("application/x-tex", "tex"),
    ("application/x-texinfo", "texi texinfo"),
    ("application/x-troff", "roff t tr"),
    ("application/x-troff-man", "man"),
    ("application/x-troff-me", "me"),
    ("application/x-troff-ms", "ms"),
    ("application/x-ustar", "ustar"),
    ("application/x-wais-source", "src"),
    ("application/xml", "rdf wsdl xpdl xsl"),
    ("application/zip", "zip"),
    ("audio/3gpp", "3gp 3gpp"),
    ("audio/3gpp2", "3g2 3gpp2"),
    ("audio/aac", "aac adts ass loas"),
    ("audio/basic", "au snd"),
    ("audio/flac", "flac"),
    ("audio/mpeg", "mp2 mp3"),
    ("audio/ogg", "oga ogg"),
    ("audio/opus", "opus"),
    ("audio/webm", "weba"),
    ("audio/x-aiff", "aif aifc aiff"),
    ("audio/x-pn-realaudio", "ra"),
    ("audio/x-wav", "wav"),
    ("font/otf", "otf"),
    ("font/ttf", "ttf"),
    ("font/woff", "woff"),
    ("font/woff2", "woff2"),
    ("image/avif", "avif"),
    ("image/bmp", "bmp"),
    ("image/gif", "gif"),
    ("image/heic", "heic"),
    ("image/heif", "heif"),
    ("image/ief", "ief"),
    ("image/jpeg", "jpe jpeg jpg"),
    ("image/png", "png"),
    ("image/svg+xml", "svg"),
    ("image/tiff", "tif tiff"),
    ("image/vnd.microsoft.icon", "ico"),
    ("image/webp", "webp"),
    ("image/x-cmu-raster", "ras"),
    ("image/x-portable-anymap", "pnm"),
    ("image/x-portable-bitmap", "pbm"),
    ("image/x-portable-graymap", "pgm"),
    ("image/x-portable-pixmap", "ppm"),
    ("image/x-rgb", "rgb"),
    ("image/x-xbitmap", "xbm"),
    ("image/x-xpixmap", "xpm"),
    ("image/x-xwindowdump", "xwd"),
    ("message/rfc822", "eml mht mhtml nws"),
    ("text/css", "css"),
    ("text/csv", "csv"),
    ("text/html", "htm html"),
    ("text/markdown", "md"),
    ("text/n3", "n3"),
    ("text/plain", "bat c h ksh pl srt txt"),
    ("text/richtext", "rtx"),
    ("text/rtf", "rtf"),
    ("text/tab-separated-values", "tsv"),
    ("text/vtt", "vtt"),
    ("text/x-python", "py"),
    ("text/x-setext", "etx"),
    ("text/x-sgml", "sgm sgml"),
    ("text/x-vcard", "vcf"),
    ("text/xml", "xml"),
    ("video/matroska", "mkv"),
    ("video/mp4", "mp4"),
    ("video/mpeg", "m1v mpa mpe mpeg mpg"),
    ("video/ogg", "ogv"),
    ("video/quicktime", "mov qt"),
    ("video/webm", "webm"),
    ("video/x-msvideo", "avi"),
    ("video/x-sgi-movie", "movie"),
];

/// The table, and what the system adds to it.
fn known() -> &'static HashMap<String, String> {
    static KNOWN: OnceLock<HashMap<String, String>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let mut known = HashMap::new();
        for (kind, endings) in TYPES {
            add(&mut known, kind, endings);
        }
        for table in TABLES.iter().filter_map(|file| std::fs::read_to_string(file).ok()) {
            for line in table.lines().map(str::trim_start).filter(|line| !line.starts_with('#')) {
                if let Some((kind, endings)) = line.split_once(char::is_whitespace) {
                    add(&mut known, kind, endings);
                }
            }
        }
        known
    })
}

fn add(known: &mut HashMap<String, String>, kind: &str, endings: &str) {
    for ending in endings.split_whitespace().take_while(|ending| !ending.starts_with('#')) {
        known.insert(ending.to_owned(), kind.to_owned());
    }
}

/// A name without its ending, and the ending without its dot; dots at the beginning begin none.
fn ending(name: &str) -> (&str, &str) {
    let plain = folder_and_name(name).1.trim_start_matches('.');
    match plain.rfind('.') {
        Some(at) => {
            let before = name.len() - plain.len() + at;
            (&name[..before], &name[before + 1..])
        }
        None => (name, ""),
    }
}

/// What a file's name says of its kind, and of how its content is packed.
pub fn guess(name: &str) -> (Option<&'static str>, Option<&'static str>) {
    // What stands before a colon counts as a scheme.
    let scheme = name.split_once(':').filter(|(scheme, _)| !scheme.is_empty() && !scheme.contains('/'));
    let mut name = scheme.map_or(name, |(_, rest)| rest).to_owned();
    let short = ending(&name).1.to_lowercase();
    if let Some((_, long)) = SHORT.iter().find(|(known, _)| *known == short) {
        name = format!("{}.{long}", ending(&name).0);
    }
    let (before, last) = ending(&name);
    let packed = PACKED.iter().find(|(known, _)| *known == last).map(|(_, packed)| *packed);
    let last = if packed.is_some() { ending(before).1 } else { last };
    (known().get(&last.to_lowercase()).map(String::as_str), packed)
}

/// The media type that a file is sent with.
pub fn media_type(path: &str) -> &'static str {
    let name = folder_and_name(path.trim_end_matches('/')).1;
    let last = ending(name).1;
    if TEXT.contains(if last.is_empty() { &name } else { &last }) {
        return "text/plain";
    }
    guess(name).0.unwrap_or(BYTES)
}

/// The header `Content-Disposition` of a download: a logged file must not act in the server's name.
pub fn attachment(name: &str) -> String {
    if name.is_ascii() {
        return format!("attachment; filename={}", quoted(name));
    }
    let plain: String = name.nfkd().filter(char::is_ascii).collect();
    let plain = if plain.is_empty() { "download" } else { plain.as_str() };
    let mut whole = format!("attachment; filename={}; filename*=UTF-8''", quoted(plain));
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            whole.push_str(&format!("%{byte:02X}"));
        }
    }
    whole
}

fn quoted(text: &str) -> String {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if !text.is_empty() && text.bytes().all(token) {
        return text.to_owned();
    }
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kinds_are_guessed_by_name() {
        for (path, kind) in [
            ("a/b.txt", "text/plain"),
            ("MLmodel", "text/plain"),
            ("x/MLproject", "text/plain"),
            ("mlmodel", BYTES),
            ("a.json", "text/plain"),
            ("a.JSON", "application/json"),
            ("a.png", "image/png"),
            ("a.PNG", "image/png"),
            ("a.html", "text/html"),
            ("a.svg", "image/svg+xml"),
            ("a.tar.gz", "application/x-tar"),
            ("a.tgz", "application/x-tar"),
            ("a.csv.gz", "text/csv"),
            (".hidden", BYTES),
            (".hidden.png", "image/png"),
            ("..png", BYTES),
            ("x:a.png", "image/png"),
            ("a.d/b", BYTES),
            ("a.unheard", BYTES),
            ("", BYTES),
        ] {
            assert_eq!(media_type(path), kind, "{path}");
        }
        assert_eq!(guess("a.svgz"), (Some("image/svg+xml"), Some("gzip")));
        assert_eq!(guess("a.gz"), (None, Some("gzip")));
    }

    #[test]
    fn downloads_are_named() {
        for (name, header) in [
            ("a.txt", "attachment; filename=a.txt"),
            ("a b.txt", "attachment; filename=\"a b.txt\""),
            ("a\"\\b", "attachment; filename=\"a\\\"\\\\b\""),
            ("", "attachment; filename=\"\""),
            ("ü b.txt", "attachment; filename=\"u b.txt\"; filename*=UTF-8''%C3%BC%20b.txt"),
            ("日本語", "attachment; filename=download; filename*=UTF-8''%E6%97%A5%E6%9C%AC%E8%AA%9E"),
        ] {
            assert_eq!(attachment(name), header, "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_name_gives_headers(name in "[^\\x00-\\x1f\\x7f]*") {
            prop_assert!(axum::http::HeaderValue::from_str(&attachment(&name)).is_ok());
            prop_assert!(axum::http::HeaderValue::from_str(media_type(&name)).is_ok());
        }
    }
}
