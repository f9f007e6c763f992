//! Pages of searches, as MLflow's server cuts them.

use ropewalk_mlflow::{Fields, MlflowResult, page};

use crate::service::Window;

/// A page that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paging {
    limit: i64,
    offset: i64,
}

impl Paging {
    /// The page that a request names; `limit` items of it, which may be none or, as with the stock server, less than none.
    pub(super) fn of(fields: &Fields, limit: i64) -> MlflowResult<Self> {
        Ok(Self { limit, offset: page::signed_offset(fields.text("page_token"))? })
    }

    /// What to search for: one more than the page has, to see whether there is another.
    pub(super) fn window(self) -> Window {
        let wanted = self.limit.saturating_add(1);
        Window { limit: if wanted < 0 { i64::MAX } else { wanted }, offset: self.offset }
    }

    /// The page's items of those found, and the token of the next page if there is one. A limit below nothing counts from
    /// the end, as Python's slices do.
    pub(super) fn cut<T>(self, mut found: Vec<T>) -> (Vec<T>, Option<String>) {
        let count = i64::try_from(found.len()).unwrap_or(i64::MAX);
        let more = count == self.limit.saturating_add(1);
        let kept = if self.limit < 0 { count.saturating_add(self.limit).max(0) } else { self.limit };
        found.truncate(usize::try_from(kept).unwrap_or(usize::MAX));
        (found, more.then(|| page::token(self.offset.saturating_add(self.limit))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_cut_as_the_stock_server_cuts_them() {
        let cut = |limit: i64, found: usize| Paging { limit, offset: 4 }.cut((0..found).collect::<Vec<_>>());
        assert_eq!(cut(2, 3), (vec![0, 1], Some(page::token(6))));
        assert_eq!(cut(2, 2), (vec![0, 1], None));
        assert_eq!(cut(0, 1), (vec![], Some(page::token(4))));
        assert_eq!(cut(-1, 0), (vec![], Some(page::token(3))));
        assert_eq!(cut(-2, 5), (vec![0, 1, 2], None));
        assert_eq!(cut(i64::MIN, 5), (vec![], None));
        assert_eq!(Paging { limit: -2, offset: 0 }.window().limit, i64::MAX);
        assert_eq!(Paging { limit: -1, offset: 0 }.window().limit, 0);
    }
}
