//! What a request asks of a file: ranges of it, or nothing if it has it already. The stock server answers from two
//! frameworks, which read these headers differently: uploads and downloads of proxied artifacts stream, other downloads do
//! not.

use axum::http::{HeaderMap, HeaderName, Method, header};
use chrono::{DateTime, NaiveDateTime};

/// More ranges than these count as the whole file.
const MOST: usize = 100;

/// What to send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// These parts, each with its end excluded, sorted and apart from each other.
    Parts(Vec<(u64, u64)>),
    /// 304: the client has it.
    Unchanged,
    /// 412: it is not what the client takes it for.
    Changed,
    /// 416: the file has no such range.
    OutOfReach,
    /// 400: the header cannot be read.
    Unreadable(&'static str),
}

/// What is known of a file.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag, with its quotes.
    pub etag: &'a str,
    /// When it was changed, in seconds since 1970.
    pub modified: i64,
}

/// A time as HTTP writes it.
pub fn http_date(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    time.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

fn read_date(text: &str) -> Option<i64> {
    let plain = text.trim().strip_suffix("GMT").or_else(|| text.trim().strip_suffix("UTC"))?.trim();
    let forms = ["%a, %d %b %Y %H:%M:%S", "%A, %d-%b-%y %H:%M:%S", "%d %b %Y %H:%M:%S"];
    forms.iter().find_map(|form| {
        NaiveDateTime::parse_from_str(plain, form).ok().map(|time| time.and_utc().timestamp())
    })
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The tags of a list, without their quotes; none for a header that is not there.
fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Vec<(bool, &str)>> {
    let tags: Vec<_> = text(headers, name)?
        .split(',')
        .map(str::trim)
        .filter(|tag| !tag.is_empty())
        .map(|tag| {
            let strong = tag.strip_prefix("W/").or_else(|| tag.strip_prefix("w/"));
            (strong.is_some(), strong.unwrap_or(tag).trim_matches('"'))
        })
        .collect();
    (!tags.is_empty()).then_some(tags)
}

/// What a streamed download sends: any number of ranges. The stock server always sends the file here; that a client that
/// holds it is spared the bytes is ours.
pub fn streamed(headers: &HeaderMap, known: Known<'_>) -> Wanted {
    let range = text(headers, header::RANGE);
    let date = http_date(known.modified);
    if let Some(range) = range
        && text(headers, header::IF_RANGE).is_none_or(|stands| stands == known.etag || stands == date)
    {
        return read_ranges(range, known.size);
    }
    let plain = known.etag.trim_matches('"');
    let held = match tags(headers, header::IF_NONE_MATCH) {
        Some(tags) => tags.iter().any(|(_, tag)| *tag == plain),
        None => text(headers, header::IF_MODIFIED_SINCE) == Some(date.as_str()),
    };
    if held && range.is_none() { Wanted::Unchanged } else { Wanted::Whole }
}

fn read_ranges(header: &str, size: u64) -> Wanted {
    let Some((unit, list)) = header.split_once('=') else {
        return Wanted::Unreadable("Malformed range header.");
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Unreadable("Only support bytes range");
    }
    if list.split(',').count() > MOST {
        return Wanted::Whole;
    }
    let size = i128::from(size);
    let mut ranges: Vec<(i128, i128)> =
        list.split(',').filter_map(|part| read_range(part.trim(), size)).collect();
    if ranges.is_empty() {
        return Wanted::Unreadable("Range header: range must be requested");
    }
    if ranges.iter().any(|(start, _)| !(0..size).contains(start)) {
        return Wanted::OutOfReach;
    }
    if ranges.iter().any(|(start, end)| start >= end) {
        return Wanted::Unreadable("Range header: start must be less than end");
    }
    ranges.sort_unstable();
    let mut parts: Vec<(u64, u64)> = Vec::new();
    for (start, end) in ranges {
        // All of them lie within the file, so that they fit.
        let (start, end) = (start as u64, end as u64);
        match parts.last_mut() {
            Some(last) if start <= last.1 => last.1 = last.1.max(end),
            _ => parts.push((start, end)),
        }
    }
    Wanted::Parts(parts)
}

/// One range, its end excluded; none for what is no range.
fn read_range(part: &str, size: i128) -> Option<(i128, i128)> {
    let (start, end) = part.split_once('-')?;
    let (start, end) = (start.trim(), end.trim());
    let number = |text: &str| text.parse::<i128>().ok();
    if start.is_empty() {
        return Some(((size - number(end)?).max(0), size));
    }
    let first = number(start)?;
    let last = if end.is_empty() { None } else { Some(number(end)?) };
    Some((first, last.filter(|last| *last < size).map_or(size, |last| last + 1)))
}

/// What any other download sends: one range at most.
pub fn plain(method: &Method, headers: &HeaderMap, known: Known<'_>) -> Wanted {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Wanted::Whole;
    }
    let tag = known.etag.trim_matches('"');
    let since = |text: Option<&str>| text.and_then(read_date).is_some_and(|date| known.modified <= date);
    if let Some(range) = text(headers, header::RANGE)
        && known.size > 0
    {
        let stands = match text(headers, header::IF_RANGE) {
            None => true,
            Some(date) if read_date(date).is_some() => since(Some(date)),
            Some(one) => one.trim_start_matches("W/").trim_matches('"') == tag,
        };
        if stands {
            return match read_one_range(range, known.size) {
                Some(part) => Wanted::Parts(vec![part]),
                None => Wanted::OutOfReach,
            };
        }
    }
    let mut unchanged = since(text(headers, header::IF_MODIFIED_SINCE));
    if let Some(tags) = tags(headers, header::IF_NONE_MATCH) {
        unchanged = tags.iter().any(|(_, one)| *one == "*" || *one == tag);
    }
    if let Some(tags) = tags(headers, header::IF_MATCH) {
        let same = tags.iter().any(|(weak, one)| *one == "*" || (!weak && *one == tag));
        return if same { Wanted::Whole } else { Wanted::Changed };
    }
    if unchanged { Wanted::Unchanged } else { Wanted::Whole }
}

fn read_one_range(header: &str, size: u64) -> Option<(u64, u64)> {
    let (unit, range) = header.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (start, end) = range.trim().split_once('-')?;
    let digits = |text: &str| {
        let text = text.trim();
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than a number has are beyond every file.
        plain.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let (start, end) = match (start.trim(), end.trim()) {
        ("", last) => (size.checked_sub(digits(last)?)?, size),
        (first, "") => (digits(first)?, size),
        (first, last) => {
            let (first, last) = (digits(first)?, digits(last)?);
            if first > last {
                return None;
            }
            (first, last.saturating_add(1).min(size))
        }
    };
    (start < end).then_some((start, end))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    const MODIFIED: i64 = 1_795_625_348;

    fn file(size: u64) -> Known<'static> {
        Known { size, etag: "\"tag\"", modified: MODIFIED }
    }

    fn asks(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    #[test]
    fn streamed_downloads_know_several_ranges() {
        let ask = |range: &str, size| streamed(&asks(&[(header::RANGE, range)]), file(size));
        let part = |start, end| Wanted::Parts(vec![(start, end)]);
        for (range, wanted) in [
            ("bytes=0-3", part(0, 4)),
            ("Bytes = 4-", part(4, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=-100", part(0, 10)),
            ("bytes=0-99999999999999999999", part(0, 10)),
            ("bytes=0 - 1", part(0, 2)),
            ("bytes=0-1,3-4", Wanted::Parts(vec![(0, 2), (3, 5)])),
            ("bytes=5-6, 0-1,2-3", Wanted::Parts(vec![(0, 4), (5, 7)])),
            ("bytes=0-1,x", part(0, 2)),
            ("bytes=10-", Wanted::OutOfReach),
            ("bytes=-0", Wanted::OutOfReach),
            ("bytes=0-1,10-", Wanted::OutOfReach),
            ("bytes=5-2", Wanted::Unreadable("Range header: start must be less than end")),
            ("bytes=1-2-3", Wanted::Unreadable("Range header: range must be requested")),
            ("bytes=", Wanted::Unreadable("Range header: range must be requested")),
            ("bytes", Wanted::Unreadable("Malformed range header.")),
            ("items=0-1", Wanted::Unreadable("Only support bytes range")),
        ] {
            assert_eq!(ask(range, 10), wanted, "{range}");
        }
        assert_eq!(ask("bytes=0-0", 0), Wanted::OutOfReach);
        assert_eq!(ask(&format!("bytes=0-1{}", ",4-5".repeat(100)), 10), Wanted::Whole);
    }

    #[test]
    fn streamed_downloads_are_spared_who_has_the_file() {
        let ask = |pairs: &[(HeaderName, &str)]| streamed(&asks(pairs), file(10));
        let date = http_date(MODIFIED);
        for (name, value, wanted) in [
            (header::IF_NONE_MATCH, "\"tag\"", Wanted::Unchanged),
            (header::IF_NONE_MATCH, "\"a\", W/\"tag\"", Wanted::Unchanged),
            (header::IF_NONE_MATCH, "\"other\"", Wanted::Whole),
            (header::IF_NONE_MATCH, "*", Wanted::Whole),
            (header::IF_MODIFIED_SINCE, date.as_str(), Wanted::Unchanged),
            (header::IF_MODIFIED_SINCE, "Wed, 21 Oct 2065 07:28:00 GMT", Wanted::Whole),
        ] {
            assert_eq!(ask(&[(name.clone(), value)]), wanted, "{name} {value}");
        }
        let range = (header::RANGE, "bytes=0-3");
        for (stands, wanted) in [
            ("\"tag\"", Wanted::Parts(vec![(0, 4)])),
            (date.as_str(), Wanted::Parts(vec![(0, 4)])),
            ("\"other\"", Wanted::Whole),
            ("W/\"tag\"", Wanted::Whole),
        ] {
            assert_eq!(ask(&[range.clone(), (header::IF_RANGE, stands)]), wanted, "{stands}");
        }
    }

    #[test]
    fn plain_downloads_know_one_range() {
        let ask = |range: &str, size| plain(&Method::GET, &asks(&[(header::RANGE, range)]), file(size));
        let part = |start, end| Wanted::Parts(vec![(start, end)]);
        for (range, wanted) in [
            ("bytes=0-3", part(0, 4)),
            ("bytes=4-", part(4, 10)),
            ("bytes=-3", part(7, 10)),
            ("bytes=0-99999999999999999999", part(0, 10)),
            ("bytes=-100", Wanted::OutOfReach),
            ("bytes=-0", Wanted::OutOfReach),
            ("bytes=0-1,3-4", Wanted::OutOfReach),
            ("bytes=5-2", Wanted::OutOfReach),
            ("bytes=10-", Wanted::OutOfReach),
            ("bytes=x", Wanted::OutOfReach),
            ("bytes", Wanted::OutOfReach),
            ("items=0-1", Wanted::OutOfReach),
        ] {
            assert_eq!(ask(range, 10), wanted, "{range}");
        }
        assert_eq!(ask("bytes=0-0", 0), Wanted::Whole);
        assert_eq!(plain(&Method::POST, &asks(&[(header::RANGE, "bytes=0-3")]), file(10)), Wanted::Whole);
    }

    #[test]
    fn plain_downloads_follow_the_conditions() {
        let ask = |pairs: &[(HeaderName, &str)]| plain(&Method::HEAD, &asks(pairs), file(10));
        for (name, value, wanted) in [
            (header::IF_NONE_MATCH, "*", Wanted::Unchanged),
            (header::IF_NONE_MATCH, "W/\"tag\"", Wanted::Unchanged),
            (header::IF_NONE_MATCH, "\"other\"", Wanted::Whole),
            (header::IF_MATCH, "\"tag\"", Wanted::Whole),
            (header::IF_MATCH, "W/\"tag\"", Wanted::Changed),
            (header::IF_MODIFIED_SINCE, "Wed, 21 Oct 2065 07:28:00 GMT", Wanted::Unchanged),
            (header::IF_MODIFIED_SINCE, "Wed, 21 Oct 2015 07:28:00 GMT", Wanted::Whole),
            (header::IF_MODIFIED_SINCE, "yesterday", Wanted::Whole),
        ] {
            assert_eq!(ask(&[(name.clone(), value)]), wanted, "{name} {value}");
        }
        let range = (header::RANGE, "bytes=0-3");
        assert_eq!(ask(&[range.clone(), (header::IF_RANGE, "\"other\"")]), Wanted::Whole);
        assert_eq!(ask(&[range, (header::IF_RANGE, &http_date(MODIFIED))]), Wanted::Parts(vec![(0, 4)]));
    }

    #[test]
    fn dates_read_back() {
        assert_eq!(http_date(MODIFIED), "Wed, 25 Nov 2026 16:49:08 GMT");
        assert_eq!(read_date("Wed, 25 Nov 2026 16:49:08 GMT"), Some(MODIFIED));
        assert_eq!(read_date("Wednesday, 25-Nov-26 16:49:08 GMT"), Some(MODIFIED));
        assert_eq!(read_date("x"), None);
    }

    proptest! {
        #[test]
        fn every_part_lies_within_the_file(range in "(bytes)?[= ]{0,2}[0-9x, -]{0,20}", size in 0_u64..200) {
            let headers = asks(&[(header::RANGE, range.as_str())]);
            for wanted in [streamed(&headers, file(size)), plain(&Method::GET, &headers, file(size))] {
                let Wanted::Parts(parts) = wanted else { continue };
                prop_assert!(!parts.is_empty());
                let mut before = None;
                for (start, end) in parts {
                    prop_assert!(start < end && end <= size, "{start}-{end} of {size}");
                    prop_assert!(before.is_none_or(|before| before < start));
                    before = Some(end);
                }
            }
        }
    }
}
