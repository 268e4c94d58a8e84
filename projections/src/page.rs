//! Pages by key: the next page starts behind the last row of this one, whatever was added meanwhile.

/// The most rows of one page.
pub const PAGE_MAX: usize = 100;

#[derive(Clone, Debug, PartialEq)]
pub struct Page<R> {
    pub rows: Vec<R>,
    /// Whether more follow.
    pub has_next: bool,
}

impl<R> Page<R> {
    /// From one row more than the page shall have.
    pub(crate) fn cut(mut rows: Vec<R>, first: usize) -> Self {
        let size = size(first);
        let has_next = rows.len() > size;
        rows.truncate(size);
        Self { rows, has_next }
    }
}

fn size(first: usize) -> usize {
    first.min(PAGE_MAX)
}

/// How many rows to ask for: one more than the page has tells whether another follows.
pub(crate) fn limit(first: usize) -> i64 {
    i64::try_from(size(first) + 1).expect("a page has at most a hundred rows")
}
