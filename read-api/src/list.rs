//! Lists: pages, cursors, orderings and searches, the same for all.

mod cursor;
mod order;

use axum::http::Uri;
use serde::Serialize;
use service_kit::problem::Problem;
use utoipa::ToSchema;

use crate::query::{FromRow, PageOf, Sql, Start, Tables};

pub use order::Ordering;
pub(crate) use order::{Mark, Order};

/// Rows of a page unless told otherwise.
const PAGE_SIZE: u32 = 10;
/// The most rows of a page.
const MOST: u32 = 100;
/// The last page that can be asked for: what the OpenAPI document's `int32` holds.
const LAST_PAGE: u32 = i32::MAX.unsigned_abs();

/// What a list is of.
#[derive(Debug)]
pub struct List {
    /// The table.
    pub table: &'static str,
    /// What is read of each row.
    pub columns: &'static str,
    /// What it can be ordered by; by the first unless told otherwise.
    pub orderings: &'static [Ordering],
}

/// What is asked of a list.
#[derive(Debug, Clone, Copy, Default)]
pub struct Asked<'a> {
    /// Which page, from 1.
    pub page: Option<u32>,
    /// Rows of a page: 10 unless told, 100 at most.
    pub size: Option<u32>,
    /// `name`, or `-name` for the other direction.
    pub ordering: Option<&'a str>,
    /// From where to go on; empty for the beginning.
    pub cursor: Option<&'a str>,
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// How many there are in all; null where a cursor is given, for which nothing is counted.
    pub count: Option<i64>,
    /// The next page, if there is one: by cursor where one is given, else by its number.
    pub next: Option<String>,
    /// The page before, if there is one; null where a cursor is given.
    pub previous: Option<String>,
    /// The cursor of what comes after this page, if anything does.
    pub next_cursor: Option<String>,
    /// This page.
    pub results: Vec<T>,
}

/// Which part of a list is asked for, in which order.
#[derive(Debug, Clone)]
pub struct Paging {
    list: &'static List,
    start: Start,
    size: u32,
    order: Order,
}

/// What lies around the rows of a page.
#[derive(Debug)]
pub struct Around {
    count: Option<i64>,
    next_cursor: Option<String>,
}

impl Paging {
    /// The part of `list` that is `asked` for.
    ///
    /// # Errors
    /// `400` when there can be no such page, order or cursor.
    pub fn parse(list: &'static List, asked: Asked<'_>) -> Result<Self, Problem> {
        let size = asked.size.unwrap_or(PAGE_SIZE);
        if !(1..=MOST).contains(&size) {
            return Err(Problem::malformed("a page has 1 to 100 rows"));
        }
        let order = Order::parse(asked.ordering, list.orderings)?;
        let start = match (asked.page, asked.cursor) {
            (Some(_), Some(_)) => {
                return Err(Problem::malformed("a page has a number or a cursor"));
            }
            (page, None) => Start::Page(page.unwrap_or(1)),
            (None, Some("")) => Start::After(None),
            (None, Some(text)) => Start::After(Some(cursor::read(text, list.table, &order)?)),
        };
        if matches!(start, Start::Page(page) if !(1..=LAST_PAGE).contains(&page)) {
            return Err(Problem::malformed("pages are 1 to 2147483647"));
        }
        Ok(Self {
            list,
            start,
            size,
            order,
        })
    }

    /// The rows of this page, of those that `filter` (a WHERE clause) lets through; and what lies
    /// around them, at the same moment.
    ///
    /// # Errors
    /// As [`Sql::fetch_one`].
    pub async fn fetch<T: FromRow>(
        &self,
        tables: &Tables,
        filter: Sql,
    ) -> Result<(Around, Vec<T>), Problem> {
        let page = PageOf {
            list: self.list,
            order: &self.order,
            start: &self.start,
            size: self.size,
        };
        let found = page.fetch(tables, filter).await?;
        let next = found.last.filter(|_| found.more);
        let next = next.map(|mark| cursor::write(self.list.table, &self.order, mark));
        let around = Around {
            count: found.count,
            next_cursor: next.transpose()?,
        };
        Ok((around, found.rows))
    }

    /// The page of `results`, with links in the manner of `uri`.
    pub fn page<T>(&self, uri: &Uri, around: Around, results: Vec<T>) -> Page<T> {
        let Around { count, next_cursor } = around;
        let (next, previous) = match &self.start {
            Start::Page(page) => (
                next_cursor.as_ref().map(|_| numbered(uri, page + 1)),
                (*page > 1).then(|| numbered(uri, page - 1)),
            ),
            Start::After(_) => (next_cursor.as_ref().map(|next| after(uri, next)), None),
        };
        Page {
            count,
            next,
            previous,
            next_cursor,
            results,
        }
    }
}

fn numbered(uri: &Uri, page: u32) -> String {
    link(uri, &format!("page={page}"))
}

fn after(uri: &Uri, cursor: &str) -> String {
    link(uri, &format!("cursor={cursor}"))
}

/// The same query for another part of the list.
fn link(uri: &Uri, part: &str) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let is_part = |pair: &str| matches!(pair.split('=').next(), Some("page" | "cursor"));
    let mut query: Vec<&str> = others
        .filter(|pair| !pair.is_empty() && !is_part(pair))
        .collect();
    query.push(part);
    format!("{}?{}", uri.path(), query.join("&"))
}

/// `search` as a pattern of ILIKE that finds it anywhere.
pub fn pattern(search: &str) -> String {
    let escaped = search
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

/// Refuses what PostgreSQL can't take as text.
///
/// # Errors
/// `400` when `text` has a NUL.
pub fn check_text(text: Option<&str>) -> Result<(), Problem> {
    match text {
        Some(text) if text.contains('\0') => Err(Problem::malformed("a text has no NUL")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const LIST: List = List {
        table: "hotels",
        columns: "id",
        orderings: &[Ordering::text("name", "name")],
    };

    fn page(uri: &str, asked: Asked<'_>, next_cursor: Option<&str>) -> Page<()> {
        let around = Around {
            count: Some(11),
            next_cursor: next_cursor.map(str::to_owned),
        };
        let uri: Uri = uri.parse().unwrap();
        let paging = Paging::parse(&LIST, asked).unwrap();
        paging.page(&uri, around, vec![(); 5])
    }

    #[test]
    fn links_keep_the_other_parameters() {
        let second = Asked {
            page: Some(2),
            ..Asked::default()
        };
        let uri = "/api/hotels?page=2&city=Dakar&page_size=5";
        let base = "/api/hotels?city=Dakar&page_size=5";
        let numbered = page(uri, second, Some("abc"));
        assert_eq!(numbered.next.unwrap(), format!("{base}&page=3"));
        assert_eq!(numbered.previous.unwrap(), format!("{base}&page=1"));
        let first = Asked {
            cursor: Some(""),
            ..Asked::default()
        };
        let uri = "/api/hotels?city=Dakar&cursor=&page_size=5";
        let by_cursor = page(uri, first, Some("abc"));
        assert_eq!(by_cursor.next.unwrap(), format!("{base}&cursor=abc"));
        assert_eq!(by_cursor.previous, None);
    }

    #[test]
    fn the_last_page_has_no_next() {
        let last = page("/api/hotels", Asked::default(), None);
        assert_eq!((last.next, last.next_cursor), (None, None));
    }

    #[test]
    fn a_page_has_a_number_or_a_cursor() {
        let both = Asked {
            page: Some(1),
            cursor: Some(""),
            ..Asked::default()
        };
        assert_eq!(Paging::parse(&LIST, both).unwrap_err().status, 400);
    }
}
