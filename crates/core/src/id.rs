//! Identifiers.

use uuid::Uuid;

/// A new identifier: 32 hexadecimal digits of a version 7 UUID, so that identifiers sort by
/// the time of their making (RFC 9562, section 5.7).
#[must_use]
pub fn new_id() -> String {
    Uuid::now_v7().simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::new_id;

    #[test]
    fn identifiers_are_32_hexadecimal_digits_and_sort_by_time() {
        let first = new_id();
        std::thread::sleep(std::time::Duration::from_millis(2));
        let second = new_id();
        assert_eq!(first.len(), 32);
        assert!(first.bytes().all(|byte| byte.is_ascii_hexdigit()));
        assert!(first < second);
    }
}
