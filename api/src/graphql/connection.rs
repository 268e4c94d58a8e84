//! Pages as Relay has them, forward only: the newest first, and then on.

use crate::graphql::code::Code;
use async_graphql::{Result, SimpleObject};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where a page stands.
#[derive(Clone, SimpleObject)]
pub(crate) struct PageInfo {
    /// Whether more follow.
    pub has_next_page: bool,
    /// Whether something stands before: always false for the first page.
    pub has_previous_page: bool,
    /// The cursor of the first edge.
    pub start_cursor: Option<String>,
    /// The cursor of the last edge: give it as `after` for the next page.
    pub end_cursor: Option<String>,
}

const FIRST_DEFAULT: usize = 25;
const FIRST_MAX: i32 = 100;

/// How many are asked for.
pub(crate) fn size(first: Option<i32>) -> Result<usize> {
    match first {
        None => Ok(FIRST_DEFAULT),
        Some(first @ 0..=FIRST_MAX) => Ok(usize::try_from(first).expect("a number from 0 to 100")),
        Some(_) => Err(Code::BadUserInput.error("`first` is a number from 0 to 100")),
    }
}

pub(crate) fn cursor(key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// The bytes behind a cursor of ours, when it has as many as are meant.
pub(crate) fn parse_cursor<const N: usize>(cursor: Option<&str>) -> Result<Option<[u8; N]>> {
    let Some(cursor) = cursor else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| bytes.try_into().ok());
    bytes.map(Some).ok_or_else(|| Code::BadUserInput.error("`after` is not a cursor of this list"))
}

/// Declares a connection and its edge.
macro_rules! connection {
    ($connection:ident, $edge:ident, $node:ty, $what:literal) => {
        #[doc = concat!("A page of ", $what, ".")]
        #[derive(Clone, async_graphql::SimpleObject)]
        pub(crate) struct $connection {
            /// What is on the page, each with its cursor.
            edges: Vec<$edge>,
            /// The same without cursors.
            nodes: Vec<$node>,
            /// Where the page stands.
            page_info: $crate::graphql::connection::PageInfo,
        }

        #[doc = concat!("One place in a page of ", $what, ".")]
        #[derive(Clone, async_graphql::SimpleObject)]
        pub(crate) struct $edge {
            /// Names the place: give it as `after` to go on behind it.
            cursor: String,
            /// What stands there.
            node: $node,
        }

        impl $connection {
            pub fn new(places: Vec<(String, $node)>, has_next_page: bool, has_previous_page: bool) -> Self {
                let page_info = $crate::graphql::connection::PageInfo {
                    has_next_page,
                    has_previous_page,
                    start_cursor: places.first().map(|(cursor, _)| cursor.clone()),
                    end_cursor: places.last().map(|(cursor, _)| cursor.clone()),
                };
                let nodes = places.iter().map(|(_, node)| node.clone()).collect();
                let edges = places.into_iter().map(|(cursor, node)| $edge { cursor, node }).collect();
                Self { edges, nodes, page_info }
            }
        }
    };
}

pub(crate) use connection;
