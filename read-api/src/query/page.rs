//! Pages of a list: rows, and what a client needs for going on.

use event_store::wire::Rows;
use service_kit::problem::Problem;

use super::{FromRow, Sql, Tables, columns, error};
use crate::list::{List, Mark, Order};

/// Where a page begins.
#[derive(Debug, Clone)]
pub(crate) enum Start {
    /// With so many pages' rows, counted from 1.
    Page(u32),
    /// After a row; with the first one when there is none.
    After(Option<Mark>),
}

/// A page of a list.
pub(crate) struct PageOf<'a> {
    pub(crate) list: &'static List,
    pub(crate) order: &'a Order,
    pub(crate) start: &'a Start,
    pub(crate) size: u32,
}

/// What a page holds.
pub(crate) struct Found<T> {
    pub(crate) rows: Vec<T>,
    /// How many rows there are in all, where they are counted.
    pub(crate) count: Option<i64>,
    /// Where the last row stands.
    pub(crate) last: Option<Mark>,
    /// Whether any come after it.
    pub(crate) more: bool,
}

impl PageOf<'_> {
    /// The rows that `filter`, a WHERE clause, lets through.
    pub(crate) async fn fetch<T: FromRow>(
        &self,
        tables: &Tables,
        filter: Sql,
    ) -> Result<Found<T>, Problem> {
        match self.start {
            Start::Page(page) => {
                let before = i64::from(page - 1) * i64::from(self.size);
                self.numbered(tables, filter, before).await
            }
            Start::After(mark) => self.after(tables, filter, mark.as_ref()).await,
        }
    }

    /// Rows and count in one statement, so that both are of one moment.
    async fn numbered<T: FromRow>(
        &self,
        tables: &Tables,
        filter: Sql,
        before: i64,
    ) -> Result<Found<T>, Problem> {
        let count = format!("SELECT count(*) FROM {} {}", self.list.table, filter.text);
        let mut page = self.select(&filter, &format!("({count})"));
        page.push(&self.ending(self.size));
        if before > 0 {
            page.push(" OFFSET ").push_bind(before);
        }
        let rows = tables.list(page).await?;
        let mut found = self.read(&rows)?;
        if found.rows.is_empty() {
            found.count = Some(match before {
                0 => 0,
                // Behind the last page there is no row to tell the count.
                _ => filter.with_text(count).first_number(tables).await?,
            });
        }
        let until = before + found.rows.len() as i64;
        found.more = found.count.is_some_and(|count| until < count);
        Ok(found)
    }

    /// Rows after `mark`. One more than asked for tells whether any follow.
    async fn after<T: FromRow>(
        &self,
        tables: &Tables,
        filter: Sql,
        mark: Option<&Mark>,
    ) -> Result<Found<T>, Problem> {
        let mut page = self.select(&filter, "NULL::bigint");
        if let Some(mark) = mark {
            page.push(" AND (");
            self.order.push_after(&mut page, mark);
            page.push(")");
        }
        page.push(&self.ending(self.size + 1));
        let rows = tables.list(page).await?;
        self.read(&rows)
    }

    /// Count, mark and columns of the rows that `filter` lets through.
    fn select(&self, filter: &Sql, count: &str) -> Sql {
        let List { table, columns, .. } = self.list;
        let mark = self.order.columns();
        let text = format!(
            "SELECT {count}, {mark}, {columns} FROM {table} {}",
            filter.text
        );
        filter.clone().with_text(text)
    }

    /// The limit is a number and no value: for one that is not known the server plans each time
    /// anew.
    fn ending(&self, limit: u32) -> String {
        format!("{} LIMIT {limit}", self.order.sql())
    }

    /// As many of `rows` as a page has.
    fn read<T: FromRow>(&self, rows: &Rows) -> Result<Found<T>, Problem> {
        let mut found = Found {
            rows: Vec::new(),
            count: None,
            last: None,
            more: false,
        };
        for mut row in columns(rows) {
            if found.rows.len() == self.size as usize {
                found.more = true;
                break;
            }
            found.count = row.read().map_err(error::unreadable)?;
            found.last = Some(self.order.read(&mut row).map_err(error::unreadable)?);
            found.rows.push(super::read(row)?);
        }
        Ok(found)
    }
}

impl Sql {
    /// Other SQL with the same values.
    pub(super) fn with_text(self, text: String) -> Self {
        let text = text.into();
        Self { text, ..self }
    }

    /// The number in the first row.
    async fn first_number(self, tables: &Tables) -> Result<i64, Problem> {
        let numbers: Vec<(i64,)> = self.fetch_all(tables).await?;
        let first = numbers.first();
        first
            .map(|(number,)| *number)
            .ok_or_else(|| Problem::fault("a query gave no row", &"it always gives one"))
    }
}
