//! Gathers what is wrong with a configuration, with line and path. All mistakes at once, so that an admin mends them in one go.

use std::cell::RefCell;
use std::ops::Range;

use ferry_sdk::mapper::Mistake;

/// A page is as much as a person reads; a broken file must not fill the answer.
const MOST_MISTAKES: usize = 100;

/// The mistakes found so far in one configuration text.
#[derive(Debug)]
pub(crate) struct Mistakes {
    /// Where each line starts, in bytes.
    starts: Vec<usize>,
    found: RefCell<Vec<(usize, Mistake)>>,
}

impl Mistakes {
    pub(crate) fn of(text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { starts, found: RefCell::default() }
    }

    /// Notes one mistake at a place of the text.
    pub(crate) fn note(
        &self,
        span: Range<usize>,
        path: &str,
        message: impl Into<String>,
        hint: impl Into<Option<String>>,
    ) {
        let mut found = self.found.borrow_mut();
        if found.len() < MOST_MISTAKES {
            let mistake = Mistake {
                line: Some(self.line(span.start)),
                path: path.to_owned(),
                message: message.into(),
                hint: hint.into(),
            };
            found.push((span.start, mistake));
        }
    }

    fn line(&self, offset: usize) -> u32 {
        let before = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(before).unwrap_or(u32::MAX)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.borrow().is_empty()
    }

    /// In the order of the text.
    pub(crate) fn into_list(self) -> Vec<Mistake> {
        let mut found = self.found.into_inner();
        found.sort_by_key(|(at, _)| *at);
        found.into_iter().map(|(_, mistake)| mistake).collect()
    }
}
