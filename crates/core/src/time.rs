//! Time: milliseconds since the Unix epoch everywhere, text only at the edges.

use chrono::{DateTime, SecondsFormat, Utc};

/// Now, in milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// RFC 3339 text in UTC with milliseconds; a time outside the calendar is given as its number.
#[must_use]
pub fn format_utc(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms)
        .map_or_else(|| ms.to_string(), |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

#[cfg(test)]
mod tests {
    use super::format_utc;

    #[test]
    fn formats_in_utc_and_never_panics() {
        assert_eq!(format_utc(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(format_utc(i64::MAX), i64::MAX.to_string());
    }
}
