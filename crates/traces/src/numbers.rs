//! Numbers for rows that grow with time: what is new lies together in every table and index.

use std::sync::atomic::{AtomicI64, Ordering};

use ropewalk_core::now_ms;

/// The bits below the milliseconds: room for a million numbers in each, drawn so that servers do not meet.
const BITS: u32 = 20;

static LAST: AtomicI64 = AtomicI64::new(0);

/// A number above all that this process has given out.
pub(crate) fn next() -> i64 {
    // The end of an identifier is random.
    let drawn = ropewalk_core::new_id();
    let drawn = i64::from_str_radix(&drawn[drawn.len() - 5..], 16).unwrap_or_default();
    let fresh = now_ms() << BITS | drawn;
    let last = LAST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| Some(fresh.max(last + 1)));
    last.map_or(fresh, |last| fresh.max(last + 1))
}

#[cfg(test)]
mod tests {
    use super::next;

    #[test]
    fn numbers_grow() {
        let numbers: Vec<_> = (0..1000).map(|_| next()).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
