//! Page tokens as MLflow's clients hand them back: base64 of `{"offset": N}`.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::error::{MlflowError, MlflowResult};
use crate::json::{self, Json};
use crate::python;
use crate::rules::as_whole;

/// The stock server's decoder minds neither missing padding at a whole group nor bits left over.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);

/// The token of an offset.
pub fn token(offset: i64) -> String {
    ENGINE.encode(format!("{{\"offset\": {offset}}}"))
}

/// The offset of a token; 0 for an empty one, and for one below nothing, which databases take for nothing.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a token that this server did not make.
pub fn offset(token: &str) -> MlflowResult<u64> {
    Ok(u64::try_from(signed_offset(token)?).unwrap_or(0))
}

/// As [`offset`], for searches that count on from an offset below nothing.
///
/// # Errors
/// As [`offset`].
pub fn signed_offset(token: &str) -> MlflowResult<i64> {
    if token.is_empty() {
        return Ok(0);
    }
    let parsed = parsed(token)?;
    let nothing =
        || MlflowError::invalid(format!("Invalid page token, parsed value={}", python::repr_json(&parsed)));
    let offset = parsed.get("offset").filter(|offset| python::is_true(offset)).ok_or_else(nothing)?;
    as_whole(offset).ok_or_else(|| {
        let shown = offset.as_text().map_or_else(|| python::repr_json(offset), str::to_owned);
        MlflowError::invalid(format!("Invalid page token, not stringable {shown}"))
    })
}

/// The decoded bytes of a token, whatever they hold.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for what is not base64.
pub fn decode(token: &str) -> MlflowResult<Vec<u8>> {
    // As Python's decoder does, what is not of the alphabet is passed over.
    let plain: String =
        token.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=')).collect();
    ENGINE.decode(plain).map_err(|_| MlflowError::invalid("Invalid page token, could not base64-decode"))
}

/// A token's JSON.
///
/// # Errors
/// `INVALID_PARAMETER_VALUE` for a token that this server did not make.
pub fn parsed(token: &str) -> MlflowResult<Json> {
    let decoded = decode(token)?;
    std::str::from_utf8(&decoded).ok().and_then(json::parse).ok_or_else(|| {
        MlflowError::invalid(format!("Invalid page token, decoded value={}", python_bytes(&decoded)))
    })
}

/// Bytes as Python shows them.
fn python_bytes(bytes: &[u8]) -> String {
    let mut text = String::from("b'");
    for byte in bytes {
        match byte {
            b'\'' => text.push_str("\\'"),
            b'\\' => text.push_str("\\\\"),
            b'\n' => text.push_str("\\n"),
            b'\r' => text.push_str("\\r"),
            b'\t' => text.push_str("\\t"),
            b' '..=b'~' => text.push(char::from(*byte)),
            other => text.push_str(&format!("\\x{other:02x}")),
        }
    }
    text.push('\'');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_go_round_and_foreign_tokens_are_refused_in_known_words() {
        assert_eq!(offset(&ropewalk_core::page::encode_offset(12)).unwrap(), 12);
        assert_eq!(offset("").unwrap(), 0);
        assert_eq!(token(12), ropewalk_core::page::encode_offset(12));
        assert_eq!(signed_offset(&token(-1)).unwrap(), -1);
        assert_eq!(offset(&token(-1)).unwrap(), 0);
        assert!(offset(&token(0)).is_err());
        let words = |token: &str| offset(token).unwrap_err().message().to_owned();
        assert_eq!(words("abc"), "Invalid page token, could not base64-decode");
        assert_eq!(words("!!"), "Invalid page token, decoded value=b''");
        assert_eq!(words("aGVsbG8="), "Invalid page token, decoded value=b'hello'");
        assert_eq!(words("e30="), "Invalid page token, parsed value={}");
        assert_eq!(words("eyJvZmZzZXQiOiAieCJ9"), "Invalid page token, not stringable x");
        assert_eq!(words(&token(0)), "Invalid page token, parsed value={'offset': 0}");
    }

    proptest! {
        #[test]
        fn no_token_panics(token in ".*") {
            let _ = offset(&token);
        }
    }
}
