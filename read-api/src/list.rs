//! Lists: pages, orderings and searches, the same for all.

use axum::http::Uri;
use serde::Serialize;
use service_kit::problem::Problem;
use utoipa::ToSchema;

use crate::query::{FromRow, Sql, Tables};

/// Rows of a page unless told otherwise.
const PAGE_SIZE: u32 = 10;
/// The most rows of a page.
const MOST: u32 = 100;
/// The last page that can be asked for: what the OpenAPI document's `int32` holds.
const LAST_PAGE: u32 = i32::MAX.unsigned_abs();

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// How many there are in all.
    pub count: i64,
    /// The next page, if there is one.
    pub next: Option<String>,
    /// The page before, if there is one.
    pub previous: Option<String>,
    /// This page.
    pub results: Vec<T>,
}

/// Which page is asked for, in which order.
#[derive(Debug, Clone)]
pub struct Paging {
    page: u32,
    size: u32,
    /// ORDER BY.
    order: String,
}

impl Paging {
    /// Page `page` (from 1) of pages of `size` (10 unless told, 100 at most), in the order
    /// `ordering` (`name`, or `-name` for the other direction), which is one of `allowed`: what
    /// clients say, and the column that it means. `id` breaks ties.
    ///
    /// # Errors
    /// `400` when there can be no such page or order.
    pub fn parse(
        page: Option<u32>,
        size: Option<u32>,
        ordering: Option<&str>,
        allowed: &[(&str, &str)],
    ) -> Result<Self, Problem> {
        let (page, size) = (page.unwrap_or(1), size.unwrap_or(PAGE_SIZE));
        if !(1..=LAST_PAGE).contains(&page) {
            return Err(Problem::malformed("pages are 1 to 2147483647"));
        }
        if !(1..=MOST).contains(&size) {
            return Err(Problem::malformed("a page has 1 to 100 rows"));
        }
        let order = order(ordering, allowed)?;
        Ok(Self { page, size, order })
    }

    /// The `columns` of this page of `table`, of the rows that `filter` (a WHERE clause) lets
    /// through; and how many these are, at the same moment.
    ///
    /// # Errors
    /// As [`Sql::fetch_one`].
    pub async fn fetch<T: FromRow>(
        &self,
        tables: &Tables,
        columns: &str,
        table: &str,
        filter: Sql,
    ) -> Result<(i64, Vec<T>), Problem> {
        let before = i64::from(self.page - 1) * i64::from(self.size);
        let page = (self.size, before);
        filter
            .fetch_page(tables, (columns, table), &self.order, page)
            .await
    }

    /// The page of `results` out of `count`, with links in the manner of `uri`.
    pub fn page<T>(&self, uri: &Uri, count: i64, results: Vec<T>) -> Page<T> {
        let until = i64::from(self.page) * i64::from(self.size);
        Page {
            count,
            next: (until < count).then(|| link(uri, self.page + 1)),
            previous: (self.page > 1).then(|| link(uri, self.page - 1)),
            results,
        }
    }
}

/// The same query for another page.
fn link(uri: &Uri, page: u32) -> String {
    let others = uri.query().unwrap_or_default().split('&');
    let mut query: Vec<String> = others
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some("page"))
        .map(str::to_owned)
        .collect();
    query.push(format!("page={page}"));
    format!("{}?{}", uri.path(), query.join("&"))
}

fn order(ordering: Option<&str>, allowed: &[(&str, &str)]) -> Result<String, Problem> {
    let ordering = ordering.unwrap_or(allowed[0].0);
    let (name, direction) = match ordering.strip_prefix('-') {
        Some(name) => (name, "DESC"),
        None => (ordering, "ASC"),
    };
    let Some((_, column)) = allowed.iter().find(|(known, _)| *known == name) else {
        let names: Vec<&str> = allowed.iter().map(|(known, _)| *known).collect();
        let detail = format!(
            "ordering is one of {}, or one with a - before it",
            names.join(", ")
        );
        return Err(Problem::new(
            axum::http::StatusCode::BAD_REQUEST,
            "unknown-ordering",
            detail,
        ));
    };
    Ok(format!(" ORDER BY {column} {direction}, id {direction}"))
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

    #[test]
    fn links_keep_the_other_parameters() {
        let uri: Uri = "/api/hotels?page=2&city=Dakar&page_size=5".parse().unwrap();
        let page = Paging::parse(Some(2), Some(5), None, &[("name", "name")])
            .unwrap()
            .page(&uri, 11, vec![(); 5]);
        let base = "/api/hotels?city=Dakar&page_size=5";
        assert_eq!(page.next.unwrap(), format!("{base}&page=3"));
        assert_eq!(page.previous.unwrap(), format!("{base}&page=1"));
    }

    #[test]
    fn the_last_page_has_no_next() {
        let uri: Uri = "/api/hotels".parse().unwrap();
        let page = Paging::parse(None, None, None, &[("name", "name")])
            .unwrap()
            .page(&uri, 10, vec![(); 10]);
        assert_eq!((page.next, page.previous), (None, None));
    }
}
