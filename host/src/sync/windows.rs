//! Walks windows of time: halves those that hold too much, starts those over whose token has expired. Pure.

use std::time::Duration;

use crate::model::connector::Window;
use crate::model::time::Instant;

/// The smallest window: no CRM stamps finer than a millisecond that its search can tell apart.
const SMALLEST: Duration = Duration::from_millis(1);

/// Windows still to walk, the current one last, and the page token within it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WindowWalk {
    pub(super) windows: Vec<Window>,
    pub(super) next: Option<String>,
}

impl WindowWalk {
    pub(super) fn current(&self) -> Option<Window> {
        self.windows.last().copied()
    }

    /// A page has come, and said where the next one starts.
    pub(super) fn advance(&mut self, next: Option<String>) {
        if next.is_none() {
            self.windows.pop();
        }
        self.next = next;
    }

    /// The token is no longer good: the current window starts over.
    pub(super) fn restart(&mut self) {
        self.next = None;
    }

    /// The current window holds too much: its halves take its place, the earlier one first. None if it can't be halved.
    pub(super) fn halve(&mut self) -> Option<()> {
        let window = self.current()?;
        let span = window.before.since(window.since);
        if span <= SMALLEST {
            return None;
        }
        // On whole milliseconds, which every CRM can express.
        let middle = Instant(window.since.plus(span / 2).0 / 1000 * 1000);
        let middle = middle.max(window.since.plus(SMALLEST)).min(window.before);
        self.windows.pop();
        if middle < window.before {
            self.windows.push(Window { since: middle, before: window.before });
        }
        self.windows.push(Window { since: window.since, before: middle });
        self.next = None;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn window(since: i64, before: i64) -> Window {
        Window { since: Instant(since), before: Instant(before) }
    }

    fn over(window: Window) -> WindowWalk {
        WindowWalk { windows: vec![window], next: None }
    }

    #[test]
    fn a_window_is_halved_and_walked_in_order() {
        let mut walk = over(window(0, 8_000));
        walk.next = Some("token".into());
        walk.halve().unwrap();
        assert_eq!(walk, WindowWalk { windows: vec![window(4_000, 8_000), window(0, 4_000)], next: None });
        walk.advance(Some("a".into()));
        assert_eq!((walk.current(), walk.next.as_deref()), (Some(window(0, 4_000)), Some("a")));
        walk.advance(None);
        assert_eq!((walk.current(), walk.next.as_deref()), (Some(window(4_000, 8_000)), None));
        walk.advance(None);
        assert_eq!(walk.current(), None);
    }

    #[test]
    fn one_millisecond_is_not_halved() {
        assert_eq!(over(window(5_000, 6_000)).halve(), None);
    }

    proptest! {
        #[test]
        fn halves_cover_exactly_what_was_halved(since in 0i64..1_000_000, span in 1_001i64..10_000_000, times in 1usize..12) {
            let mut walk = over(window(since, since + span));
            for _ in 0..times {
                if walk.halve().is_none() {
                    break;
                }
            }
            let mut at = since;
            for part in walk.windows.iter().rev() {
                prop_assert_eq!(part.since.0, at);
                prop_assert!(part.before > part.since);
                at = part.before.0;
            }
            prop_assert_eq!(at, since + span);
        }
    }
}
