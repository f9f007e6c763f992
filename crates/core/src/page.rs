//! Paging: an opaque token that carries an offset, in the form that MLflow's clients know.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Which part of a listing is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Page {
    /// How many items at most.
    #[serde(default = "default_limit")]
    pub limit: u32,
    /// Where to go on: the `next_token` of the page before.
    #[serde(default)]
    pub token: Option<String>,
}

fn default_limit() -> u32 {
    100
}

impl Page {
    /// The first `limit` items.
    #[must_use]
    pub fn first(limit: u32) -> Self {
        Self { limit, token: None }
    }

    /// The offset that the token stands for.
    pub fn offset(&self) -> Result<u64> {
        decode_offset(self.token.as_deref())
    }
}

/// One page of a listing.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Paged<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// The token of the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

impl<T> Paged<T> {
    /// Build a page from up to `limit + 1` items read at `offset`: the extra item only tells
    /// that there is a next page.
    #[must_use]
    pub fn cut(mut items: Vec<T>, offset: u64, limit: u32) -> Self {
        let limit = limit as usize;
        let more = items.len() > limit;
        items.truncate(limit);
        Self { items, next_token: more.then(|| encode_offset(offset + limit as u64)) }
    }
}

#[derive(Serialize, Deserialize)]
struct Token {
    offset: u64,
}

/// The token of an offset: base64 of `{"offset": N}`.
#[must_use]
pub fn encode_offset(offset: u64) -> String {
    STANDARD.encode(format!("{{\"offset\": {offset}}}"))
}

/// The offset of a token; 0 without one. A token that this server did not make is refused.
pub fn decode_offset(token: Option<&str>) -> Result<u64> {
    let Some(token) = token.filter(|token| !token.is_empty()) else { return Ok(0) };
    STANDARD
        .decode(token)
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Token>(&bytes).ok())
        .map(|token| token.offset)
        .filter(|offset| *offset <= i64::MAX as u64)
        .ok_or_else(|| {
            Error::invalid("the page token cannot be read")
                .why("it is not a token that this server gave out")
                .hint("ask again without a token to start from the first page")
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn offsets_round_trip(offset in 0..=i64::MAX as u64) {
            prop_assert_eq!(decode_offset(Some(&encode_offset(offset))).unwrap(), offset);
        }

        #[test]
        fn foreign_tokens_are_refused_without_panic(token in ".*") {
            let _ = decode_offset(Some(&token));
        }
    }

    #[test]
    fn the_extra_item_tells_of_a_next_page() {
        let page = Paged::cut(vec![1, 2, 3], 10, 2);
        assert_eq!(page.items, [1, 2]);
        assert_eq!(decode_offset(page.next_token.as_deref()).unwrap(), 12);
        assert!(Paged::cut(vec![1, 2], 0, 2).next_token.is_none());
    }
}
