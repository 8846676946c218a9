//! Cursors over the results of queries: the ids that a query found, to be read page by page. A user holds a few of them, for
//! a time.

use std::collections::VecDeque;
use std::sync::Arc;

use super::errors::ApiError;
use super::id::Id;
use super::soql::Bound;

/// What a cursor keeps.
#[derive(Debug, Clone)]
pub(crate) struct Cursor {
    pub(crate) id: Id,
    pub(crate) query: Arc<Bound>,
    /// The records that were found, in order.
    pub(crate) found: Arc<Vec<u64>>,
    pub(crate) batch: usize,
    expires_ms: i64,
}

/// The cursors that are open, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Cursors {
    open: VecDeque<Cursor>,
    opened: u64,
}

impl Cursors {
    /// Opens a cursor; closes the oldest where there are more than `max`.
    pub(crate) fn open(&mut self, query: Arc<Bound>, found: Vec<u64>, batch: usize, expires_ms: i64, max: usize) -> Id {
        self.opened += 1;
        let id = Id::new(*b"01g", self.opened);
        self.open.push_back(Cursor { id, query, found: Arc::new(found), batch, expires_ms });
        while self.open.len() > max.max(1) {
            self.open.pop_front();
        }
        id
    }

    /// The cursor and the place that a locator (`01g…-2000`) names.
    pub(crate) fn find(&self, locator: &str, now_ms: i64) -> Result<(Cursor, usize), ApiError> {
        let named = locator.rsplit_once('-').and_then(|(id, place)| Some((Id::parse(id)?, place.parse().ok()?)));
        let (id, place): (Id, usize) = named.ok_or_else(invalid)?;
        let cursor = self.open.iter().find(|cursor| cursor.id == id && cursor.expires_ms > now_ms);
        cursor.filter(|cursor| place < cursor.found.len()).map(|cursor| (cursor.clone(), place)).ok_or_else(invalid)
    }

    /// Closes all cursors.
    pub(crate) fn close_all(&mut self) {
        self.open.clear();
    }
}

/// The refusal of a locator that has expired or never was.
pub(crate) fn invalid() -> ApiError {
    ApiError::bad("INVALID_QUERY_LOCATOR", "invalid query locator")
}
